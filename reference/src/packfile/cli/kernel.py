"""Which pages of a file a process has mapped, by the kernel's word.

Assumes Linux. Promises what `/proc/PID/pagemap` shows, read by another process than the one that is looked at.

The kernel maps neighbours of a page that is touched, where they are in memory anyway: 64 KiB, or as much as a large
folio holds. It never maps what lies in another mapping. So each page is made a mapping of its own, by advice that every
other one gets, and then a page is present exactly if it was touched. Nothing is evicted for that, and it takes no
privilege. A process may have so many mappings only, so in a large file a mapping is a window of several pages.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, NoReturn, Self

from packfile.cli.sources import UsageFailure
from packfile.cli.watching import PAGE, WatchedImage

_MOST_MAPPINGS: Final = 65530
"""What a process may have where the kernel does not say."""
_SHARE: Final = 0.4
"""Part of those that are left that one mapping is split into, since `data` is mapped a second time."""
_PRESENT: Final = 1 << 63
_OF_A_FILE: Final = 1 << 61
_ENTRY: Final = struct.Struct("=Q")


class Mapped(NamedTuple):
    """Numbers of the pages of a file that are present in a process."""

    present: set[int]
    private: set[int]
    """Those of them that are copies of the process's own."""


class SplitImage(WatchedImage):
    """An image whose mappings are split into windows, which the kernel maps one by one."""

    window = 1
    """Pages of the largest window."""

    def prepare(self, mapping: mmap.mmap) -> None:
        """Make each window of the least possible size a mapping of its own."""
        window = _window_for(len(mapping))
        step = window * PAGE
        for at in range(0, len(mapping), 2 * step):
            mapping.madvise(mmap.MADV_RANDOM, at, min(step, len(mapping) - at))
        self.window = max(self.window, window)


def _window_for(length: int) -> int:
    """Least power of two pages with which there are not too many windows in so many bytes."""
    try:
        most = int(Path("/proc/sys/vm/max_map_count").read_text())
    except (OSError, ValueError):
        most = _MOST_MAPPINGS
    with Path("/proc/self/maps").open("rb") as maps:
        left = most - sum(1 for _ in maps)
    window = 1
    while length / PAGE / window > left * _SHARE:
        window *= 2
    return window


class Observer:
    """A process that looks at the one that made it. A context manager; it ends when that one does."""

    def __init__(self) -> None:
        """Fork.

        Raises:
            UsageFailure: This is not Linux.
        """
        if sys.platform != "linux":
            raise UsageFailure(f"only Linux shows what it mapped, and this is {sys.platform}; use --by loader")
        asked, asks = os.pipe()
        answered, answers = os.pipe()
        observed = os.getpid()
        self._child = os.fork()
        if not self._child:
            os.close(asks)
            os.close(answered)
            _serve(observed, os.fdopen(asked, "rb"), os.fdopen(answers, "wb"))
        os.close(asked)
        os.close(answers)
        self._asks, self._answers = os.fdopen(asks, "wb"), os.fdopen(answered, "rb")

    def look(self, descriptors: Sequence[int]) -> list[Mapped]:
        """What is present of each open file now.

        Raises:
            UsageFailure: The kernel does not tell.
        """
        names = [Path(f"/proc/self/fd/{fd}").readlink().name for fd in descriptors]
        # As a list of mappings has them, which is one of lines.
        names = [name.replace("\n", "\\012") for name in names]
        files = [(os.fstat(fd).st_ino, name) for fd, name in zip(descriptors, names, strict=True)]
        self._asks.write(json.dumps(files).encode() + b"\n")
        self._asks.flush()
        answer = json.loads(self._answers.readline() or '"the process that looks ended"')
        if isinstance(answer, str):
            raise UsageFailure(f"the kernel does not show what it mapped: {answer}; use --by loader")
        return [Mapped(set(present), set(private)) for present, private in answer]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asks.close()
        self._answers.close()
        os.waitpid(self._child, 0)


def _serve(observed: int, questions: BinaryIO, answers: BinaryIO) -> NoReturn:
    """Answer until there are no more questions. Never returns to what the other process is doing."""
    try:
        # An interrupt is for the other process, whose end is this one's.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for question in questions:
            answers.write(json.dumps(_answer(observed, json.loads(question))).encode() + b"\n")
            answers.flush()
    finally:
        os._exit(0)


def _answer(observed: int, files: list[tuple[int, str]]) -> str | list[tuple[list[int], list[int]]]:
    found: list[tuple[list[int], list[int]]] = [([], []) for _ in files]
    try:
        with Path(f"/proc/{observed}/maps").open("rb") as maps, Path(f"/proc/{observed}/pagemap").open("rb") as pagemap:
            for content in maps:
                # Device numbers of some file systems differ between here and stat; names and inodes do not.
                place, _, offset, _, inode, *path = os.fsdecode(content[:-1]).split(maxsplit=5)
                name = path[0].rsplit("/", 1)[-1] if path else ""
                for index, (wanted, wanted_name) in enumerate(files):
                    if int(inode) == wanted and name == wanted_name:
                        start, end = (int(part, 16) for part in place.split("-"))
                        _add(found[index], pagemap, start // PAGE, end // PAGE, int(offset, 16) // PAGE)
    except OSError as error:
        return str(error)
    return found


def _add(found: tuple[list[int], list[int]], pagemap: BinaryIO, start: int, end: int, first: int) -> None:
    """Add the pages of a mapping that are present; `first` is the number of its first page in the file."""
    present, private = found
    pagemap.seek(start * _ENTRY.size)
    content = pagemap.read((end - start) * _ENTRY.size)
    for number, (entry,) in enumerate(_ENTRY.iter_unpack(content), first):
        if entry & _PRESENT:
            present.append(number)
            if not entry & _OF_A_FILE:
                private.append(number)
