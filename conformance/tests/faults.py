"""What the tests of faulty adapters share: a fault with what must come of it, and what must hold for all of them."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from packfile_suite.cli import exit_status

RUNS = 14
"""Runs of the small cases."""
CHECKS = 6
"""Checks of the protocol in a whole run."""
SLACK = 15.0
"""Seconds that a run of the small cases may take beyond the time limit, on a busy machine."""


@dataclass(frozen=True)
class Fault:
    """A fault of `adapters/`, and what must come of it."""

    name: str
    kind: str
    """The verdict on the one case: `crash`, `hang`, `rubbish`, `fail`, or `pass`."""
    words: str
    """What the text of the failure says, among other things."""
    nth: int = 3
    """The command after hello that goes wrong: by default the first case's call."""
    timeout: float = 10.0
    case: str = "exe-adds[little]"
    """The case that bears it."""

    def __str__(self) -> str:
        return f"{self.name}-{self.nth}"


JudgeFault = Callable[[Fault], None]


def processes_with(text: str) -> list[str]:
    """The command lines of running processes that name this text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            found += [line] if text in line else []
    return found


def verdicts_of(report: Path) -> dict[str, str]:
    """The verdict on each run of a case, and on each check of the protocol, in a report of JSON lines."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in report.read_text().splitlines()]
    return {f"{row['case']}[{row['byte_orders']}]": row["verdict"] for row in rows if "case" in row}


def check_run(fault: Fault, result: pytest.RunResult, verdicts: dict[str, str]) -> None:
    """Checks that the fault's case bears it, that all others passed, and what the text says."""
    text = result.stdout.str()
    failed = {name: verdict for name, verdict in verdicts.items() if verdict != "pass"}
    assert failed == ({} if fault.kind == "pass" else {fault.case: fault.kind}), text
    assert len(verdicts) == RUNS + CHECKS
    assert exit_status(int(result.ret)) == len(failed)
    assert f"executed {RUNS} / unsupported 0 / selected {RUNS}, failed {len(failed)}" in text
    assert fault.words in " ".join(text.split())
    assert "Traceback" not in text
    assert "\x1b" not in text
