"""The group `open`: from a closed file to the first result of a function in it, beside loaders that read it all."""

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import kernel, openers
from benchmarks.facts import facts
from benchmarks.group import Group, NotMeasured
from benchmarks.lineup import LeftOut
from benchmarks.measure import interleaved
from benchmarks.modules import FIRST
from benchmarks.open_files import CONTENDERS, FUNCTIONS, Contender, Files, write_files
from benchmarks.openers import COPYING_C, Opener, Openers
from benchmarks.report import Quantity, Report, quantities, rows
from benchmarks.report_text import size as size_text
from benchmarks.report_text import text
from benchmarks.verdicts import Verdict, at_least, at_most, not_measured, quotients

ROUNDS = 7
QUICK_ROUNDS = 1
SIZES = (1 << 12, 1 << 20, 1 << 26, 1 << 30)
QUICK_SIZES = (1 << 12, 1 << 16, 1 << 20)
COMPARED = (1 << 20, 1 << 30)
"""Sizes of which the claims speak."""
QUICK_COMPARED = (1 << 12, 1 << 20)
GROWTH = 1.5
"""How many times as much the larger of them may take."""
SPEEDUP = 1000
"""How many times faster than the copying loader."""
PEER = f"{COPYING_C}, big"
JUDGED = ("C, big", "reference, big")
"""Loaders of which the claims are judged, with files that the copying loader swaps on a little host."""
WARM, COLD = "warm", "cold"
_AT_LEAST = 0.05
"""Seconds of a warm sample; an opening that takes longer is a sample by itself."""
_QUICK_AT_LEAST = 0.001
_MOST = 5000
"""Openings of a sample."""
_PINGS = 20


class Sample(NamedTuple):
    """What one opening took."""

    seconds: float
    cpu: float


class Pages(NamedTuple):
    """What one opening touched."""

    faults: float
    resident: float
    """KiB that are resident while it is open, and were not before."""


class Key(NamedTuple):
    """What a sample is of."""

    state: str
    contender: str
    size: int


Taken = Mapping[Key, Sequence[Sample]]
Touched = Mapping[Key, Sequence[Pages]]


