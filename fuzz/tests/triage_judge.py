"""A judge of seeded bugs in this process, which takes a hundredth of the time of one that asks an adapter."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from packfile_fuzz.faults import activate
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import Judgement
from packfile_fuzz.oracles.judging import sign
from packfile_fuzz.program import Program
from packfile_fuzz.run import Comparison, Prepared, Verdict, compare, observe
from packfile_fuzz.triage.judge import Judge
from packfile_fuzz.triage.specimen import Specimen

LOADER = "loader"


def compared(name: str, program: Program) -> Comparison:
    """The reference with a fault against the one without."""
    good = observe(program)
    with activate(name), Prepared(program) as prepared:
        return replace(compare(program, good, observe(prepared)), loader="faulty")


class Inside(Judge):
    """Asks the reference of this process, with a fault."""

    def __init__(self, name: str, found: Comparison) -> None:
        super().__init__(sign(LOADER, found), {}, 1.0)
        self._name = name

    def judgement(self, specimen: Specimen) -> Judgement | None:
        """What it comes to."""
        return Judgement(comparisons=[(LOADER, compared(self._name, specimen.program))])

    @classmethod
    def of(cls, name: str, first: int = 0) -> tuple[Self, Specimen]:
        """A judge of the first seed's example from one on that shows a fault, and the example."""
        for seed in range(first, first + 2000):
            program = build(from_seed(seed))
            found = compared(name, program)
            if found.verdict is Verdict.DIFFERENT:
                return cls(name, found), Specimen(program)
        raise AssertionError(f"no example shows {name}")
