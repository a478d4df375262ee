"""`packfile-suite matrix`: one table of many loaders."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from packfile.publish import write_file

from . import matrix as judging
from .choose import choosing, placed
from .output import print_table


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", multiple=True, metavar="NAME", help="Only the loader of this name.")
@choosing
@placed
@click.option("-n", "workers", metavar="N", help="Processes, or `auto`.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the table as JSON.")
def matrix(
    file: Path,
    only: tuple[str, ...],
    workers: str | None,
    json_file: Path | None,
    **options: Any,  # noqa: ANN401 - click's
) -> None:
    """Run the suite against each loader that FILE lists, and print one table.

    FILE is TOML: a table [[loader]] for each, with `name`, `command`, and if need be `timeout` and `expect`. What a
    failing run printed is printed too. The exit status is that of the worst loader: 0, 1 or 2 as of `run`.

    \b
    packfile-suite matrix loaders.toml -n auto
    packfile-suite matrix loaders.toml --only "mine, optimised" --rule PF-FIX --json table.json
    """  # noqa: D301 - click wants the character itself
    entries = _chosen(file, only)
    arguments = [f"-n{workers}"] if workers else []
    for name, value in options.items():
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        for one in values:
            arguments += [f"--{name.replace('_', '-')}", str(one)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="packfile-") as folder:
        for number, entry in enumerate(entries, 1):
            click.echo(f"{number} of {len(entries)}: {entry.name}: {entry.command}", err=True)
            row = judging.judge(entry, arguments, Path(folder) / f"{number}.jsonl")
            if row.status:
                click.echo(row.output)
            rows.append(row)
    print_table(judging.COLUMNS, [row.cells() for row in rows])
    for row in rows:
        click.echo(f"{row.entry.name}: {row.says or 'never said hello'}")
    if json_file is not None:
        text = json.dumps([row.as_json() for row in rows], indent=2) + "\n"
        try:
            write_file(json_file, text.encode())
        except OSError as error:
            raise click.ClickException(f"cannot write {json_file}: {error.strerror}") from None
    sys.exit(judging.status(rows))


def _chosen(file: Path, only: tuple[str, ...]) -> tuple[judging.Entry, ...]:
    try:
        entries = judging.read_loaders(file)
    except judging.MatrixError as error:
        raise click.UsageError(str(error)) from None
    names = [entry.name for entry in entries]
    for name in only:
        if name not in names:
            raise click.UsageError(f"{file} has no loader {name!r}. It has {', '.join(names)}.")
    return tuple(entry for entry in entries if not only or entry.name in only)
