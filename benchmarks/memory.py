"""The group `memory`: what processes that run a part of one file have for themselves, in place and copying."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks import kernel, openers
from benchmarks.facts import facts
from benchmarks.group import Group
from benchmarks.kernel import Memory
from benchmarks.lineup import LeftOut
from benchmarks.modules import FIRST, FIRST_REFERENCE, Filled, write_module
from benchmarks.openers import COPYING_C, REFERENCE, C, Openers
from benchmarks.pressure import under_pressure
from benchmarks.report import Quantity, Report, quantities, rows
from benchmarks.report_text import size as size_text
from benchmarks.report_text import text
from benchmarks.verdicts import Verdict, at_most, not_measured
from packfile.layout import ByteOrder

SIZE = 1 << 28
QUICK_SIZE = 1 << 20
SHARE = 0.05
"""How much of the functions each process runs."""
COUNTS = (1, 2, 4, 8, 16, 32)
QUICK_COUNTS = (1, 2)
LIMIT_KIB = 256
"""Private memory that a process may have beyond an idle one."""
_SPARE = 1.25
"""Free memory that copying needs, in multiples of what is copied."""
KINDS = (C, REFERENCE, COPYING_C)
ORDER = ByteOrder.BIG
"""That of the file: one that a copying loader swaps on a little host."""


class Key(NamedTuple):
    """What was measured."""

    kind: str
    processes: int


Taken = Mapping[Key, Sequence[Memory]]
"""What each process had beyond itself when it was idle."""


def measure(*, quick: bool = False, rounds: int | None = None, known: Openers | None = None) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: a small file and few processes.
        rounds: How often to measure; each process of each round is a sample.
        known: How loaders are started.

    Raises:
        NotMeasured: A loader fails or gives a wrong answer, or the kernel does not tell.
    """
    rounds = rounds or 1
    counts = QUICK_COUNTS if quick else COUNTS
    known = known or Openers()
    left_out = known.left_out(*KINDS)
    openers.BUILD.mkdir(parents=True, exist_ok=True)
    before = facts()
    with tempfile.TemporaryDirectory(prefix="memory-", dir=openers.BUILD) as folder:
        file = write_module(Path(folder) / "shared.pkf", QUICK_SIZE if quick else SIZE, ORDER)
        taken: dict[Key, list[Memory]] = {}
        for kind in KINDS:
            if kind in known.lacks:
                continue
            for count in counts:
                lack = _lack(kind, count, file)
                if lack:
                    left_out.append(LeftOut(f"{kind}, {count} processes", lack))
                    continue
                together = [_together(known, kind, count, file) for _ in range(rounds)]
                taken[Key(kind, count)] = [sample for samples in together for sample in samples]
        verdicts = list(judge(taken, counts[-1], size_text(file.size)))
        verdicts += under_pressure(known, [kind for kind in KINDS if kind not in known.lacks], file, share(file))
    return Report(before, rounds, quick, list(_quantities(taken)), verdicts, left_out, [_note(file)])


def share(file: Filled) -> int:
    """How many functions are run."""
    return max(1, int(SHARE * file.functions))


def _lack(kind: str, count: int, file: Filled) -> str:
    needed = _SPARE * count * file.size
    if kind == COPYING_C and kernel.available() < needed:
        return f"less than {size_text(needed)} of memory is free"
    return ""


def _together(known: Openers, kind: str, count: int, file: Filled) -> list[Memory]:
    """What each of some processes has, beyond what it had before, once all have opened the file and run the share."""
    functions = share(file)
    with ExitStack() as stack:
        started = [known.start(kind, f"{kind}, process {number + 1}", stack) for number in range(count)]
        idle = [kernel.memory(opener.child.pid) for opener in started]
        for opener in started:
            opener.ask("open", file.path, 1, expected=FIRST)
            opener.ask("call", "run", FIRST_REFERENCE, functions, expected=file.sum_of(functions))
        busy = [kernel.memory(opener.child.pid) for opener in started]
    return [now.beyond(then) for now, then in zip(busy, idle, strict=True)]


def _note(file: Filled) -> str:
    return (
        f"Each process opens one file of {size_text(file.size)} and runs {share(file):,} of its {file.functions:,} "
        "functions, neighbours in the file; told is what it has then beyond what it had idle. A sample is a process"
    )


_QUANTITIES = (
    ("private", "Private memory of each process beyond an idle one"),
    ("anonymous", "Anonymous memory of each process beyond an idle one"),
    ("proportional", "Proportional memory of each process beyond an idle one"),
)


def _quantities(taken: Taken) -> Iterator[Quantity]:
    for key, title in _QUANTITIES:
        values = {(k.kind, float(k.processes)): [getattr(m, key) for m in samples] for k, samples in taken.items()}
        yield Quantity(key, title, "KiB", COPYING_C, rows(values, COPYING_C), at_title="processes")


def judge(taken: Taken, processes: int, size: str) -> Iterator[Verdict]:
    """What is claimed of each loader when most processes run, and what the copying one takes beside it."""
    for kind in KINDS:
        claim = (
            f"{processes} processes of {kind} on one module of {size}: below {LIMIT_KIB} KiB private each beyond idle"
        )
        samples = taken.get(Key(kind, processes))
        if samples:
            yield at_most(claim, [memory.private for memory in samples], LIMIT_KIB, " KiB")
        else:
            yield not_measured(claim, "left out")


GROUP = Group(
    name="memory",
    help="private and proportional memory of processes that run a part of one file, and what a limit does to them",
    description=__doc__ or "",
    rounds=1,
    measure=measure,
    text=text,
    quantities=quantities,
)
"""What the command line knows of it."""
