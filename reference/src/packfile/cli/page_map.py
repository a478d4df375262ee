"""What is drawn: for each section of each module, the pages that a run touched, and when it did first.

Assumes what watched images noted after each step, and what the kernel showed then, if it was asked. A page may be part
of several sections, so it is told of each of them whether the loader read something of it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from packfile.cli.commands import counted
from packfile.cli.kernel import Mapped
from packfile.cli.listing import section_name
from packfile.cli.terminal import Json
from packfile.cli.watching import HEADER, PAGE, WatchedImage, pages
from packfile.layout import SectionKind

STEPS: Final = ("open", "link", "call")
STATES: Final = {
    "open": "read first by open",
    "link": "by link",
    "call": "by the call",
    "private": "stored to, now a private copy",
    "present": "present, this section not read",
    "untouched": "not touched",
}
"""What the cells of a picture stand for. A page may hold parts of several sections."""
_WEIGHTS: Final = ("untouched", "present", "call", "link", "open", "private")
"""States of pages, those that say most of a group last."""


@dataclass(frozen=True)
class Look:
    """What is known of a file after a step."""

    read: Mapping[int, frozenset[int]]
    """Pages that the loader noted, by kind of section."""
    present: frozenset[int]
    """Pages that the kernel has mapped, or, if it was not asked, those that the loader noted."""
    private: frozenset[int]
    """Those of them that are private copies."""


def look_at(image: WatchedImage, mapped: Mapped | None) -> Look:
    """What is known of a file now."""
    read, present = image.pages_read()
    if mapped is None:
        return Look(read, present, frozenset(image.stored))
    return Look(read, frozenset(mapped.present), frozenset(mapped.private))


@dataclass(frozen=True)
class Page:
    """A page of a section that was touched. Steps are numbered from 0."""

    number: int
    """Its number in the file."""
    present: int
    """The step after which it was present first."""
    read: int | None
    """The step in which the loader read something of the section there first; None if it never did."""
    private: int | None
    """The step after which it was a private copy first, as data is that was stored to; None if it never was."""

    def state(self, steps: int) -> str:
        """The name by which it is drawn after so many steps."""
        if self.private is not None and self.private < steps:
            return "private"
        if self.read is not None and self.read < steps:
            return STEPS[self.read]
        return "present" if self.present < steps else "untouched"


@dataclass(frozen=True)
class Row:
    """A section."""

    name: str
    offset: int
    length: int
    touched: tuple[Page, ...]
    """In the order of their numbers; pages that are not listed were not touched."""

    @property
    def range(self) -> range:
        """Numbers of its pages."""
        return pages(self.offset, self.length)

    def read_after(self, steps: int) -> Iterator[str]:
        """How many of its pages the loader had read something of after each step."""
        for step in range(steps):
            yield str(sum(page.read is not None and page.read <= step for page in self.touched))

    def cells(self, scale: int, steps: int = len(STEPS)) -> list[str]:
        """The state of each group of `scale` pages after so many steps, which is that of the page that says most."""
        cells = ["untouched"] * -(-len(self.range) // scale)
        for page in self.touched:
            index = (page.number - self.range.start) // scale
            cells[index] = max(cells[index], page.state(steps), key=_WEIGHTS.index)
        return cells


@dataclass(frozen=True)
class ModuleMap:
    """A file, section by section."""

    name: str
    file: str
    order: str
    length: int
    rows: tuple[Row, ...]
    present: tuple[int, ...]
    """How many of its pages were present after each step."""
    private: tuple[int, ...]
    """How many were private copies."""

    @property
    def page_count(self) -> int:
        """How many pages it has."""
        return len(pages(0, self.length))

    def scale(self, most: int) -> int:
        """Least power of two pages a cell with which no row is longer than so many cells."""
        longest = max(len(row.range) for row in self.rows)
        scale = 1
        while longest > most * scale:
            scale *= 2
        return scale

    def heading(self, scale: int) -> str:
        """What the file is, and what a cell of its picture stands for."""
        return (
            f"{self.file}: {self.order}-endian, {counted(self.length, 'byte')}, {counted(self.page_count, 'page')}"
            f" of {PAGE} bytes, {counted(scale, 'page')} a cell"
        )

    def totals(self) -> list[tuple[str, ...]]:
        """Counts of pages of the whole file after each step, with what is counted before and the most after them."""
        return [
            ("present", *map(str, self.present), str(self.page_count)),
            ("private", *map(str, self.private), ""),
        ]

    def json(self) -> Json:
        """The file for scripts. Its keys are always the same."""
        return {
            "name": self.name,
            "file": self.file,
            "byte_order": self.order,
            "length": self.length,
            "pages": self.page_count,
            "present": dict(zip(STEPS, self.present, strict=False)),
            "private": dict(zip(STEPS, self.private, strict=False)),
            "sections": [
                {
                    "name": row.name,
                    "offset": row.offset,
                    "length": row.length,
                    "first_page": row.range.start,
                    "pages": len(row.range),
                    "touched": list(_runs(row.touched)),
                }
                for row in self.rows
            ],
        }


def _runs(touched: Sequence[Page]) -> Iterator[Json]:
    """Pages of one kind that follow each other as one range."""
    starts = [0] if touched else []
    starts += [i + 1 for i, (a, b) in enumerate(pairwise(touched)) if replace(a, number=a.number + 1) != b]
    for start, end in pairwise([*starts, len(touched)]):
        first = touched[start]
        steps = {"present": first.present, "read": first.read, "private": first.private}
        yield {
            "first": first.number,
            "last": touched[end - 1].number,
            **{name: None if step is None else STEPS[step] for name, step in steps.items()},
        }


@dataclass(frozen=True)
class PageMap:
    """A run."""

    title: str
    modules: tuple[ModuleMap, ...]
    steps: int
    """How many steps there were: the last is missing if nothing was called."""
    method: str
    """How pages were found."""
    ending: str
    """What became of the call."""


def module_map(name: str, file: str, image: WatchedImage, looks: Sequence[Look]) -> ModuleMap:
    """The file of an image, as it was after each step."""
    sections = [(HEADER, 0, image.front_length), *((kind, *place) for kind, place in image.sections.items())]
    return ModuleMap(
        name=name,
        file=file,
        order=image.order.name.lower(),
        length=image.stats.mapped,
        rows=tuple(
            Row(
                "header" if kind == HEADER else section_name(kind),
                offset,
                length,
                tuple(_touched(kind, pages(offset, length), looks)),
            )
            for kind, offset, length in sections
        ),
        present=tuple(len(look.present) for look in looks),
        private=tuple(len(look.private) for look in looks),
    )


def _touched(kind: int, numbers: range, looks: Sequence[Look]) -> Iterator[Page]:
    present: dict[int, int] = {}
    read: dict[int, int] = {}
    private: dict[int, int] = {}
    for step, look in enumerate(looks):
        for found, where in ((present, look.present), (read, look.read.get(kind, ())), (private, look.private)):
            for number in where:
                found.setdefault(number, step)
    for number in sorted(present):
        if number in numbers:
            yield Page(
                number,
                present[number],
                read.get(number),
                private.get(number) if kind == SectionKind.DATA else None,
            )
