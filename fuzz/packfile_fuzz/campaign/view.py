"""What people are told of a campaign, as plain values: shares, rates, what was reached and what was not.

Assumes nothing. Promises that all that is shown anywhere, live or in a report, is worked out here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from packfile.instructions import INSTRUCTIONS, Instruction
from packfile.rules import RULES
from packfile_fuzz.results import Tally

from .state import State

EXHAUSTED_SHARE = 0.10
"""Share of calls that may run out of fuel; more means that the generator makes endless loops."""
INCOMPARABLE_SHARE = 0.01
"""Share of an oracle's comparisons that may be not comparable; more means that it tells nothing."""
ENOUGH = 1000
"""Calls or comparisons from which on a share says something."""
_NAMING = ("malformed", "unsupported", "corrupt", "unlinkable", "invalid")
"""Outcomes that name a rule."""
NAMED_RULES = tuple(rule.id for rule in RULES.values() if rule.outcome in _NAMING)
"""Rules that an outcome can name."""


class Row(NamedTuple):
    """An instruction, and what it came to."""

    mnemonic: str
    """Its name."""
    reached: Mapping[str, int]
    """Examples by what it came to: `ok`, or a trap of its own or of what it called."""
    missing: tuple[str, ...]
    """What it can come to and has not: `ok`, or a trap that it can raise itself."""


def coverage(tally: Tally) -> list[Row]:
    """What each instruction came to, in the order of the table."""
    seen: dict[str, Counter[str]] = {}
    for name, number in tally.instructions.items():
        mnemonic, _, outcome = name.partition(" ")
        seen.setdefault(mnemonic, Counter())[outcome] += number
    rows = []
    for row in INSTRUCTIONS.values():
        reached = seen.get(row.mnemonic, Counter())
        rows.append(Row(row.mnemonic, dict(sorted(reached.items())), _missing(row, reached)))
    return rows


def _missing(row: Instruction, reached: Mapping[str, int]) -> tuple[str, ...]:
    expected = [] if row.mnemonic == "unreachable" else ["ok"]
    expected += [f"trap {trap.value}" for trap in row.traps]
    return tuple(outcome for outcome in expected if outcome not in reached)


def unnamed_rules(tally: Tally) -> list[str]:
    """Rules that an outcome can name, and none has."""
    return [rule for rule in NAMED_RULES if rule not in tally.rules]


def named_rules(tally: Tally) -> int:
    """How many rules that an outcome can name one has."""
    return len(NAMED_RULES) - len(unnamed_rules(tally))


def share(part: int, whole: int) -> float:
    """A share from 0 to 1; of nothing, 0."""
    return part / whole if whole else 0.0


def exhausted_share(tally: Tally) -> float:
    """Share of the calls that ran which ran out of fuel or depth."""
    return share(tally.outcomes["exhausted"], ran(tally))


def ran(tally: Tally) -> int:
    """How many calls ran; those of files that were refused did not."""
    return sum(
        count
        for outcome, count in tally.outcomes.items()
        if outcome in ("ok", "exhausted") or outcome.startswith("trap")
    )


class Comparisons(NamedTuple):
    """Those of an oracle."""

    oracle: str
    """Its name."""
    equal: int
    """That agreed."""
    different: int
    """That did not."""
    incomparable: int
    """That the spec leaves open."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.equal + self.different + self.incomparable

    @property
    def incomparable_share(self) -> float:
        """Share that was not comparable."""
        return share(self.incomparable, self.total)


def comparisons(tally: Tally) -> list[Comparisons]:
    """Those of every oracle that made some, by name."""
    names = sorted({name.rpartition(" ")[0] for name in tally.verdicts})
    kinds = ("equal", "different", "not-comparable")
    return [Comparisons(name, *(tally.verdicts[f"{name} {kind}"] for kind in kinds)) for name in names]


def problems(state: State) -> list[str]:
    """What is wrong with the campaign itself, whatever it found."""
    found = []
    tally = state.tally
    exhausted = exhausted_share(tally)
    if ran(tally) >= ENOUGH and exhausted >= EXHAUSTED_SHARE:
        found.append(f"{exhausted:.1%} of the calls that ran were exhausted; expected less than {EXHAUSTED_SHARE:.0%}")
    for row in comparisons(tally):
        if row.total >= ENOUGH and row.incomparable_share > INCOMPARABLE_SHARE:
            what = f"{row.incomparable_share:.1%} of the comparisons of {row.oracle} were not comparable"
            found.append(f"{what}; expected at most {INCOMPARABLE_SHARE:.0%}")
    return found


def duration(seconds: float) -> str:
    """A time for people, such as `1h 02m 03s`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minute:02}m {second:02}s"
    return f"{minute}m {second:02}s" if minute else f"{second}s"
