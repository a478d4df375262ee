"""`packfile-fuzz oracles` and `packfile-fuzz rates`."""

from __future__ import annotations

import json

import click

from packfile_suite.output import print_table

from . import times


@click.command()
def oracles() -> None:
    """List the oracles: what must hold of any program."""
    from packfile_fuzz.oracles import ORACLES  # noqa: PLC0415 - slow to import, and workers import this module

    print_table(("oracle", "promise"), [(oracle.name, oracle.summary) for oracle in ORACLES.values()])


@click.command()
@click.option("--loader", "loaders", multiple=True, metavar="[NAME=]CMD", help="Command of an adapter to measure too.")
@times.option("--time", "seconds", default="2s", help="How long to measure each stage.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def rates(loaders: tuple[str, ...], seconds: float, *, as_json: bool) -> None:
    """Measure how many examples a second each stage does, on one core.

    \b
    packfile-fuzz rates
    packfile-fuzz rates --loader ./adapter --time 5s
    """  # noqa: D301 - click wants the character itself
    # Slow to import, and every worker of a campaign imports this module.
    from packfile_fuzz.campaign.judging import JudgingError, named, try_loaders  # noqa: PLC0415 - see above
    from packfile_fuzz.oracles import rates as measure  # noqa: PLC0415
    from packfile_fuzz.run import Loaders  # noqa: PLC0415

    try:
        commands = named(loaders)
        try_loaders(commands)
    except JudgingError as error:
        raise click.UsageError(f"--loader: {error}") from None
    with Loaders(dict(commands)) as adapters:
        found = measure(seconds, adapters)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    print_table(("stage", "examples/s"), [(name, f"{rate:,.0f}") for name, rate in found.items()])
