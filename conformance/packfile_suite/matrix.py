"""One suite against many loaders: a file that lists them, and a row of figures for each.

    [[loader]]
    name = "mine, optimised"
    command = "build/release/adapter"

    [[loader]]
    name = "mine, under an emulator"
    command = "qemu-s390x-static build/s390x/adapter"
    timeout = 60
    expect = "packfile-expect.toml"

Each loader gets a run of its own, of which the report alone is read: what a run would not count, no table counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .summary import Summary

ORDERS = ("little", "big", "mixed", "fixed")
COUNTS = ("passed", "failed", "expected", "unsupported", "unobservable", "not_applicable", "selected")
COLUMNS = ("loader", *ORDERS, *(name.replace("_", " ") for name in COUNTS), "seconds", "verdict")
_KEYS = ("name", "command", "timeout", "expect")
_REQUIRED = ("name", "command")


class MatrixError(Exception):
    """Raised for a list of loaders that cannot be used: all that is wrong with it, a line each."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One loader of the list."""

    name: str
    command: str
    timeout: float | None = None
    expect: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What the suite said of one loader."""

    entry: Entry
    status: int
    """Exit status of its run: 0 conformant, 1 not, 2 it cannot be used."""
    says: str
    """Its name, version and features, as it said."""
    counts: Mapping[str, int]
    orders: Mapping[str, tuple[int, int]]
    """Runs passed and selected by byte order."""
    seconds: float
    output: str
    """All that its run printed."""

    @property
    def verdict(self) -> str:
        """The verdict in a word or two."""
        return ("conformant", "NOT CONFORMANT", "UNUSABLE")[self.status]

    def cells(self) -> list[str]:
        """The row as text, in the order of COLUMNS."""
        orders = [f"{self.orders[name][0]}/{self.orders[name][1]}" if name in self.orders else "-" for name in ORDERS]
        counts = [str(self.counts.get(name, "-")) for name in COUNTS]
        return [self.entry.name, *orders, *counts, f"{self.seconds:.1f}", self.verdict]

    def as_json(self) -> dict[str, Any]:
        """The row as data."""
        orders = {name: {"passed": passed, "selected": of} for name, (passed, of) in self.orders.items()}
        return {
            "name": self.entry.name,
            "command": self.entry.command,
            "says": self.says,
            "verdict": self.verdict.lower(),
            **self.counts,
            "byte_orders": orders,
            "seconds": round(self.seconds, 3),
        }


def read_loaders(path: Path) -> tuple[Entry, ...]:
    """The loaders that the file lists. Raises MatrixError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MatrixError(f"{path}: {error}") from None
    rows = content.pop("loader", [])
    problems = [f"{path}: unknown key `{key}`; a loader is a table [[loader]]" for key in content]
    if not isinstance(rows, list) or not rows:
        problems.append(f"{path}: expected at least one table [[loader]] with a name and a command")
        rows = []
    names: list[str] = []
    for number, row in enumerate(rows, 1):
        problems += [f"{path}: loader {number}: {problem}" for problem in _problems(row, names)]
        names.append(str(row.get("name")) if isinstance(row, dict) else "")
    if problems:
        raise MatrixError("\n".join(problems))
    return tuple(Entry(**row) for row in rows)


def _problems(row: object, names: Sequence[str]) -> Iterable[str]:
    if not isinstance(row, dict):
        yield "expected a table"
        return
    for key, value in row.items():
        if key not in _KEYS:
            yield f"unknown key `{key}`; expected {', '.join(_KEYS)}"
        elif key == "timeout":
            if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
                yield f"`timeout` is {value!r}; expected a number above 0"
        elif not isinstance(value, str) or not value.strip():
            yield f"`{key}` is {value!r}; expected a text"
    for key in _REQUIRED:
        if key not in row:
            yield f"missing `{key}`"
    if row.get("name") in names:
        yield f"the name {row['name']!r} stands there twice"


def judge(entry: Entry, arguments: Sequence[str], report: Path) -> Row:
    """Run the suite against a loader; `arguments` are those of `packfile-suite run` that all loaders share."""
    command = [sys.executable, "-m", "packfile_suite", "run", "--loader", entry.command, *arguments]
    command += ["--report-jsonl", str(report)]
    command += ["--timeout", str(entry.timeout)] if entry.timeout is not None else []
    command += ["--expect", entry.expect] if entry.expect is not None else []
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 - the user's own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="backslashreplace", check=False
    )
    seconds = time.monotonic() - started
    reports = read_report(report)
    summary = Summary(reports=[row for row in reports if "summary" not in row])
    last = next((row for row in reports if "summary" in row), None)
    # A run that wrote no summary has shown nothing, whatever its status.
    status = min(done.returncode, 2) if done.returncode >= 0 and last is not None else 2
    counts: dict[str, int] = {}
    if last is not None:
        counts = dict(last["summary"])
        by_order = [row for _, row in summary.by("byte_order")]
        counts |= {name: sum(row[name] for row in by_order) for name in ("passed", "expected")}
    orders = {name: (row["passed"], row["selected"]) for name, row in summary.by("byte_order")}
    return Row(entry, status, last["loader"] if last else "", counts, orders, seconds, done.stdout)


def read_report(path: Path) -> list[dict[str, Any]]:
    """The rows of a report; none if the run wrote none."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def status(rows: Iterable[Row]) -> int:
    """The exit status of the whole: that of the worst loader."""
    return max((row.status for row in rows), default=2)