def measure(*, quick: bool = False, rounds: int | None = None, known: Openers | None = None) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: small files and short samples, whose figures say nothing.
        rounds: How often to measure.
        known: How contenders are started.

    Raises:
        NotMeasured: One of them fails or gives a wrong answer.
    """
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    sizes = QUICK_SIZES if quick else SIZES
    known = known or Openers()
    openers.BUILD.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="open-", dir=openers.BUILD)))
        here = [contender for contender in CONTENDERS if contender.kind not in known.lacks]
        files = write_files(folder, sizes, list(dict.fromkeys(contender.suffix for contender in here)))
        started = {c: known.start(c.kind, c.name, stack) for c in here}
        left_out = [*known.left_out(*dict.fromkeys(c.kind for c in CONTENDERS)), *files.left_out]
        before = facts()
        pings = [_ping(opener) for opener in started.values() for _ in range(_PINGS)]
        warm = dict(_samples(started, files, sizes, _QUICK_AT_LEAST if quick else _AT_LEAST))
        taken = interleaved(warm, rounds)
        touched = interleaved(dict(_touching(known, here, files, sizes)), rounds)
        # Last, since what is opened in place is not in the page cache afterwards.
        taken |= interleaved(_cold(started, files, sizes, left_out), rounds)
    verdicts = list(_verdicts(taken, touched, *(QUICK_COMPARED if quick else COMPARED)))
    return Report(before, rounds, quick, list(_quantities(taken, touched)), verdicts, left_out, [_note(pings)])


def _note(pings: Sequence[float]) -> str:
    return (
        "An opening is: open, link or make ready, call the first function. Its time includes a request over a pipe, "
        f"shared by all openings of a sample; an empty one takes {1e6 * statistics.median(pings):.0f} us by the "
        f"median. Packfiles of 1 MiB and more have the same {FUNCTIONS:,} functions, which are longer in a larger file"
    )


def _samples(
    started: Mapping[Contender, Opener], files: Files, sizes: Sequence[int], at_least: float
) -> Iterator[tuple[Key, Callable[[], Sample]]]:
    for contender, opener in started.items():
        for size in sizes:
            path = files.path(contender, size)
            if path is not None:
                first = _sample(opener, path, 1)
                again = _sample(opener, path, 1)
                count = min(_MOST, max(1, math.ceil(at_least / min(first.seconds, again.seconds))))
                yield Key(WARM, contender.name, size), partial(_sample, opener, path, count)


def _cold(
    started: Mapping[Contender, Opener], files: Files, sizes: Sequence[int], left_out: list[LeftOut]
) -> dict[Key, Callable[[], Sample]]:
    """Samples with files that are not in the page cache, unless they cannot be taken out of it."""
    samples: dict[Key, Callable[[], Sample]] = {}
    for contender, opener in started.items():
        for size in sizes:
            path = files.path(contender, size)
            if path is None:
                continue
            try:
                kernel.drop(path)
            except NotMeasured as error:
                left_out.append(LeftOut("cold files", str(error)))
                return {}
            samples[Key(COLD, contender.name, size)] = partial(_cold_sample, opener, path)
    return samples


def _cold_sample(opener: Opener, path: Path) -> Sample:
    kernel.drop(path)
    return _sample(opener, path, 1)


def _sample(opener: Opener, path: Path, count: int) -> Sample:
    cpu, begin = opener.child.cpu(), time.perf_counter()
    opener.ask("open", path, count, expected=FIRST)
    taken, cpu = time.perf_counter() - begin, opener.child.cpu() - cpu
    opener.ask("close", expected=0)
    return Sample(taken / count, cpu / count)


def _touching(
    known: Openers, here: Sequence[Contender], files: Files, sizes: Sequence[int]
) -> Iterator[tuple[Key, Callable[[], Pages]]]:
    for contender in here:
        tiny = files.path(contender, sizes[0])
        for size in sizes:
            path = files.path(contender, size)
            if path is not None and tiny is not None:
                yield Key(WARM, contender.name, size), partial(_pages, known, contender, tiny, path)


def _pages(known: Openers, contender: Contender, tiny: Path, path: Path) -> Pages:
    """Counted in a new process: in one that has opened a large file before, an allocator may have kept its memory.

    It has opened a tiny one, so that what a first opening takes whatever its file is not counted.
    """
    with ExitStack() as stack:
        opener = known.start(contender.kind, contender.name, stack)
        opener.ask("open", tiny, 2, expected=FIRST)
        opener.ask("close", expected=0)
        faults, resident = kernel.faults(opener.child.pid), kernel.memory(opener.child.pid).resident
        opener.ask("open", path, 1, expected=FIRST)
        faults = kernel.faults(opener.child.pid) - faults
        return Pages(faults, kernel.memory(opener.child.pid).resident - resident)


def _ping(opener: Opener) -> float:
    begin = time.perf_counter()
    opener.ask("ping", expected=0)
    return time.perf_counter() - begin


def _quantities(taken: Taken, touched: Touched) -> Iterator[Quantity]:
    for state in dict.fromkeys(key.state for key in taken):
        here = {key: samples for key, samples in taken.items() if key.state == state}
        clock = {key: [1000 * sample.seconds for sample in samples] for key, samples in here.items()}
        cpu = {key: [1000 * sample.cpu for sample in samples] for key, samples in here.items()}
        yield _quantity(f"time-{state}", f"Time from open to the first result, {state} page cache", "ms", clock)
        yield _quantity(f"cpu-{state}", f"CPU time from open to the first result, {state} page cache", "ms", cpu)
    faults = {key: [sample.faults for sample in samples] for key, samples in touched.items()}
    resident = {key: [sample.resident for sample in samples] for key, samples in touched.items()}
    yield _quantity("faults", "Page faults from open to the first result, warm page cache", "faults", faults)
    yield _quantity("resident", "Resident memory that an open file adds, warm page cache", "KiB", resident)


def _quantity(key: str, title: str, unit: str, values: Mapping[Key, Sequence[float]]) -> Quantity:
    by_place = {(k.contender, float(k.size)): of_rounds for k, of_rounds in values.items()}
    return Quantity(key, title, unit, PEER, rows(by_place, PEER), at_title="size of the file", at_unit="bytes")


def _verdicts(taken: Taken, touched: Touched, small: int, large: int) -> Iterator[Verdict]:
    times = {key: [sample.seconds for sample in samples] for key, samples in taken.items()}
    cpu = {key: [sample.cpu for sample in samples] for key, samples in taken.items()}
    faults = {key: [sample.faults for sample in samples] for key, samples in touched.items()}
    resident = {key: [sample.resident for sample in samples] for key, samples in touched.items()}
    for name in JUDGED:
        yield growth("page faults", faults, WARM, name, small, large)
        yield growth("resident memory", resident, WARM, name, small, large)
        yield growth("CPU time", cpu, WARM, name, small, large)
        for state in (WARM, COLD):
            yield growth("time", times, state, name, small, large)
            yield speed(times, state, name, large)


def growth(what: str, values: Mapping[Key, Sequence[float]], state: str, name: str, small: int, large: int) -> Verdict:
    """Whether a large file costs a loader hardly more than a small one."""
    claim = f"{name}, {state}: {size_text(large)} takes at most {GROWTH} times the {what} of {size_text(small)}"
    ratios = quotients(values.get(Key(state, name, large), ()), values.get(Key(state, name, small), ()))
    return at_most(claim, ratios, GROWTH, " times") if ratios else not_measured(claim, "left out")


def speed(values: Mapping[Key, Sequence[float]], state: str, name: str, large: int) -> Verdict:
    """Whether a loader opens a large file as much faster than the copying one as is claimed."""
    claim = f"{name}, {state}: {size_text(large)} at least {SPEEDUP:,} times faster than {PEER}"
    ratios = quotients(values.get(Key(state, PEER, large), ()), values.get(Key(state, name, large), ()))
    return at_least(claim, ratios, SPEEDUP, " times") if ratios else not_measured(claim, "left out")


GROUP = Group(
    name="open",
    help="from open to the first result, by size of the file, beside copying loaders and others",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
)
"""What the command line knows of it."""
