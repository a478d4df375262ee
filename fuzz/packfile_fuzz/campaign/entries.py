"""What stands in a ledger, and each as the JSON of its line.

Assumes nothing of a line. Promises that what is made of a line that was written here is what was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from packfile_fuzz.results import Failure, Signature, Tally

from .found import Found, lowest
from .seeds import Span

VERSION = 1
"""Of the ledger's form."""
_COUNTERS = ("outcomes", "instructions", "rules", "verdicts")


@dataclass(frozen=True, slots=True)
class Header:
    """What a campaign is of: ranges of two campaigns add up only if these are the same."""

    generator: int
    """Version of the generator: another makes other examples of the same seeds."""
    packfile: str
    """Version of the package."""
    seed: int
    """The first seed."""
    options: Mapping[str, Any]
    """What the examples are judged by."""

    def as_json(self) -> dict[str, Any]:
        """The first line of the ledger."""
        what = {"generator": self.generator, "packfile": self.packfile, "seed": self.seed}
        return {"ledger": VERSION, **what, "options": dict(self.options)}

    @classmethod
    def from_json(cls, data: Any) -> Self:  # noqa: ANN401 - any JSON value
        """What the first line says.

        Raises:
            KeyError: It says too little.
            TypeError: It is no object.
        """
        return cls(data["generator"], data["packfile"], data["seed"], data["options"])

    def differences(self, other: Header) -> list[str]:
        """What is not the same in the other, each as `name: this, not that`."""
        mine = {**self.as_json(), **self.options}
        theirs = {**other.as_json(), **other.options}
        names = [name for name in mine | theirs if name != "options"]
        return [
            f"{name}: {mine.get(name)}, not {theirs.get(name)}" for name in names if mine.get(name) != theirs.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Finished:
    """A range that is done."""

    span: Span
    """Its seeds."""
    at: float
    """When its result came, in seconds since 1970."""
    elapsed: float
    """Wall seconds that the campaign had run by then, over all its sessions."""
    tally: Tally
    """What it came to; of the failures those that are kept."""
    more: Mapping[Signature, int] = field(default_factory=dict)
    """How many failures were not kept, by their signature."""

    @classmethod
    def of(cls, span: Span, at: float, elapsed: float, tally: Tally) -> Self:
        """A range of which not more failures are kept than are of use: a loader may fail at every seed of a week."""
        kept, more = lowest(tally.failures)
        return cls(span, at, elapsed, replace(tally, failures=kept), more)

    def as_json(self) -> dict[str, Any]:
        """Its line."""
        line = {"first": self.span.first, "count": self.span.count, "at": self.at, "elapsed": self.elapsed}
        failures = [[failure.seed, failure.kind, failure.signature, failure.message] for failure in self.tally.failures]
        more = {"more": list(self.more.items())} if self.more else {}
        return {**line, "tally": {**_tally_as_json(self.tally), "failures": failures}, **more}


@dataclass(frozen=True, slots=True)
class Summed:
    """Many ranges that are done, in place of their lines."""

    spans: tuple[Span, ...]
    """Their seeds."""
    elapsed: float
    """Wall seconds that the campaign had run by then, over all its sessions."""
    tally: Tally
    """What they came to, without failures."""
    found: tuple[Found, ...]
    """The failures."""

    def as_json(self) -> dict[str, Any]:
        """Its line."""
        spans = [[span.first, span.count] for span in self.spans]
        found = [_found_as_json(one) for one in self.found]
        return {"spans": spans, "elapsed": self.elapsed, "tally": _tally_as_json(self.tally), "found": found}


@dataclass(frozen=True, slots=True)
class Ended:
    """A session of the campaign ended in order."""

    why: str
    """`complete`, `time`, `interrupted` or `gave up`."""
    at: float
    """When, in seconds since 1970."""
    elapsed: float
    """Wall seconds that the campaign had run by then, over all its sessions."""

    def as_json(self) -> dict[str, Any]:
        """Its line."""
        return {"end": self.why, "at": self.at, "elapsed": self.elapsed}


Entry = Finished | Summed | Ended


def entry(data: Any) -> Entry:  # noqa: ANN401 - any JSON value
    """What a line says.

    Raises:
        KeyError: It says too little.
        TypeError: Something is of another kind than it should be.
        ValueError: The same.
    """
    if "end" in data:
        return Ended(data["end"], data["at"], data["elapsed"])
    if "spans" in data:
        spans = tuple(Span(first, count) for first, count in data["spans"])
        return Summed(spans, data["elapsed"], _tally(data["tally"]), tuple(map(_found, data["found"])))
    span = Span(data["first"], data["count"])
    rows = data["tally"]["failures"]
    failures = [Failure(seed, kind, _signature(of), message) for seed, kind, of, message in rows]
    more = {_signature(of): count for of, count in data.get("more", ())}
    return Finished(span, data["at"], data["elapsed"], _tally(data["tally"], failures), more)


def _tally_as_json(tally: Tally) -> dict[str, Any]:
    counters = {name: dict(getattr(tally, name)) for name in _COUNTERS if getattr(tally, name)}
    return {"examples": tally.examples, **counters, "seconds": tally.seconds}


def _tally(data: Mapping[str, Any], failures: Iterable[Failure] = ()) -> Tally:
    counters = {name: Counter(data.get(name, {})) for name in _COUNTERS}
    return Tally(data["examples"], **counters, seconds=data["seconds"], failures=list(failures))


def _found_as_json(found: Found) -> list[Any]:
    failures = [[failure.seed, failure.kind, failure.message, at] for failure, at in found.failures]
    return [found.signature, found.count, found.first_seen, found.last_seen, failures]


def _found(data: list[Any]) -> Found:
    of, count, first_seen, last_seen, rows = data
    signature = _signature(of)
    failures = [(Failure(seed, kind, signature, message), at) for seed, kind, message, at in rows]
    return Found(signature, count, first_seen, last_seen, failures)


def _signature(data: list[Any]) -> Signature:
    oracle, (expected, came), *rest = data
    return Signature(oracle, (expected, came), *rest)
