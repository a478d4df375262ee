"""Whether a claim holds, from what was measured and from nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.measure import Spread, number


@dataclass(frozen=True)
class Verdict:
    """A claim, and what came of it."""

    claim: str
    words: str
    spread: Spread | None = None
    """What was measured; None if nothing was."""
    unit: str = ""

    @property
    def line(self) -> str:
        """The same as people read it."""
        if self.spread is None:
            return f"verdict: {self.claim}: {self.words}"
        least, median, greatest = (number(value) for value in self.spread)
        return f"verdict: {self.claim}: {median}{self.unit} ({least} to {greatest}): {self.words}"


def at_most(claim: str, values: Iterable[float], bound: float, unit: str = "") -> Verdict:
    """Whether values, of which there must be one, stay at or below a bound."""
    spread = Spread.of(values)
    return Verdict(claim, _words(spread.greatest <= bound, spread.median <= bound, spread.least <= bound), spread, unit)


def at_least(claim: str, values: Iterable[float], bound: float, unit: str = "") -> Verdict:
    """Whether values, of which there must be one, reach a bound."""
    spread = Spread.of(values)
    return Verdict(claim, _words(spread.least >= bound, spread.median >= bound, spread.greatest >= bound), spread, unit)


def not_measured(claim: str, why: str) -> Verdict:
    """A claim of which nothing can be said here."""
    return Verdict(claim, f"not measured: {why}")


def quotients(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Values divided round by round; none where a divisor is missing or zero."""
    if len(values) != len(others) or not all(others):
        return []
    return [value / other for value, other in zip(values, others, strict=True)]


def _words(every: bool, median: bool, some: bool) -> str:
    if every:
        return "holds in every sample"
    if median:
        return "holds by the median alone"
    return "fails by the median, holds in some samples" if some else "fails in every sample"
