"""`packfile-fuzz report`: the reports again."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report(directory: Path) -> None:
    """Make the reports and the failures' folders of DIR again, from the ledger alone.

    The campaign may still be running. The exit status is 0, or 2 if there is no ledger that can be read.

    \b
    packfile-fuzz report fuzz-campaign
    """  # noqa: D301 - click wants the character itself
    # Slow to import, and every worker of a campaign imports this module.
    from packfile_fuzz.campaign.ledger import LedgerError  # noqa: PLC0415 - see above
    from packfile_fuzz.campaign.report import FILES, verdict  # noqa: PLC0415
    from packfile_fuzz.campaign.session import LEDGER, remake  # noqa: PLC0415
    from packfile_fuzz.campaign.state import summed  # noqa: PLC0415

    try:
        header, state = summed(directory / LEDGER)
        data = remake(directory, header, state)
    except (LedgerError, OSError) as error:
        click.echo(f"packfile-fuzz: {error}", err=True)
        sys.exit(2)
    click.echo(verdict(data))
    for name in FILES:
        click.echo(directory / name)
