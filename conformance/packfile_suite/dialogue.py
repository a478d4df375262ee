"""The talk with a loader that does everything right: every request of a case, and what is asked of its reply.

Assumes a case that `load` accepts. The runner itself makes the requests, in front of a session that answers as the
case expects, so what is written down here is what a run sends; only handles and paths are not known before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .build import BuiltFile
from .case import Audit, Call, Case, Close, Expect, Link, Open, Step, expected
from .execute import Loader, run_case
from .session import Session
from .sparse import SparseBytes

MARK = "$"
"""First character of what stands for a path or a handle."""
_COMMANDS: dict[type[Step], str] = {Open: "open", Link: "link", Call: "call", Audit: "audit", Close: "close"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what must come of it."""

    step: int | None
    """Number of the step in the case that it belongs to; None for what is closed after the last."""
    request: dict[str, Any]
    """The message without its id; a path is `$` and the module's name, a handle what `gives` says."""
    expect: Expect
    gives: str | None
    """What later requests call the handle that comes in the reply."""


def exchanges(case: Case) -> list[Exchange]:
    """The requests of a run of the case, in their order. They are the same in every byte order."""
    session = _Ideal(case)
    files: dict[str, BuiltFile] = {
        name: _Unwritten(Path(f"{MARK}{name}"), "", SparseBytes(), ()) for name in case.used_modules
    }
    result = run_case(_IdealLoader(session), case, files, session.announce)
    if result.failure is not None:
        raise AssertionError(f"{case.id}: the runner does not accept what the case expects: {result.failure}")
    return session.exchanges


def exact_rules(case: Case, expect: Expect) -> tuple[str, ...]:
    """The rules that count as an exact diagnosis, that of the case first; none if the outcome has none."""
    if expect.rule is None:
        return ()
    return (expect.rule, *sorted(case.broken_on_purpose - {expect.rule}))


class _Unwritten(BuiltFile):
    def change(self) -> str | None:
        """There is nothing to change."""
        return None


class _IdealLoader(Loader):
    def __init__(self, session: _Ideal) -> None:
        super().__init__((), 0)
        self._ideal = session

    def session(self) -> Session:
        """The only one, which never fails."""
        return self._ideal


class _Ideal(Session):
    """Answers as the case expects, and writes down what it was asked."""

    def __init__(self, case: Case) -> None:
        self.alive = True
        self.exchanges: list[Exchange] = []
        self._steps: Iterator[Step] = iter(case.steps)
        self._step: Step | None = None
        self._number: int | None = None
        self._left = len(case.steps)
        self._handles = 0

    def announce(self, number: int, _doing: str, _wanted: str) -> None:
        """Takes note of the step that begins."""
        self._number, self._step = number, next(self._steps)

    def settle(self) -> None:
        """There is nothing that could come late."""

    def request(self, command: str, /, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """The reply that the case expects; ok to what the runner adds of its own: opens and closes."""
        own = self._step is not None and command == _COMMANDS[type(self._step)]
        expect = expected(self._step) if own and self._step is not None else Expect()
        gives = None
        reply: dict[str, Any] = {"outcome": expect.outcome}
        reply |= {name: value for name in ("code", "rule") if (value := getattr(expect, name)) is not None}
        if command == "call":
            reply["log"] = [{bank: value} for bank, value in expect.log]
            reply |= {"i": expect.i, "n": expect.n} if expect.outcome == "ok" else {}
        elif command in ("open", "link") and expect.outcome == "ok":
            self._handles += 1
            gives = f"{MARK}{self._handles}"
            reply["image" if command == "open" else "process"] = gives
        self.exchanges.append(Exchange(self._number, {"command": command, **fields}, expect, gives))
        self._left -= own
        if not self._left:
            self._number = None
        return reply
