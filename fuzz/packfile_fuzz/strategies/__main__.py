"""`python -m packfile_fuzz.strategies FAULT` prints the smallest example that shows a seeded bug."""

from __future__ import annotations

import click
from hypothesis.errors import NoSuchExample

from packfile_fuzz.faults import FAULTS
from packfile_fuzz.strategies.witness import MAKERS, witness


@click.command()
@click.argument("fault", type=click.Choice(tuple(FAULTS)), metavar="FAULT")
@click.option("--strategy", type=click.Choice(tuple(MAKERS)), default="programs", show_default=True)
@click.option("--examples", default=8000, show_default=True, help="How many are tried.")
def main(fault: str, strategy: str, examples: int) -> None:
    """Print the smallest example that shows FAULT, as a call to be put into fuzz/tests/examples.py."""
    try:
        click.echo(witness(fault, strategy, examples))
    except NoSuchExample:
        raise click.ClickException(f"none of {examples} examples of {strategy} shows {fault}") from None


if __name__ == "__main__":
    main()
