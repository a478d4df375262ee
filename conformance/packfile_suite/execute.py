"""Runs a case against a loader, step by step, and judges each answer.

Only outcome, trap code, results and log decide. The rule that the loader names is noted for the diagnosis score.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import packfile

from .build import BuiltFile
from .case import Audit, Call, Case, Close, Expect, Link, Open, Step, describe_values, expected
from .schema import shorten
from .session import Hello, LoaderFailed, Session

_MOST_FAILED_STARTS = 3
_MOST_HANGS = 5
_SHORT_TIMEOUT = 0.5
LEAST_START = 10.0
"""Seconds in which a loader must have started, even if it has fewer for an answer."""

Announce = Callable[[int, str, str], None]


@dataclass
class Failure:
    """Why a run failed."""

    kind: str
    """`fail` (a wrong answer), `crash`, `hang` or `rubbish`."""
    step: int | None
    """Number of the step in the case, from 1; None if it was no step."""
    doing: str
    """The step in words."""
    expected: str
    got: str
    said: str = ""
    """What the loader said of it: rule and message."""
    stderr: str = ""


@dataclass
class Result:
    """What came of running a case."""

    failure: Failure | None = None
    requests: int = 0
    seconds: float = 0.0
    diagnoses: list[tuple[str, str | None]] = field(default_factory=list)
    """For each failure that was expected and came: the rule that the case names and the one that the loader named."""

    @property
    def verdict(self) -> str:
        """`pass`, or the failure's kind."""
        return self.failure.kind if self.failure else "pass"


class Loader:
    """A loader under test: starts its adapter when it is needed, and anew after it failed."""

    session_class: type[Session] = Session

    def __init__(self, command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None) -> None:
        self.command, self.timeout, self.environment = tuple(command), timeout, environment
        self._session: Session | None = None
        self._failed_starts: list[LoaderFailed] = []
        self._untold: LoaderFailed | None = None
        self._said: Hello | None = None
        self.hangs = 0

    def session(self) -> Session:
        """A running adapter.

        Raises LoaderFailed if it cannot be started; after a few such failures it is not tried again.
        """
        if self._untold is not None:
            failure, self._untold = self._untold, None
            raise failure
        if self._session is None or not self._session.alive:
            if len(self._failed_starts) >= _MOST_FAILED_STARTS:
                last = self._failed_starts[-1]
                message = f"is not started again after {_MOST_FAILED_STARTS} failures {last.message}"
                raise LoaderFailed(last.kind, message, last.stderr)
            try:
                self._session = self.start()
                self._compare(self._session)
            except LoaderFailed as failure:
                failure.message = f"at its start: {failure.message}"
                self._failed_starts.append(failure)
                raise
            self._failed_starts.clear()
        return self._session

    def start(self) -> Session:
        """A process of its own for the caller, who ends it."""
        # A loader that hangs in every case would take hours, and the run is red already.
        timeout = self.timeout if self.hangs < _MOST_HANGS else max(_SHORT_TIMEOUT, self.timeout / 10)
        return self.session_class(self.command, timeout, self.environment, max(self.timeout, LEAST_START))

    def _compare(self, session: Session) -> None:
        """What is judged must be the same loader from the first case to the last."""
        if self._said is not None and session.hello != self._said:
            session.kill()
            raise LoaderFailed("rubbish", f"said {session.hello}, but {self._said} before", session.stderr_tail())
        self._said = session.hello

    def hello(self) -> Hello | None:
        """What the loader says of itself; None if it cannot be started, which the next use of `session` raises."""
        if self._said is None:
            try:
                self.session()
            except LoaderFailed as failure:
                self._untold = failure
        return self._said

    def close(self) -> None:
        """Ends the adapter."""
        if self._session is not None:
            self._session.kill()
            self._session = None


