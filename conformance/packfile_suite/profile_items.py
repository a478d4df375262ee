"""The checks of the in-place profile as items of pytest."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping
from functools import cached_property
from typing import Self

import pytest

from .build import BuiltFile
from .execute import Failure
from .expectations import RunName
from .in_place.profile import FEATURE, Check, run
from .items import CaseItem
from .plan import Variant
from .report import failure_text


class ProfileItem(CaseItem):
    """A check in one byte order."""

    check: Check

    @classmethod
    def make(cls, session: pytest.Session, check: Check, variant: Variant) -> Self:
        """The item for a check."""
        name = f"{check.id}[{variant.label}]"
        item: Self = cls.from_parent(
            session, name=name, nodeid=f"packfile-suite::{name}", case=check.case, variant=variant
        )
        item.check = check
        return item

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        """Where the rules stand."""
        return self.case.file, 0, self.name

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        """Where the rules stand."""
        return self.case.file.as_posix(), None, self.name

    def runtest(self) -> None:
        """Runs the check, if the loader says that it executes in place."""
        hello = self.suite.loader.hello()
        self.record = self._new_record(hello) | {"figures": "", "reason": ""}
        if hello is not None and FEATURE not in hello.features:
            says = ", ".join(hello.features) or "nothing"
            self._leave_out("not applicable", f"{hello.name} says of its features: {says}; not {FEATURE}")
        seen = run(self.check, self.suite.lab, self.variant.label)
        self._note(
            verdict=seen.verdict,
            seconds=seen.seconds,
            figures=seen.figures,
            failure=dataclasses.asdict(seen.failure) if seen.failure else None,
        )
        if seen.unobservable:
            self._leave_out("unobservable", seen.unobservable)
        self._judge(self.suite.expectations.find(RunName.of(self.case, self.variant)), seen, {})

    def _leave_out(self, verdict: str, reason: str) -> None:
        self._note(verdict=verdict, reason=reason)
        self.user_properties.append(("verdict", verdict))
        pytest.skip(f"{verdict}: {reason}")

    def text(self, failure: Failure, files: Mapping[str, BuiltFile]) -> str:
        """All about the failure."""
        command = self.suite.loader.command if self.suite.named else None
        again = ["packfile-suite", "run", "-k", self.name, *(["--loader", shlex.join(command)] if command else [])]
        return failure_text(self.case, self.variant, failure, files, command, shlex.join(again))
