"""`packfile-suite export`: the cases as files and a manifest."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .case import CaseError
from .choose import all_cases, choosing, filters, placed
from .export import MANIFEST, Content, differences, make, selection_of
from .export_store import ExportError, checked_manifest, load_archive, load_directory, parse_manifest, save
from .paths import prebuilt_archive
from .plan import Filters

_SHOWN = 20


@click.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; compare the export, or the prebuilt files, with the cases.")
@choosing
@placed
def export(
    directory: Path | None,
    rule: tuple[str, ...],
    stage: tuple[str, ...],
    feature: tuple[str, ...],
    byte_order: tuple[str, ...],
    up_to: str | None,
    cases: tuple[Path, ...],
    *,
    check: bool,
) -> None:
    """Write the cases as binary files with a manifest, for judging a loader without Python.

    DIRECTORY is made, or must be empty or an earlier export, which is replaced. The form of `manifest.json` is that of
    spec/manifest.schema.json; spec/replay_example.py shows how to use it.

    With --check nothing is written: the exit status is 1 if what is there is not byte for byte what would be
    written. Without DIRECTORY that is the set of files which the installed package carries for `run --prebuilt`.

    \b
    packfile-suite export conformance-files
    packfile-suite export little-only --byte-order little
    packfile-suite export conformance-files --check
    packfile-suite export --check
    """  # noqa: D301 - click wants the character itself
    chosen = filters(rule, stage, feature, byte_order, up_to)
    try:
        if check:
            if chosen:
                raise click.UsageError("--check compares what the manifest says was asked for; leave the choice out.")
            _check(directory, cases)
        elif directory is None:
            raise click.UsageError("Missing argument 'DIRECTORY': where to write the export.")
        else:
            _export(directory, chosen, cases)
    except (ExportError, CaseError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{error.filename or directory}: {error.strerror}") from None


def _export(directory: Path, chosen: Filters, cases: tuple[Path, ...]) -> None:
    content = make(all_cases(cases), chosen)
    runs = parse_manifest(content[MANIFEST], MANIFEST)["runs"]
    if not runs:
        raise click.UsageError("No case was selected: there is nothing to export.")
    save(content, directory)
    size = sum(map(len, content.values()))
    click.echo(f"{directory}: {len(runs)} runs, {len(content) - 1} files, {size / 1e6:.1f} MB")


def _check(directory: Path | None, cases: tuple[Path, ...]) -> None:
    found: Content
    if directory is not None:
        found, name = load_directory(directory), str(directory)
    else:
        found, name = load_archive(prebuilt()), "the prebuilt files"
    manifest = checked_manifest(found.get(MANIFEST, b""), MANIFEST)
    wanted = make(all_cases(cases), selection_of(manifest))
    wrong = differences(found, wanted)
    for line in wrong[:_SHOWN]:
        click.echo(line)
    if len(wrong) > _SHOWN:
        click.echo(f"... and {len(wrong) - _SHOWN} more")
    click.echo(f"{name}: {len(wanted)} files compared, {len(wrong)} differ")
    sys.exit(1 if wrong else 0)


def prebuilt() -> Path:
    """The archive of prebuilt files. Ends the command with status 2 if this installation has none."""
    archive = prebuilt_archive()
    if archive is None:
        raise click.UsageError(
            "This installation has no prebuilt files: they come with the wheel, no checkout has them."
        )
    return archive
