"""What is seen of an example: in the reference of this process, and through a loader's adapter.

Assumes programs of the generator, one file of which may be broken. Promises to look at what the spec fixes and at
nothing else, so that two looks of good loaders are the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packfile.adapter import host_module
from packfile.audit import audit
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.layout import ByteOrder
from packfile_fuzz.malformed import Broken
from packfile_fuzz.program import Program
from packfile_fuzz.run import Adapter, Observation, Prepared, Verdict, compare, observe, through
from packfile_fuzz.run.observation import EXHAUSTED, OK, OUTCOMES

_MAPS = Path("/proc/self/maps")


class Files(Prepared):
    """A program with its files, some of which are other ones than it says."""

    def __init__(self, program: Program, others: Mapping[int, bytes]) -> None:
        super().__init__(program)
        self.others = others
        """By the index of their entries."""

    def file(self, index: int, order: ByteOrder) -> bytes:
        """The file of an entry that has a module."""
        return self.others[index] if index in self.others else super().file(index, order)


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of an example."""

    runs: tuple[Observation, ...]
    """What the program came to, each time that it was run."""
    audits: tuple[frozenset[str], ...] = ()
    """Outcomes that an audit of each of the other files may come to, with their rules where these are known."""
    place: tuple[object, ...] = ()
    """What the images counted and where they lie."""


def in_process(files: Files, *, tier: int, runs: int, mapped: bool) -> Look:
    """What the reference makes of an example.

    Args:
        files: The example.
        tier: `translate_after` of its processes.
        runs: How often it is run, each time in a process of its own out of the same images.
        mapped: Whether its files are mapped, not in memory.
    """
    images: dict[int, Image] = {}
    files.host = host_module(files.log)  # as the reference makes it now
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory())) if mapped else None

        def opener(index: int, order: ByteOrder) -> Image:
            if index not in images:
                name = files.program.entries[index].name
                images[index] = stack.enter_context(_open(files.file(index, order), name, directory, index))
            return images[index]

        observed = tuple(observe(files, opener=opener, tier=tier) for _ in range(runs))
        audits = tuple(_audit(images[index]) for index in files.others if index in images)
        place = tuple(_place(image) for _, image in sorted(images.items()))
        for image in images.values():
            image.close()
        return Look(observed, audits, (*place, _is_mapped(directory)))


def in_loader(files: Files, adapter: Adapter, good: Look) -> Look:
    """What a loader makes of an example of which the reference makes `good`."""
    runs = tuple(through(adapter, files, expected) for expected in good.runs)
    audits = [_audit_in(adapter, files.file(index, files.orders[index])) for index in files.others]
    return Look(runs, tuple(outcomes for outcomes in audits if outcomes is not None))


def is_fixed(program: Program, broken: Broken) -> bool:
    """Whether loaders must agree on what a program comes to of which one file is broken.

    Args:
        program: The program, with all files good.
        broken: The file.
    """
    expected = broken.expected
    if not expected.rules or (len(broken.faults) == 1 and (expected.opening or expected.damaged_head)):
        return True
    # Of several reasons not to link a loader may give any.
    if len(broken.faults) != 1 or observe(program).link.outcome != OK:
        return False
    # What is damaged is corrupt, and nothing else is judged by it.
    is_damaged = bool(expected.damage) and not broken.repairs
    return is_damaged or (expected.sorted and broken.faults[0].time in {"link", "call"})


def sized(program: Program, index: int, broken: Broken) -> Program:
    """The program with segments in one module as long as the broken file's, since memory is looked at so far."""
    entry = program.entries[index]
    assert entry.module is not None
    if broken.expected.opening:
        return program
    entries = list(program.entries)
    entries[index] = replace(entry, module=broken.expected.sized(entry.module))
    return replace(program, entries=tuple(entries))


def are_different(program: Program, good: Look, other: Look, *, fixed: bool = True) -> bool:
    """Whether one of two looks is not as the spec has it, if the other is.

    Args:
        program: The program.
        good: One.
        other: The other.
        fixed: Whether the spec fixes what runs come to; if not, it still has to be an outcome.
    """
    for wanted, came in zip(good.runs, other.runs, strict=True):
        if fixed and compare(program, wanted, came).verdict is Verdict.DIFFERENT:
            return True
        if any(step.outcome not in OUTCOMES for step in came.steps):
            return True
    if len(good.audits) != len(other.audits):
        return True
    if any(not came <= wanted for wanted, came in zip(good.audits, other.audits, strict=True)):
        return True
    # What was exhausted may have been so at another place.
    is_exhausted = any(step.outcome == EXHAUSTED for step in good.runs[0].steps)
    return bool(other.place) and not is_exhausted and good.place != other.place


def _open(content: bytes, name: str, directory: Path | None, number: int) -> Image:
    if directory is None:
        return Image(content, name)
    path = directory / f"{number}.pkf"
    path.write_bytes(content)
    image = Image.open(path)
    # Images are named as their modules are, so that what trapped can be found again.
    image.name = name
    return image


def _place(image: Image) -> tuple[object, ...]:
    """What a loader did with a file, as it counts itself and as its views show."""
    buffer = image.view.obj
    codes = map(image.codes.get, range(image.function_count))
    views = [view for code in codes if code for view in code.fields]
    stats = image.stats
    counts = stats.mapped, stats.copied, stats.swapped, stats.verified, stats.functions_verified, stats.blocks_checked
    return (*counts, type(buffer), all(view.obj is buffer for view in views))


def _audit(image: Image) -> frozenset[str]:
    """Outcomes that an audit may come to: any of its findings can be met first; `ok` if there are none."""
    try:
        return frozenset(error.outcome for error in audit(image)) or frozenset((OK,))
    except Exception as error:  # noqa: BLE001 - what the reference raises is what is observed
        return frozenset((error.outcome if isinstance(error, PackfileError) else type(error).__name__,))


def _audit_in(adapter: Adapter, content: bytes) -> frozenset[str] | None:
    """What a loader's audit comes to; None if the file does not open."""
    session = adapter.session()
    reply = session.request("open", path=str(adapter.write(0, content)))
    if "image" not in reply:
        return None
    audited = session.request("audit", image=reply["image"])
    session.request("close", image=reply["image"])
    return frozenset((str(audited.get("outcome", audited.get("error"))),))


def _is_mapped(directory: Path | None) -> bool:
    """Whether a file below the directory still is mapped; False where that cannot be seen."""
    if directory is not None:
        with suppress(OSError):
            return str(directory) in _MAPS.read_text(encoding="utf-8", errors="replace")
    return False
