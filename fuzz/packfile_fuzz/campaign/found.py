"""Failures by their signature: how many there were, when, and those of the lowest seeds.

Assumes nothing. Promises that what is kept does not grow with their number, and does not depend on their order.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from packfile_fuzz.results import Failure, Signature

KEPT = 100
"""Failures of a signature that are kept: those of the lowest seeds."""


@dataclass(slots=True)
class Found:
    """All failures of one signature."""

    signature: Signature
    """What makes them one."""
    count: int
    """How many there were."""
    first_seen: float
    """When the first came, in seconds since 1970."""
    last_seen: float
    """When the last came, in seconds since 1970."""
    failures: list[tuple[Failure, float]] = field(default_factory=list)
    """Those of the lowest seeds, by ascending seed, each with when it came."""

    @property
    def example(self) -> Failure:
        """That of the lowest seed."""
        return self.failures[0][0]

    def add(self, failure: Failure, at: float) -> None:
        """Count another."""
        self.count += 1
        self.first_seen = min(self.first_seen, at)
        self.last_seen = max(self.last_seen, at)
        insort(self.failures, (failure, at))
        del self.failures[KEPT:]


def lowest(failures: Iterable[Failure]) -> tuple[list[Failure], Counter[Signature]]:
    """Of failures by ascending seed those that are kept, and how many others there are of each signature."""
    kept: list[Failure] = []
    seen: Counter[Signature] = Counter()
    for failure in failures:
        seen[failure.signature] += 1
        if seen[failure.signature] <= KEPT:
            kept.append(failure)
    return kept, Counter({signature: count - KEPT for signature, count in seen.items() if count > KEPT})
