"""`packfile-fuzz minimise`: failures made small, and written as cases."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import times
from .example import example

if TYPE_CHECKING:
    from packfile_fuzz.results import Failure
    from packfile_fuzz.triage.folder import Settings, Triage


@click.command()
@example
@click.option(
    "--campaign",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="All signatures of a campaign that have no triage yet.",
)
@times.option("--limit", default="1m", help="How long to make a failure smaller.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("fuzz-case"),
    show_default=True,
    help="Directory for what is left of an example; one for each signature.",
)
def minimise(
    seed: int | None,
    kind: str,
    loaders: tuple[str, ...],
    oracles: tuple[str, ...],
    campaign: Path | None,
    limit: float,
    out: Path,
) -> None:
    """Make a failing example as small as can be, and write it as a case for the suite.

    Of each signature there is a folder then, with case.yaml, the modules as assembly and as files, and triage.json. The
    exit status is 0 if each failure has its case, 1 if one has none, 2 if it cannot be asked.

    \b
    packfile-fuzz minimise --seed 1234 --kind program --loader ./adapter
    packfile-fuzz minimise --campaign fuzz-campaign
    """  # noqa: D301 - click wants the character itself
    if (campaign is None) == (seed is None):
        raise click.UsageError("expected either --campaign or --seed")
    # Slow to import, and every worker of a campaign imports this module.
    from packfile_fuzz.campaign.judging import JudgingError  # noqa: PLC0415 - see above
    from packfile_fuzz.campaign.ledger import LedgerError  # noqa: PLC0415
    from packfile_fuzz.triage.folder import triage  # noqa: PLC0415

    try:
        asked, settings = (
            _of_campaign(campaign, limit) if campaign else _of_seed(seed or 0, kind, loaders, oracles, limit, out)
        )
    except (JudgingError, LedgerError, ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    if not asked:
        click.echo("there is no failure to triage")
    results = []
    for failure, folder in asked:
        results.append(triage(failure, settings, folder))
        click.echo(_said(results[-1], folder))
    sys.exit(int(any(found.case is None for found in results)))


def _of_seed(
    seed: int, kind: str, loaders: tuple[str, ...], oracles: tuple[str, ...], limit: float, out: Path
) -> tuple[list[tuple[Failure, Path]], Settings]:
    from packfile_fuzz.campaign.folders import slug  # noqa: PLC0415 - as above
    from packfile_fuzz.campaign.judging import named  # noqa: PLC0415
    from packfile_fuzz.oracles import ORACLES, Options, run_range  # noqa: PLC0415
    from packfile_fuzz.triage.folder import Settings  # noqa: PLC0415

    commands = named(loaders)
    tally = run_range(seed, 1, Options(tuple(oracles) or tuple(ORACLES), commands, kind))
    asked = [(failure, out / slug(failure.signature)) for failure in tally.failures]
    return asked, Settings(dict(commands), seconds=limit)


def _of_campaign(directory: Path, limit: float) -> tuple[list[tuple[Failure, Path]], Settings]:
    from packfile_fuzz.campaign.folders import folder_of  # noqa: PLC0415 - as above
    from packfile_fuzz.campaign.judging import named  # noqa: PLC0415
    from packfile_fuzz.campaign.session import LEDGER  # noqa: PLC0415
    from packfile_fuzz.campaign.state import summed  # noqa: PLC0415
    from packfile_fuzz.triage.folder import SUMMARY, Settings  # noqa: PLC0415

    header, state = summed(directory / LEDGER)
    folders = [(found.example, folder_of(directory, found.signature)) for found in state.by_signature()]
    asked = [(failure, folder) for failure, folder in folders if not (folder / SUMMARY).exists()]
    return asked, Settings(dict(named(header.options.get("loaders", ()))), seconds=limit)


def _said(found: Triage, folder: Path) -> str:
    if found.instructions is None:
        return f"{folder}: no case: {found.message}"
    size = f"{found.instructions} instructions after {found.runs} runs"
    if found.case is None:
        return f"{folder}: {size}; no case: it has names that a case cannot hold"
    shows = "the suite sees it" if found.case.shows else f"the suite does not see it: {found.case.error or found.case}"
    return f"{folder}: {size}; {shows}"
