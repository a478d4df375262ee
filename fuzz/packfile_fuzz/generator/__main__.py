"""`python -m packfile_fuzz.generator SEED` prints a seed's program: its modules as assembly, then its calls."""

from __future__ import annotations

import click

from packfile.disassembler import disassemble
from packfile_fuzz.generator import build, from_seed


@click.command()
@click.argument("seed", type=int)
def main(seed: int) -> None:
    """Print the program of SEED."""
    program = build(from_seed(seed))
    for entry in program.entries:
        click.echo(f"; {entry.name}, {'host' if entry.module is None else entry.order.name.lower()}")
        click.echo(disassemble(entry.module) if entry.module else "")
    for call in program.calls:
        click.echo(f"; {call}")


main()
