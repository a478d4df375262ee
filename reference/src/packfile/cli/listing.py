"""One instruction, or one row, as text.

Assumes nothing of the words or rows, which may come from a file that breaks any rule. Promises texts of a single line,
with names quoted and escaped as in assembly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from packfile.asm_lexer import quoted_name
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Operand
from packfile.layout import Binding, ExportRow, ImportKind, ImportRow, SectionKind, Segment
from packfile.model import Signature

Namer = Callable[[int], str]
"""Gives the name of what has an index."""

KINDS = {int(kind): kind for kind in SectionKind}
"""Section kinds by number."""
_KINDS = {int(kind): kind.name.lower() for kind in ImportKind}
_BINDINGS = {int(binding): binding.name.lower() for binding in Binding}
_SEGMENTS = {int(segment): segment.name.lower() for segment in Segment}
_ROWS = {int(op): row for op, row in INSTRUCTIONS.items()}


class Names(NamedTuple):
    """How to write what instructions name by index."""

    function: Namer
    slot: Namer
    constant: Namer


INDEXES = Names("@{}".format, "@{}".format, "@{}".format)
"""Names for where none are known."""


class Line(NamedTuple):
    """One instruction."""

    text: str
    """As in assembly; branches state their distance."""
    note: str
    """What the text alone does not show: where a branch leads."""
    words: int
    """Words that it takes."""
    row: Instruction | None
    """Its row of the table; None for words that are no instruction."""


def line_at(words: Sequence[int], at: int, names: Names) -> Line:
    """The instruction at a word; one that cannot be decoded is a `.word`."""
    word = words[at]
    row = _ROWS.get(word & 0xFF)
    if row is None or at + row.words > len(words) or any(word >> 8 * position & 0xFF for position in row.unused):
        return Line(f".word {word:#010x}", "", 1, None)
    operands = list(row.operands)
    windows = [operand for operand in operands if operand.field is FieldKind.WINDOW]
    if windows and not any(value_of(words, at, operand) for operand in windows):
        operands = operands[len(windows) :]
    if operands and operands[-1].name == "disp8" and not value_of(words, at, operands[-1]):
        operands.pop()
    texts = [_operand(operand, value_of(words, at, operand), names) for operand in operands]
    branch = next((operand for operand in operands if operand.field is FieldKind.BRANCH), None)
    note = "" if branch is None else f"to word {at + value_of(words, at, branch)}"
    return Line(f"{row.mnemonic} {', '.join(texts)}".rstrip(), note, row.words, row)


def value_of(words: Sequence[int], at: int, operand: Operand) -> int:
    """The value of an operand of the instruction at a word; signed where it is a signed one."""
    size = 8 * operand.size
    literal = operand.field is FieldKind.LITERAL
    value = words[at + 1] if literal else words[at] >> 8 * operand.position & (1 << size) - 1
    signed = operand.field in (FieldKind.SIGNED, FieldKind.BRANCH) or operand.name == "imm32"
    return value - (1 << size) if signed and value >> size - 1 else value


def _operand(operand: Operand, value: int, names: Names) -> str:
    if operand.bank is not None:
        return f"{operand.bank}{value}"
    if operand.field is FieldKind.BRANCH:
        return f"{value:+}"
    match operand.name:
        case "function":
            return names.function(value)
        case "slot" | "function_slot":
            return names.slot(value)
        case "constant":
            return names.constant(value)
        case "signature":
            return str(Signature.from_word(value))
    return str(value)


def name_text(content: bytes) -> str:
    """The bytes of a name, quoted where assembly would quote them."""
    return quoted_name(content.decode("utf-8", "backslashreplace"))


def slot_text(module: bytes, name: bytes) -> str:
    """What an import asks for, as `module.name`."""
    return f"{name_text(module)}.{name_text(name)}"


def requirement_text(row: ImportRow) -> str:
    """What an import asks of its export."""
    if row.kind == ImportKind.FUNCTION:
        return str(Signature.from_word(row.requirement))
    return f"{row.requirement} bytes or more" if row.kind == ImportKind.DATA else str(row.requirement)


def section_name(kind: int) -> str:
    """The name of a section's kind, or its number."""
    return KINDS[kind].name.lower() if kind in KINDS else f"{kind:#010x}"


def kind_text(kind: int) -> str:
    """The kind of an import or export."""
    return _KINDS.get(kind, f"unknown kind {kind}")


def binding_text(binding: int) -> str:
    """How an import is bound."""
    return _BINDINGS.get(binding, f"unknown binding {binding}")


def segment_text(segment: int) -> str:
    """The name of a segment."""
    return _SEGMENTS.get(segment, f"unknown segment {segment}")


class ImageListing:
    """Functions of an image and their instructions."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.functions: dict[int, str] = {}
        """Names of the exported functions."""
        for row, name in exports_of(image):
            if row.kind == ImportKind.FUNCTION:
                self.functions.setdefault(row.position, name_text(name))
        self.names = Names(self.function_name, self._slot, "@{}".format)

    def function_name(self, index: int) -> str:
        """Name of a function: that of its first export, or one made of its index, as the disassembler does."""
        return self.functions.get(index, f"f{index}")

    def place(self, offset: int) -> tuple[int, int] | None:
        """Function and word that an offset in the file lies in, if it lies in a function's code."""
        image = self.image
        word = (offset - image.code_at) // 4
        if not image.code_at or not 0 <= word < image.code_words:
            return None
        rows = range(image.function_count)
        index = bisect_right(rows, word, key=lambda row: image.function_row(row).code_end)
        if index >= image.function_count or not image.code_start(index) <= word:
            return None
        return index, word - image.code_start(index)

    def line(self, function: int, word: int) -> Line:
        """The instruction at a word of a function."""
        image = self.image
        start = image.code_start(function)
        end = min(image.function_row(function).code_end, image.code_words)
        # An instruction has two words at most.
        parts = image.words(start + word, min(start + word + 2, end))
        words = [op | a << 8 | b << 16 | c << 24 for op, a, b, c in zip(*parts, strict=True)]
        line = line_at(words, 0, self.names)
        if line.note:
            assert line.row is not None
            line = line._replace(note=f"to word {word + value_of(words, 0, line.row.operands[-1])}")
        return line

    def _slot(self, index: int) -> str:
        image = self.image
        if index >= image.import_count:
            return f"@{index}"
        row = image.import_row(index)
        module = image.name_bytes(row.module_offset, row.module_length)
        return slot_text(module, image.name_bytes(row.name_offset, row.name_length))


def exports_of(image: Image) -> Iterator[tuple[ExportRow, bytes]]:
    """Every export row and its name, in the order of the file."""
    for index in range(image.export_count):
        row = image.export_row(index)
        yield row, image.name_bytes(row.name_offset, row.name_length)
