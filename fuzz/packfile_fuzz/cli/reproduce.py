"""`packfile-fuzz reproduce`: one example, shown and judged again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .example import example


@click.command()
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@example
def reproduce(
    file: Path | None, seed: int | None, kind: str, loaders: tuple[str, ...], oracles: tuple[str, ...]
) -> None:
    """Show the example of a seed, or the cases of a YAML file, and what differs.

    The exit status is 1 if anything still differs, 0 if nothing does, 2 if it cannot be asked.

    \b
    packfile-fuzz reproduce --seed 1234 --kind program --loader ./adapter
    packfile-fuzz reproduce --seed 1234 --kind malformed
    packfile-fuzz reproduce fuzz-campaign/failures/.../case.yaml --loader ./adapter
    """  # noqa: D301 - click wants the character itself
    if (file is None) == (seed is None):
        raise click.UsageError("expected either a FILE or --seed")
    # Slow to import, and every worker of a campaign imports this module.
    from packfile_fuzz.campaign.judging import JudgingError, named  # noqa: PLC0415 - see above
    from packfile_fuzz.oracles import Options  # noqa: PLC0415
    from packfile_fuzz.oracles.registry import ORACLES  # noqa: PLC0415
    from packfile_fuzz.triage.show import show_cases, show_example  # noqa: PLC0415
    from packfile_suite.case import CaseError  # noqa: PLC0415

    try:
        commands = named(loaders)
        options = Options(tuple(oracles) or tuple(ORACLES), commands, kind)
    except (JudgingError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    try:
        differs = show_cases(file, commands) if file is not None else show_example(seed or 0, options)
    except CaseError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(int(differs))
