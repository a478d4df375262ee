"""What a campaign finds of a fault: seeds in their order, until the faulty reference differs from the good one.

Assumes a reference without defects of its own. Promises that an example is judged by what the spec fixes, as the
campaign's oracles do it (outcomes, codes, results, host calls, memory and fuel; what an audit finds; what was mapped,
copied and kept), and that a search ends within its time, also where the fault makes the reference hang.

Half of the examples are programs as they were generated, and half have one file of theirs broken.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import Self

from packfile.audit import audit
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.layout import ByteOrder
from packfile_fuzz.faults.catalogue import FAULTS, activate
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.malformed import mutate
from packfile_fuzz.run import Observation, Prepared, Verdict, compare, observe
from packfile_fuzz.run.observation import EXHAUSTED

SEEDS_APART = 1 << 32
"""How far apart campaigns begin, so that none meets another's examples."""
_TURNS, _MAPPED, _TWICE = 4, 0, 1
"""One in four programs runs out of files that are mapped, which costs system calls, and one twice."""
_LONGEST = 5.0
"""Seconds after which an example hangs; they take milliseconds."""
_MAPS = Path("/proc/self/maps")

Files = dict[tuple[int, ByteOrder], bytes]


class _Hangs(Exception):
    """Raised in what takes too long."""


@dataclass(frozen=True, slots=True)
class _Example:
    """A program, and what stands in the place of one of its files."""

    prepared: Prepared
    broken: tuple[int, bytes] | None
    directory: Path | None
    """Where files are put to be mapped; without it they are in memory."""
    runs: int
    """How often it is run, each time in a process of its own out of the same images."""

    def content(self, index: int, order: ByteOrder) -> bytes:
        """The file of an entry."""
        if self.broken is not None and self.broken[0] == index:
            return self.broken[1]
        return self.prepared.file(index, order)


