"""A folder for every signature: what failed, how often, when, and for which seeds.

Assumes that nothing else writes these files. Promises that each is whole, and that all of them follow from the ledger.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packfile.publish import write_file
from packfile_fuzz.results import Signature

from .found import Found
from .state import State

FOLDER = "failures"
"""Of the folders, within that of the campaign."""
_LONGEST = 100


def slug(signature: Signature) -> str:
    """A name for a folder: words of the signature, and a digest of all of it."""
    outcomes = "-not-".join(reversed(signature.outcomes))
    words = f"{signature.oracle}-{outcomes}-{signature.detail}-{signature.opcode}-{signature.loader}"
    text = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:_LONGEST]
    digest = hashlib.sha256(json.dumps(signature).encode()).hexdigest()[:8]
    return f"{text}-{digest}"


def folder_of(directory: Path, signature: Signature) -> Path:
    """The folder of a signature, in the directory of a campaign."""
    return directory / FOLDER / slug(signature)


def moment(at: float) -> str:
    """A time as ISO 8601, in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def summary(found: Found) -> dict[str, Any]:
    """A signature and its count, as JSON holds it."""
    return {
        **found.signature._asdict(),
        "slug": slug(found.signature),
        "count": found.count,
        "first_seen": moment(found.first_seen),
        "last_seen": moment(found.last_seen),
        "seed": found.example.seed,
        "kind": found.example.kind,
        "message": found.example.message,
    }


class Folders:
    """The folders of a campaign that runs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / FOLDER
        self._counts: dict[Signature, int] = {}

    def write(self, state: State) -> None:
        """Write what has changed since the last time.

        Raises:
            OSError: It cannot be written.
        """
        for found in state.by_signature():
            if self._counts.get(found.signature) != found.count:
                self.write_one(found)

    def write_one(self, found: Found) -> None:
        """Write `signature.json` and `failures.jsonl` of a signature.

        Raises:
            OSError: They cannot be written.
        """
        folder = self._directory / slug(found.signature)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / "failures.jsonl", _lines(_failures(found)))
        write_file(folder / "signature.json", (json.dumps(summary(found), indent=2) + "\n").encode())
        self._counts[found.signature] = found.count


def _failures(found: Found) -> Iterator[dict[str, Any]]:
    for failure, at in found.failures:
        yield {"seed": failure.seed, "kind": failure.kind, "message": failure.message, "seen": moment(at)}


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
