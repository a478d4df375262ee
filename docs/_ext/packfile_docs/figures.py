"""Figures, drawn from the layout so that a change of the format changes them. No tool that draws is needed.

Drawings are inline SVG in the theme's colours, by classes of `_static/packfile.css`; each has a title and a description
for people who do not see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from packfile import layout
from packfile.layout import SectionKind

_ROW_HEIGHT = 20
_HEAD_HEIGHT = 24
_MAPPED = (SectionKind.CODE, SectionKind.RODATA)


def render(env: BuildEnvironment, name: str) -> str:
    """The figure of that name."""
    del env
    return _FIGURES[name]()


def _file() -> str:
    """The parts of a file in the order of their bytes, as a table that looks like one."""
    size = sum(field.size for field in layout.FIELDS["section"])
    lines = [
        "The parts of a packfile, in the order of their bytes:",
        "",
        ":::{table}",
        ":class: file-map",
        "",
        "| Part | Holds | Starts at |",
        "| --- | --- | --- |",
        f"| [header]{{.at-open}} | {layout.HEADER_SIZE} bytes: magic, byte order, version, length | byte 0 |",
        f"| [directory]{{.at-open}} | {size} bytes a section: kind, offset, length | byte {layout.HEADER_SIZE} |",
    ]
    for kind, section in layout.SECTIONS.items():
        if kind >= layout.FIRST_SKIPPABLE_KIND:
            continue
        colour = "mapped" if kind in _MAPPED else "written" if kind is SectionKind.DATA else "rows"
        start = "a multiple of the unit" if section.unit_aligned else "a multiple of 8"
        lines.append(f"| [{kind.name.lower()}]{{.{colour}}} | {section.doc} | {start} |")
    lines.append("| [skippable]{.skipped} | What a loader may pass over: names, lines, digests. | a multiple of 8 |")
    return "\n".join([*lines, "", ":::", ""])


@dataclass(frozen=True)
class _Box:
    """A row type as a box of its fields."""

    x: int
    y: int
    width: int
    title: str
    fields: tuple[str, ...]
    colour: str

    @property
    def height(self) -> int:
        return _HEAD_HEIGHT + _ROW_HEIGHT * len(self.fields)

    def field_y(self, name: str) -> int:
        """Height of the middle of a field; that of the title for a name that is none."""
        if name not in self.fields:
            return self.y + _HEAD_HEIGHT // 2
        return self.y + _HEAD_HEIGHT + _ROW_HEIGHT * self.fields.index(name) + _ROW_HEIGHT // 2

    def draw(self) -> Iterator[str]:
        yield _rectangle(self.colour, self.x, self.y, self.width, self.height)
        yield _text(self.x + 8, self.y + 17, self.title, "head")
        for index, field in enumerate(self.fields):
            y = self.y + _HEAD_HEIGHT + _ROW_HEIGHT * index
            yield f'<line class="rule" x1="{self.x}" y1="{y}" x2="{self.x + self.width}" y2="{y}"/>'
            yield _text(self.x + 8, y + 14, field, "field")


def _pointers() -> str:
    """What the fields of rows point at."""
    header = _box(0, 0, "header", "header", "at-open")
    entry = _box(0, header.height + 36, "section", "directory entry", "at-open")
    function = _box(250, 0, "function_row", "functions", "rows")
    imported = _box(250, function.height + 30, "import_row", "imports", "rows")
    exported = _box(250, imported.y + imported.height + 30, "export_row", "exports", "rows")
    constant = _box(250, exported.y + exported.height + 30, "constant", "constants", "rows")
    code = _Box(500, 0, 150, "code", ("words",), "mapped")
    strings = _Box(500, 190, 150, "strings", ("bytes",), "rows")
    segments = _Box(500, 350, 150, "rodata, data, bss", ("bytes",), "mapped")
    boxes = (header, entry, function, imported, exported, constant, code, strings, segments)
    arrows = [
        _arrow(header, "section_count", entry, ""),
        _arrow(header, "entry", function, ""),
        _arrow(entry, "offset", function, ""),
        _arrow(entry, "offset", imported, ""),
        _arrow(entry, "offset", exported, ""),
        _arrow(entry, "offset", constant, ""),
        _arrow(function, "code_end", code, "words"),
        _arrow(imported, "module_offset", strings, "bytes"),
        _arrow(imported, "name_offset", strings, "bytes"),
        _arrow(exported, "name_offset", strings, "bytes"),
        _arrow(exported, "position", segments, "bytes"),
    ]
    height = max(box.y + box.height for box in boxes)
    drawn = [line for box in boxes for line in box.draw()]
    return _svg(
        "pointers",
        652,
        height + 2,
        "What the rows of a packfile point at",
        "The header counts the directory entries and names the entry function. A directory entry places a section."
        " A function row ends a run of code words. Import and export rows name ranges of the strings section."
        " An export row gives the index of a function, or a place in the rodata, data or bss segment."
        " Code refers to functions, slots and constants by index.",
        [*arrows, *drawn],
        "Each arrow is an offset or an index; nothing in a file is an address. Code names functions, import rows and"
        " constants by index.",
    )


def _box(x: int, y: int, row: str, title: str, colour: str) -> _Box:
    return _Box(x, y, 170, title, tuple(field.name for field in layout.FIELDS[row]), colour)


def _arrow(start: _Box, field: str, end: _Box, target: str) -> str:
    if field not in start.fields:
        raise ExtensionError(f"figure: {start.title} has no field {field}")
    x1, y1, x2, y2 = start.x + start.width, start.field_y(field), end.x, end.field_y(target)
    if start.x == end.x:
        return _curve(f"M{x1} {y1} C{x1 + 26} {y1} {x1 + 26} {y2} {x1 + 1} {y2}")
    bend = (x1 + x2) // 2
    return _curve(f"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2 - 1} {y2}")


def _process() -> str:
    """A mapped file on the left, what the process has of its own on the right."""
    left, right, width = 10, 390, 240
    shared = [
        ("at-open", "header, directory", "read when the file is opened"),
        ("rows", "functions to strings", "a row is read when it is used"),
        ("mapped", "code", "a page is read when it runs"),
        ("mapped", "rodata", "a page is read when it is loaded"),
        ("written", "data", "mapped a second time, privately"),
    ]
    private = [
        ("own", "frames", "registers of running calls"),
        ("own", "slots", "one for each import row"),
        ("own", "verdicts", "one for each function called"),
        ("own", "bss", "zeros until they are written"),
        ("written", "data pages", "copied when first written"),
    ]
    lines = [
        _text(left, 16, "The file, mapped read-only and shared", "title"),
        _text(right, 16, "Memory of the process", "title"),
    ]
    for x, column in ((left, shared), (right, private)):
        for index, (colour, name, note) in enumerate(column):
            y = 28 + 54 * index
            lines += [
                _rectangle(colour, x, y, width, 46),
                _text(x + 10, y + 19, name, "head"),
                _text(x + 10, y + 37, note, "note"),
            ]
    middle = [28 + 54 * index + 23 for index in range(5)]
    for start, end, label in ((1, 1, "filled by linking"), (2, 2, "judged once"), (4, 4, "copied by stores")):
        x1, y1, x2, y2 = left + width, middle[start], right, middle[end]
        lines.append(_curve(f"M{x1} {y1} L{x2 - 1} {y2}"))
        lines.append(_text((x1 + x2) // 2, (y1 + y2) // 2 - 6, label, "label"))
    return _svg(
        "process",
        640,
        300,
        "What is shared and what is private",
        "The header, directory, rows, strings, code and rodata are one read-only mapping of the file, which processes"
        " share. Frames, slots, verdicts, bss and the pages of data that were written belong to the process."
        " Linking fills a slot for each import row. A function is judged at its first call. A page of data is copied"
        " when it is first written.",
        lines,
        "Left: pages of the file, which the kernel shares between processes and may drop. Right: what each process has"
        " of its own. Code names a slot by its index.",
    )


def _rectangle(colour: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="box {colour}" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'


def _curve(path: str) -> str:
    return f'<path class="arrow" marker-end="url(#arrow)" d="{path}"/>'


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def _svg(name: str, width: int, height: int, title: str, description: str, lines: Iterable[str], caption: str) -> str:
    marker = '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    parts = [
        '<figure class="drawing"><div class="scroll" tabindex="0" role="group" aria-label="Figure, scrolls sideways">',
        f'<svg role="img" aria-labelledby="{name}-title {name}-text" viewBox="-1 -1 {width + 2} {height + 2}"',
        f' style="min-width: {width}px">',
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>',
        f'<defs>{marker}<path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        *lines,
        f"</svg></div><figcaption>{escape(caption)}</figcaption></figure>",
    ]
    # Two figures of one page must not share an id.
    drawing = "\n".join(parts).replace("#arrow", f"#{name}-arrow").replace('id="arrow"', f'id="{name}-arrow"')
    return f"```{{raw}} html\n{drawing}\n```\n"


_FIGURES: Final[Mapping[str, Callable[[], str]]] = {"file": _file, "pointers": _pointers, "process": _process}
