"""Asks of a specimen whether it still fails in the same way.

Assumes that the loaders answer at all. Promises that candidates which are no valid programs, or may never end, are
refused before any loader sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from packfile_fuzz.oracles import ORACLES, Judgement, Oracle, examine
from packfile_fuzz.oracles.broken import examine_mutant
from packfile_fuzz.oracles.judging import sign
from packfile_fuzz.oracles.registry import INTERNAL_ERROR
from packfile_fuzz.program import Program
from packfile_fuzz.results import Signature
from packfile_fuzz.run import Comparison, Loaders, Verdict, observe
from packfile_fuzz.triage.specimen import Specimen, broken_of, is_valid

MOST_FUEL = 100_000
"""Fuel with which a candidate must end, so that one that goes round for ever is never run with more."""
_FIXED = {"write-decode", "disassemble", "convert", "kaitai", "counters", "position"}
"""Oracles that do not look for where runs part, or that say it themselves."""
_OF_CODE = {"ok", "trap", "exhausted"}
_NO_ANSWERS = {"crash", "hang", "rubbish", "error"}
_HANG = 2.0
"""Seconds for an answer of a loader that is known to hang."""


class Judge:
    """Judges candidates for one signature. Use it as a context manager.

    `is_alone` says to start the loader anew for each, for one that remembers what it ran before.
    """

    def __init__(
        self,
        signature: Signature,
        loaders: Mapping[str, tuple[str, ...]],
        timeout: float,
        *,
        is_alone: bool = False,
    ) -> None:
        self.signature = signature
        """What a candidate must come to; its opcode counts where it is known."""
        self.is_strict = True
        """Whether a candidate must come to just that; else to any difference of that oracle and loader in what
        code comes to, as a case can expect it."""
        self.runs = 0
        """Candidates that were judged."""
        needed = {name: command for name, command in loaders.items() if name == signature.loader}
        if signature.outcomes[1] == "hang":
            timeout = min(timeout, _HANG)
        self._needed, self._timeout, self._is_alone = needed, timeout, is_alone
        self.loaders = Loaders(needed, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loaders.close()

    def fails(self, specimen: Specimen) -> bool:
        """Whether a specimen is valid, and fails in the way of the signature."""
        return self.difference(specimen) is not None

    def difference(self, specimen: Specimen) -> Comparison | None:
        """How it fails, if it does."""
        self.runs += 1
        if not is_valid(specimen.program) or not ends(specimen.program):
            return None
        judgement = self.judgement(specimen)
        found = () if judgement is None else judgement.comparisons
        return next((it for oracle, it in found if self._is_wanted(oracle, it)), None)

    def differences(self, program: Program) -> list[Comparison]:
        """All that the signature's oracle finds different in a program, of the signature's loader."""
        judgement = self.judgement(Specimen(program))
        oracle, loader = self.signature.oracle, self.signature.loader
        return [
            it
            for name, it in (judgement.comparisons if judgement is not None else ())
            if it.verdict is Verdict.DIFFERENT and (name, it.loader) == (oracle, loader)
        ]

    def judgement(self, specimen: Specimen) -> Judgement | None:
        """All that is said of a specimen; None if its file cannot be made."""
        if self._is_alone:
            self.loaders.close()
            self.loaders = Loaders(self._needed, self._timeout)
        if specimen.edits is None:
            return examine(specimen.program, self._oracles(), self.loaders)
        made = broken_of(specimen)
        return None if made is None else examine_mutant(*made, self.loaders)

    def _oracles(self) -> Iterable[Oracle]:
        oracle = self.signature.oracle
        names = {oracle} if oracle != INTERNAL_ERROR else {oracle, self.signature.detail.rpartition(" ")[2]}
        return [ORACLES[name] for name in sorted(names) if name in ORACLES]

    def _is_wanted(self, oracle: str, found: Comparison) -> bool:
        if found.verdict is not Verdict.DIFFERENT:
            return False
        signature = sign(oracle, found)
        if not self.is_strict:
            same = (signature.oracle, signature.loader) == (self.signature.oracle, self.signature.loader)
            return (
                same
                and found.place is None
                and _kinds(signature.outcomes) <= _OF_CODE | _kinds(self.signature.outcomes)
            )
        return signature == self.signature or (
            not self.signature.opcode and signature._replace(opcode="") == self.signature
        )

    @property
    def is_of_runs(self) -> bool:
        """Whether it can be found out where what is compared parts."""
        return self.signature.oracle not in _FIXED

    @property
    def is_of_answers(self) -> bool:
        """Whether the loader answered, though wrongly."""
        return not _NO_ANSWERS & _kinds(self.signature.outcomes)

    def retarget(self, found: Comparison) -> None:
        """Look for another difference of the same oracle from now on."""
        self.signature = sign(self.signature.oracle, found)


def _kinds(outcomes: tuple[str, str]) -> set[str]:
    """What outcomes begin with: traps without their codes."""
    return {outcome.partition(" ")[0] for outcome in outcomes}


def ends(program: Program) -> bool:
    """Whether a program with much fuel comes to the end of it, in the reference, with little."""
    if all(call.fuel <= MOST_FUEL for call in program.calls):
        return True
    calls = tuple(replace(call, fuel=min(call.fuel, MOST_FUEL)) for call in program.calls)
    return not observe(replace(program, calls=calls)).is_exhausted
