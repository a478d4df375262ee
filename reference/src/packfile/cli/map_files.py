"""A map of pages as files: SVG, a page of HTML, PNG.

Promises files that need no other: colours are in the SVG itself, and give way to those of a page that sets its own. PNG
needs Pillow, which only the extra `map` brings along.
"""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

from packfile.cli.page_map import STATES, STEPS, ModuleMap, PageMap
from packfile.cli.sources import UsageFailure
from packfile.cli.terminal import printable

_MOST_CELLS: Final = 64
_WIDTH: Final = 7
"""From one cell to the next."""
_HEIGHT: Final = 11
_GAP: Final = 1
_LINE: Final = 18
_LABELS: Final = 80
_NUMBER: Final = 44
"""Width of a column of numbers."""
_LEGEND: Final = 220
_LEGEND_COLUMNS: Final = 3
_CHARACTER: Final = 8
"""Width of a character of a heading, or more."""
_MARGIN: Final = 10
_BACKGROUND: Final = "#ffffff"
_COLOURS: Final = {
    "open": ("at-open", "#2b6cb0"),
    "link": ("rows", "#2f855a"),
    "call": ("mapped", "#d69e2e"),
    "private": ("written", "#c53030"),
    "present": ("skipped", "#a0aec0"),
    "untouched": ("color-background-border", "#e2e8f0"),
    "text": ("color-foreground-primary", "#1a202c"),
}
"""Of each state: the variable of a page's style that is its colour, if there is one, and the colour otherwise."""
_PNG_SCALE: Final = 2
"""Pixels of a PNG for one unit of the drawing, so that its text is sharp."""


@dataclass(frozen=True)
class _Cell:
    """Cells of one state, side by side."""

    x: int
    y: int
    count: int
    state: str
    note: str


@dataclass(frozen=True)
class _Text:
    x: int
    y: int
    """Of its base line."""
    text: str
    right: bool = False
    bold: bool = False


class _Drawing:
    """The picture after so many steps, from its upper left corner downward."""

    def __init__(self, found: PageMap, steps: int) -> None:
        self.title = f"Pages that are touched: {found.title}, after {STEPS[steps - 1]}"
        self.shapes: list[_Cell | _Text] = []
        self.height = _MARGIN
        scales = [module.scale(_MOST_CELLS) for module in found.modules]
        cells = max(
            len(row.cells(scale)) for module, scale in zip(found.modules, scales, strict=True) for row in module.rows
        )
        self._numbers = _MARGIN + _LABELS + cells * _WIDTH
        heads = [module.heading(scale) for module, scale in zip(found.modules, scales, strict=True)]
        notes = (f"pages: {found.method}", f"{found.title}: {found.ending}")
        self.width = _MARGIN + max(
            self._numbers + (steps + 1) * _NUMBER,
            _MARGIN + _LEGEND_COLUMNS * _LEGEND,
            *(_MARGIN + len(line) * _CHARACTER for line in (*heads, *notes)),
        )
        for module, scale, head in zip(found.modules, scales, heads, strict=True):
            self._text(_MARGIN, head, bold=True)
            self._next_line()
            self._module(module, scale, steps)
            self.height += _LINE // 2
        self._legend()
        for note in notes:
            self._text(_MARGIN, note)
            self._next_line()

    def _module(self, module: ModuleMap, scale: int, steps: int) -> None:
        self._row("", [*STEPS[:steps], "of"])
        for row in module.rows:
            x = _MARGIN + _LABELS
            for state, group in groupby(row.cells(scale, steps)):
                count = len(list(group))
                self.shapes.append(_Cell(x, self.height + 1, count, state, f"{row.name}: {STATES[state]}"))
                x += count * _WIDTH
            self._row(row.name, [*row.read_after(steps), str(len(row.range))])
        for name, *counts in module.totals():
            self._row(name, [*counts[:steps], counts[-1]])

    def _row(self, name: str, numbers: list[str]) -> None:
        self._text(_MARGIN, name)
        for index, number in enumerate(numbers, 1):
            self._text(self._numbers + index * _NUMBER, number, right=True)
        self._next_line()

    def _legend(self) -> None:
        for index, (state, meaning) in enumerate(STATES.items()):
            x = _MARGIN + index % _LEGEND_COLUMNS * _LEGEND
            self.shapes.append(_Cell(x, self.height + 1, 1, state, ""))
            self._text(x + 2 * _WIDTH, meaning)
            if index % _LEGEND_COLUMNS == _LEGEND_COLUMNS - 1:
                self._next_line()

    def _text(self, x: int, text: str, *, right: bool = False, bold: bool = False) -> None:
        if text:
            self.shapes.append(_Text(x, self.height + _HEIGHT, printable(text), right, bold))

    def _next_line(self) -> None:
        self.height += _LINE


