"""An expectation file for the failures of a run, so that nobody has to write a long one by hand.

What the file that was used says and the run confirms, or did not touch, is kept as it is. A new entry has an empty
reason, with which the file is refused: a failure is accepted by whoever says why, and by nobody else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .expectations import Entry, Expectations, RunName
from .summary import FAILED

Report = Mapping[str, Any]

_HEAD = """\
# Failures of this loader that are known and accepted for now. The run fails if one is missing here, does not fail any
# more, or fails in another way. Each needs a reason; as long as one is empty, the file is refused.
"""


@dataclass(frozen=True, slots=True)
class _Failed:
    outcome: str
    reason: str
    came: str


def updated(expectations: Expectations, reports: Sequence[Report], runs: Sequence[RunName]) -> list[tuple[Entry, str]]:
    """The entries that would make this run pass, each with what came of it as a comment; those that hold are kept."""
    kept = {entry.number: entry for entry in expectations.entries if _holds(entry, reports)}
    failed: defaultdict[str, dict[str, _Failed]] = defaultdict(dict)
    for report in reports:
        old = next((entry for entry in expectations.entries if entry.number == report["expectation"]), None)
        same = old is not None and old.outcome == report["verdict"]
        if report["verdict"] in FAILED and not (old is not None and same and old.number in kept):
            reason = old.reason if old is not None and same else ""
            failed[report["case"]][report["byte_orders"]] = _Failed(report["verdict"], reason, _came(report))
    ran = {(report["case"], report["byte_orders"]) for report in reports}
    for run in runs:
        entry = expectations.find(run)
        if entry is not None and entry.number not in kept and (run.id, run.byte_order) not in ran:
            failed[run.id][run.byte_order] = _Failed(entry.outcome, entry.reason, "")
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for run in runs:
        labels[run.id].add(run.byte_order)
    new = [row for case, by_order in failed.items() for row in _entries(case, by_order, labels[case])]
    return [(entry, "") for entry in kept.values()] + new


def _holds(entry: Entry, reports: Iterable[Report]) -> bool:
    verdicts = [report["verdict"] for report in reports if report["expectation"] == entry.number]
    right = [verdict == entry.outcome for verdict in verdicts]
    return not verdicts or (all(right) if entry.id is not None else any(right))


def _came(report: Report) -> str:
    failure = report["failure"]
    if failure is None:
        return ""
    return f"{failure['doing']}: expected {failure['expected']}, got {failure['got']}"


def _entries(case: str, failed: Mapping[str, _Failed], labels: set[str]) -> list[tuple[Entry, str]]:
    """One entry if all runs of the case fail alike, else one for each byte order."""
    bare = Entry(number=0, id=case, rule=None, byte_order=None, outcome="", reason="")
    kinds = {(one.outcome, one.reason) for one in failed.values()}
    if labels == set(failed) and len(kinds) == 1:
        first = next(iter(failed.values()))
        return [(replace(bare, outcome=first.outcome, reason=first.reason), first.came)]
    return [
        (replace(bare, byte_order=order, outcome=one.outcome, reason=one.reason), one.came)
        for order, one in failed.items()
    ]


def text(rows: Iterable[tuple[Entry, str]]) -> str:
    """The file."""
    parts = [_HEAD]
    for entry, came in rows:
        lines = ["[[expect]]"]
        for name in ("id", "rule", "byte_order", "outcome", "reason"):
            value = getattr(entry, name)
            lines += [f"{name} = {_string(value)}"] if value is not None else []
        lines += [f"# {''.join(char if char.isprintable() else ' ' for char in came)}"] if came else []
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _string(value: str) -> str:
    """A string of TOML: one of JSON, but that TOML takes no DEL as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
