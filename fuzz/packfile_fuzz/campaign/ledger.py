"""The ledger: every range of seeds that was finished, with what it came to, a JSON line for each or for many.

Assumes a file system that keeps what fsync returned for. Promises that a range is in the ledger whole or not at all;
that a last line which a crash has torn is dropped; and that two campaigns never write the same ledger.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packfile.publish import replacing, write_file

from .entries import VERSION, Entry, Header, entry

ROOM = 32 << 20
"""Bytes by which a ledger may grow before one entry takes the place of all: a week's is still read at once."""


class LedgerError(Exception):
    """The ledger cannot be used; the text says why and what to do."""


class Ledger:
    """A ledger that is being written, locked against others."""

    def __init__(self, path: Path) -> None:
        """Open a ledger that is there, and cut off a torn last line.

        Raises:
            LedgerError: Another campaign writes it.
            OSError: It cannot be opened for writing.
        """
        self._path, self._least = path, 0
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._file), path.stat()):
                raise BlockingIOError  # It was replaced by whoever had it.
        except OSError:
            os.close(self._file)
            raise LedgerError(f"{path}: another campaign is writing it") from None
        os.ftruncate(self._file, _whole(path))

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries; they are on the disk when this returns, and none of them is if it raises.

        Raises:
            OSError: They cannot be written.
        """
        size = os.fstat(self._file).st_size
        try:
            _write(self._file, (one.as_json() for one in entries))
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    @property
    def is_large(self) -> bool:
        """Whether it has grown by so much that it should be replaced."""
        return os.fstat(self._file).st_size > 2 * self._least + ROOM

    def replace(self, entry: Entry) -> None:
        """Put one entry in the place of all; whoever reads it meanwhile sees the old ones or the new one.

        Raises:
            OSError: It cannot be written, and the ledger is as it was.
        """
        header, _ = read(self._path)
        with replacing(self._path) as file:
            _write(file, (header.as_json(), entry.as_json()))
            # The lock is that of the open file, so it goes on with the copy of the descriptor.
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
            new = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 0)
        os.close(self._file)
        self._file = new
        self._least = os.fstat(new).st_size

    def close(self) -> None:
        """Let others write it."""
        os.close(self._file)


def _write(file: int, lines: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    view = memoryview(text.encode())
    while view:
        view = view[os.write(file, view) :]


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
                yield entry(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise LedgerError(
                    f"{path}:{number}: expected a finished range, got a damaged line: {error!r}"
                ) from None


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
