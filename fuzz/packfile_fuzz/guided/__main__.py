"""`python -m packfile_fuzz.guided`: what the Makefile in `fuzz/guided/` calls."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from packfile_fuzz.guided import corpus
from packfile_fuzz.guided.builder import ignore_interrupts, serve


@click.group()
def main() -> None:
    """What fuzzers that watch the code need."""


@main.command()
@click.option("--no-reference", is_flag=True, help="Don't say what the reference makes of a program: faster.")
def build(*, no_reference: bool) -> None:
    """Build programs for the harness, which starts this itself."""
    ignore_interrupts()
    serve(sys.stdin.buffer, sys.stdout.buffer, reference=not no_reference)


_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@main.command()
@click.argument("directory", type=_DIRECTORY)
@click.argument("sources", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--count", default=300, show_default=True, help="Seeds of the generator.")
def seeds(directory: Path, sources: tuple[Path, ...], count: int) -> None:
    """Write inputs to begin with: of seeds, and of assembly."""
    corpus.seeds(directory, count, sources)


@main.command()
@click.argument("source", type=_DIRECTORY)
@click.argument("target", type=_DIRECTORY)
def pack(source: Path, target: Path) -> None:
    """Make a corpus that can be committed of one that libFuzzer made."""
    corpus.pack(source, target)


@main.command()
@click.argument("source", type=_DIRECTORY)
@click.argument("target", type=_DIRECTORY)
def unpack(source: Path, target: Path) -> None:
    """Make of such a corpus one that libFuzzer can read."""
    corpus.unpack(source, target)


if __name__ == "__main__":
    main()
