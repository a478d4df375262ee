"""Which seeds are done, and which are left to do.

Assumes nothing. Promises that a seed is handed out once, unless it is put back; and to take no more memory than there
are gaps.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

ENDLESS = 1 << 62
"""Seeds of a campaign that names no number of them; none gets that far."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of seeds."""

    first: int
    """The lowest."""
    count: int
    """How many; at least 1."""

    @property
    def end(self) -> int:
        """The seed past the highest."""
        return self.first + self.count

    def parts(self, number: int) -> Iterator[Span]:
        """The span in at most so many parts of about the same size, by ascending seed."""
        number = min(number, self.count)
        edges = [self.first + self.count * at // number for at in range(number + 1)]
        for low, high in pairwise(edges):
            yield Span(low, high - low)


class Twice(ValueError):
    """A seed was added that was there."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"expected every seed once, got {seed} twice")


class Spans:
    """A set of seeds as spans. Neighbours are joined, so it is as small as few seeds in between are missing."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = []
        self.count = 0
        """How many seeds."""
        for span in spans:
            self.add(span)

    def __iter__(self) -> Iterator[Span]:
        """By ascending seed."""
        return iter(self._spans)

    def add(self, span: Span) -> None:
        """Add seeds.

        Raises:
            Twice: One of them is there.
        """
        at = bisect(self._spans, span)
        low, high = at, at
        first, end = span.first, span.end
        if at and self._spans[at - 1].end >= first:
            low, before = at - 1, self._spans[at - 1]
            if before.end > first:
                raise Twice(first)
            first = before.first
        if at < len(self._spans) and self._spans[at].first <= end:
            high, after = at + 1, self._spans[at]
            if after.first < end:
                raise Twice(after.first)
            end = after.end
        self._spans[low:high] = [Span(first, end - first)]
        self.count += span.count


class SeedSpace:
    """The seeds of a campaign that are neither done nor being done."""

    def __init__(self, whole: Span, done: Iterable[Span] = (), *, descending: bool = False) -> None:
        """Start with the whole, less what is done; the spans that are done may lie outside it, but never overlap."""
        self._descending = descending
        self._free: list[Span] = []
        low = whole.first
        for span in sorted(done):
            if low < min(span.first, whole.end):
                self._free.append(Span(low, min(span.first, whole.end) - low))
            low = max(low, span.end)
        if low < whole.end:
            self._free.append(Span(low, whole.end - low))

    def take(self, size: int) -> Span | None:
        """At most `size` seeds that nobody else was given, or None where there are none left."""
        if not self._free:
            return None
        span = self._free.pop(-1 if self._descending else 0)
        size = min(size, span.count)
        rest = span.count - size
        if self._descending:
            taken, left = Span(span.end - size, size), Span(span.first, rest)
        else:
            taken, left = Span(span.first, size), Span(span.first + size, rest)
        if rest:
            insort(self._free, left)
        return taken

    def put_back(self, span: Span) -> None:
        """Take back seeds that were handed out and not done."""
        insort(self._free, span)

    @property
    def left(self) -> int:
        """How many seeds could still be handed out."""
        return sum(span.count for span in self._free)
