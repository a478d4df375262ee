"""`packfile-fuzz faults`: the catalogue of seeded bugs, and what finds each of them."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

import packfile_fuzz
from packfile.publish import write_file
from packfile_fuzz.faults.catalogue import REFERENCE, patches
from packfile_fuzz.faults.chase import Campaigns
from packfile_fuzz.faults.fault import Fault
from packfile_fuzz.faults.judge import Suite, built, loader_of
from packfile_fuzz.faults.table import COLUMNS, Row, markdown, summary
from packfile_suite.output import print_table

_GOOD, _MISSED = 0, 1
_FILE = click.Path(dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "only_list", is_flag=True, help="Ask nothing; print the catalogue.")
@click.option("--suite", "ask_suite", is_flag=True, help="Ask the conformance suite only.")
@click.option("--campaign", "ask_campaign", is_flag=True, help="Ask campaigns only.")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Campaigns for each fault.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes of a campaign.")
@click.option(
    "--limit",
    type=click.FloatRange(min=0.1),
    default=600.0,
    show_default=True,
    help="Seconds that a campaign may take.",
)
@click.option("--loader-c", "source", type=_DIRECTORY, help="Source of the loader in C, for its faults too.")
@click.option("--json", "json_file", type=_FILE, help="Write the table as JSON.")
@click.option("--markdown", "markdown_file", type=_FILE, help="Write the table as Markdown.")
def faults(
    names: tuple[str, ...],
    only_list: bool,
    ask_suite: bool,
    ask_campaign: bool,
    seeds: int,
    workers: int,
    limit: float,
    source: Path | None,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Make loaders wrong on purpose, and say what finds each fault: the suite's cases alone, and campaigns.

    Each NAME is a fault or the beginning of the names of some; by default all are tried. Of the suite the first run
    that fails is told, cases of the fault's own rule first; of campaigns the median of their times. The exit status is
    1 if nothing that was asked found some fault. In a checkout the loader in C is tried as well.

    \b
    packfile-fuzz faults --list
    packfile-fuzz faults --suite --markdown faults.md
    packfile-fuzz faults --campaign --seeds 5 --workers 2 least-divided-without-trap
    """  # noqa: D301 - click wants the character itself
    place = source or _checkout()
    chosen = _chosen(names, place)
    if only_list:
        rows = [Row(fault) for fault in chosen]
    else:
        both = ask_suite == ask_campaign
        rows = list(
            _asked(
                chosen,
                place,
                suite=both or ask_suite,
                seeds=seeds if both or ask_campaign else 0,
                workers=workers,
                limit=limit,
            )
        )
    print_table(COLUMNS, [row.cells() for row in rows])
    click.echo(f"\n{summary(rows)}")
    for file, text in (
        (json_file, json.dumps([row.as_json() for row in rows], indent=2) + "\n"),
        (markdown_file, markdown(rows)),
    ):
        if file is not None:
            _write(file, text)
    sys.exit(_MISSED if any(row.is_missed for row in rows) else _GOOD)


def _checkout() -> Path | None:
    """Source of the loader in C beside this package, if this is a checkout."""
    place = Path(str(packfile_fuzz.__file__)).parents[2] / "loaders" / "c"
    return place if (place / "wrong").is_dir() else None


def _chosen(names: Sequence[str], source: Path | None) -> list[Fault]:
    there = [*REFERENCE, *(patches(source) if source else ())]
    for name in names:
        if not any(fault.name.startswith(name) for fault in there):
            raise click.UsageError(f"There is no fault {name}. `packfile-fuzz faults --list` prints all.")
    return [fault for fault in there if not names or any(fault.name.startswith(name) for name in names)]


def _asked(
    chosen: Sequence[Fault], source: Path | None, *, suite: bool, seeds: int, workers: int, limit: float
) -> Iterator[Row]:
    with ExitStack() as stack:
        cases = stack.enter_context(Suite()) if suite else None
        campaigns = stack.enter_context(Campaigns(workers)) if seeds else None
        for number, fault in enumerate(chosen, 1):
            click.echo(f"{number} of {len(chosen)}: {fault.name}", err=True)
            with tempfile.TemporaryDirectory(prefix="packfile-wrong-") as directory:
                yield _row(fault, _command(fault, source, Path(directory)), cases, campaigns, seeds, limit)


def _command(fault: Fault, source: Path | None, directory: Path) -> list[str] | None:
    if fault.patch is None:
        return None
    assert source is not None
    try:
        return built(fault, source, directory)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None


def _row(
    fault: Fault, command: list[str] | None, suite: Suite | None, campaigns: Campaigns | None, seeds: int, limit: float
) -> Row:
    caught = None
    if suite is not None:
        with loader_of(fault, command) as loader:
            caught = suite.first_failure(loader, fault.rules)
    times: list[float | None] = []
    if campaigns is not None:
        times = campaigns.times(fault.name, range(seeds), limit, shlex.join(command) if command else None)
    return Row(fault, suite is not None, caught, times)


def _write(file: Path, text: str) -> None:
    try:
        write_file(file, text.encode())
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from None


if __name__ == "__main__":
    faults()