def reference_loader(timeout: float, loader_class: type[Loader] = Loader) -> Loader:
    """The reference, whether it is installed or only on this interpreter's path."""
    place = str(Path(packfile.__file__).parents[1])
    path = os.pathsep.join(filter(None, [place, os.environ.get("PYTHONPATH")]))
    return loader_class([sys.executable, "-m", "packfile", "adapter"], timeout, {**os.environ, "PYTHONPATH": path})


class _Wrong(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


class _Run:
    def __init__(self, loader: Loader, case: Case, files: Mapping[str, BuiltFile], announce: Announce) -> None:
        self.result = Result()
        self._announce = announce
        self._loader, self._case, self._files = loader, case, files
        self._images: dict[str, list[int]] = {}
        self._processes: dict[str, int] = {}
        self._number: int | None = None
        self._doing = "start"

    def run(self) -> Result:
        started = time.perf_counter()
        try:
            try:
                self._session = self._loader.session()
                for number, step in zip(self._case.numbers, self._case.steps, strict=True):
                    self._number, self._doing = number, describe(step)
                    self._announce(number, self._doing, str(expected(step)))
                    self._step(step)
            except _Wrong as wrong:
                self.result.failure = wrong.failure
            self._number = None
            if self._session.alive:
                self._close_all()
                self._doing = "look whether the loader is quiet after the last answer"
                self._session.settle()
        except LoaderFailed as failed:
            self._loader.hangs += failed.kind == "hang"
            # The first thing that went wrong is what the case reports.
            self.result.failure = self.result.failure or self._failure(
                failed.kind, str(expected_of(self._doing_step)), f"the loader {failed.message}", stderr=failed.stderr
            )
        self._check_files()
        self.result.seconds = time.perf_counter() - started
        return self.result

    _doing_step: Step | None = None
    _session: Session

    def _failure(self, kind: str, wanted: str, got: str, *, said: str = "", stderr: str = "") -> Failure:
        return Failure(kind, self._number, self._doing, wanted, got, said, stderr)

    def _request(self, command: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        self.result.requests += 1
        return self._session.request(command, **fields)

    def _step(self, step: Step) -> None:
        self._doing_step = step
        if isinstance(step, Open):
            self._open(step.module, step.expect)
        elif isinstance(step, Link):
            self._link(step)
        elif isinstance(step, Audit):
            self._judge(self._request("audit", image=self._image(step.module)), step.expect)
        elif isinstance(step, Close):
            self._close(step.name)
        else:
            self._call(step)

    def _open(self, module: str, expect: Expect) -> None:
        reply = self._request("open", path=str(self._files[module].path))
        self._judge(reply, expect)
        if "image" in reply:
            self._images.setdefault(module, []).append(reply["image"])

    def _image(self, module: str) -> int:
        """The module's open image; opens it if the case has not."""
        if not self._images.get(module):
            doing = self._doing
            self._doing = f"open {module} (before: {doing})"
            self._open(module, Expect())
            self._doing = doing
        return self._images[module][-1]

    def _link(self, step: Link) -> None:
        modules: list[dict[str, Any]] = [
            {"name": name, "host": True} if module is None else {"name": name, "image": self._image(module)}
            for name, module in step.modules
        ]
        reply = self._request("link", modules=modules)
        self._judge(reply, step.expect)
        if "process" in reply:
            if step.process in self._processes:
                self._judge(self._request("close", process=self._processes.pop(step.process)), Expect())
            self._processes[step.process] = reply["process"]

    def _call(self, step: Call) -> None:
        if step.process not in self._processes:
            raise _Wrong(
                self._failure("fail", "a process", "the process was not linked; the case expects a call in it")
            )
        what: dict[str, Any] = {"entry": True} if step.function is None else {"function": step.function}
        reply = self._request(
            "call",
            process=self._processes[step.process],
            module=step.module,
            **what,
            i=step.i,
            n=step.n,
            fuel=step.fuel,
            depth=step.depth,
        )
        self._judge(reply, step.expect)

    def _close(self, name: str) -> None:
        if name in self._processes:
            reply = self._request("close", process=self._processes.pop(name))
        elif self._images.get(name):
            reply = self._request("close", image=self._images[name].pop())
        else:
            raise _Wrong(self._failure("fail", "something open", f"{name} is not open; the case closes it"))
        self._judge(reply, Expect())

    def _close_all(self) -> None:
        """Closes what the case left open; after a wrong answer the answers to this do not matter any more."""
        self._doing_step = None
        left = [("process", handle) for handle in self._processes.values()]
        left += [("image", handle) for handles in self._images.values() for handle in handles]
        self._doing = "close everything after the last step"
        for what, handle in left:
            reply = self._request("close", **{what: handle})
            if reply.get("outcome") != "ok" and self.result.failure is None:
                self.result.failure = self._failure("fail", "ok", describe_reply(reply), said=_said(reply))

    def _judge(self, reply: dict[str, Any], expect: Expect) -> None:
        if not matches(reply, expect):
            raise _Wrong(self._failure("fail", str(expect), describe_reply(reply), said=_said(reply)))
        if expect.rule is not None:
            given = reply.get("rule")
            # A file with one defect may break several rules, and a loader names the one that it meets first.
            exact = given is not None and (given == expect.rule or given in self._case.broken_on_purpose)
            self.result.diagnoses.append((expect.rule, expect.rule if exact else given))

    def _check_files(self) -> None:
        for name, file in self._files.items():
            change = file.change()
            if change and self.result.failure is None:
                self._number, self._doing = None, "compare the files after the last step"
                got = f"the file of {name} was changed by the loader: {change}"
                self.result.failure = self._failure("fail", "every file as it was (PF-XIP-002)", got)


def run_case(
    loader: Loader, case: Case, files: Mapping[str, BuiltFile], announce: Announce = lambda *_: None
) -> Result:
    """Runs the case and says what came of it. Raises nothing for what a loader does.

    `announce` is called before each step with its number, the step in words, and what is expected.
    """
    return _Run(loader, case, files, announce).run()


def matches(reply: Mapping[str, Any], expect: Expect) -> bool:
    """Whether the reply is what the case expects. The rule does not matter."""
    if reply.get("outcome") != expect.outcome or reply.get("code") != expect.code:
        return False
    if "log" in reply and _log(reply) != expect.log:
        return False
    return tuple(reply.get("i", ())) == expect.i and tuple(reply.get("n", ())) == expect.n


def _log(reply: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(("i", entry["i"]) if "i" in entry else ("n", entry["n"]) for entry in reply["log"])


def expected_of(step: Step | None) -> Expect:
    """What the step expects; ok where it is none of the case's."""
    return expected(step) if step is not None else Expect()


def describe(step: Step) -> str:
    """A step in words."""
    if isinstance(step, Open):
        return f"open {step.module}"
    if isinstance(step, Link):
        names = [name if name == module or module is None else f"{module} as {name}" for name, module in step.modules]
        return shorten(f"link {', '.join(names) or 'nothing'}", 200)
    if isinstance(step, Audit):
        return f"audit {step.module}"
    if isinstance(step, Close):
        return f"close {step.name}"
    arguments = describe_values(step.i, step.n, ()).removeprefix(", ")
    name = f"{step.module}.{step.function}" if step.function is not None else f"the entry function of {step.module}"
    row = f", row {step.row + 1} of the table" if step.row is not None else ""
    return f"call {name}({arguments}) in {step.process}{row}"


def describe_reply(reply: Mapping[str, Any]) -> str:
    """A reply in words."""
    if "error" in reply:
        return f"the error {reply['error']}"
    log = _log(reply) if "log" in reply else ()
    code = f": {reply['code']}" if "code" in reply else ""
    return f"{reply['outcome']}{code}{describe_values(reply.get('i', ()), reply.get('n', ()), log)}"


def _said(reply: Mapping[str, Any]) -> str:
    rule, message = reply.get("rule"), reply.get("message")
    at = f"at offset {reply['offset']:#x}" if "offset" in reply else None
    return shorten(", ".join(part for part in (rule, at, message) if part), 500)
