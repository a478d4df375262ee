"""`packfile-fuzz run`: a campaign."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import click

from packfile_fuzz.campaign.conduct import Limits
from packfile_fuzz.campaign.database import DatabaseError, database, save
from packfile_fuzz.campaign.folders import FOLDER
from packfile_fuzz.campaign.judging import KINDS, JudgingError, judge, try_loaders
from packfile_fuzz.campaign.ledger import Header, LedgerError
from packfile_fuzz.campaign.report import verdict
from packfile_fuzz.campaign.session import Outcome, Plan, run_session
from packfile_fuzz.campaign.task import Work
from packfile_fuzz.campaign.workers import Lost
from packfile_fuzz.generator import VERSION, from_seed
from packfile_fuzz.results import Failure

from . import times

CLEAN, FOUND, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""


@click.command()
@click.option(
    "--loader", "loaders", multiple=True, metavar="[NAME=]CMD", help="Command of an adapter; may be repeated."
)
@click.option("--oracle", "oracles", multiple=True, metavar="NAME", help="Only this oracle; may be repeated.")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="program",
    show_default=True,
    help="Valid modules that are run, broken files, or both.",
)
@click.option(
    "--time",
    "seconds",
    callback=times.seconds,
    metavar="TIME",
    help="Wall time of all sessions, such as 8h, 5m or 30s.",
)
@click.option("--examples", type=click.IntRange(min=1), metavar="N", help="Seeds of the campaign.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Worker processes; one a core by default.")
@click.option("--scheduler", metavar="ADDRESS", help="Scheduler of dask whose workers do the work: tcp://HOST:8786.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("fuzz-campaign"),
    show_default=True,
    help="Directory of the ledger, the failures and the reports.",
)
@click.option("--resume", is_flag=True, help="Go on with the campaign in that directory.")
@click.option("--descending", is_flag=True, help="Begin with the highest seed; needs --examples.")
@click.option(
    "--hang",
    callback=times.seconds,
    default="2m",
    show_default=True,
    metavar="TIME",
    help="A range that takes longer hangs.",
)
@click.option(
    "--patience",
    callback=times.seconds,
    default="1m",
    show_default=True,
    metavar="TIME",
    help="How long to wait for a lost scheduler.",
)
@click.option(
    "--database",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the bytes of failing examples, as hypothesis keeps them; `examples` in that of --out.",
)
@click.option("--redis", metavar="URL", help="Redis server to share those bytes with others.")
@click.option("--work", metavar="MODULE:NAME", hidden=True, help="What to run in place of the oracles.")
def run(out: Path, **options: Any) -> None:  # noqa: ANN401 - click's
    """Judge one example after the other, on many workers, until the time is over or the seeds are used up.

    With neither --time nor --examples it goes on until it is interrupted. Everything that was finished is in the
    ledger, and --resume with the same options goes on from there: no seed is lost, and none is run twice. The exit
    status is 0 if nothing was found, 1 if something was, 2 if the campaign could not be run or could not go on, and 130
    if it was interrupted.

    \b
    packfile-fuzz run --time 5m
    packfile-fuzz run --loader ./adapter --time 8h --out night
    packfile-fuzz run --loader ./adapter --time 8h --out night --resume
    packfile-fuzz run --scheduler tcp://10.0.0.1:8786 --examples 1000000
    """  # noqa: D301 - click wants the character itself
    if options["workers"] and options["scheduler"]:
        raise click.UsageError("--workers and --scheduler contradict each other: the scheduler has its own workers.")
    if options["descending"] and not options["examples"]:
        raise click.UsageError("--descending needs --examples: without an end there is no highest seed.")
    try:
        outcome = run_session(_plan(out, options))
    except (DatabaseError, JudgingError, LedgerError, Lost) as error:
        _give_up(str(error))
    except OSError as error:
        _give_up(f"{error.filename or out}: {error.strerror}")
    click.echo(_said(outcome, out))
    if outcome.trouble:
        _give_up(f"{outcome.trouble}. The ledger is whole: --resume goes on")
    sys.exit(status(outcome))


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
        on_failure=_keeper(options["database"] or out / "examples", options["redis"]),
    )


def _work(options: dict[str, Any]) -> Work:
    if options["work"]:
        module, _, name = options["work"].partition(":")
        work: Work = getattr(importlib.import_module(module), name)
        return work
    judging = judge(options["kind"], options["loaders"], options["oracles"])
    if not options["scheduler"]:
        try_loaders(judging.options[0].loaders)
    return judging


def _keeper(directory: Path, redis: str | None) -> Callable[[Failure], None]:
    """What saves the bytes of a failure; a server that cannot be reached is said now."""
    store = database(directory, redis)
    return lambda failure: save(store, failure, from_seed(failure.seed))


def _said(outcome: Outcome, out: Path) -> str:
    where = f"The report is {out / 'report.html'}; each signature has a folder in {out / FOLDER}."
    return f"{verdict(outcome.report)}\n{where}"


def _give_up(text: str) -> NoReturn:
    click.echo(f"packfile-fuzz: {text}", err=True)
    sys.exit(UNUSABLE)
