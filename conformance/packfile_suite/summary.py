"""What a run amounts to: counts by area and by byte order, the diagnosis score, and whether the run may count at all.

A run that selected nothing, executed nothing, left too much out or ended early has shown nothing, so it fails
whatever its cases say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_UNSUPPORTED = 0.20
"""Greatest share of the cases of a whole run that may need features which the loader lacks."""

AREAS = ("HDR", "DIR", "SEC", "FUN", "CODE", "FIX", "EXE", "LIM", "INT", "XIP", "protocol")
FAILED = ("fail", "crash", "hang", "rubbish")
COLUMNS = ("selected", "executed", "passed", "failed", "expected", "unsupported")
LEFT_OUT = ("unsupported", "unobservable", "not applicable")
"""Verdicts of runs that were not executed, or not to the point of showing anything."""


@dataclass
class Summary:
    """The counts of a run."""

    selected: int = 0
    """Runs of cases that were asked for."""
    whole: bool = True
    """Whether the whole suite was asked for."""
    sample: str | None = None
    """The sample in words, where only one was asked for."""
    reports: list[Mapping[str, Any]] = field(default_factory=list)
    """One for each run of a case that ended, and each protocol check: see `plugin`."""
    lost: list[str] = field(default_factory=list)
    """Node ids of runs during which the worker died."""
    stale: list[str] = field(default_factory=list)
    """Entries of the expectation file that no longer fit."""
    interrupted: bool = False

    @property
    def cases(self) -> list[Mapping[str, Any]]:
        """The reports of runs of cases."""
        return [report for report in self.reports if report["area"] != "protocol"]

    @property
    def executed(self) -> int:
        """Runs of cases that showed something."""
        return sum(report["verdict"] not in LEFT_OUT for report in self.cases)

    @property
    def unsupported(self) -> int:
        """Runs of cases left out for features that the loader does not have."""
        return self._count("unsupported")

    @property
    def unobservable(self) -> int:
        """Checks of the in-place profile that this machine does not let one make."""
        return self._count("unobservable")

    @property
    def not_applicable(self) -> int:
        """Checks of the in-place profile for a loader that does not claim to be in place."""
        return self._count("not applicable")

    def _count(self, verdict: str) -> int:
        return sum(report["verdict"] == verdict for report in self.cases)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the tables: the last two only where there is something to count."""
        return (*COLUMNS, *(name for name in LEFT_OUT[1:] if self._count(name)))

    @property
    def failed(self) -> int:
        """Runs that failed and were not expected to, or did otherwise than expected."""
        return sum(bool(report["failed"]) for report in self.reports) + len(self.lost)

    def problems(self) -> list[str]:
        """Why the run shows nothing, or less than it seems to; empty if it may count."""
        problems: list[str] = []
        done = len(self.cases)
        if self.selected == 0:
            problems.append("no case was selected: nothing has been shown")
        elif self.interrupted or done < self.selected:
            problems.append(f"the run was cut short: {done} of {self.selected} selected cases came to an end")
        if self.selected and not self.executed:
            problems.append("no case was executed: nothing has been shown")
        if self.whole and self.unsupported > MOST_UNSUPPORTED * self.selected:
            share = 100 * self.unsupported / self.selected
            problems.append(
                f"{share:.0f} % of the cases were left out as unsupported; at most {MOST_UNSUPPORTED:.0%} may be"
            )
        problems += [f"the worker died while it ran {node}" for node in self.lost]
        problems += self.stale
        return problems

    def by(self, key: str) -> list[tuple[str, dict[str, int]]]:
        """Counts of each column for each value of `area` or `byte_order`."""
        groups: dict[str, Counter[str]] = {}
        for report in self.reports if key == "area" else self.cases:
            counts = groups.setdefault(report[key], Counter())
            verdict = report["verdict"]
            counts["selected"] += 1
            counts[verdict] += verdict in LEFT_OUT
            counts["executed"] += verdict not in LEFT_OUT
            counts["failed"] += report["failed"]
            counts["expected"] += verdict in FAILED and not report["failed"]
            counts["passed"] += verdict == "pass" and not report["failed"]
        order = {name: at for at, name in enumerate((*AREAS, "little", "big", "mixed", "fixed"))}
        return [(name, dict(groups[name])) for name in sorted(groups, key=lambda name: (order.get(name, 99), name))]

    def diagnosis(self) -> tuple[int, int, int]:
        """Expected failures that came: with exactly the rule, without any rule, all."""
        pairs = [pair for report in self.reports for pair in report["diagnoses"]]
        return sum(wanted == given for wanted, given in pairs), sum(given is None for _, given in pairs), len(pairs)

    def loader(self) -> str:
        """The loader's name, version and features, as it said."""
        names = {report["loader"] for report in self.reports if report["loader"]}
        return "; ".join(sorted(names)) or "unknown: it has never said hello"

    def headline(self) -> str:
        """The one line that every summary has."""
        text = f"executed {self.executed} / unsupported {self.unsupported} / selected {self.selected}"
        more = "".join(f", {name} {self._count(name)}" for name in LEFT_OUT[1:] if self._count(name))
        return f"{text}, failed {self.failed}{more}"

    def lines(self, seconds: float) -> list[str]:
        """What stands below the tables."""
        exact, without, total = self.diagnosis()
        lines = [f"loader: {self.loader()}"]
        if total:
            detail = f"{exact} of {total} rules named exactly, {without} not named"
            lines.append(f"diagnosis: {100 * exact / total:.0f} % exact ({detail}); it decides nothing")
        if self.not_applicable:
            lines.append(f"not applicable: {self.not_applicable} checks, since the loader does not say in-place")
        reasons = Counter(report["reason"] for report in self.cases if report["verdict"] == "unobservable")
        lines += [f"unobservable: {count} checks: {reason}" for reason, count in sorted(reasons.items())]
        requests = sum(report["requests"] for report in self.reports)
        left_out = Counter(feature for report in self.cases for feature in report["missing"])
        lines += [f"left out: {count} cases need {feature}" for feature, count in sorted(left_out.items())]
        lines.append(f"time: {seconds:.1f} s, {requests} requests")
        return lines


def tables(summary: Summary) -> list[tuple[str, list[Sequence[str]]]]:
    """The tables by area and byte order: a title for the first column, and the rows."""
    result: list[tuple[str, list[Sequence[str]]]] = []
    for title, key in (("area", "area"), ("byte order", "byte_order")):
        rows = [(name, *(str(counts.get(column, 0)) for column in summary.columns)) for name, counts in summary.by(key)]
        result.append((title, list(rows)))
    return result


def plain_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table as text."""
    everything = [(title, *columns), *rows]
    widths = [max(len(row[at]) for row in everything) for at in range(len(columns) + 1)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in everything
    ]
