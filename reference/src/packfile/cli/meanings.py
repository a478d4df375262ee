"""What the fields of a file mean, with names in the place of indexes and offsets.

Assumes a whole header in a known byte order, and nothing else of the bytes. Promises an answer for each field, however
wrong the file: what leads nowhere is said to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from packfile import layout
from packfile.asm_lexer import quoted
from packfile.cli.listing import KINDS, name_text, slot_text
from packfile.hostlib import float_text
from packfile.layout import (
    ByteOrder,
    DirectoryEntry,
    ExportRow,
    Field,
    FunctionRow,
    Header,
    ImportKind,
    ImportRow,
    SectionKind,
    Segment,
)
from packfile.model import Signature

_SEGMENTS = {int(segment): segment for segment in Segment}
_NOWHERE = "outside the strings section"


class Words(Sequence[int]):
    """Code words of a file, read when they are looked at."""

    def __init__(self, view: memoryview, order: ByteOrder, at: int, count: int) -> None:
        self._view, self._read, self._at, self._count = view, layout.CODE_WORD[order].unpack_from, at, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return int(self._read(self._view, self._at + 4 * index)[0])


class _Rows(NamedTuple):
    """Where the rows of a section lie that are in the file."""

    at: int
    length: int
    """In rows."""


class Meanings:
    """Meanings of the fields of one file."""

    def __init__(self, view: memoryview, order: ByteOrder) -> None:
        self.view = view
        self.order = order
        padded = bytes(view[: layout.HEADER_SIZE]).ljust(layout.HEADER_SIZE, b"\0")
        self.header = Header._make(layout.HEADER[order].unpack(padded))
        self.entries = list(self._entries())
        """Directory entries that are in the file, as many as there may be."""
        self._rows = {kind: self._place(kind) for kind in SectionKind}
        strings = self._rows[SectionKind.STRINGS]
        self._strings = view[strings.at : strings.at + strings.length]
        self._functions: dict[int, str] = {}
        for row in self._exports():
            if row.kind == ImportKind.FUNCTION:
                self._functions.setdefault(row.position, self._name(row.name_offset, row.name_length))

    def _entries(self) -> Iterator[DirectoryEntry]:
        entry = layout.DIRECTORY_ENTRY[self.order]
        for index in range(min(self.header.section_count, layout.MAX_SECTIONS)):
            at = layout.HEADER_SIZE + index * entry.size
            if at + entry.size > len(self.view):
                return
            yield DirectoryEntry._make(entry.unpack_from(self.view, at))

    def _place(self, kind: SectionKind) -> _Rows:
        for found, offset, length in self.entries:
            if found == kind and offset <= len(self.view):
                inside = min(length, len(self.view) - offset)
                return _Rows(offset, inside // layout.SECTIONS[kind].row_size)
        return _Rows(0, 0)

    def _exports(self) -> Iterator[ExportRow]:
        at, count = self._rows[SectionKind.EXPORTS]
        row = layout.EXPORT_ROW[self.order]
        return map(ExportRow._make, row.iter_unpack(self.view[at : at + count * row.size]))

    def _imports(self) -> Iterator[ImportRow]:
        at, count = self._rows[SectionKind.IMPORTS]
        row = layout.IMPORT_ROW[self.order]
        return map(ImportRow._make, row.iter_unpack(self.view[at : at + count * row.size]))

    def code_ends(self) -> Iterator[int]:
        """Word after the last of each function, as the rows say."""
        at, count = self._rows[SectionKind.FUNCTIONS]
        row = layout.FUNCTION_ROW[self.order]
        for values in row.iter_unpack(self.view[at : at + count * row.size]):
            yield FunctionRow._make(values).code_end

    def function_row_at(self, index: int) -> int:
        """Offset of a function row in the file."""
        return self._rows[SectionKind.FUNCTIONS].at + index * layout.SECTIONS[SectionKind.FUNCTIONS].row_size

    def function_name(self, index: int) -> str:
        """Name of a function: that of its first export, or one made of its index."""
        return self._functions.get(index, f"f{index}")

    def slot_name(self, index: int) -> str:
        """What an import asks for."""
        at, count = self._rows[SectionKind.IMPORTS]
        if index >= count:
            return f"@{index}"
        row = layout.IMPORT_ROW[self.order]
        return self._slot(ImportRow._make(row.unpack_from(self.view, at + index * row.size)))

    def _slot(self, row: ImportRow) -> str:
        parts = self._bytes(row.module_offset, row.module_length), self._bytes(row.name_offset, row.name_length)
        return "?" if parts[0] is None or parts[1] is None else slot_text(parts[0], parts[1])

    def constant(self, index: int) -> str:
        """What a constant is as an integer and as a float."""
        at, count = self._rows[SectionKind.CONSTANTS]
        if index >= count:
            return "there is no such constant"
        return _constant_meaning(layout.CONSTANT[self.order].unpack_from(self.view, at + 8 * index)[0])

    def name_ranges(self) -> list[tuple[int, int]]:
        """Offset and length of each distinct name that rows refer to and that is in the strings section, sorted."""
        ranges = {(row.name_offset, row.name_length) for row in self._exports()}
        for row in self._imports():
            ranges |= {(row.module_offset, row.module_length), (row.name_offset, row.name_length)}
        return sorted(range_ for range_ in ranges if self._bytes(*range_) is not None)

    def _bytes(self, offset: int, length: int) -> bytes | None:
        size = len(self._strings)
        if offset > size or length > size - offset or not 1 <= length <= layout.MAX_NAME_LENGTH:
            return None
        return bytes(self._strings[offset : offset + length])

    def _name(self, offset: int, length: int) -> str:
        content = self._bytes(offset, length)
        return _NOWHERE if content is None else name_text(content)

    def row_title(self, row_type: str, index: int, at: int) -> str:
        """What a row is of; nothing for a constant."""
        match row_type:
            case "function_row":
                row = FunctionRow._make(layout.FUNCTION_ROW[self.order].unpack_from(self.view, at))
                return f"function {index}: {self.function_name(index)} {Signature.from_word(row.signature)}"
            case "import_row":
                return f"import {index}: {self.slot_name(index)}"
            case "export_row":
                export = ExportRow._make(layout.EXPORT_ROW[self.order].unpack_from(self.view, at))
                return f"export {index}: {self._name(export.name_offset, export.name_length)}"
        return ""

    def of(self, row_type: str, field: Field, content: bytes, at: int, row: int | None) -> tuple[str, str]:
        """Value and meaning of a field.

        Args:
            row_type: The row's type, a key of `layout.FIELDS`.
            field: The field.
            content: Its bytes.
            at: Offset of the row.
            row: Index of the row.
        """
        if field.type == "bytes":
            if field.name == "magic":
                return quoted(content), "" if content == layout.MAGIC else "not the magic of a packfile (PF-HDR-002)"
            return (content.hex(), "") if any(content) else ("zero", "no digests")
        number = int.from_bytes(content, "little" if self.order is ByteOrder.LITTLE else "big")
        if field.enum is not None:
            known = number in {int(member) for member in field.enum}
            return str(number), field.enum(number).name.lower() if known else "unknown"
        match row_type:
            case "header":
                return str(number), self._header_meaning(field.name, number)
            case "section":
                return self._entry_meaning(field.name, number, row or 0)
            case "function_row":
                return str(number), self._function_meaning(field.name, number, at, row or 0)
            case "import_row":
                values = ImportRow._make(layout.IMPORT_ROW[self.order].unpack_from(self.view, at))
                return str(number), self._import_meaning(field.name, values)
            case "export_row":
                export = ExportRow._make(layout.EXPORT_ROW[self.order].unpack_from(self.view, at))
                return str(number), self._export_meaning(field.name, export)
        return f"{number:#018x}", _constant_meaning(number)

    def _header_meaning(self, name: str, number: int) -> str:
        match name:
            case "version":
                return "" if number == 1 else "unknown (PF-HDR-004); what follows is read as version 1"
            case "unit_log2":
                return f"{1 << number} bytes" if number in (12, 16) else "neither 12 nor 16 (PF-HDR-005)"
            case "required":
                return f"unknown features {number:#010x} (PF-HDR-007)" if number else "no features"
            case "file_length":
                return "" if number == len(self.view) else f"but the file has {len(self.view)} bytes (PF-HDR-008)"
            case "entry":
                return "none" if number == layout.NO_ENTRY else self._function(number)
        return ""

    def _function(self, index: int) -> str:
        found = index < self._rows[SectionKind.FUNCTIONS].length
        return f"function {self.function_name(index)}" if found else "there is no such function"

    def _entry_meaning(self, name: str, number: int, index: int) -> tuple[str, str]:
        kind = self.entries[index].kind_id
        known = KINDS.get(kind)
        if name == "kind_id":
            unknown = "unknown, to be skipped" if kind >= layout.FIRST_SKIPPABLE_KIND else "unknown (PF-DIR-003)"
            return f"{number:#x}" if number > 0xFF else str(number), known.name.lower() if known else unknown
        if name == "offset":
            expected = self._expected_offset(index)
            return f"{number:#x}", "" if number == expected else f"expected {expected:#x} (PF-DIR-004)"
        section = layout.SECTIONS[known] if known else None
        if section is None or section.row is None:
            return str(number), ""
        rows = f"{number // section.row_size} of {section.row_size} bytes"
        return str(number), f"{rows} and {number % section.row_size} bytes" if number % section.row_size else rows

    def _expected_offset(self, index: int) -> int:
        kind = self.entries[index].kind_id
        end = layout.HEADER_SIZE + self.header.section_count * layout.DIRECTORY_ENTRY[self.order].size
        if index:
            end = self.entries[index - 1].offset + self.entries[index - 1].length
        unit_aligned = kind in KINDS and layout.SECTIONS[KINDS[kind]].unit_aligned
        # A unit that no file has must not make a number of any size.
        unit = 1 << min(self.header.unit_log2, 16) if unit_aligned else 8
        return -(-end // unit) * unit

    def _function_meaning(self, name: str, number: int, at: int, index: int) -> str:
        if name == "signature":
            return str(Signature.from_word(number))
        if name != "code_end":
            return ""
        start = 0
        if index:
            row = layout.FUNCTION_ROW[self.order]
            start = FunctionRow._make(row.unpack_from(self.view, at - row.size)).code_end
        return f"words {start} to {number - 1}" if number > start else f"not above {start} (PF-FUN-002)"

    def _import_meaning(self, name: str, row: ImportRow) -> str:
        match name:
            case "module_offset":
                return self._name(row.module_offset, row.module_length)
            case "name_offset":
                return self._name(row.name_offset, row.name_length)
            case "requirement":
                is_function = row.kind == ImportKind.FUNCTION
                return str(Signature.from_word(row.requirement)) if is_function else "bytes or more"
        return ""

    def _export_meaning(self, name: str, row: ExportRow) -> str:
        if name == "name_offset":
            return self._name(row.name_offset, row.name_length)
        if name == "position":
            if row.kind == ImportKind.FUNCTION:
                return self._function(row.position)
            return f"in {_SEGMENTS[row.segment].name.lower()}" if row.segment in _SEGMENTS else ""
        return ""


def quoted_bytes(content: bytes) -> str:
    """Bytes as a string of assembly."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return quoted(content)
    return f'"{text}"' if text.isprintable() and not set(text) & {'"', "\\"} else quoted(content)


def _constant_meaning(number: int) -> str:
    signed = number - (1 << 64) if number >> 63 else number
    return f"{signed}, or {float_text(struct.unpack('<d', struct.pack('<Q', number))[0])}"
