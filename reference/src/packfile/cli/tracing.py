"""Where in the code something happens: each instruction of a traced run, or the one that ended a run."""

from __future__ import annotations

from typing import NamedTuple, TextIO

from packfile.cli.listing import ImageListing, Line
from packfile.errors import Corrupt, PackfileError
from packfile.hostlib import float_text
from packfile.image import Image
from packfile.instructions import FieldKind
from packfile.machine import Frame

_DEEPEST_INDENT = 16


class Place(NamedTuple):
    """An instruction in a function."""

    module: str
    function: str
    function_index: int
    word: int
    instruction: str


def located(error: PackfileError, entries: list[tuple[str, Image]]) -> Place | None:
    """The instruction that an error's offset is that of, if it lies in a function's code."""
    if isinstance(error, Corrupt):
        return None  # Its offset is that of a block, which may hold code by chance.
    for name, image in entries:
        if image.name == error.file and error.at is not None:
            listing = ImageListing(image.unchecked())
            place = listing.place(error.at)
            if place is None:
                return None
            return Place(name, listing.function_name(place[0]), *place, listing.line(*place).text)
    return None


class Tracing:
    """Writes each instruction, and the registers that it reads, before it is executed."""

    def __init__(self, stream: TextIO) -> None:
        """Make a tracer that writes to a stream."""
        self._stream = stream
        self._listings: dict[Image, ImageListing] = {}
        self._lines: dict[tuple[Image, int, int], tuple[str, Line]] = {}
        """What was written before, since programs go in circles."""

    def __call__(self, frame: Frame, word: int) -> None:
        """Write the instruction at a word of the frame's function."""
        key = frame.image, frame.code.index, word
        if key not in self._lines:
            self._lines[key] = self._line(frame, word)
        place, line = self._lines[key]
        indent = "  " * min(frame.depth - 1, _DEEPEST_INDENT)
        values = _read_values(frame, word, line)
        notes = f"  ; {', '.join(values)}" if values else ""
        self._stream.write(f"{indent}{place}  {line.text}{notes}\n")

    def _line(self, frame: Frame, word: int) -> tuple[str, Line]:
        image = frame.image
        if image not in self._listings:
            self._listings[image] = ImageListing(image.unchecked())
        listing = self._listings[image]
        name = listing.function_name(frame.code.index)
        return f"{frame.function.module.name}.{name}+{word}", listing.line(frame.code.index, word)


def _read_values(frame: Frame, word: int, line: Line) -> list[str]:
    """What the registers hold that an instruction reads."""
    code = frame.code
    fields = (0, code.a[word], code.b[word], code.c[word])
    values: dict[str, str] = {}
    for operand in line.row.operands if line.row else ():
        if operand.field is FieldKind.REGISTER and operand.role != "dst":
            number = fields[operand.position]
            value = str(frame.i[number]) if operand.bank == "i" else float_text(frame.n[number])
            values[f"{operand.bank}{number}"] = value
    return [f"{register}={value}" for register, value in values.items()]
