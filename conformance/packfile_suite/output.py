"""Printing: rich tables where a person looks, plain columns where a script reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table."""
    everything = [list(row) for row in rows]
    if is_terminal():
        from rich.console import Console  # noqa: PLC0415 - only where a person looks
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(*columns)
        table.columns[0].no_wrap = True
        table.columns[0].overflow = "fold"
        for row in everything:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(row[at]) for row in [columns, *everything]) for at in range(len(columns))]
    for row in [list(columns), *everything]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def print_yaml(text: str) -> None:
    """Prints YAML, in colour on a terminal."""
    if is_terminal():
        from rich.console import Console  # noqa: PLC0415
        from rich.syntax import Syntax  # noqa: PLC0415

        Console().print(Syntax(text, "yaml", background_color="default"))
    else:
        click.echo(text)


def hex_dump(runs: Iterable[tuple[int, bytes]]) -> Iterable[str]:
    """Lines of 16 bytes; those that are all zero are left out."""
    skipped = False
    for start, data in runs:
        for at in range(0, len(data), 16):
            row = data[at : at + 16]
            if not any(row):
                skipped = True
                continue
            if skipped:
                yield "*"
                skipped = False
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            yield f"{start + at:08x}  {row[:8].hex(' '):23}  {row[8:].hex(' '):23}  |{text}|"
