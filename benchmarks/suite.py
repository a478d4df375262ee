"""The group `suite`: how long the conformance suite takes with each loader."""

import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.facts import facts
from benchmarks.group import Group, NotMeasured
from benchmarks.lineup import LOADERS, ROOT, LeftOut, Loader, lacks
from benchmarks.measure import interleaved
from benchmarks.report import Quantity, Report, quantities, rows
from benchmarks.report_text import text

ROUNDS = 1
QUICK_SAMPLE = 3
"""Cases of a quick run."""
PEER = "reference"
_PATIENCE = 3600.0
_TOLD = 12
"""Lines that are shown of a run that failed."""


class Run(NamedTuple):
    """What one run of the suite took."""

    seconds: float
    executed: int
    """Cases, each in each of its byte orders."""


def measure(*, quick: bool = False, rounds: int | None = None, added: Sequence[Loader] = ()) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works, with a few cases.
        rounds: How often to measure.
        added: Loaders beside, or instead of, those that are known.

    Raises:
        NotMeasured: A loader does not conform, so its time means nothing.
    """
    rounds = rounds or ROUNDS
    left_out = []
    samples: dict[str, Callable[[], Run]] = {}
    for loader in {loader.name: loader for loader in (*LOADERS, *added)}.values():
        lack = "" if loader in added else lacks(loader)
        if lack:
            left_out.append(LeftOut(loader.name, lack))
        else:
            samples[loader.name] = partial(_run, loader, QUICK_SAMPLE if quick else None)
    before = facts()
    taken = interleaved(samples, rounds)
    executed = {run.executed for runs in taken.values() for run in runs}
    note = (
        f"Time by the clock of one process of the suite with one of the loader, start-up included; {min(executed):,}"
        f"{f' to {max(executed):,}' if len(executed) > 1 else ''} runs of cases"
    )
    return Report(before, rounds, quick, list(_quantities(taken)), [], left_out, [note])


def _run(loader: Loader, sample: int | None) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        line = [sys.executable, "-m", "packfile_suite", "run", "--loader", shlex.join(loader.command)]
        line += ["--report-jsonl", str(report), *(["--sample", str(sample)] if sample else [])]
        begin = time.perf_counter()
        try:
            done = subprocess.run(
                line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"{loader.name}: the suite takes more than {_PATIENCE:,.0f} seconds") from None
        taken = time.perf_counter() - begin
        if done.returncode:
            said = "\n".join(f"  {part}" for part in (done.stdout + done.stderr).splitlines()[-_TOLD:])
            raise NotMeasured(f"{loader.name}: the suite ends with exit status {done.returncode}:\n{said}")
        entries = [json.loads(entry) for entry in report.read_text(encoding="utf-8").splitlines()]
    return Run(taken, sum(entry.get("verdict") == "pass" for entry in entries))


def _quantities(taken: Mapping[str, Sequence[Run]]) -> Iterator[Quantity]:
    times = {(name, 1.0): [run.seconds for run in runs] for name, runs in taken.items()}
    rates = {(name, 1.0): [run.executed / run.seconds for run in runs] for name, runs in taken.items()}
    yield Quantity("time", "Time of the conformance suite", "s", PEER, rows(times, PEER))
    yield Quantity("rate", "Runs of cases a second", "runs/s", PEER, rows(rates, PEER))


GROUP = Group(
    name="suite",
    help="how long the conformance suite takes with each loader",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
    takes_loaders=True,
)
"""What the command line knows of it."""