def svg(found: PageMap) -> bytes:
    """The picture as an SVG file."""
    return f"{_svg(_Drawing(found, found.steps))}\n".encode()


def html(found: PageMap) -> bytes:
    """A page with the picture after each step."""
    title = escape(printable(found.title))
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
        f"<title>{title}</title>",
        "<style>body { font-family: sans-serif; margin: 2rem; color: #1a202c; background: #ffffff; }",
        "figure { margin: 1rem 0; overflow-x: auto; } svg { max-width: none; }</style>",
        f"</head>\n<body>\n<h1>{title}</h1>",
    ]
    parts += [
        f"<h2>After {step}</h2>\n<figure>{_svg(_Drawing(found, number))}</figure>"
        for number, step in enumerate(STEPS[: found.steps], 1)
    ]
    return "\n".join([*parts, "</body>\n</html>\n"]).encode()


def require_pillow() -> None:
    """Refuse a picture that could not be made.

    Raises:
        UsageFailure: Pillow is not installed.
    """
    if importlib.util.find_spec("PIL") is None:
        raise UsageFailure("PNG needs Pillow, which is not installed: python -m pip install 'packfile[map]'")


def png(found: PageMap) -> bytes:
    """The picture as a PNG file. `require_pillow` says whether it can be made."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - an extra

    drawing = _Drawing(found, found.steps)
    image = Image.new("RGB", (drawing.width * _PNG_SCALE, drawing.height * _PNG_SCALE), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(12 * _PNG_SCALE)
    for shape in drawing.shapes:
        x, y = shape.x * _PNG_SCALE, shape.y * _PNG_SCALE
        if isinstance(shape, _Text):
            draw.text((x, y), shape.text, _COLOURS["text"][1], font, "rs" if shape.right else "ls")
            continue
        for index in range(shape.count):
            left = x + index * _WIDTH * _PNG_SCALE
            right, bottom = left + (_WIDTH - _GAP) * _PNG_SCALE - 1, y + _HEIGHT * _PNG_SCALE - 1
            draw.rectangle((left, y, right, bottom), _COLOURS[shape.state][1])
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _svg(drawing: _Drawing) -> str:
    width, height = drawing.width, drawing.height
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    rules = [f".page-map .{name} {{ fill: var(--{of_page}, {own}); }}" for name, (of_page, own) in _COLOURS.items()]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="page-map" role="img" {box}>',
            f"<title>{escape(printable(drawing.title))}</title>",
            f"<style>.page-map text {{ font: 12px sans-serif; }} {' '.join(rules)}</style>",
            *(_text_svg(shape) if isinstance(shape, _Text) else _cells_svg(shape) for shape in drawing.shapes),
            "</svg>",
        ]
    )


def _text_svg(text: _Text) -> str:
    anchor = ' text-anchor="end"' if text.right else ""
    weight = ' style="font-weight: bold"' if text.bold else ""
    return f'<text class="text" x="{text.x}" y="{text.y}"{anchor}{weight}>{escape(text.text)}</text>'


def _cells_svg(cells: _Cell) -> str:
    cell = f"{cells.y}h{_WIDTH - _GAP}v{_HEIGHT}h-{_WIDTH - _GAP}z"
    path = "".join(f"M{cells.x + index * _WIDTH} {cell}" for index in range(cells.count))
    note = f"<title>{escape(cells.note)}</title>" if cells.note else ""
    return f'<path class="{cells.state}" d="{path}">{note}</path>'
