"""What the cases cover: every rule, every instruction, every trap of every instruction.

An instruction counts as covered by a case that passes on the reference and executes it there, seen by a tracer; a
trap of an instruction by a case in which that instruction was the last before the expected trap. Text that merely
contains it does not count.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packfile.adapter import FEATURES, Adapter, failure
from packfile.errors import PackfileError
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.process import Process
from packfile.rules import RULES

from .build import Builder
from .case import Case, expected
from .execute import Loader, reference_loader, run_case
from .in_place.checks import Lab
from .in_place.modules import Workshop
from .in_place.profile import CHECKS, run
from .plan import variants
from .session import Hello

_PROFILE_TIMEOUT = 30.0


@dataclass
class Coverage:
    """Which cases cover what, by id."""

    rules: dict[str, list[str]] = field(default_factory=lambda: {rule: [] for rule in RULES})
    broken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Cases that name a rule and expect its outcome."""
    instructions: dict[str, list[str]] = field(
        default_factory=lambda: {row.mnemonic: [] for row in INSTRUCTIONS.values()}
    )
    traps: dict[tuple[str, str], list[str]] = field(
        default_factory=lambda: {(row.mnemonic, code.value): [] for row in INSTRUCTIONS.values() for code in row.traps}
    )
    unobservable: list[str] = field(default_factory=list)
    """Checks of the in-place profile that this machine does not let one make."""
    failing: list[str] = field(default_factory=list)
    """Cases that do not pass on the reference, which therefore show nothing."""

    def gaps(self) -> list[str]:
        """What has no case, a sentence each."""
        gaps = [
            f"rule {rule} has no case" for rule, cases in self.rules.items() if not cases and not RULES[rule].untestable
        ]
        gaps += [
            f"rule {rule} has a case, but it says that it is untestable"
            for rule, cases in self.rules.items()
            if cases and RULES[rule].untestable
        ]
        gaps += [
            f"rule {rule} has no case that expects its outcome, {RULES[rule].outcome}" for rule in self._unbroken()
        ]
        gaps += [f"instruction {name} is executed by no case" for name, cases in self.instructions.items() if not cases]
        gaps += [f"no case makes {name} trap with {code}" for (name, code), cases in self.traps.items() if not cases]
        gaps += [f"case {case} does not pass on the reference" for case in self.failing]
        gaps += [f"check {check}: it cannot be observed here" for check in self.unobservable]
        return gaps

    def _unbroken(self) -> Iterable[str]:
        for rule, cases in self.rules.items():
            if cases and RULES[rule].outcome and not self.broken[rule] and "may answer" not in RULES[rule].text:
                yield rule


class _Traced:
    """A process whose calls leave a trace."""

    def __init__(self, process: Process, adapter: TracedAdapter) -> None:
        self._process, self._adapter = process, adapter

    def invoke(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - Process.invoke's
        seen = self._adapter.executed
        self._adapter.last = None

        def trace(frame: Any, word: int) -> None:  # noqa: ANN401 - a frame of the machine
            op = frame.code.ops[word]
            seen.add(op)
            self._adapter.last = op

        return self._process.invoke(*arguments, **options, trace=trace)

    def close(self) -> None:
        self._process.close()


class TracedAdapter(Adapter):
    """The reference's adapter, in this process, noting every instruction."""

    def __init__(self) -> None:
        super().__init__()
        self.executed: set[int] = set()
        self.trapped: set[tuple[int, str]] = set()
        self.last: int | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """As the adapter does, and traces."""
        try:
            reply = super().answer(request)
        except PackfileError as error:
            reply = failure(error)
        if request["command"] == "link" and "process" in reply:
            process, log = self._processes[reply["process"]]
            self._processes[reply["process"]] = _Traced(process, self), log  # type: ignore[assignment]
        if request["command"] == "call" and reply.get("outcome") == "trap" and self.last is not None:
            self.trapped.add((self.last, reply["code"]))
        return reply


class _Inside:
    """A session without a process of its own."""

    alive = True
    hello = Hello("packfile-reference", "", FEATURES)

    def __init__(self, adapter: TracedAdapter) -> None:
        self._adapter = adapter

    def request(self, command: str, /, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        return self._adapter.answer({"id": 0, "command": command, **lists})

    def settle(self) -> None:
        """What is no process can neither end nor write."""


class _InsideLoader(Loader):
    def __init__(self, adapter: TracedAdapter) -> None:
        super().__init__((), 0)
        self._inside = _Inside(adapter)

    def session(self) -> Any:  # noqa: ANN401 - it answers like a Session
        return self._inside


def measure(cases: Iterable[Case]) -> Coverage:
    """What the cases cover."""
    coverage = Coverage()
    with tempfile.TemporaryDirectory(prefix="packfile-coverage-") as directory:
        builder = Builder(Path(directory))
        for case in cases:
            _measure_case(case, builder, coverage)
    return coverage


def _measure_case(case: Case, builder: Builder, coverage: Coverage) -> None:
    adapter = TracedAdapter()
    result = run_case(_InsideLoader(adapter), case, builder.files(case, variants(case)[0]))
    adapter.close()
    if result.failure is not None:
        coverage.failing.append(case.id)
        return
    outcomes = {expect.outcome for expect in map(expected, case.steps)}
    outcomes |= {f"trap {expect.code}" for expect in map(expected, case.steps) if expect.code}
    for rule in case.rules:
        coverage.rules[rule].append(case.id)
        if RULES[rule].outcome in outcomes:
            coverage.broken[rule].append(case.id)
    for op in adapter.executed:
        row = INSTRUCTIONS[Opcode(op)]
        coverage.instructions[row.mnemonic].append(case.id)
        # Each instruction's own rule is its row of the table, so executing it is evidence for that.
        if case.id not in coverage.rules[row.rule]:
            coverage.rules[row.rule].append(case.id)
    for op, code in adapter.trapped:
        coverage.traps.setdefault((INSTRUCTIONS[Opcode(op)].mnemonic, code), []).append(case.id)


def measure_profile(coverage: Coverage) -> None:
    """Adds the checks of the in-place profile that pass on the reference, seen from outside, each in one byte order."""
    loader = reference_loader(_PROFILE_TIMEOUT)
    with tempfile.TemporaryDirectory(prefix="packfile-coverage-") as directory:
        lab = Lab(loader, Path(directory), Workshop(Path(directory)))
        for check in CHECKS:
            seen = run(check, lab, check.orders[0])
            if seen.verdict == "pass":
                coverage.rules[check.rule].append(check.id)
            elif seen.unobservable:
                coverage.unobservable.append(f"{check.id} ({check.rule}): {seen.unobservable}")
            else:
                coverage.failing.append(check.id)


def as_json(coverage: Coverage) -> Mapping[str, Any]:
    """Everything, for scripts."""
    return {
        "rules": {
            rule: {"cases": cases, "untestable": RULES[rule].untestable} for rule, cases in coverage.rules.items()
        },
        "instructions": {
            name: {"cases": cases, "traps": {code: ids for (of, code), ids in coverage.traps.items() if of == name}}
            for name, cases in coverage.instructions.items()
        },
        "gaps": coverage.gaps(),
    }
