"""Examples that show seeded bugs, and a judge of them in this process.

Assumes bugs of the reference. Promises the first example that shows one, whatever the generator makes of a seed, or
says that there is none among so many. To judge here takes a hundredth of the time that it takes to ask an adapter.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Self

from packfile_fuzz.faults import FAULTS, activate
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import Judgement
from packfile_fuzz.oracles.broken import broken_from_seed, examine_broken
from packfile_fuzz.oracles.judging import sign
from packfile_fuzz.program import Program
from packfile_fuzz.results import Failure
from packfile_fuzz.run import Comparison, Prepared, Verdict, compare, observe
from packfile_fuzz.triage.judge import Judge
from packfile_fuzz.triage.specimen import Specimen

LOADER = "loader"
TRIED = 3000
"""Seeds that are tried at most until one shows a bug."""
_RARE = {"least-divided-without-trap": 750, "copied-forward": 600}
"""Where to begin with a bug that few examples show; a wrong number only takes longer."""


def compared(name: str, program: Program) -> Comparison:
    """The reference with a fault against the one without."""
    good = observe(program)
    with activate(name), Prepared(program) as prepared:
        return replace(compare(program, good, observe(prepared)), loader="faulty")


@functools.cache
def shown(name: str) -> int:
    """A seed whose program shows a fault: the first, or the first after where a rare one was found before."""
    first = _RARE.get(name, 0)
    for seed in range(first, first + TRIED):
        if compared(name, build(from_seed(seed))).verdict is Verdict.DIFFERENT:
            return seed
    raise AssertionError(f"no program shows {name}")


def broken_seed(path: str, what: str) -> int:
    """The first seed whose file is broken in one way: that one, at that place."""
    for seed in range(TRIED):
        _, broken = broken_from_seed(seed)
        if [(fault.path, fault.what) for fault in broken.faults] == [(path, what)]:
            return seed
    raise AssertionError(f"no file is broken by {path}: {what}")


@functools.cache
def broken_failure(name: str, oracle: str) -> Failure:
    """That of the first file broken in one way where a fault of the reference is seen by an oracle first of all."""
    with activate(name):
        for seed in range(TRIED):
            _, broken = broken_from_seed(seed)
            if len(broken.faults) != 1 or not broken.expected.rules & set(FAULTS[name].rules):
                continue
            differences = examine_broken(seed).differences
            if differences and differences[0][0].oracle == oracle:
                return Failure(seed, "malformed", *differences[0])
    raise AssertionError(f"no broken file shows {name} to {oracle}")


class Inside(Judge):
    """Asks the reference of this process, with a fault."""

    def __init__(self, name: str, found: Comparison) -> None:
        super().__init__(sign(LOADER, found), {}, 1.0)
        self._name = name

    def judgement(self, specimen: Specimen) -> Judgement | None:
        """What it comes to."""
        return Judgement(comparisons=[(LOADER, compared(self._name, specimen.program))])

    @classmethod
    def of(cls, name: str) -> tuple[Self, Specimen]:
        """A judge of an example that shows a fault, and the example."""
        program = build(from_seed(shown(name)))
        return cls(name, compared(name, program)), Specimen(program)
