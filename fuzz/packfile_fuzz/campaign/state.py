"""What a campaign has come to so far: one sum over all finished ranges.

Assumes that no range is added twice. Promises that the sum does not depend on the order of the ranges, except for the
times; that every failure is counted; and that what is kept of them does not grow with their number.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from packfile_fuzz.results import Failure, Signature, Tally

from .ledger import Ended, Entry, Finished, Header, LedgerError, read
from .seeds import Span

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


@dataclass(slots=True)
class State:
    """The sum."""

    tally: Tally = field(default_factory=Tally)
    """Of all ranges, without their failures."""
    found: dict[Signature, Found] = field(default_factory=dict)
    """The failures."""
    spans: list[Span] = field(default_factory=list)
    """The ranges; neighbours that came one after the other are joined."""
    elapsed: float = 0.0
    """Wall seconds over all sessions."""
    end: str | None = None
    """How the last session ended; None while it runs, and after one that was cut off."""

    def add(self, entry: Entry) -> list[Failure]:
        """Count another entry of the ledger; gives the failures whose signature is new, one for each."""
        self.elapsed = max(self.elapsed, entry.elapsed)
        if isinstance(entry, Ended):
            self.end = entry.why
            return []
        self.end = None
        self._join(entry.span)
        self.tally.add(replace(entry.tally, failures=[]))
        return list(self._add_failures(entry))

    def _add_failures(self, entry: Finished) -> Iterator[Failure]:
        for failure in entry.tally.failures:
            found = self.found.get(failure.signature)
            if found is None:
                found = self.found[failure.signature] = Found(failure.signature, 0, entry.at, entry.at)
                yield failure
            found.add(failure, entry.at)

    def _join(self, span: Span) -> None:
        if self.spans and self.spans[-1].end == span.first:
            self.spans[-1] = Span(self.spans[-1].first, self.spans[-1].count + span.count)
        else:
            self.spans.append(span)

    @property
    def seeds(self) -> int:
        """How many are done; a seed may make several examples."""
        return sum(span.count for span in self.spans)

    def by_signature(self) -> list[Found]:
        """The failures by signature, in the same order whatever that of the ranges was."""
        return sorted(self.found.values(), key=lambda found: found.signature)


def summed(path: Path) -> tuple[Header, State]:
    """What the campaign of a ledger is of, and what it has come to.

    Raises:
        LedgerError: It is no ledger, or it is damaged, or it has a seed twice.
        OSError: It cannot be read.
    """
    header, entries = read(path)
    state = State()
    for entry in entries:
        state.add(entry)
    for span, after in pairwise(sorted(state.spans)):
        if span.end > after.first:
            raise LedgerError(f"{path}: expected every seed once, got {after.first} twice")
    return header, state
