"""What a campaign has come to so far: one sum over all finished ranges.

Assumes that no range is added twice. Promises that the sum does not depend on the order of the ranges, except for the
times; that every failure is counted; and that what is kept of them does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from packfile_fuzz.results import Failure, Signature, Tally

from .entries import Ended, Entry, Finished, Header, Summed
from .found import Found
from .ledger import LedgerError, read
from .seeds import Spans, Twice


@dataclass(slots=True)
class State:
    """The sum."""

    tally: Tally = field(default_factory=Tally)
    """Of all ranges, without their failures."""
    found: dict[Signature, Found] = field(default_factory=dict)
    """The failures."""
    spans: Spans = field(default_factory=Spans)
    """The ranges."""
    elapsed: float = 0.0
    """Wall seconds over all sessions."""
    end: str | None = None
    """How the last session ended; None while it runs, and after one that was cut off."""

    def add(self, entry: Entry) -> list[Failure]:
        """Count another entry of the ledger; gives the failures whose signature is new, one for each.

        Raises:
            Twice: A seed of it was counted before.
        """
        self.elapsed, self.end = max(self.elapsed, entry.elapsed), None
        match entry:
            case Ended():
                self.end = entry.why
                return []
            case Summed():
                self._add_sum(entry)
                return []
            case Finished():
                self.spans.add(entry.span)
                self.tally.add(replace(entry.tally, failures=[]))
                return list(self._add_failures(entry))

    def _add_sum(self, entry: Summed) -> None:
        for span in entry.spans:
            self.spans.add(span)
        self.tally.add(entry.tally)
        for found in entry.found:
            self.found[found.signature] = found

    def _add_failures(self, entry: Finished) -> Iterator[Failure]:
        for failure in entry.tally.failures:
            found = self.found.get(failure.signature)
            if found is None:
                found = self.found[failure.signature] = Found(failure.signature, 0, entry.at, entry.at)
                yield failure
            found.add(failure, entry.at)
        for signature, count in entry.more.items():
            self.found[signature].count += count

    def summed(self) -> Summed:
        """All of it as one entry, which takes the place of those that were added."""
        return Summed(tuple(self.spans), self.elapsed, self.tally, tuple(self.by_signature()))

    @property
    def seeds(self) -> int:
        """How many are done; a seed may make several examples."""
        return self.spans.count

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
    try:
        for entry in entries:
            state.add(entry)
    except Twice as error:
        raise LedgerError(f"{path}: {error}") from None
    return header, state
