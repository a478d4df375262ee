"""What a group finds, as data that is the same for every group: quantities, each of some contenders, and verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.facts import Facts
from benchmarks.lineup import LeftOut
from benchmarks.measure import Spread
from benchmarks.verdicts import Verdict, quotients

Taken = Mapping[tuple[str, float], Sequence[float]]
"""What was measured in each round, by contender and by what it was measured at."""


@dataclass(frozen=True)
class Row:
    """What one contender took."""

    contender: str
    at: float
    """Of what: the size of a file, the number of processes."""
    values: Sequence[float]
    """In the quantity's unit, by round."""
    ratios: Sequence[float]
    """The same as multiples of the peer's in that round; none where the peer has no value, or zero."""


@dataclass(frozen=True)
class Quantity:
    """One thing that is measured of several contenders."""

    key: str
    """Its name in names of files."""
    title: str
    unit: str
    peer: str
    """The contender that all are divided by."""
    rows: Sequence[Row]
    at_title: str = ""
    """What `Row.at` is; empty where everything is measured at one place alone."""
    at_unit: str = ""
    """`bytes`, or empty for plain numbers."""
    panel: str = ""
    """What tells it from others of the same key, with which it shares a figure."""

    @property
    def full_title(self) -> str:
        """The title with what tells it from others."""
        return f"{self.title}: {self.panel}" if self.panel else self.title

    @property
    def contenders(self) -> list[str]:
        """Who takes part, in order."""
        return list(dict.fromkeys(row.contender for row in self.rows))

    def spread(self, contender: str, at: float) -> Spread | None:
        """What a contender took at one place."""
        values = next((row.values for row in self.rows if (row.contender, row.at) == (contender, at)), None)
        return Spread.of(values) if values else None


@dataclass(frozen=True)
class Report:
    """What a run of a group found."""

    facts: Facts
    rounds: int
    quick: bool
    quantities: Sequence[Quantity]
    verdicts: Sequence[Verdict]
    left_out: Sequence[LeftOut]
    notes: Sequence[str] = field(default_factory=list)
    """What a reader must know of this run."""


def quantities(report: Report) -> Sequence[Quantity]:
    """What a group of this form gives to draw."""
    return report.quantities


def rows(taken: Taken, peer: str) -> list[Row]:
    """The rows of a quantity, each with its ratios to the peer in the same round."""
    return [Row(name, at, values, quotients(values, taken.get((peer, at), ()))) for (name, at), values in taken.items()]
