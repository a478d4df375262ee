"""Gathers the results of all workers, writes and sums them up, and decides whether the run counts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from .items import CaseItem
from .suite import Suite
from .summary import FAILED, Summary, plain_table, tables

_MARKS = (".yaml::", "packfile-suite::xip-")
"""What node ids of cases and of the in-place profile have."""


class Recorder:
    """Lives where results come together: in the only process, or in xdist's controller."""

    def __init__(self, config: pytest.Config, suite: Suite, jsonl: str | None) -> None:
        self._suite = suite
        self._started = time.monotonic()
        self._forced = suite.named or bool(suite.filters) or config.getoption("expect", None) is not None
        self._others = 0
        self._ids: list[str] | None = None
        self._file: IO[str] | None = Path(jsonl).open("w", encoding="utf-8") if jsonl else None  # noqa: SIM115
        keyword, mark = config.getoption("keyword", ""), config.getoption("markexpr", "")
        self.summary = Summary(whole=not (suite.filters or keyword or mark))

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
        self.summary.stale += self._stale()
        problems = self.summary.problems()
        good = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if problems and session.exitstatus in good:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        exact, without, total = self.summary.diagnosis()
        names = ("executed", "unsupported", "unobservable", "not_applicable", "selected", "failed")
        counts = {name: getattr(self.summary, name) for name in names}
        diagnosis = {"exact": exact, "without_rule": without, "of": total}
        loader = self.summary.loader()
        self._write({"summary": counts, "problems": problems, "loader": loader, "diagnosis": diagnosis})
        if self._file is not None:
            self._file.close()

    def _stale(self) -> list[str]:
        """Entries for a rule none of whose cases fails any more; entries for a case fail that case."""
        stale: list[str] = []
        for entry in self._suite.expectations.entries:
            verdicts = [report["verdict"] for report in self.summary.reports if report["expectation"] == entry.number]
            if entry.id is None and verdicts and not any(verdict in FAILED for verdict in verdicts):
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
        problems = self.summary.problems()
        for problem in problems:
            terminalreporter.write_line(f"NOT CONFORMANT: {problem}", red=True, bold=True)
        good = not problems and not self.summary.failed
        verdict = "conformant" if good else "not conformant"
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
