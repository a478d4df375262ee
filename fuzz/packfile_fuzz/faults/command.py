"""`packfile-fuzz faults`: the catalogue of seeded bugs, and what finds each of them."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

import packfile_fuzz
from packfile.publish import write_file
from packfile_fuzz.faults.catalogue import REFERENCE, patches
from packfile_fuzz.faults.chase import Campaigns
from packfile_fuzz.faults.fault import Fault
from packfile_fuzz.faults.judge import Suite, built, loader_of
from packfile_fuzz.faults.sweep import Options, Sweep, SweepError
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
@click.option("--json", "json_file", type=_FILE, help="Write the table as JSON, after each fault.")
@click.option("--resume", is_flag=True, help="Go on from the file of --json: what it has is not asked again.")
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
    resume: bool,
    markdown_file: Path | None,
) -> None:
    """Make loaders wrong on purpose, and say what finds each fault: the suite's cases alone, and campaigns.

    Each NAME is a fault or the beginning of the names of some; by default all are tried. Of the suite the first run
    that fails is told, cases of the fault's own rule first; of campaigns the median of their times. The exit status is
    1 if nothing that was asked found some fault. In a checkout the loader in C is tried as well. A line for each fault
    tells how far it is.

    \b
    packfile-fuzz faults --list
    packfile-fuzz faults --suite --markdown faults.md
    packfile-fuzz faults --campaign --seeds 5 --workers 2 least-divided-without-trap
    packfile-fuzz faults --json faults.json --resume
    """  # noqa: D301 - click wants the character itself
    place = source or _checkout()
    chosen = _chosen(names, place)
    if resume and json_file is None:
        raise click.UsageError("--resume goes on from the file of --json: name it.")
    if only_list:
        rows = [Row(fault) for fault in chosen]
    else:
        both = ask_suite == ask_campaign
        options = Options(both or ask_suite, seeds if both or ask_campaign else 0, workers, limit)
        rows = _swept(chosen, place, _begun(options, json_file, chosen, resume=resume))
    print_table(COLUMNS, [row.cells() for row in rows])
    click.echo(f"\n{summary(rows)}")
    if markdown_file is not None:
        with _writing(markdown_file):
            write_file(markdown_file, markdown(rows).encode())
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


def _begun(options: Options, file: Path | None, chosen: Sequence[Fault], *, resume: bool) -> Sweep:
    if not resume or file is None:
        return Sweep(options, file)
    try:
        return Sweep.resumed(options, file, chosen)
    except SweepError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot read {file}: {error.strerror}") from None


def _swept(chosen: Sequence[Fault], source: Path | None, sweep: Sweep) -> list[Row]:
    """The row of each fault; what the sweep had of it is not asked again."""
    options = sweep.options
    with ExitStack() as stack:
        cases = stack.enter_context(Suite()) if options.suite else None
        campaigns = stack.enter_context(Campaigns(options.workers)) if options.seeds else None
        for number, fault in enumerate(chosen, 1):
            row = sweep.rows.get(fault.name)
            if row is None:
                with tempfile.TemporaryDirectory(prefix="packfile-wrong-") as directory:
                    row = _row(fault, _command(fault, source, Path(directory)), cases, campaigns, options)
                with _writing(sweep.file):
                    sweep.add(row)
            click.echo(f"{number} of {len(chosen)}: {row.progress()}", err=True)
    return [sweep.rows[fault.name] for fault in chosen]


def _command(fault: Fault, source: Path | None, directory: Path) -> list[str] | None:
    if fault.patch is None:
        return None
    assert source is not None
    try:
        return built(fault, source, directory)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None


def _row(
    fault: Fault, command: list[str] | None, suite: Suite | None, campaigns: Campaigns | None, options: Options
) -> Row:
    caught = None
    if suite is not None:
        with loader_of(fault, command) as loader:
            caught = suite.first_failure(loader, fault.rules)
    times: list[float | None] = []
    if campaigns is not None:
        loader_command = shlex.join(command) if command else None
        times = campaigns.times(fault.name, range(options.seeds), options.limit, loader_command)
    return Row(fault, suite is not None, caught, times)


@contextmanager
def _writing(file: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from None


if __name__ == "__main__":
    faults()
