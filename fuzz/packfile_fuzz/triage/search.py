"""The search for smaller specimens: tries candidates, and keeps each that still fails.

Assumes a test that gives the same answer each time, until the search is given another. Promises an end within its
limits, and the smallest that was found until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from packfile_fuzz.triage.specimen import Specimen


class Spent(Exception):
    """Time or runs are used up."""


class Search:
    """The smallest specimen so far, and what is left to spend."""

    def __init__(self, start: Specimen, fails: Callable[[Specimen], bool], seconds: float, runs: int) -> None:
        self.best = start
        """The smallest so far."""
        self._fails = fails
        self._until = time.monotonic() + seconds
        self._left = runs
        self._tried: set[Specimen] = {start}

    def attempt(self, candidate: Specimen | None) -> bool:
        """Keep a candidate if it fails.

        Raises:
            Spent: There is no time left, or no run.
        """
        if candidate is None or candidate in self._tried:
            return False
        if self._left <= 0 or time.monotonic() > self._until:
            raise Spent
        self._tried.add(candidate)
        self._left -= 1
        if not self._fails(candidate):
            return False
        self.best = candidate
        return True

    def again(self, fails: Callable[[Specimen], bool]) -> None:
        """Test in another way from now on, so that what was tried may be tried again."""
        self._fails, self._tried = fails, {self.best}

    def first(self, candidates: Iterable[Specimen | None]) -> bool:
        """Keep the first of some candidates that fails."""
        return any(map(self.attempt, candidates))

    def tentatively(self, steps: Iterable[Callable[[], object]], size: Callable[[Specimen], int]) -> None:
        """Do what may make the specimen larger before it makes it smaller, and take it back if it does not.

        Args:
            steps: What to do.
            size: Of a specimen.
        """
        before = self.best
        try:
            for step in steps:
                step()
        finally:
            if size(self.best) >= size(before):
                self.best = before


def thin(count: int, attempt: Callable[[list[int]], bool]) -> None:
    """Leave out as many of `count` parts as can be, many at once, and the last first.

    Args:
        count: How many parts there are.
        attempt: Tries to have just some of them, by their numbers.
    """
    left = list(range(count))
    size = count
    while size:
        end = len(left)
        while end > 0:
            start = max(0, end - size)
            trial = left[:start] + left[end:]
            if attempt(trial):
                left = trial
            end = start
        size //= 2
