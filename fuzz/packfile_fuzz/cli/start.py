"""What `packfile-fuzz run` does with its options.

Assumes options as click has checked them. Promises one of four exit statuses, and one line that says why where a
campaign cannot be run.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from packfile_fuzz.campaign.conduct import Limits
from packfile_fuzz.campaign.database import DatabaseError, database, save
from packfile_fuzz.campaign.entries import Header
from packfile_fuzz.campaign.folders import FOLDER
from packfile_fuzz.campaign.judging import KINDS, JudgingError, judge, named, try_loaders
from packfile_fuzz.campaign.ledger import LedgerError
from packfile_fuzz.campaign.report import verdict
from packfile_fuzz.campaign.session import LEDGER, Outcome, Plan, run_session, stopping
from packfile_fuzz.campaign.task import Work
from packfile_fuzz.campaign.workers import Lost
from packfile_fuzz.generator import VERSION
from packfile_fuzz.results import Failure
from packfile_fuzz.triage.queue import Queue

CLEAN, FOUND, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""
_GOES_ON = ". The ledger is whole: --resume goes on"


def begin(out: Path, options: dict[str, Any]) -> int:
    """Run a campaign in a directory; gives the exit status."""
    try:
        with stopping() as stop:
            outcome = run_session(_plan(out, options), stop)
    except (DatabaseError, JudgingError, LedgerError, Lost) as error:
        return _unusable(str(error))
    except OSError as error:
        goes_on = _GOES_ON if (out / LEDGER).exists() else ""
        return _unusable(f"{error.filename or out}: {error.strerror or error}{goes_on}")
    click.echo(_said(outcome, out))
    if outcome.trouble:
        return _unusable(f"{outcome.trouble}{_GOES_ON}")
    return status(outcome)


def status(outcome: Outcome) -> int:
    """The exit status of a session that had no trouble."""
    if outcome.end == "interrupted":
        return INTERRUPTED
    return FOUND if outcome.report["failures"] or outcome.report["problems"] else CLEAN


def _plan(out: Path, options: dict[str, Any]) -> Plan:
    judged = {name: list(options[name]) for name in ("loaders", "oracles")} | {"kind": options["kind"]}
    if options["work"]:
        judged["work"] = options["work"]
    return Plan(
        directory=out,
        resume=options["resume"],
        header=Header(VERSION, version("packfile"), options["seed"], judged),
        work=_work(options),
        examples=options["examples"],
        limits=Limits(options["seconds"], options["patience"]),
        kind=KINDS[options["kind"]][0],
        workers=options["workers"] or len(os.sched_getaffinity(0)),
        scheduler=options["scheduler"],
        hang=options["hang"],
        descending=options["descending"],
        on_failure=keeper(options["database"] or out / "examples", options["redis"]),
        triage=_triage(options),
    )


def _triage(options: dict[str, Any]) -> Queue | None:
    """What makes cases of failures; nothing where other work than the oracles' is done."""
    if options["no_triage"] or options["work"]:
        return None
    return Queue(named(options["loaders"]), options["triage"])


def _work(options: dict[str, Any]) -> Work:
    if options["work"]:
        module, _, name = options["work"].partition(":")
        work: Work = getattr(importlib.import_module(module), name)
        return work
    judging = judge(options["kind"], options["loaders"], options["oracles"])
    if not options["scheduler"]:
        try_loaders(judging.options[0].loaders)
    return judging


def keeper(directory: Path, redis: str | None) -> Callable[[Failure], None]:
    """What saves the bytes of a failure; a server that cannot be reached is said now, one that is lost later then."""
    store = database(directory, redis)

    def keep(failure: Failure) -> None:
        try:
            save(store, failure)
        except Exception as error:  # noqa: BLE001 - whatever the server's client raises; the ledger has the failure
            click.echo(f"packfile-fuzz: seed {failure.seed} is not in the database: {error}", err=True)

    return keep


def _said(outcome: Outcome, out: Path) -> str:
    where = f"The report is {out / 'report.html'}; each signature has a folder in {out / FOLDER}."
    lines = [verdict(outcome.report), where]
    if outcome.failed:
        lines.append(f"{outcome.failed} of them could not be triaged: triage.log in their folders says why.")
    if outcome.untriaged:
        lines.append(f"{outcome.untriaged} of them wait for triage: packfile-fuzz minimise --campaign {out}")
    return "\n".join(lines)


def _unusable(text: str) -> int:
    click.echo(f"packfile-fuzz: {text}", err=True)
    return UNUSABLE
