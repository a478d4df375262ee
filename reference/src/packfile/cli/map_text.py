"""A map of pages as text: letters for everything, coloured blocks for a person at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from packfile.cli.page_map import STATES, STEPS, ModuleMap, PageMap
from packfile.cli.terminal import aligned, is_terminal, printable, write

_MOST_CELLS: Final = 64
_Glyphs = Mapping[str, tuple[str, str]]
"""Character and style of each state of a cell."""
_LETTERS: Final[_Glyphs] = {
    "open": ("o", ""),
    "link": ("l", ""),
    "call": ("c", ""),
    "private": ("p", ""),
    "present": ("+", ""),
    "untouched": (".", ""),
}
_BLOCKS: Final[_Glyphs] = {
    "open": ("█", "blue"),
    "link": ("█", "green"),
    "call": ("█", "yellow"),
    "private": ("█", "red"),
    "present": ("▒", "bright_black"),
    "untouched": ("·", "bright_black"),
}
_Line = list[tuple[str, str]]
"""Parts of a line with their styles."""


def show_map(found: PageMap) -> None:
    """Write a map to standard output."""
    if is_terminal() and not os.environ.get("NO_COLOR") and "utf" in sys.stdout.encoding.lower():
        _draw(list(_lines(found, _BLOCKS)))
    else:
        for line in _lines(found, _LETTERS):
            write("".join(text for text, _ in line))


def _lines(found: PageMap, glyphs: _Glyphs) -> Iterator[_Line]:
    for module in found.modules:
        scale = module.scale(_MOST_CELLS)
        yield [(printable(module.heading(scale)), "bold")]
        yield from _section_lines(module, found.steps, scale, glyphs)
        yield [("", "")]
    legend: _Line = []
    for state, (character, style) in glyphs.items():
        legend += [(character, style), (f" {STATES[state]}{'' if state == 'untouched' else ', '}", "")]
    yield legend
    yield [(f"pages: {found.method}", "")]
    yield [(printable(f"{found.title}: {found.ending}"), "")]


def _section_lines(module: ModuleMap, steps: int, scale: int, glyphs: _Glyphs) -> Iterator[_Line]:
    columns = ("section", *STEPS[:steps], "of")
    rows = [(row.name, *row.read_after(steps), str(len(row.range))) for row in module.rows]
    texts = aligned([columns, *rows, *module.totals()])
    width = max(map(len, texts)) + 2
    cells: list[list[str]] = [[], *(row.cells(scale) for row in module.rows), [], []]
    for text, states in zip(texts, cells, strict=True):
        drawn = [(glyphs[state][0] * len(list(group)), glyphs[state][1]) for state, group in groupby(states)]
        yield [(f"  {text.ljust(width) if drawn else text}", ""), *drawn]


def _draw(lines: list[_Line]) -> None:
    # rich takes longer to import than most commands take to run, so only those who see it wait for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)
