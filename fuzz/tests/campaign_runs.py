"""Runs campaigns as a user does: the installed command, in a process of its own, with the work of `campaign_work`."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from packfile_fuzz.campaign.seeds import Span
from tests import campaign_work

COMMAND = Path(sys.executable).parent / "packfile-fuzz"
LIMIT = 60.0
"""Seconds for a command, on a machine that does other things as well."""
TEST = "CAMPAIGN_TEST"


@dataclass
class Result:
    """What came of a command."""

    status: int
    out: str
    err: str


def environment(directory: Path) -> dict[str, str]:
    """That of the command and of everything it starts."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, TEST: str(directory), "PYTHONWARNINGS": "error", "COLUMNS": "100"}


def start(directory: Path, work: str, *options: object) -> subprocess.Popen[str]:
    """Begin a campaign of a work of `campaign_work`."""
    return begin(directory, "--work", f"tests.campaign_work:{work}", *options)


def begin(directory: Path, *options: object) -> subprocess.Popen[str]:
    """Begin a campaign in a process group of its own; its directory is `out`."""
    arguments = ["run", "--out", directory / "out", *options]
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        env=environment(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for its end; nothing of its session may be left, and nothing that bears the test's directory."""
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        raise
    return Result(process.returncode, out, err)


def run(directory: Path, work: str, *options: object) -> Result:
    """A campaign from its beginning to its end."""
    return finish(start(directory, work, *options))


def processes(directory: Path) -> list[int]:
    """Ids of the processes that were started for this directory, by the environment that they inherit."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TEST) == str(directory) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def lines(directory: Path) -> list[dict[str, Any]]:
    """The ledger's whole lines, without the first."""
    path = directory / "out" / "ledger.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True)[1:] if line.endswith("\n")]


def spans(directory: Path) -> list[Span]:
    """The ranges of the ledger, by ascending seed."""
    return sorted(Span(line["first"], line["count"]) for line in lines(directory) if "first" in line)


def assert_whole(directory: Path, examples: int) -> None:
    """Every seed is in the ledger, and none is there twice."""
    end = 0
    for span in spans(directory):
        assert span.first == end, f"seeds from {end} on are missing, or there twice: {span}"
        end = span.end
    assert end == examples


def failing_seeds(directory: Path) -> Counter[tuple[int, str]]:
    """Seeds and oracles of all failures of the ledger."""
    rows = [row for line in lines(directory) if "tally" in line for row in line["tally"]["failures"]]
    return Counter((row[0], row[2][0]) for row in rows)


def expected_seeds(examples: int) -> Counter[tuple[int, str]]:
    """Those that the work fails at."""
    failures = campaign_work.failures(0, examples)
    return Counter((failure.seed, failure.signature.oracle) for failure in failures)


def report(directory: Path) -> dict[str, Any]:
    """The report as JSON."""
    data: dict[str, Any] = json.loads((directory / "out" / "report.json").read_text())
    return data
