"""Failures that an implementer knows of, in a file of the implementer's own.

    [[expect]]
    id = "fix-weak-missing-calli-traps"
    outcome = "crash"
    reason = "weak imports are not written yet (#12)"

An entry names a case or a rule, how the case fails and why that is accepted for now. The file must stay true: a
failure that no entry names, an entry whose cases pass, and one whose cases fail in another way are failures of the
run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .case import Case
from .plan import Variant

OUTCOMES = ("fail", "crash", "hang", "rubbish")
_KEYS = {"id", "rule", "outcome", "reason", "byte_order"}


class ExpectationError(Exception):
    """Raised for an expectation file that cannot be used: all that is wrong with it, a line each."""


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

    def covers(self, case: Case, variant: Variant) -> bool:
        """Whether it speaks of this run."""
        if self.byte_order is not None and self.byte_order not in (variant.label, variant.kind):
            return False
        return case.id == self.id if self.id is not None else self.rule in case.rules


@dataclass(frozen=True, slots=True)
class Expectations:
    """All entries of a file."""

    entries: tuple[Entry, ...] = ()

    def find(self, case: Case, variant: Variant) -> Entry | None:
        """The entry for a run; one that names the case comes before one that names a rule."""
        covering = [entry for entry in self.entries if entry.covers(case, variant)]
        return min(covering, key=lambda entry: (entry.id is None, entry.number), default=None)


def read_expectations(path: Path, ids: Collection[str], rules: Collection[str]) -> Expectations:
    """The entries of a file. Raises ExpectationError if one is incomplete or names what the suite does not have."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ExpectationError(f"{path}: {error}") from None
    problems = [f"{path}: unknown key {key}" for key in document if key != "expect"]
    entries: list[Entry] = []
    raw: Any = document.get("expect", [])
    for number, item in enumerate(raw if isinstance(raw, list) else [raw], 1):
        wrong = list(_problems(item, ids, rules))
        problems += [f"{path}: entry {number}: {problem}" for problem in wrong]
        if not wrong:
            fields = {key: item.get(key) for key in ("id", "rule", "byte_order")}
            entries.append(Entry(number=number, outcome=item["outcome"], reason=item["reason"], **fields))
    if problems:
        raise ExpectationError("\n".join(problems))
    return Expectations(tuple(entries))


def _problems(item: object, ids: Collection[str], rules: Collection[str]) -> Iterable[str]:
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
        yield f"the suite has no case {item['id']}"
    if "rule" in item and item["rule"] not in rules:
        yield f"the suite has no rule {item['rule']}"
    if item.get("outcome") not in OUTCOMES:
        yield f"outcome must be one of {', '.join(OUTCOMES)}"
    if not item.get("reason", "").strip():
        yield "it gives no reason"
