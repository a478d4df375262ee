"""What the command line writes: plain text, JSON, or tables for a person at a terminal.

Promises that no control character of a file's names reaches a terminal, and that only a terminal gets tables with lines
and styles.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = Any
"""What `json.dumps` takes."""


@dataclass(frozen=True)
class Table:
    """Rows of texts under a title. Without column names, its rows are pairs of a name and a value.

    A text may have several lines if it only goes to a terminal.
    """

    title: str
    rows: Sequence[Sequence[str]]
    columns: Sequence[str] = ()


def printable(text: str) -> str:
    """A text whose unprintable characters are escaped, so that it can neither move a cursor nor fake a line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def write(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")


def complain(*lines: str) -> None:
    """Write a message to standard error; whatever stands in a line, it is one line."""
    if sys.stderr is not None:
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))


def document(value: Json) -> None:
    """Write the one JSON document of a command."""
    write(json.dumps(value, indent=2))


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def show(tables: Sequence[Table]) -> None:
    """Write tables: aligned text, or drawn ones on a terminal."""
    for number, table in enumerate(tables):
        if number:
            write("")
        if is_terminal():
            _draw(table)
        else:
            _align(table)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns begin at the same places."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _align(table: Table) -> None:
    write(printable(table.title))
    rows = [[printable(text) for text in row] for row in table.rows]
    for line in aligned([list(table.columns), *rows] if table.columns else rows):
        write(f"  {line}")


def _draw(table: Table) -> None:
    # rich takes longer to import than most commands take to run, so only those who see it wait for it.
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as Drawing  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawing = Drawing(
        title=Text(printable(table.title)),
        title_justify="left",
        title_style="bold",
        box=box.ROUNDED,
        show_header=bool(table.columns),
    )
    for index, name in enumerate(table.columns or ("", "")):
        drawing.add_column(name, style="cyan" if index == 0 else None, overflow="fold")
    for row in table.rows:
        # A Text holds no markup, whatever brackets a name has.
        drawing.add_row(*(Text("\n".join(map(printable, text.split("\n")))) for text in row))
    # Without a colour system rich writes no escape sequence at all, bold ones included.
    plain = Console(color_system=None, highlight=False) if os.environ.get("NO_COLOR") else Console(highlight=False)
    plain.print(drawing)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