def differs(name: str, seed: int) -> bool:
    """Whether the example of a seed shows the fault of that name."""
    program = build(from_seed(seed))
    turn = seed // 2 % _TURNS
    with Prepared(program) as prepared, ExitStack() as stack:
        files = [index for index, entry in enumerate(program.entries) if entry.module is not None]
        broken = _break(prepared, files[seed // 2 % len(files)], seed) if seed % 2 and files else None
        place = stack.enter_context(tempfile.TemporaryDirectory()) if turn == _MAPPED and broken is None else None
        example = _Example(prepared, broken, Path(place) if place else None, 2 if turn == _TWICE else 1)
        good = _look(example, 0)
        with activate(name):
            try:
                with _time_limit(_LONGEST):
                    faulty = _look(example, FAULTS[name].translate_after)
            except _Hangs:
                return True
        return _are_different(example, good, faulty)


def _break(prepared: Prepared, index: int, seed: int) -> tuple[int, bytes]:
    order = prepared.program.entries[index].order
    return index, mutate(prepared.file(index, order), order, from_seed(seed)[::-1]).content


@dataclass(frozen=True, slots=True)
class _Look:
    """What is seen of an example."""

    runs: tuple[Observation, ...]
    """What it came to each time."""
    audit: tuple[tuple[str, ...], ...]
    """Outcomes of an audit of each file."""
    place: tuple[object, ...]
    """What the images counted and where they lie."""


def _look(example: _Example, tier: int) -> _Look:
    images: dict[tuple[int, ByteOrder], Image] = {}

    def opener(index: int, order: ByteOrder) -> Image:
        if (index, order) not in images:
            content = example.content(index, order)
            name = example.prepared.program.entries[index].name
            images[index, order] = _open(content, name, example.directory, len(images))
        return images[index, order]

    try:
        runs = tuple(observe(example.prepared, opener=opener, tier=tier) for _ in range(example.runs))
        place = tuple(_place(image) for _, image in sorted(images.items()))
        audits = tuple(_audit(image) for _, image in sorted(images.items())) if example.broken else ()
    finally:
        for image in images.values():
            image.close()
    return _Look(runs, audits, (*place, _is_mapped(example.directory)))


def _open(content: bytes, name: str, directory: Path | None, number: int) -> Image:
    if directory is None:
        return Image(content, name)
    path = directory / f"{number}.pkf"
    path.write_bytes(content)
    return Image.open(path)


def _place(image: Image) -> tuple[object, ...]:
    """What a loader did with a file, as it says itself and as its views show."""
    buffer = image.view.obj
    views = [view for code in image.verdicts.values() for view in getattr(code, "fields", ())]
    stats = image.stats
    counts = stats.mapped, stats.copied, stats.swapped, stats.verified, stats.functions_verified, stats.blocks_checked
    return (*counts, type(buffer), all(view.obj is buffer for view in views))


def _audit(image: Image) -> tuple[str, ...]:
    try:
        return tuple(sorted({f"{error.outcome} {error.rule}" for error in audit(image)}))
    except PackfileError as error:
        return (error.outcome,)
    except Exception as error:  # noqa: BLE001 - what the reference raises is what is observed
        return (type(error).__name__,)


def _is_mapped(directory: Path | None) -> bool:
    """Whether a file below the directory still is mapped; False where that cannot be seen."""
    if directory is None:
        return False
    with suppress(OSError):
        return str(directory) in _MAPS.read_text(encoding="utf-8", errors="replace")
    return False


def _are_different(example: _Example, good: _Look, faulty: _Look) -> bool:
    program = example.prepared.program
    for wanted, came in zip(good.runs, faulty.runs, strict=True):
        if compare(program, wanted, came).verdict is Verdict.DIFFERENT:
            return True
    if good.audit != faulty.audit:
        return True
    is_exhausted = any(step.outcome == EXHAUSTED for step in good.runs[0].steps)
    return not is_exhausted and good.place != faulty.place


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Have what takes longer raise; in the main thread only, as signals are."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def search(
    name: str, seed: int, limit: float, part: int = 0, parts: int = 1, found: Callable[[], bool] = lambda: False
) -> float | None:
    """Seconds until an example shows a fault; None if none did in the time, or `found` says that another search did.

    Args:
        name: The fault.
        seed: Number of the campaign; each has examples of its own.
        limit: Seconds that it may take.
        part: Which of the examples it takes, from 0.
        parts: By how many searches they are shared.
        found: Asked after each example.
    """
    begun = time.perf_counter()
    at = seed * SEEDS_APART + part
    while time.perf_counter() - begun < limit and not found():
        if differs(name, at):
            return time.perf_counter() - begun
        at += parts
    return None


_is_found: Event | None = None


def _share(event: Event) -> None:
    global _is_found  # noqa: PLW0603 - an event can be handed to a process at its start only
    _is_found = event
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _search_part(name: str, seed: int, limit: float, part: int, parts: int) -> float | None:
    assert _is_found is not None
    seconds = search(name, seed, limit, part, parts, _is_found.is_set)
    if seconds is not None:
        _is_found.set()
    return seconds


class Campaigns:
    """Searches that share their examples among processes. Use it as a context manager."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.workers = workers
        self._found = context.Event()
        self._pool = ProcessPoolExecutor(workers, context, _share, (self._found,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._found.set()
        self._pool.shutdown(cancel_futures=True)

    def search(self, name: str, seed: int, limit: float) -> float | None:
        """As `search`, by all processes together."""
        self._found.clear()
        parts = [
            self._pool.submit(_search_part, name, seed, limit, part, self.workers) for part in range(self.workers)
        ]
        times = [seconds for part in parts if (seconds := part.result(limit + 60)) is not None]
        return min(times, default=None)


def median_time(search: Callable[[str, int, float], float | None], name: str, seeds: Sequence[int], limit: float) -> list[float | None]:
    """Seconds that each campaign takes to find a fault, the least first and those that do not find it last."""
    times = [search(name, seed, limit) for seed in seeds]
    return sorted(times, key=lambda seconds: limit if seconds is None else seconds)


