"""A state machine for processes: files that come, change and go, images and processes of them, and calls.

Assumes a driver (`drivers.py`), and Linux, whose /proc tells what is mapped. Promises that what a loader answers is
held against a model, a dict of exports and what memory holds (`subjects.py`), and that each step is followed by
a look at what is mapped, and at what the loader says it copied.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from packfile_fuzz.oracles.base import PAGE
from packfile_fuzz.strategies.drivers import Driver, Handle, Opened, ReferenceDriver
from packfile_fuzz.strategies.subjects import (
    HOST,
    MALFORMED,
    NAMES,
    OK,
    REFUSED,
    SUBJECT_BYTES,
    Answer,
    Linked,
    Request,
    Subject,
    file_of,
    linking,
    request_of,
    subject_of,
)
from packfile_fuzz.strategies.text import Lazily, call_text

_UNIT = 4096
_SHM = Path("/dev/shm")  # noqa: S108 - a directory of our own is made there
PLACES = st.integers(0, 2)
SUBJECTS = st.binary(min_size=SUBJECT_BYTES, max_size=SUBJECT_BYTES).map(subject_of)
SETS = st.sampled_from((NAMES, ("b", "a", "c"), ("c", "b", "a"), ("a", "a", "b")))
"""Names under which up to three images are linked; in one of them a name stands twice."""
REQUESTS = st.binary(min_size=4, max_size=4).map(request_of)
SOME_REQUESTS = st.lists(REQUESTS, max_size=8)


@dataclass
class OpenImage:
    """An image that was opened, and may be closed by now."""

    handle: Handle
    subject: Subject
    """What the file held when it was opened."""
    inode: int
    """Number of that file."""
    closed: bool = False


@dataclass
class OpenProcess:
    """A process that was linked, and may be closed by now."""

    handle: Handle
    linked: Linked
    """The model of it."""
    images: list[OpenImage] = field(default_factory=list)
    closed: bool = False


class ProcessMachine(RuleBasedStateMachine):
    """Drives the reference; a subclass with another `driver` drives another loader."""

    driver: ClassVar[Driver] = ReferenceDriver()
    """It outlives the examples, each of which closes what it opened."""

    images = Bundle("images")
    processes = Bundle("processes")
    closed_images = Bundle("closed_images")
    closed_processes = Bundle("closed_processes")

    def __init__(self) -> None:
        super().__init__()
        parent = _SHM if os.access(_SHM, os.W_OK | os.X_OK) else None
        self._directory = Path(tempfile.mkdtemp(prefix="packfile-machine-", dir=parent))
        self._files: dict[int, Subject | None] = {}
        """What the file of each place says; None of one that is damaged."""
        self._images: list[OpenImage] = []
        self._processes: list[OpenProcess] = []
        self._handles: list[Handle] = []
        """Of what is open, in the order of opening."""

    @initialize(target=images, first=SUBJECTS, second=SUBJECTS)
    def begin(self, first: Subject, second: Subject) -> OpenImage | MultipleResults[OpenImage]:
        """Two files are there, of which one is open; a third is missing until it is written."""
        self._write(1, file_of(second), second)
        self._write(0, file_of(first), first)
        return self.open(0)

    @rule(place=PLACES, subject=SUBJECTS)
    def write(self, place: int, subject: Subject) -> None:
        """Put a file in a place, and in place of the one that is there, by a rename."""
        self._write(place, file_of(subject), subject)

    @rule(place=PLACES, subject=SUBJECTS)
    def write_damaged(self, place: int, subject: Subject) -> None:
        """Put a file there that lacks its last byte, and so is not opened."""
        self._write(place, file_of(subject)[:-1], None)
        self.open(place)

    @rule(place=PLACES)
    def remove(self, place: int) -> None:
        """Have no file there to be opened."""
        self._path(place).unlink(missing_ok=True)
        self._files.pop(place, None)
        self.open(place)

    @rule(target=images, place=PLACES)
    def open(self, place: int) -> OpenImage | MultipleResults[OpenImage]:
        """Open what is there now, whatever was opened there before."""
        answer, handle = self._opened(self.driver.open(self._path(place)))
        subject = self._files.get(place)
        _expect(answer, REFUSED if place not in self._files else MALFORMED if subject is None else OK)
        if subject is None:
            return multiple()
        image = OpenImage(handle, subject, self._path(place).stat().st_ino)
        self._images.append(image)
        return image

    @rule(
        target=processes,
        chosen=st.lists(images, min_size=1, max_size=3),
        names=SETS,
        host=st.integers(-1, 3),
        requests=SOME_REQUESTS,
    )
    def link(
        self, chosen: list[OpenImage], names: tuple[str, ...], host: int, requests: Sequence[Request]
    ) -> OpenProcess | MultipleResults[OpenProcess]:
        """Link images, an image more than once perhaps, and the host module at a position of its own, or nowhere.

        Calls are made at once: of many examples hypothesis leaves out the rule that makes them.
        """
        handles: list[tuple[str, Handle]] = [(name, image.handle) for name, image in zip(names, chosen, strict=False)]
        subjects: list[tuple[str, Subject | None]] = [
            (name, image.subject) for name, image in zip(names, chosen, strict=False)
        ]
        if host >= 0:
            handles.insert(host, (HOST, None))
            subjects.insert(host, (HOST, None))
        answer, handle = self._opened(self.driver.link(handles))
        _expect(answer, linking(subjects))
        if answer != OK:
            return multiple()
        process = OpenProcess(handle, Linked(dict(subjects)), chosen)
        self._processes.append(process)
        self.call(process, requests)
        return process

    @rule(target=processes, place=PLACES, subjects=st.lists(SUBJECTS, min_size=1, max_size=3), requests=SOME_REQUESTS)
    def start(
        self, place: int, subjects: list[Subject], requests: Sequence[Request]
    ) -> OpenProcess | MultipleResults[OpenProcess]:
        """Link new files beside the host module, and close their images: what is linked needs them no longer."""
        opened = []
        for subject in subjects:
            self._write(place, file_of(subject), subject)
            image = self.open(place)
            assert isinstance(image, OpenImage)
            opened.append(image)
        process = self.link(opened, NAMES, 0, ())
        for image in opened:
            self.close_image(image)
        if isinstance(process, OpenProcess):
            self.call(process, requests)
        return process

    @rule(process=processes, requests=st.lists(REQUESTS, min_size=1, max_size=16))
    def call(self, process: OpenProcess, requests: Sequence[Request]) -> None:
        """Call functions of a process, each as often as it comes."""
        for request in requests:
            call = request.call(process.linked.modules)
            expected = process.linked.call(call)
            note(Lazily(call_text, call))
            _expect(self.driver.call(process.handle, call), expected)

    @rule(target=closed_images, image=consumes(images))
    def close_image(self, image: OpenImage) -> OpenImage:
        """Close an image; processes of it go on, and none comes of it any more."""
        image.closed = True
        self._close(image.handle)
        self.link_what_is_closed(image, [])
        return image

    @rule(target=closed_processes, process=consumes(processes))
    def close_process(self, process: OpenProcess) -> OpenProcess:
        """Close a process; its images stay as they are."""
        process.closed = True
        self._close(process.handle)
        return process

    @rule(image=closed_images, others=st.lists(images, max_size=2))
    def link_what_is_closed(self, image: OpenImage, others: list[OpenImage]) -> None:
        """No process comes of an image that is closed, whatever else is linked with it."""
        chosen = [*others, image]
        handles = [(name, each.handle) for name, each in zip(NAMES, chosen, strict=False)]
        answer, _ = self._opened(self.driver.link(handles))
        _expect(answer, REFUSED)

    @rule(process=closed_processes, request=REQUESTS)
    def call_what_is_closed(self, process: OpenProcess, request: Request) -> None:
        """A closed process takes no call."""
        _expect(self.driver.call(process.handle, request.call(process.linked.modules)), REFUSED)

    @invariant()
    def nothing_is_copied_or_swapped(self) -> None:
        """Files lie in the mapping as they are on the disk; on a host with larger pages data may be copied."""
        for image in self._images:
            counts = None if image.closed else self.driver.counts(image.handle)
            if counts is not None:
                copied = counts.copied if PAGE <= _UNIT else 0
                assert not copied, f"{copied} bytes were copied"
                assert not counts.swapped, f"{counts.swapped} bytes were swapped"

    @invariant()
    def what_is_mapped_is_what_is_used(self) -> None:
        """The mapping of a file lasts until its image and all processes of it are closed, and no longer."""
        used = {image.inode for image in self._images if not image.closed}
        used |= {image.inode for process in self._processes if not process.closed for image in process.images}
        mapped = self._mapped()
        if mapped is not None:
            assert mapped <= used, f"still mapped after all that used it was closed: {mapped - used}"
            if self.driver.is_in_place():
                assert mapped == used, f"no longer mapped, but used: {used - mapped}"

    def teardown(self) -> None:
        """Close everything; then nothing is mapped, unless a step has failed and left something behind."""
        try:
            has_failed = sys.exc_info()[0] is not None
            for handle in reversed(self._handles):
                self.driver.close(handle)
            mapped = self._mapped()
            assert has_failed or not mapped, f"still mapped after all was closed: {mapped}"
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _opened(self, opened: Opened) -> Opened:
        answer, handle = opened
        if answer == OK:
            self._handles.append(handle)
        return opened

    def _close(self, handle: Handle) -> None:
        self._handles.remove(handle)
        _expect(self.driver.close(handle), OK)

    def _path(self, place: int) -> Path:
        return self._directory / f"{place}.pkf"

    def _write(self, place: int, content: bytes, subject: Subject | None) -> None:
        new = self._directory / "new"
        new.write_bytes(content)
        new.rename(self._path(place))
        self._files[place] = subject

    def _mapped(self) -> set[int] | None:
        """Numbers of the files of this example that are mapped."""
        pid = self.driver.pid()
        if pid is None:
            return None
        with Path(f"/proc/{pid}/maps").open(encoding="utf-8", errors="replace") as lines:
            return {int(line.split()[4]) for line in lines if f"{self._directory}/" in line}


def _expect(got: Answer, expected: Answer) -> None:
    assert got == expected, f"expected {expected}, got {got}"
