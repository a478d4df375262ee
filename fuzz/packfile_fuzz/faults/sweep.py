"""The sweep over many faults: what was found of each, kept after each, so that one that is interrupted goes on.

Assumes nothing of the file of an earlier sweep. Promises that what is in the file is whole after every fault, and that
only what was asked for in the same way is taken from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from packfile.publish import write_file
from packfile_fuzz.faults.fault import Fault
from packfile_fuzz.faults.table import Row
from packfile_fuzz.generator import VERSION


class SweepError(Exception):
    """The file of an earlier sweep cannot be gone on with; the text says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of each fault."""

    suite: bool
    """Whether the suite is."""
    seeds: int
    """Campaigns; 0 for none."""
    workers: int
    """Processes of a campaign."""
    limit: float
    """Seconds that one may take."""

    def as_json(self) -> dict[str, Any]:
        """They as JSON holds them, with the version of what makes the examples."""
        asked: dict[str, Any] = {"suite": self.suite, "seeds": self.seeds}
        if self.seeds:
            asked |= {"workers": self.workers, "limit": self.limit, "generator": VERSION}
        return asked


@dataclass(slots=True)
class Sweep:
    """The rows of a sweep, as far as it went, and where they are kept."""

    options: Options
    file: Path | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    """By the fault's name."""

    @classmethod
    def resumed(cls, options: Options, file: Path, faults: Sequence[Fault]) -> Self:
        """Go on with what a file has of some faults; from the beginning if there is no such file.

        Raises:
            OSError: It cannot be read.
            SweepError: It is no table of faults, or of other options.
        """
        sweep = cls(options, file)
        if not file.exists():
            return sweep
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            before, rows = dict(data["options"]), {row["fault"]: row for row in data["faults"]}
        except (ValueError, KeyError, TypeError):
            raise SweepError(f"{file}: expected a table that --json wrote") from None
        differences = _differences(before, options.as_json())
        if differences:
            raise SweepError(f"{file}: asked for something else: {'; '.join(differences)}")
        try:
            sweep.rows = {fault.name: Row.from_json(fault, rows[fault.name]) for fault in faults if fault.name in rows}
        except (KeyError, TypeError):
            raise SweepError(f"{file}: expected a table that --json wrote") from None
        return sweep

    def add(self, row: Row) -> None:
        """Take a row up, and keep it.

        Raises:
            OSError: The file cannot be written.
        """
        self.rows[row.fault.name] = row
        self.keep()

    def keep(self) -> None:
        """Write the file, if there is one.

        Raises:
            OSError: It cannot be written.
        """
        if self.file is not None:
            rows = [row.as_json() for row in self.rows.values()]
            table = {"options": self.options.as_json(), "faults": rows}
            write_file(self.file, (json.dumps(table, indent=2) + "\n").encode())


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return [f"{name} was {before.get(name)} and is {now.get(name)}" for name in names]
