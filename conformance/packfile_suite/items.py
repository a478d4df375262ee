"""Cases and protocol checks as items of pytest."""

from __future__ import annotations

import dataclasses
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from .build import BuiltFile
from .case import Case, CaseError
from .execute import Failure, Result, run_case
from .expectations import Entry, RunName
from .load import load_file
from .paths import shown
from .plan import Variant, variants
from .protocol import CHECKS, ProtocolError, run_check
from .report import failure_text, printable
from .session import Hello, LoaderFailed
from .suite import SUITE, Suite


class _Red(Exception):
    """Fails an item with a text of its own."""


class _SuiteItem(pytest.Item):
    record: dict[str, Any] | None = None

    @property
    def suite(self) -> Suite:
        return self.config.stash[SUITE]

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ANN401 - pytest's own
    ) -> Any:  # noqa: ANN401 - a text or pytest's own
        """The failure's own text; a traceback only for a defect of the suite."""
        if isinstance(excinfo.value, _Red | CaseError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def _note(self, **fields: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
        assert self.record is not None
        self.record.update(fields)

    def _compare(self, entry: Entry | None, verdict: str, text: str | None) -> None:
        """Fails the item unless it came out as the expectation file says; `text` is None if it passed."""
        if entry is not None:
            self._note(expectation=entry.number)
        if text is None:
            if entry is not None and entry.id is not None:
                what = (
                    "remove the entry" if entry.byte_order else "remove the entry, or give it the byte_order that fails"
                )
                self._fail(f"{entry.name} of the expectation file is stale: {self.name} passes now; {what}.")
        elif entry is None:
            self._fail(text)
        elif entry.outcome != verdict:
            self._fail(
                f"{entry.name} of the expectation file expects {entry.outcome}, and this is {verdict}.\n\n{text}"
            )
        else:
            pytest.xfail(f"{verdict}: {entry.reason}")

    def _fail(self, text: str) -> None:
        self._note(failed=True)
        self.suite.failed = True
        raise _Red(text)


def _loader_text(hello: Hello | None) -> str:
    return printable(str(hello)) if hello is not None else ""


class CaseFile(pytest.File):
    """A YAML file of cases."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each case and byte order."""
        try:
            cases = load_file(self.path)
        except CaseError as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            for variant in variants(case):
                name = f"{case.id}[{variant.label}]"
                item: CaseItem = CaseItem.from_parent(self, name=name, case=case, variant=variant)
                yield item


class CaseItem(_SuiteItem):
    """A case in one byte order."""

    def __init__(self, *, case: Case, variant: Variant, **kwargs: Any) -> None:  # noqa: ANN401 - pytest's
        super().__init__(**kwargs)
        self.case, self.variant = case, variant
        self.user_properties += [("case", case.id), ("rule", " ".join(case.rules)), ("byte_order", variant.label)]

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        """Where the case stands."""
        return self.path, self.case.line - 1, self.name

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        """Where the case stands, the same wherever the suite is installed."""
        return shown(self.path), self.case.line - 1, self.name

    def runtest(self) -> None:
        """Runs the case, and compares with the expectation file."""
        case, variant, suite = self.case, self.variant, self.suite
        hello = suite.loader.hello()
        missing = [feature for feature in case.needs if hello is not None and feature not in hello.features]
        self.record = self._new_record(hello) | {"missing": missing}
        entry = suite.expectations.find(RunName.of(case, variant))
        if missing:
            self._note(expectation=entry.number if entry else None)
            self.user_properties.append(("verdict", "unsupported"))
            pytest.skip(f"unsupported: the loader has no feature {', '.join(missing)}")
        try:
            files = suite.builder.files(case, variant)
        except CaseError:
            self._note(verdict="broken", failed=True)
            raise
        result = run_case(suite.loader, case, files)
        self._note(
            verdict=result.verdict,
            requests=result.requests,
            seconds=result.seconds,
            diagnoses=[list(pair) for pair in result.diagnoses],
            failure=dataclasses.asdict(result.failure) if result.failure else None,
        )
        self._judge(entry, result, files)

    def _new_record(self, hello: Hello | None) -> dict[str, Any]:
        case, variant = self.case, self.variant
        return {
            "case": case.id,
            "byte_orders": variant.label,
            "byte_order": variant.kind,
            "file": shown(case.file),
            "area": case.area,
            "rules": list(case.rules),
            "stage": case.stage,
            "loader": _loader_text(hello),
            "missing": [],
            "verdict": "unsupported",
            "failed": False,
            "expectation": None,
            "requests": 0,
            "seconds": 0.0,
            "diagnoses": [],
            "failure": None,
        }

    def _judge(self, entry: Entry | None, result: Result, files: Mapping[str, BuiltFile]) -> None:
        self.user_properties.append(("verdict", result.verdict))
        self._compare(entry, result.verdict, self.text(result.failure, files) if result.failure else None)

    def text(self, failure: Failure, files: Mapping[str, BuiltFile]) -> str:
        """All about the failure."""
        command = self.suite.loader.command if self.suite.named else None
        return failure_text(self.case, self.variant, failure, files, command)


class ProtocolItem(_SuiteItem):
    """A check of the adapter."""

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        """There is no file to show."""
        return Path("spec/adapter.md"), None, self.name

    def runtest(self) -> None:
        """Runs the check."""
        started = time.perf_counter()
        self.record = {
            "case": self.name,
            "byte_orders": "",
            "byte_order": "",
            "file": "spec/adapter.md",
            "area": "protocol",
            "rules": [],
            "stage": "",
            "loader": _loader_text(self.suite.loader.hello()),
            "missing": [],
            "verdict": "pass",
            "failed": False,
            "expectation": None,
            "requests": 0,
            "seconds": 0.0,
            "diagnoses": [],
            "failure": None,
        }
        problem: str | None = None
        stderr = ""
        try:
            run_check(self.name, self.suite.loader, self.suite.builder)
        except ProtocolError as error:
            self.record["verdict"], problem = "fail", str(error)
        except LoaderFailed as failure:
            self.record["verdict"], problem, stderr = failure.kind, f"the loader {failure.message}", failure.stderr
        self.record["seconds"] = time.perf_counter() - started
        text = None
        if problem is not None:
            lines = [self.name, f"  {CHECKS[self.name].__doc__}", "", problem]
            lines.append(f"loader: {shlex.join(self.suite.loader.command)}")
            lines += [f"  | {line}" for line in stderr.splitlines()[-20:]]
            text = "\n".join(map(printable, lines))
        self._compare(self.suite.expectations.find(RunName(self.name)), self.record["verdict"], text)
