"""`packfile-fuzz run`: a campaign."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from . import times


@click.command()
@click.option(
    "--loader", "loaders", multiple=True, metavar="[NAME=]CMD", help="Command of an adapter; may be repeated."
)
@click.option("--oracle", "oracles", multiple=True, metavar="NAME", help="Only this oracle; may be repeated.")
@click.option(
    "--kind",
    type=click.Choice(["program", "malformed", "both"]),
    default="both",
    show_default=True,
    help="Valid modules that are run, broken files, or both.",
)
@times.option("--time", "seconds", help="Wall time of all sessions, such as 8h, 5m or 30s.")
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
@times.option("--hang", default="2m", help="A range that takes longer hangs.")
@times.option("--patience", default="1m", help="How long to wait for a lost scheduler.")
@click.option(
    "--database",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the bytes of failing examples, as hypothesis keeps them; `examples` in that of --out.",
)
@click.option("--redis", metavar="URL", help="Redis server to share those bytes with others.")
@times.option("--triage", default="1m", help="How long to make the first failure of a signature smaller.")
@click.option("--no-triage", is_flag=True, help="Make no cases of failures; `minimise` does it later.")
@click.option("--work", metavar="MODULE:NAME", hidden=True, help="What to run in place of the oracles.")
def run(out: Path, **options: Any) -> None:  # noqa: ANN401 - click's
    """Judge one example after the other, on many workers, until the time is over or the seeds are used up.

    With neither --time nor --examples it goes on until it is interrupted. Everything that was finished is in the
    ledger, and --resume with the same options goes on from there: no seed is lost, and none is run twice. Of the first
    failure of each signature a case is made, beside the campaign and after it, in its folder. The exit
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
    from .start import begin  # noqa: PLC0415 - slow to import, and every worker imports this module

    sys.exit(begin(out, options))
