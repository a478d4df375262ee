"""One session of a campaign, from the command line's wishes to the reports.

Assumes the main thread, whose signals `stopping` takes. Promises that SIGINT and SIGTERM, however often, end the
session in order; that no process is left, and nothing in the directory for temporary files; and that the ledger and
the reports tell of all that was finished.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from packfile_fuzz.results import Failure
from packfile_fuzz.run import sweep
from packfile_fuzz.triage.queue import Queue

from . import ledger as ledgers
from .conduct import Campaign, Limits, Unworkable
from .entries import Header
from .folders import Folders, folder_of
from .ledger import Ledger, LedgerError
from .progress import Progress
from .report import write_reports
from .seeds import ENDLESS, SeedSpace, Span
from .state import State, summed
from .task import Work

LEDGER = "ledger.jsonl"
"""Name of the ledger in the campaign's directory."""
_TURN = 0.1
"""Seconds from one look at a triage to the next, once all else is done."""
_REFRESH = 5.0
"""Seconds from one writing of the failures' folders to the next; a new signature is written at once."""
_TIMES = 20.0
"""Times as long as one writing took, at least, to the next: there may be thousands of folders."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session is to do."""

    directory: Path
    """Of the campaign."""
    resume: bool
    """Whether to go on with the campaign that is there."""
    header: Header
    """What the campaign is of."""
    work: Work
    """Judges a range."""
    examples: int | None
    """Seeds of the campaign; None has no end."""
    limits: Limits
    """When to end."""
    kind: str
    """Of the examples, for a failure that no oracle reports."""
    workers: int
    """Processes to start, if there is no scheduler."""
    scheduler: str | None
    """Address of a scheduler of dask."""
    hang: float
    """Seconds that a range may take."""
    descending: bool
    """Whether to begin with the highest seed."""
    on_failure: Callable[[Failure], None]
    """Called with the first failure of every signature."""
    triage: Queue | None = None
    """Makes a case of the first failure of every signature, if it is to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a session."""

    end: str
    """How it ended."""
    report: dict[str, Any]
    """What the reports say."""
    trouble: str | None
    """Why it could not go on, if it could not."""
    untriaged: int = 0
    """Failures that wait for triage."""
    failed: int = 0
    """Failures of which triage died or took too long."""


def run_session(plan: Plan, stop: threading.Event) -> Outcome:
    """Run until the plan's end, the event, or trouble.

    Raises:
        LedgerError: The directory holds another campaign, or none, or a damaged one.
        Lost: There is no scheduler at the address.
        OSError: The directory cannot be written.
    """
    ledger, state = _open(plan)
    with contextlib.closing(ledger), contextlib.ExitStack() as stack:
        # What workers and triage left that were killed.
        stack.callback(sweep)
        triage = plan.triage
        if triage is not None:
            stack.callback(triage.close)
            for found in state.by_signature():
                triage.add(found.example, folder_of(plan.directory, found.signature))
        end, trouble = _conduct(plan, ledger, state, stop)
        report = remake(plan.directory, plan.header, state)
        if triage is None:
            return Outcome(end, report, trouble)
        if end != "interrupted":
            _finish(triage, stop)
            end = "interrupted" if stop.is_set() else end
        return Outcome(end, report, trouble, triage.left, len(triage.failed))


def _finish(triage: Queue, stop: threading.Event) -> None:
    """Triage what was found towards the end, until a signal comes or it has taken long."""
    until = time.monotonic() + triage.longest
    while triage.left and time.monotonic() < until and not stop.wait(_TURN):
        triage.step()


def remake(directory: Path, header: Header, state: State) -> dict[str, Any]:
    """Write the folders and the reports of what a ledger comes to; gives what the reports say.

    Raises:
        OSError: They cannot be written.
    """
    Folders(directory).write(state)
    return write_reports(directory, header, state)


def _open(plan: Plan) -> tuple[Ledger, State]:
    path = plan.directory / LEDGER
    if not plan.resume:
        if path.exists():
            raise LedgerError(f"{plan.directory} holds a campaign: go on with it by --resume, or name another by --out")
        plan.directory.mkdir(parents=True, exist_ok=True)
        ledgers.create(path, plan.header)
    elif not path.exists():
        raise LedgerError(f"{plan.directory} holds no campaign to resume: there is no {LEDGER}")
    ledger = Ledger(path)
    try:
        header, state = summed(path)
        differences = header.differences(plan.header)
        if differences:
            raise LedgerError(f"{plan.directory} holds a campaign with other options: {'; '.join(differences)}")
    except BaseException:
        ledger.close()
        raise
    return ledger, state


def _conduct(plan: Plan, ledger: Ledger, state: State, stop: threading.Event) -> tuple[str, str | None]:
    whole = Span(plan.header.seed, ENDLESS if plan.examples is None else plan.examples)
    space = SeedSpace(whole, state.spans, descending=plan.descending)
    if not space.left:
        return "complete", None
    from .cluster import DaskWorkers  # noqa: PLC0415 - slow to import, and signals are taken by now

    progress, folders = Progress(plan.limits.seconds, plan.examples), Folders(plan.directory)
    due = time.monotonic() + _REFRESH

    def watch(campaign: Campaign, new: list[Failure]) -> None:
        nonlocal due
        for failure in new:
            folders.write_one(state.found[failure.signature])
            plan.on_failure(failure)
            if plan.triage is not None:
                plan.triage.add(failure, folder_of(plan.directory, failure.signature))
        if plan.triage is not None:
            plan.triage.step()
        begun = time.monotonic()
        if begun > due:
            folders.write(state)
            now = time.monotonic()
            due = now + max(_REFRESH, _TIMES * (now - begun))
        progress.show(campaign, new)

    with contextlib.closing(DaskWorkers(plan.work, plan.hang, plan.workers, plan.scheduler)) as workers:
        campaign = Campaign(workers, space, ledger, state, plan.limits, plan.kind, stop, watch)
        progress.start()
        try:
            return campaign.run(), None
        except Unworkable as error:
            return "gave up", str(error)
        finally:
            progress.stop()


@contextlib.contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, and nothing else comes of them."""
    stop = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
