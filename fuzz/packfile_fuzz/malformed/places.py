"""Places: the fields of a file and their paths, all from the generated layout.

Assumes a file that opens. Promises a path and a place for every byte of header, directory and rows, also of a field
that the layout will have tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from packfile import layout
from packfile.instructions import INSTRUCTIONS, Instruction
from packfile.layout import ByteOrder, DirectoryEntry, Field, FunctionRow, Header, SectionKind

from .changes import Write

ROOT = next(field for field in layout.FIELDS["header"] if field.name == "digest_root")
"""The digest root in the header."""
_PARTS = ("op", "a", "b", "c")


class Table(NamedTuple):
    """Rows of one type, one after the other."""

    name: str
    """What paths call it: `header`, `sections`, or a section's kind."""
    fields: tuple[Field, ...]
    """Fields of a row; empty for a section of bytes."""
    at: int
    """First byte."""
    row_size: int
    """Bytes of a row."""
    rows: int
    """How many."""

    @property
    def end(self) -> int:
        """Byte after the last row."""
        return self.at + self.rows * self.row_size

    def path(self, row: int, field: str) -> str:
        """Of a field, as cases write it."""
        place = self.name if self.name == "header" else f"{self.name}[{row}]"
        return f"{place}.{field}" if field else place


@dataclass(frozen=True)
class File:
    """A file that opens, seen as tables."""

    content: bytes
    """The whole file."""
    order: ByteOrder
    """Its byte order."""

    @cached_property
    def header(self) -> Header:
        """Its header."""
        return Header._make(layout.HEADER[self.order].unpack_from(self.content))

    @cached_property
    def entries(self) -> tuple[DirectoryEntry, ...]:
        """Its directory."""
        entry = layout.DIRECTORY_ENTRY[self.order]
        at = layout.HEADER_SIZE
        rows = entry.iter_unpack(self.content[at : at + entry.size * self.header.section_count])
        return tuple(map(DirectoryEntry._make, rows))

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Header, directory, and every section that holds something."""
        entry_size = layout.DIRECTORY_ENTRY[self.order].size
        tables = [Table("header", layout.FIELDS["header"], 0, layout.HEADER_SIZE, 1)]
        if self.entries:
            fields = layout.FIELDS["section"]
            tables.append(Table("sections", fields, layout.HEADER_SIZE, entry_size, len(self.entries)))
        for entry in self.entries:
            try:
                kind = SectionKind(entry.kind_id)
            except ValueError:
                tables.append(Table("byte", (), 0, 1, entry.offset + entry.length))
                continue
            known = layout.SECTIONS[kind]
            rows = entry.length // known.row_size
            fields = layout.FIELDS[known.row] if known.row else ()
            tables.append(Table(kind.name.lower(), fields, entry.offset, known.row_size, rows))
        return tuple(table for table in tables if table.rows)

    def table(self, name: str) -> Table | None:
        """The table of that name, if the file has it."""
        return next((table for table in self.tables if table.name == name), None)

    def rows(self, name: str) -> int:
        """How many rows the table of that name has; 0 if the file has none."""
        table = self.table(name)
        return 0 if table is None else table.rows

    def value(self, table: Table, row: int, field: Field) -> int:
        """The value of a field; of bytes, as a number in the file's byte order."""
        at = table.at + row * table.row_size + field.offset
        order = "little" if self.order is ByteOrder.LITTLE else "big"
        return int.from_bytes(self.content[at : at + field.size], order)  # type: ignore[arg-type]

    def write(self, table: Table, row: int, field: Field, value: int) -> tuple[Write, ...]:
        """The change that gives a field another value; one a byte for bytes, which paths cannot name as a whole."""
        at = table.at + row * table.row_size + field.offset
        if field.type != "bytes":
            return (Write(table.path(row, field.name), at, field.size, value),)
        new = value.to_bytes(field.size, "little" if self.order is ByteOrder.LITTLE else "big")
        return tuple(self.byte(at + k, x) for k, x in enumerate(new) if x != self.content[at + k])

    @staticmethod
    def byte(at: int, value: int) -> Write:
        """The change that gives a byte another value."""
        return Write(f"byte[{at}]", at, 1, value)

    @cached_property
    def functions(self) -> tuple[tuple[int, int, FunctionRow], ...]:
        """First word, word after the last, and row of each function."""
        table = self.table("functions")
        if table is None:
            return ()
        content = self.content[table.at : table.end]
        rows = [FunctionRow._make(row) for row in layout.FUNCTION_ROW[self.order].iter_unpack(content)]
        starts = [0, *(row.code_end for row in rows)]
        return tuple((start, row.code_end, row) for start, row in zip(starts, rows, strict=False))

    @cached_property
    def words(self) -> tuple[int, ...]:
        """The code section."""
        table = self.table("code")
        if table is None:
            return ()
        content = self.content[table.at : table.end]
        return tuple(word for (word,) in layout.CODE_WORD[self.order].iter_unpack(content))

    def instructions(self, start: int, end: int) -> list[tuple[int, Instruction]]:
        """Word and instruction of each whole instruction in a range of words, up to the first that is unknown."""
        found = []
        while start < end:
            instruction = _BY_OP.get(self.words[start] & 0xFF)
            if instruction is None or start + instruction.words > end:
                break
            found.append((start, instruction))
            start += instruction.words
        return found

    def code(self, word: int, part: int, value: int) -> Write:
        """The change that gives one byte of a word another value; part 0 is the op, then a, b and c."""
        table = self.table("code")
        assert table is not None
        at = table.at + 4 * word + (part if self.order is ByteOrder.LITTLE else 3 - part)
        return Write(f"code[{word}].{_PARTS[part]}", at, 1, value)

    def word(self, word: int, value: int) -> Write:
        """The change that gives a whole word another value."""
        table = self.table("code")
        assert table is not None
        return Write(f"code[{word}].word", table.at + 4 * word, 4, value)


_BY_OP = {int(opcode): instruction for opcode, instruction in INSTRUCTIONS.items()}
