"""Gathers the results of all workers, writes and sums them up, and decides whether the run counts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from packfile.publish import write_file

from .case import Case
from .expect_file import text, updated
from .expectations import run_names
from .items import CaseItem
from .suite import Suite
from .summary import FAILED, Summary, plain_table, tables

_MARKS = (".yaml::", "packfile-suite::xip-")
"""What node ids of cases and of the in-place profile have."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """An expectation file that is to be written for the failures of this run."""

    path: Path
    cases: Sequence[Case]

    def write(self, suite: Suite, summary: Summary) -> str:
        """Writes it, and says so. A run that was cut short would leave out what it did not come to."""
        if summary.executed + summary.unsupported < summary.selected:
            return f"{self.path}: not written, since the run was cut short"
        rows = updated(suite.expectations, summary.reports, run_names(self.cases))
        write_file(self.path, text(rows).encode())
        empty = sum(not entry.reason for entry, _ in rows)
        return f"{self.path}: {len(rows)} entries written; {empty} of them need a reason before the file can be used"


class Recorder:
    """Lives where results come together: in the only process, or in xdist's controller."""

    def __init__(self, config: pytest.Config, suite: Suite, jsonl: str | None, new: NewFile | None) -> None:
        self._new, self._said = new, ""
        self._suite = suite
        self._started = time.monotonic()
        chosen = bool(suite.filters) or suite.sample is not None
        self._forced = suite.named or chosen or config.getoption("expect", None) is not None
        self._others = 0
        self._ids: list[str] | None = None
        self._file: IO[str] | None = Path(jsonl).open("w", encoding="utf-8") if jsonl else None  # noqa: SIM115
        keyword, mark = config.getoption("keyword", ""), config.getoption("markexpr", "")
        self.summary = Summary(whole=not (chosen or keyword or mark))

    @property
    def active(self) -> bool:
        """Whether this run of pytest is one of the suite, and not of other tests that happen to collect it."""
        if self.summary.selected or self.summary.reports or self.summary.lost:
            return True
        return self._forced or (self._suite.collected and not self._others)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Counts what was selected, in a run without workers."""
        if self._ids is None:
            cases = sum(isinstance(item, CaseItem) for item in session.items)
            self.summary.selected, self._others = cases, len(session.items) - cases

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: Sequence[str]) -> None:  # noqa: ARG002
        """Counts what was selected by the workers, all of which collect the same."""
        self._ids = list(ids)
        self.summary.selected = sum(_is_case(name) for name in ids)
        self._others = len(ids) - self.summary.selected

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes a result."""
        record: dict[str, Any] | None = getattr(report, "packfile", None)
        if record is not None:
            self.summary.reports.append(record)
            self._write({"node": report.nodeid, **record})
        elif report.when not in ("setup", "call", "teardown") and _is_case(report.nodeid):
            self.summary.lost.append(report.nodeid)

    def pytest_keyboard_interrupt(self) -> None:
        """Notes that the run did not come to its end."""
        self.summary.interrupted = True

    def _write(self, value: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(value) + "\n")
            self._file.flush()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails a run that shows nothing."""
        if not self.active or session.config.option.collectonly:
            return
        self.summary.interrupted |= bool(session.shouldstop)
        self.summary.sample = self._suite.sample_text
        self.summary.stale += self._stale()
        problems = self.summary.problems()
        good = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if problems and session.exitstatus in good:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._new is not None:
            self._said = self._new.write(self._suite, self.summary)
        exact, without, total = self.summary.diagnosis()
        names = ("executed", "unsupported", "unobservable", "not_applicable", "selected", "failed")
        counts = {name: getattr(self.summary, name) for name in names}
        diagnosis = {"exact": exact, "without_rule": without, "of": total}
        last = {"summary": counts, "problems": problems, "loader": self.summary.loader(), "diagnosis": diagnosis}
        self._write(last | ({"sample": self.summary.sample} if self.summary.sample else {}))
        if self._file is not None:
            self._file.close()

    def _stale(self) -> list[str]:
        """Entries for what is not run, or for a rule no case of which fails; others fail the case that they are for."""
        stale: list[str] = []
        for entry in self._suite.expectations.entries:
            verdicts = [report["verdict"] for report in self.summary.reports if report["expectation"] == entry.number]
            if verdicts and set(verdicts) == {"unsupported"}:
                what = "the loader has not the feature that its cases need"
                stale.append(f"{entry.name} of the expectation file is stale: {what}. Remove the entry.")
            elif entry.id is None and verdicts and not any(verdict in FAILED for verdict in verdicts):
                stale.append(f"{entry.name} of the expectation file is stale: every case passes now. Remove the entry.")
        return stale

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Prints tables and headline."""
        if not self.active or config.option.collectonly:
            return
        terminalreporter.section("Packfile conformance")
        if terminalreporter.isatty:
            self._rich(terminalreporter)
        else:
            for title, rows in tables(self.summary):
                terminalreporter.write_line("\n".join(plain_table(title, self.summary.columns, rows)) + "\n")
        for line in self.summary.lines(time.monotonic() - self._started):
            terminalreporter.write_line(line)
        known = self._suite.expectations
        if known.path is not None:
            terminalreporter.write_line(f"known failures: {known.path}, {len(known.entries)} entries")
        if self._said:
            terminalreporter.write_line(self._said)
        problems = self.summary.problems()
        for problem in problems:
            terminalreporter.write_line(f"NOT CONFORMANT: {problem}", red=True, bold=True)
        good = not problems and not self.summary.failed
        verdict = "conformant" if good else "not conformant"
        verdict += f" in {self.summary.sample}" if self.summary.sample else ""
        terminalreporter.write_line(f"{verdict}: {self.summary.headline()}", green=good, red=not good, bold=True)

    def _rich(self, terminalreporter: pytest.TerminalReporter) -> None:
        from rich.console import Console  # noqa: PLC0415 - only where a person looks
        from rich.table import Table  # noqa: PLC0415

        console = Console(width=terminalreporter._tw.fullwidth, force_terminal=True)  # noqa: SLF001
        for title, rows in tables(self.summary):
            table = Table(title, *self.summary.columns)
            for column in table.columns[1:]:
                column.justify = "right"
            for row in rows:
                table.add_row(*row)
            with console.capture() as capture:
                console.print(table)
            terminalreporter.write(capture.get())


def _is_case(node: str) -> bool:
    return any(mark in node for mark in _MARKS)
