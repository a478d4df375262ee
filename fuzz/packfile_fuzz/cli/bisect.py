"""`packfile-fuzz bisect`: which revision brought a failure."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import times


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--good", required=True, metavar="REV", help="A revision without the failure.")
@click.option("--bad", default="HEAD", show_default=True, metavar="REV", help="A later one with it.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of an example that must not differ.")
@click.option(
    "--kind",
    type=click.Choice(["program", "malformed"]),
    default="program",
    show_default=True,
    help="Which generator it comes from.",
)
@click.option(
    "--case",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    metavar="FILE",
    help="YAML file of cases that must pass, in place of a seed.",
)
@click.option("--build", default="", metavar="CMD", help="Makes the loader; a revision where it fails is skipped.")
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="A directory of the repository.",
)
@click.option("--timeout", type=float, default=10.0, show_default=True, help="Seconds for one answer.")
@times.option("--building", default="10m", help="How long making the loader may take.")
@click.argument("command", nargs=-1, metavar="[-- LOADER...]", type=click.UNPROCESSED)
def bisect(
    good: str,
    bad: str,
    seed: int | None,
    kind: str,
    case: str | None,
    build: str,
    repository: Path,
    timeout: float,
    building: float,
    command: tuple[str, ...],
) -> None:
    """Find the first revision whose loader fails at an example, by `git bisect run`.

    Commands run in the root of a tree that is made for this and removed in the end; your own tree stays as it is. The
    examples and cases are those of this version of the package. Without LOADER, the reference of each revision is
    asked. The exit status is 0 if the revision was found, 1 if not, 2 if it cannot be asked.

    \b
    packfile-fuzz bisect --good v1.0 --case case.yaml
    packfile-fuzz bisect --good v1.0 --seed 1234 --build "make -C loaders/c" -- loaders/c/build/pf adapter
    """  # noqa: D301 - click wants the character itself
    if (case is None) == (seed is None):
        raise click.UsageError("expected either --case or --seed")
    # Slow to import, and every worker of a campaign imports this module.
    from packfile_fuzz.triage.bisection import Asked, BisectError  # noqa: PLC0415 - see above
    from packfile_fuzz.triage.bisection import bisect as find  # noqa: PLC0415

    asked = Asked(command, build, case or "", seed or 0, kind, timeout, building)
    try:
        first = find(repository, good, bad, asked, click.echo)
    except BisectError as error:
        click.echo(f"packfile-fuzz: {error}", err=True)
        sys.exit(1)
    click.echo(f"the first bad revision is {first}")
