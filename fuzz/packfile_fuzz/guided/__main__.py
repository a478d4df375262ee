"""`python -m packfile_fuzz.guided`: what the Makefile in `fuzz/guided/` calls."""

from __future__ import annotations

import sys

import click

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


if __name__ == "__main__":
    main()
