"""Failures that an implementer knows of, in a file of the implementer's own.

    [[expect]]
    id = "fix-weak-missing-calli-traps"
    outcome = "crash"
    reason = "weak imports are not written yet (#12)"

An entry names a case, a check of the adapter or a rule, how it fails and why that is accepted for now. The file must
stay true: a failure that no entry names, an entry whose cases pass, and one whose cases fail in another way are
failures of the run. Promises that every entry of a file that was read speaks of some run which no other entry takes.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packfile.rules import RULES

from .case import Case
from .plan import Variant, variants
from .protocol import CHECKS

OUTCOMES = ("fail", "crash", "hang", "rubbish")
FILE_NAME = "packfile-expect.toml"
"""What the file is called where none is named."""
_KEYS = {"id", "rule", "outcome", "reason", "byte_order"}


class ExpectationError(Exception):
    """Raised for an expectation file that cannot be used: all that is wrong with it, a line each."""


@dataclass(frozen=True, slots=True)
class RunName:
    """What an entry can say of a run."""

    id: str
    rules: tuple[str, ...] = ()
    byte_order: str = ""
    kind: str = ""

    @classmethod
    def of(cls, case: Case, variant: Variant) -> RunName:
        """That of a case in one byte order."""
        return cls(case.id, case.rules, variant.label, variant.kind)


def run_names(cases: Iterable[Case]) -> list[RunName]:
    """Every run of a suite of these cases, the checks of the adapter included."""
    return [*(RunName.of(case, variant) for case in cases for variant in variants(case)), *map(RunName, CHECKS)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted failure."""

    number: int
    id: str | None
    rule: str | None
    byte_order: str | None
    outcome: str
    reason: str

    @property
    def name(self) -> str:
        """How messages name it."""
        order = f" [{self.byte_order}]" if self.byte_order else ""
        return f"entry {self.number} ({self.id or self.rule}{order})"

    def covers(self, run: RunName) -> bool:
        """Whether it speaks of this run."""
        if self.byte_order is not None and self.byte_order not in (run.byte_order, run.kind):
            return False
        return run.id == self.id if self.id is not None else self.rule in run.rules


@dataclass(frozen=True, slots=True)
class Expectations:
    """All entries of a file."""

    entries: tuple[Entry, ...] = ()
    path: Path | None = None

    def find(self, run: RunName) -> Entry | None:
        """The entry for a run, the one that says most: with a case before a rule, with a byte order before none."""
        covering = [entry for entry in self.entries if entry.covers(run)]
        return min(covering, key=lambda entry: (entry.id is None, entry.byte_order is None, entry.number), default=None)


def read_expectations(path: Path, runs: Sequence[RunName]) -> Expectations:
    """The entries of a file. Raises ExpectationError if one is incomplete or speaks of none of the runs."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ExpectationError(f"{path}: {error}") from None
    problems = [f"{path}: unknown key {key}" for key in document if key != "expect"]
    entries: list[Entry] = []
    ids = dict.fromkeys(run.id for run in runs)
    raw: Any = document.get("expect", [])
    for number, item in enumerate(raw if isinstance(raw, list) else [raw], 1):
        wrong = list(_problems(item, ids))
        problems += [f"{path}: entry {number}: {problem}" for problem in wrong]
        if not wrong:
            fields = {key: item.get(key) for key in ("id", "rule", "byte_order")}
            entries.append(Entry(number=number, outcome=item["outcome"], reason=item["reason"], **fields))
    expectations = Expectations(tuple(entries), path)
    problems += [f"{path}: {problem}" for problem in _idle(expectations, runs)]
    if problems:
        raise ExpectationError("\n".join(problems))
    return expectations


def _idle(expectations: Expectations, runs: Sequence[RunName]) -> Iterator[str]:
    """Why some entries would never be used, and so could never become stale."""
    used = {entry.number for run in runs if (entry := expectations.find(run)) is not None}
    for entry in expectations.entries:
        if entry.number in used:
            continue
        mine = [run for run in runs if (run.id == entry.id if entry.id else entry.rule in run.rules)]
        covered = next((run for run in mine if entry.covers(run)), None)
        if covered is not None:
            other = expectations.find(covered)
            assert other is not None
            yield f"{entry.name}: {other.name} already speaks of all its runs; remove one of them"
        elif mine:
            orders = ", ".join(dict.fromkeys(run.byte_order for run in mine if run.byte_order)) or "none"
            yield f"{entry.name}: there is no such byte order; it has {orders}"
        else:
            yield f"{entry.name}: the rule has no case"


def _problems(item: object, ids: Collection[str]) -> Iterator[str]:
    if not isinstance(item, dict):
        yield "it is not a table: write [[expect]]"
        return
    for key in item.keys() - _KEYS:
        yield f"unknown key {key}"
    for key in item.keys() & _KEYS:
        if not isinstance(item[key], str):
            yield f"{key} is not a string"
            return
    if ("id" in item) == ("rule" in item):
        yield "it must name either an id or a rule"
    if "id" in item and item["id"] not in ids:
        yield f"the suite has no case {item['id']}{_hint(item['id'], ids)}"
    if "rule" in item and item["rule"] not in RULES:
        yield f"the suite has no rule {item['rule']}{_hint(item['rule'], RULES)}"
    if item.get("outcome") not in OUTCOMES:
        yield f"outcome must be one of {', '.join(OUTCOMES)}"
    if not item.get("reason", "").strip():
        yield "it gives no reason"


def _hint(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, 3)
    return f"; did you mean {', '.join(close)}?" if close else ""
