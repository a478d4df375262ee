"""One example, judged by the oracles that one asks for.

Assumes programs that the writer can write. Promises that the base run is made once, and that an exception of an oracle
is a difference that the oracle `internal-error` reports.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from packfile.assembler import AssemblyError
from packfile.errors import PackfileError
from packfile.model import ModelError
from packfile_fuzz.generator import build
from packfile_fuzz.oracles.base import Example, Oracle
from packfile_fuzz.oracles.registry import INTERNAL_ERROR, ORACLES
from packfile_fuzz.program import Program
from packfile_fuzz.results import Signature
from packfile_fuzz.run import Clock, Comparison, Loaders, Observation, Verdict
from packfile_fuzz.run.observation import different


@dataclass(slots=True)
class Judgement:
    """What the oracles say of one example."""

    seen: Observation | None = None
    """What the program came to in the reference; None if that could not be found out."""
    executed: Counter[str] | None = None
    """How often instructions were begun, by mnemonic, if an oracle watched the run."""
    comparisons: list[tuple[str, Comparison]] = field(default_factory=list)
    """Every comparison that was made, with the name of its oracle."""

    @property
    def differences(self) -> list[tuple[Signature, str]]:
        """What is wrong, with a message for people, in the order in which it was found."""
        return [(sign(oracle, it), it.message) for oracle, it in self.comparisons if it.verdict is Verdict.DIFFERENT]

    @property
    def outcomes(self) -> Counter[str]:
        """Calls by outcome, traps with their codes; `link` and its outcome where linking was not ok."""
        if self.seen is None:
            return Counter()
        if self.seen.link.outcome != "ok":
            return Counter([f"link {self.seen.link}"])
        return Counter(map(str, self.seen.calls))

    @property
    def instructions(self) -> frozenset[str]:
        """What instructions came to, as `mnemonic outcome`.

        One that trapped is always told; one that went well only where an oracle watched the run, since that costs
        more than the run itself.
        """
        calls = () if self.seen is None else self.seen.calls
        failed = Counter(call.opcode for call in calls if call.opcode)
        went_well = (self.executed or Counter()) - failed
        return frozenset(f"{call.opcode} {call}" for call in calls if call.opcode) | frozenset(
            f"{mnemonic} ok" for mnemonic in went_well
        )

    @property
    def rules(self) -> frozenset[str]:
        """Rules that outcomes named."""
        return frozenset(step.rule for step in self.seen.steps if step.rule) if self.seen else frozenset()


def sign(oracle: str, comparison: Comparison) -> Signature:
    """The signature of a difference, as far as it is known without a search for the first divergence."""
    return Signature(oracle, comparison.outcomes, comparison.detail, comparison.opcode, comparison.loader)


def examine(
    example: Program | bytes,
    oracles: Iterable[Oracle] = tuple(ORACLES.values()),
    loaders: Loaders | None = None,
    clock: Clock | None = None,
) -> Judgement:
    """Judge a program, or the program of the generator's bytes, by oracles.

    Args:
        example: What to judge.
        oracles: Those that are asked, whatever their `every` says.
        loaders: Adapters for the oracle `loader`, and the place for files.
        clock: Where seconds are counted.
    """
    judgement = Judgement()
    clock = clock or Clock()
    with ExitStack() as stack:
        try:
            if isinstance(example, bytes):
                with clock.stage("generate"):
                    program = build(example)
            else:
                program = example
            place = loaders if loaders is not None else stack.enter_context(Loaders({}))
            shared = stack.enter_context(Example(program, place, clock))
            judgement.seen = shared.base
        except Exception as error:  # noqa: BLE001 - a defect of ours is a finding, and the rest go on
            judgement.comparisons.append((INTERNAL_ERROR, broke("the base run", error)))
            return judgement
        for oracle in oracles:
            _ask(judgement, oracle, shared)
        judgement.executed = shared.executed
    return judgement


def _ask(judgement: Judgement, oracle: Oracle, example: Example) -> None:
    try:
        with example.clock.stage(oracle.name):
            for comparison in oracle.check(example):
                judgement.comparisons.append((oracle.name, comparison))
    except (PackfileError, AssemblyError, ModelError) as error:
        judgement.comparisons.append((oracle.name, different(str(error), "accepted", type(error).__name__)))
    except Exception as error:  # noqa: BLE001 - a defect of ours is a finding, and the rest go on
        judgement.comparisons.append((INTERNAL_ERROR, broke(f"the oracle {oracle.name}", error)))


def broke(where: str, error: Exception) -> Comparison:
    """An exception in the fuzzer, or in what of the reference it calls directly."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    message = f"{where}: {kind}: {error} (in {place.name}, {place.filename}:{place.lineno})"
    return Comparison(Verdict.DIFFERENT, message, ("no exception", kind), where, place.name)
