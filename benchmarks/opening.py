"""The group `open`: from a closed file to the first result of a function in it, beside loaders that read it all."""

import math
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import kernel, openers
from benchmarks.facts import facts
from benchmarks.group import Group, NotMeasured, no_options
from benchmarks.lineup import LeftOut
from benchmarks.measure import interleaved
from benchmarks.modules import FIRST
from benchmarks.open_files import CONTENDERS, Contender, Files, write_files
from benchmarks.openers import COPYING_C, Opener, Openers
from benchmarks.report import Quantity, Report, rows
from benchmarks.report_text import size as size_text
from benchmarks.report_text import text
from benchmarks.verdicts import Verdict, at_least, at_most, not_measured, quotients

ROUNDS = 7
QUICK_ROUNDS = 2
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
    faults: float
    resident: float
    """KiB that are resident while it is open."""


class Key(NamedTuple):
    """What a sample is of."""

    state: str
    contender: str
    size: int


Taken = Mapping[Key, Sequence[Sample]]


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
        samples = dict(_samples(started, files, sizes, _QUICK_AT_LEAST if quick else _AT_LEAST))
        cold = _cold(started, files, sizes, left_out)
        before = facts()
        pings = [_ping(opener) for opener in started.values() for _ in range(_PINGS)]
        taken = interleaved({**samples, **cold}, rounds)
    verdicts = list(_verdicts(taken, *(QUICK_COMPARED if quick else COMPARED)))
    return Report(before, rounds, quick, list(_quantities(taken)), verdicts, left_out, [_note(pings)])


def _note(pings: Sequence[float]) -> str:
    return (
        "An opening is: open, link or make ready, call the first function. Its time includes a request over a pipe, "
        f"shared by all openings of a sample; an empty one takes {1e6 * statistics.median(pings):.0f} us by the median"
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
    child = opener.child
    resident = kernel.memory(child.pid).resident
    faults, cpu, begin = kernel.faults(child.pid), child.cpu(), time.perf_counter()
    opener.ask("open", path, count, expected=FIRST)
    taken, cpu = time.perf_counter() - begin, child.cpu() - cpu
    faults = kernel.faults(child.pid) - faults
    resident = kernel.memory(child.pid).resident - resident
    opener.ask("close", expected=0)
    return Sample(taken / count, cpu / count, faults / count, resident)


def _ping(opener: Opener) -> float:
    begin = time.perf_counter()
    opener.ask("ping", expected=0)
    return time.perf_counter() - begin


_QUANTITIES: Sequence[tuple[str, str, str, Callable[[Sample], float]]] = (
    ("time", "Time from open to the first result", "ms", lambda sample: 1000 * sample.seconds),
    ("cpu", "CPU time from open to the first result", "ms", lambda sample: 1000 * sample.cpu),
    ("faults", "Page faults from open to the first result", "faults", lambda sample: sample.faults),
    ("resident", "Resident memory that an open file adds", "KiB", lambda sample: sample.resident),
)


def _quantities(taken: Taken) -> Iterator[Quantity]:
    for state in dict.fromkeys(key.state for key in taken):
        for key, title, unit, value in _QUANTITIES:
            values = {
                (k.contender, float(k.size)): [value(sample) for sample in samples]
                for k, samples in taken.items()
                if k.state == state
            }
            yield Quantity(
                key=f"{key}-{state}",
                title=f"{title}, {state} page cache",
                unit=unit,
                peer=PEER,
                rows=rows(values, PEER),
                at_title="file of",
                at_unit="bytes",
            )


def _verdicts(taken: Taken, small: int, large: int) -> Iterator[Verdict]:
    for state in (WARM, COLD):
        for name in JUDGED:
            yield from judge(taken, state, name, small, large)


def judge(taken: Taken, state: str, name: str, small: int, large: int) -> Iterator[Verdict]:
    """What is claimed of a loader: the cost does not grow with the file, and is far below that of copying it."""
    base, most = taken.get(Key(state, name, small), ()), taken.get(Key(state, name, large), ())
    copying = taken.get(Key(state, PEER, large), ())
    growth = f"{name}, {state}: {size_text(large)} takes at most {GROWTH} times"
    speed = f"{name}, {state}: {size_text(large)} at least {SPEEDUP:,} times faster than {PEER}"
    if not base or not most:
        yield not_measured(f"{growth} the time and page faults of {size_text(small)}", "one of them was left out")
    else:
        for what, value in (("time", _seconds), ("page faults", _faults)):
            ratios = quotients([value(s) for s in most], [value(s) for s in base])
            yield at_most(f"{growth} the {what} of {size_text(small)}", ratios, GROWTH, " times")
    if not copying or not most:
        yield not_measured(speed, "one of them was left out")
    else:
        ratios = quotients([s.seconds for s in copying], [s.seconds for s in most])
        yield at_least(speed, ratios, SPEEDUP, " times")


def _seconds(sample: Sample) -> float:
    return sample.seconds


def _faults(sample: Sample) -> float:
    return sample.faults


def _measure(options: Namespace) -> Report:
    return measure(quick=options.quick, rounds=options.rounds)


GROUP = Group(
    name="open",
    help="from open to the first result, by size of the file, beside copying loaders and others",
    description=__doc__ or "",
    rounds=ROUNDS,
    add_options=no_options,
    measure=_measure,
    text=text,
)
"""What the command line knows of it."""
