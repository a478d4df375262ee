"""The ledger: every range of seeds that was finished, with what it came to, a JSON line for each.

Assumes a file system that keeps what fsync returned for. Promises that a range is in the ledger whole or not at all;
that a last line which a crash has torn is dropped; and that two campaigns never write the same ledger.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from packfile.publish import write_file
from packfile_fuzz.results import Failure, Signature, Tally

from .seeds import Span

VERSION = 1
"""Of the ledger's form."""
_COUNTERS = ("outcomes", "instructions", "rules", "verdicts")


class LedgerError(Exception):
    """The ledger cannot be used; the text says why and what to do."""


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
    """What it came to."""

    def as_json(self) -> dict[str, Any]:
        """Its line."""
        line = {"first": self.span.first, "count": self.span.count, "at": self.at, "elapsed": self.elapsed}
        return {**line, "tally": _tally_as_json(self.tally)}


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


Entry = Finished | Ended


class Ledger:
    """A ledger that is being written, locked against others."""

    def __init__(self, path: Path) -> None:
        """Open a ledger that is there, and cut off a torn last line.

        Raises:
            LedgerError: Another campaign writes it.
            OSError: It cannot be opened for writing.
        """
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise LedgerError(f"{path}: another campaign is writing it") from None
        os.ftruncate(self._file, _whole(path))

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries; they are on the disk when this returns.

        Raises:
            OSError: They cannot be written. A part of a line may have been; the next opening cuts it off.
        """
        lines = "".join(json.dumps(entry.as_json(), separators=(",", ":")) + "\n" for entry in entries)
        view = memoryview(lines.encode())
        while view:
            view = view[os.write(self._file, view) :]
        os.fsync(self._file)

    def close(self) -> None:
        """Let others write it."""
        os.close(self._file)


def create(path: Path, header: Header) -> None:
    """Write a ledger of no ranges.

    Raises:
        OSError: It cannot be written.
    """
    write_file(path, (json.dumps(header.as_json()) + "\n").encode())


def read(path: Path) -> tuple[Header, Iterator[Entry]]:
    """What the campaign is of, and all that was finished, read as it is asked for.

    Raises:
        LedgerError: It is no ledger; of the iterator: a line that is not the last is damaged.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        first = file.readline()
    try:
        data = json.loads(first)
        version, header = data["ledger"], Header.from_json(data)
    except (ValueError, KeyError, TypeError):
        raise LedgerError(f"{path}: expected the ledger of a campaign, got a first line that is none") from None
    if version != VERSION:
        raise LedgerError(f"{path}: expected version {VERSION} of the ledger, got {version}")
    return header, _entries(path)


def _entries(path: Path) -> Iterator[Entry]:
    left = _whole(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            left -= len(line)
            if left < 0:
                return
            if number == 1:
                continue
            try:
                yield _entry(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise LedgerError(
                    f"{path}:{number}: expected a finished range, got a damaged line: {error!r}"
                ) from None


def _entry(data: Any) -> Entry:  # noqa: ANN401 - any JSON value
    if "end" in data:
        return Ended(data["end"], data["at"], data["elapsed"])
    span = Span(data["first"], data["count"])
    return Finished(span, data["at"], data["elapsed"], _tally_from_json(data["tally"]))


def _whole(path: Path) -> int:
    """Bytes of the lines that end; a last one that does not was torn."""
    data = path.stat().st_size
    with path.open("rb") as file:
        while data:
            start = max(0, data - 65536)
            file.seek(start)
            at = file.read(data - start).rfind(b"\n")
            if at >= 0:
                return start + at + 1
            data = start
    return 0


def _tally_as_json(tally: Tally) -> dict[str, Any]:
    counters = {name: dict(getattr(tally, name)) for name in _COUNTERS if getattr(tally, name)}
    failures = [[failure.seed, failure.kind, list(failure.signature), failure.message] for failure in tally.failures]
    return {"examples": tally.examples, **counters, "seconds": tally.seconds, "failures": failures}


def _tally_from_json(data: Mapping[str, Any]) -> Tally:
    counters = {name: Counter(data.get(name, {})) for name in _COUNTERS}
    failures = [
        Failure(seed, kind, Signature(oracle, (expected, came), *rest), message)
        for seed, kind, (oracle, (expected, came), *rest), message in data["failures"]
    ]
    return Tally(data["examples"], **counters, seconds=data["seconds"], failures=failures)
