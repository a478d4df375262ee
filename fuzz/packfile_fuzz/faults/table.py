"""The table: what found each fault, the suite's cases alone and campaigns.

Assumes nothing. Promises the same figures in every form: for people, in Markdown, and in JSON.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from packfile_fuzz.faults.fault import Fault
from packfile_fuzz.faults.judge import Caught

COLUMNS = ("fault", "rule", "where", "the suite", "a campaign, s", "what it does")
"""Headings of the table."""
NOT_ASKED = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one fault."""

    fault: Fault
    """The fault."""
    asked_suite: bool = False
    """Whether the suite was asked."""
    caught: Caught | None = None
    """What the suite said, if it was asked and saw it."""
    times: Sequence[float | None] = ()
    """Seconds of each campaign; None of one that did not find it in its time."""

    @property
    def median(self) -> float | None:
        """Median of the campaigns' seconds; None if less than half of them found it, or none was made."""
        found = [seconds for seconds in self.times if seconds is not None]
        # One that did not find it took longer than any that did.
        lost = [float("inf")] * (len(self.times) - len(found))
        middle = statistics.median_high(sorted([*found, *lost])) if self.times else float("inf")
        return None if middle == float("inf") else middle

    @property
    def worst(self) -> float | None:
        """The most seconds of a campaign; None if one of them did not find it, or none was made."""
        found = [seconds for seconds in self.times if seconds is not None]
        return max(found) if found and len(found) == len(self.times) else None

    @property
    def is_missed(self) -> bool:
        """Whether all that was asked missed it."""
        asked = self.asked_suite or bool(self.times)
        return asked and self.caught is None and not any(seconds is not None for seconds in self.times)

    def cells(self) -> tuple[str, ...]:
        """The row, as text."""
        fault = self.fault
        suite = NOT_ASKED if not self.asked_suite else "no" if self.caught is None else self.caught.run
        return fault.name, fault.rules[0], str(fault.where), suite, self._campaign(), fault.summary

    def _campaign(self) -> str:
        if not self.times:
            return NOT_ASKED
        if self.median is None:
            found = sum(seconds is not None for seconds in self.times)
            return f"no ({found} of {len(self.times)})" if found else "no"
        worst = "never" if self.worst is None else f"{self.worst:.1f}"
        return f"{self.median:.1f} (worst {worst})"

    def progress(self) -> str:
        """What was found, in a line: by the suite, and seconds of each campaign, `-` where it did not find it."""
        said = [self.fault.name]
        if self.asked_suite:
            said.append("not by the suite" if self.caught is None else f"by {self.caught.run}")
        if self.times:
            said.append(" ".join("-" if seconds is None else f"{seconds:.1f}" for seconds in self.times) + " s")
        return ": ".join(said)

    @classmethod
    def from_json(cls, fault: Fault, data: Mapping[str, Any]) -> Self:
        """The row of a fault that `as_json` gave.

        Raises:
            KeyError: It says too little.
            TypeError: It is no such row.
        """
        caught = data.get("suite")
        times = data.get("campaign", {"seconds": []})["seconds"]
        return cls(fault, "suite" in data, None if caught is None else Caught.from_json(caught), tuple(times))

    def as_json(self) -> dict[str, Any]:
        """The row, as JSON holds it."""
        fault = self.fault
        row: dict[str, Any] = {"fault": fault.name, "rules": list(fault.rules), "where": str(fault.where)}
        row["summary"] = fault.summary
        if self.asked_suite:
            row["suite"] = None if self.caught is None else self.caught.as_json()
        if self.times:
            row["campaign"] = {"seconds": list(self.times), "median": self.median, "worst": self.worst}
        return row


def summary(rows: Sequence[Row]) -> str:
    """What all rows come to, in a sentence or two."""
    asked, campaigns = [row for row in rows if row.asked_suite], [row for row in rows if row.times]
    lines = [f"{len(rows)} faults"]
    if asked:
        lines.append(f"{sum(row.caught is not None for row in asked)} found by the suite's cases alone")
    if campaigns:
        lines.append(_summary_of_campaigns(campaigns))
    return ", ".join(lines) + "."


def _summary_of_campaigns(rows: Sequence[Row]) -> str:
    medians = [row.median for row in rows if row.median is not None]
    text = f"{len(medians)} found by campaigns"
    if medians:
        text += f", half of them within {statistics.median(medians):.1f} s and all within {max(medians):.1f} s"
    lost = sum(seconds is None for row in rows for seconds in row.times)
    return f"{text}; {lost} of {sum(len(row.times) for row in rows)} campaigns found nothing in their time"


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *(_line(row.cells()) for row in rows)]
    return "\n".join([*lines, "", summary(rows), ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
