"""Decoding: the rows of a file as a model.

Assumes nothing of the bytes. Promises a module and its byte order, or the rule that the file breaks. It reads the whole
file at once, which no loader does. What it does not look at, `writer.decode` finds by writing the module again and
comparing: gaps between sections, and how the strings section is laid out.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from typing import Any, NoReturn

from packfile import layout
from packfile.digests import Digests
from packfile.errors import Invalid, Malformed, PackfileError, Unsupported
from packfile.layout import (
    Binding,
    ByteOrder,
    DirectoryEntry,
    ExportRow,
    FunctionRow,
    Header,
    ImportKind,
    ImportRow,
    SectionKind,
    Segment,
)
from packfile.model import Export, Function, Import, Module, Signature, Skippable
from packfile.rules import RULES

_OUTCOMES: dict[str | None, type[PackfileError]] = {
    "malformed": Malformed,
    "unsupported": Unsupported,
    "invalid": Invalid,
}
_HOST_ORDER = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG
_VERSION = 1
_HEADER_FIELDS = {field.name: field.offset for field in layout.FIELDS["header"]}
_ENTRY_FIELDS = {field.name: field.offset for field in layout.FIELDS["section"]}
_NO_DIGEST = bytes(32)
_KINDS = frozenset(map(int, ImportKind))
_BINDINGS = frozenset(map(int, Binding))


def decode_rows(data: bytes | bytearray | memoryview) -> tuple[Module, ByteOrder]:
    """The module in a file, and the file's byte order.

    Raises:
        Malformed, Unsupported, Invalid, Corrupt: The file breaks a rule.
    """
    return _Decoder(memoryview(data).cast("B")).module()


def read_directory(view: memoryview) -> tuple[ByteOrder, Header, list[DirectoryEntry]]:
    """Byte order, header and directory of a file, checked, and nothing else of it.

    Raises:
        Malformed, Unsupported: A rule whose time is open is broken, but for PF-INT-002.
    """
    decoder = _Decoder(view)
    return decoder.order, decoder.header, list(decoder.sections.values())


def _refuse(rule: str, at: int, expected: str, got: object) -> NoReturn:
    raise _OUTCOMES[RULES[rule].outcome](rule, RULES[rule].text, at=at, expected=expected, got=str(got))


def _require(holds: bool, rule: str, at: int, expected: str, got: object) -> None:
    if not holds:
        _refuse(rule, at, expected, got)


def _rows(row: struct.Struct, view: memoryview) -> Iterator[tuple[Any, ...]]:
    """The rows in a view, of a copy.

    An iterator over the view itself crashes CPython before 3.12.7 when an error and its frames, which hold both, are
    collected as a cycle (python/cpython#77894).
    """
    return row.iter_unpack(bytes(view))


class _Decoder:
    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.order = self._order()
        self.header = Header._make(layout.HEADER[self.order].unpack_from(view))
        self._check_header()
        self.sections = {entry.kind_id: entry for entry in self._directory()}
        self._check_sections()
        self.function_count = self._count(SectionKind.FUNCTIONS)

    def module(self) -> tuple[Module, ByteOrder]:
        """All of it, after the digests: what was damaged is not to be taken for what someone wrote."""
        header = self.header
        digests = self.sections.get(SectionKind.DIGESTS)
        if digests is not None:
            section = digests.offset, digests.length
            for damage in Digests(self.view, header.digest_root, section, None).damages():
                raise damage
        skippable = tuple(
            Skippable(kind, bytes(self._section(kind)))
            for kind in self.sections
            if layout.FIRST_SKIPPABLE_KIND <= kind != SectionKind.DIGESTS
        )
        module = Module(
            functions=tuple(self._functions()),
            imports=tuple(self._imports()),
            exports=tuple(self._exports()),
            constants=tuple(self._integers("Q", SectionKind.CONSTANTS)),
            rodata=bytes(self._section(SectionKind.RODATA)),
            data=bytes(self._section(SectionKind.DATA)),
            bss_size=header.bss_size,
            entry=None if header.entry == layout.NO_ENTRY else header.entry,
            unit_log2=header.unit_log2,
            skippable=skippable,
            digests=digests is not None,
        )
        return module, self.order

    def _order(self) -> ByteOrder:
        """Magic, byte order and version, in that order and before anything else (PF-HDR-010)."""
        view, magic = self.view, layout.MAGIC
        order_at, version_at = _HEADER_FIELDS["byte_order"], _HEADER_FIELDS["version"]
        size = len(view)
        _require(size >= len(magic), "PF-HDR-001", size, f"{layout.HEADER_SIZE} bytes", size)
        _require(view[: len(magic)] == magic, "PF-HDR-002", 0, magic.hex(), bytes(view[: len(magic)]).hex())
        _require(size > order_at, "PF-HDR-001", size, f"{layout.HEADER_SIZE} bytes", size)
        _require(view[order_at] in (1, 2), "PF-HDR-003", order_at, "1 or 2", view[order_at])
        _require(size > version_at, "PF-HDR-001", size, f"{layout.HEADER_SIZE} bytes", size)
        _require(view[version_at] == _VERSION, "PF-HDR-004", version_at, "1", view[version_at])
        _require(size >= layout.HEADER_SIZE, "PF-HDR-001", size, f"{layout.HEADER_SIZE} bytes", size)
        return ByteOrder(view[order_at])

    def _check_header(self) -> None:
        header, at = self.header, _HEADER_FIELDS
        _require(header.unit_log2 in (12, 16), "PF-HDR-005", at["unit_log2"], "12 or 16", header.unit_log2)
        _require(header.reserved == 0, "PF-HDR-006", at["reserved"], "0", header.reserved)
        _require(header.required == 0, "PF-HDR-007", at["required"], "0", hex(header.required))
        _require(
            header.file_length == len(self.view),
            "PF-HDR-008",
            at["file_length"],
            str(len(self.view)),
            header.file_length,
        )
        for rule, name, limit in (
            ("PF-LIM-001", "file_length", layout.MAX_FILE_LENGTH),
            ("PF-LIM-002", "section_count", layout.MAX_SECTIONS),
            ("PF-LIM-003", "bss_size", layout.MAX_BSS_SIZE),
        ):
            value = getattr(header, name)
            _require(value <= limit, rule, at[name], f"{limit} at most", value)

    def _directory(self) -> Iterator[DirectoryEntry]:
        row = layout.DIRECTORY_ENTRY[self.order]
        at = layout.HEADER_SIZE
        end = at + self.header.section_count * row.size
        _require(end <= len(self.view), "PF-DIR-001", len(self.view), f"{end} bytes", len(self.view))
        previous = -1
        for values in _rows(row, self.view[at:end]):
            entry = DirectoryEntry._make(values)
            self._check_entry(entry, at, previous, end)
            previous, end = entry.kind_id, entry.offset + entry.length
            at += row.size
            yield entry
        _require(
            end == len(self.view),
            "PF-DIR-008",
            _HEADER_FIELDS["file_length"],
            f"{end} bytes",
            f"{len(self.view)} bytes",
        )

    def _check_entry(self, entry: DirectoryEntry, at: int, previous: int, previous_end: int) -> None:
        kind, offset, length = entry
        kind_at, offset_at, length_at = (at + _ENTRY_FIELDS[name] for name in entry._fields)
        _require(kind > previous, "PF-DIR-002", kind_at, f"more than {previous:#x}", hex(kind))
        known = kind in layout.SECTIONS
        _require(known or kind >= layout.FIRST_SKIPPABLE_KIND, "PF-DIR-003", kind_at, "1 to 8", hex(kind))
        section = layout.SECTIONS[SectionKind(kind)] if known else None
        alignment = 1 << self.header.unit_log2 if section and section.unit_aligned else 8
        start = (previous_end + alignment - 1) // alignment * alignment
        _require(offset == start, "PF-DIR-004", offset_at, hex(start), hex(offset))
        _require(length > 0, "PF-DIR-005", length_at, "1 or more", 0)
        _require(
            offset <= len(self.view) and length <= len(self.view) - offset,
            "PF-DIR-007",
            length_at,
            f"an end of {len(self.view):#x} at most",
            hex(offset + length),
        )
        if section:
            _require(length % section.row_size == 0, "PF-DIR-006", length_at, f"multiple of {section.row_size}", length)
            _require(length <= section.max_length, "PF-LIM-004", length_at, f"{section.max_length} at most", length)

    def _check_sections(self) -> None:
        has = self.sections.__contains__
        entry, count = self.header.entry, self._count(SectionKind.FUNCTIONS)
        _require(
            entry == layout.NO_ENTRY or entry < count,
            "PF-HDR-009",
            _HEADER_FIELDS["entry"],
            f"less than {count}",
            entry,
        )
        at = layout.HEADER_SIZE
        _require(has(SectionKind.FUNCTIONS) == has(SectionKind.CODE), "PF-SEC-001", at, "both or neither", "one")
        named = has(SectionKind.IMPORTS) or has(SectionKind.EXPORTS)
        _require(not named or has(SectionKind.STRINGS), "PF-SEC-002", at, "a strings section", "none")
        digests, root = has(SectionKind.DIGESTS), self.header.digest_root
        _require(digests == (root != _NO_DIGEST), "PF-INT-001", _HEADER_FIELDS["digest_root"], "both or neither", "one")

    def _section(self, kind: int) -> memoryview:
        entry = self.sections.get(kind)
        return self.view[entry.offset : entry.offset + entry.length] if entry else self.view[:0]

    def _at(self, kind: SectionKind, index: int) -> int:
        return self.sections[kind].offset + index * layout.SECTIONS[kind].row_size

    def _count(self, kind: SectionKind) -> int:
        return self.sections[kind].length // layout.SECTIONS[kind].row_size if kind in self.sections else 0

    def _integers(self, code: str, kind: SectionKind) -> array[int]:
        values: array[int] = array(code)
        values.frombytes(self._section(kind))
        if self.order != _HOST_ORDER:
            values.byteswap()
        return values

    def _functions(self) -> Iterator[Function]:
        words = self._integers("I", SectionKind.CODE)
        start = 0
        rows = _rows(layout.FUNCTION_ROW[self.order], self._section(SectionKind.FUNCTIONS))
        for index, row in enumerate(map(FunctionRow._make, rows)):
            end = row.code_end
            if row.reserved or not start <= end <= len(words):
                at = self._at(SectionKind.FUNCTIONS, index)
                _require(row.reserved == 0, "PF-FUN-001", at, "0", row.reserved)
                _require(end >= start, "PF-FUN-002", at, f"more than {start}", end)
                _refuse("PF-FUN-003", at, f"{len(words)} at most", end)
            code = tuple(words[start:end])
            yield Function(Signature.from_word(row.signature), row.i_registers, row.n_registers, code)
            start = end
        if start != len(words):
            _refuse("PF-SEC-013", self._at(SectionKind.FUNCTIONS, self.function_count - 1), str(len(words)), start)

    def _name(self, offset: int, length: int, at: int) -> str:
        strings = self._section(SectionKind.STRINGS)
        inside = offset <= len(strings) and length <= len(strings) - offset
        _require(inside, "PF-SEC-003", at, f"an end of {len(strings)} at most", offset + length)
        _require(length > 0, "PF-SEC-004", at, "1 byte or more", 0)
        _require(length <= layout.MAX_NAME_LENGTH, "PF-LIM-005", at, f"{layout.MAX_NAME_LENGTH} bytes at most", length)
        content = bytes(strings[offset : offset + length])
        try:
            return content.decode()
        except UnicodeDecodeError:
            _refuse("PF-SEC-005", self.sections[SectionKind.STRINGS].offset + offset, "UTF-8", content)

    def _imports(self) -> Iterator[Import]:
        rows = _rows(layout.IMPORT_ROW[self.order], self._section(SectionKind.IMPORTS))
        for index, row in enumerate(map(ImportRow._make, rows)):
            at = self._at(SectionKind.IMPORTS, index)
            _require(row.kind in _KINDS, "PF-FIX-001", at, "1 or 2", row.kind)
            _require(row.binding in _BINDINGS, "PF-FIX-002", at, "1 to 3", row.binding)
            _require(row.reserved == 0, "PF-FIX-003", at, "0", row.reserved)
            module = self._name(row.module_offset, row.module_length, at)
            name = self._name(row.name_offset, row.name_length, at)
            yield Import(ImportKind(row.kind), Binding(row.binding), module, name, row.requirement)

    def _exports(self) -> Iterator[Export]:
        previous = b""
        rows = _rows(layout.EXPORT_ROW[self.order], self._section(SectionKind.EXPORTS))
        for index, row in enumerate(map(ExportRow._make, rows)):
            at = self._at(SectionKind.EXPORTS, index)
            name = self._name(row.name_offset, row.name_length, at)
            _require(name.encode() > previous, "PF-SEC-007", at, f"more than {previous!r}", repr(name))
            previous = name.encode()
            _require(row.kind in _KINDS, "PF-SEC-008", at, "1 or 2", row.kind)
            is_function = row.kind == ImportKind.FUNCTION
            segments = (Segment.NONE,) if is_function else (Segment.RODATA, Segment.DATA, Segment.BSS)
            _require(row.segment in segments, "PF-SEC-009", at, "0" if is_function else "1 to 3", row.segment)
            _require(row.reserved == 0, "PF-SEC-010", at, "0", row.reserved)
            self._check_extent(row, at)
            yield Export(name, ImportKind(row.kind), Segment(row.segment), row.position, row.size)

    def _check_extent(self, row: ExportRow, at: int) -> None:
        if row.kind == ImportKind.FUNCTION:
            good = row.position < self.function_count and row.size == 0
            _require(
                good, "PF-SEC-011", at, f"less than {self.function_count}, size 0", f"{row.position}, size {row.size}"
            )
            return
        sizes = {
            Segment.RODATA: len(self._section(SectionKind.RODATA)),
            Segment.DATA: len(self._section(SectionKind.DATA)),
            Segment.BSS: self.header.bss_size,
        }
        size = sizes[Segment(row.segment)]
        inside = row.position <= size and row.size <= size - row.position
        _require(inside, "PF-SEC-012", at, f"an end of {size} at most", row.position + row.size)
