"""Changes to a file by field path, for cases that need a file no writer would write.

A path is resolved by the layout that the file had before any `set`, `truncate` or `append` (`add_section`,
`drop_section` and `stretch` make a new layout), so that a directory which a patch has just broken can still be used
to find other fields.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from packfile.layout import DIRECTORY_ENTRY, FIELDS, HEADER_SIZE, SECTIONS, ByteOrder, SectionKind

from .case import CaseError
from .sparse import SparseBytes
from .tree import levels

_ENTRY_SIZE = 12
_ROOT_AT = 32
_ROW = re.compile(r"([a-z_]+)\[(-?[0-9]+)\](?:\.([a-z_]+))?\Z").match
_SECTION = re.compile(r"sections(?:\.([a-z_]+)|\[(-?[0-9]+)\])\.([a-z_]+)\Z").match
_WORD_PARTS = ("op", "a", "b", "c")
_KINDS = {kind.name.lower(): kind for kind in SectionKind}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field lies."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class _Section:
    kind: int
    offset: int
    length: int


class PatchedFile:
    """A file under change."""

    def __init__(self, content: SparseBytes, byte_order: ByteOrder) -> None:
        self.content = content.part(0, content.length)
        self._order: Literal["little", "big"] = "little" if byte_order is ByteOrder.LITTLE else "big"
        self._unpack = DIRECTORY_ENTRY[byte_order].unpack
        self._pack = DIRECTORY_ENTRY[byte_order].pack
        self._sections = self._read_directory()

    def _read_directory(self) -> list[_Section]:
        count = self._integer(20, 4)
        fits = min(count, max(0, (self.content.length - HEADER_SIZE) // _ENTRY_SIZE))
        entries = (self.content.read(HEADER_SIZE + at * _ENTRY_SIZE, _ENTRY_SIZE) for at in range(fits))
        return [_Section(*self._unpack(entry)) for entry in entries]

    def _integer(self, offset: int, size: int) -> int:
        return int.from_bytes(self.content.read(offset, size), self._order)

    def apply(self, patch: Mapping[str, Any]) -> None:
        """Makes one change. Raises CaseError if the file has no such place."""
        if "set" in patch:
            self.set(patch["set"], patch["value"])
        elif "flip" in patch:
            place = self.find(patch["flip"])
            value = self._integer(place.offset, place.size) ^ 1 << patch.get("bit", 0)
            self.content.write(place.offset, value.to_bytes(place.size, self._order))
        elif "add_digests" in patch:
            self._add_digests()
        elif "truncate" in patch:
            length = patch["truncate"]
            self.content.resize(length if length >= 0 else max(0, self.content.length + length))
        elif "append" in patch:
            self.content.write(self.content.length, bytes.fromhex(patch["append"]))
        elif "add_section" in patch:
            self._add(patch["add_section"]["kind"], SparseBytes(bytes.fromhex(patch["add_section"]["hex"])))
        elif "drop_section" in patch:
            at = self._sections.index(self._section(patch["drop_section"]))
            self._lay_out([entry for index, entry in enumerate(self._contents()) if index != at])
        else:
            self._stretch(patch["stretch"], patch["length"])

    def set(self, path: str, value: int) -> None:
        """Sets a field to a value, written in the file's byte order; a negative one as two's complement."""
        place = self.find(path)
        bits = 8 * place.size
        if not -(1 << bits - 1) <= value < 1 << bits:
            raise CaseError(f"{value} does not fit {path}, which has {place.size} bytes")
        self.content.write(place.offset, (value % (1 << bits)).to_bytes(place.size, self._order))

    def find(self, path: str) -> Place:
        """Where the field of that path lies. Raises CaseError if there is none."""
        if path.startswith("header."):
            return self._field("header", 0, path.removeprefix("header."), path)
        if match := _SECTION(path):
            name, index, field = match.groups()
            at = (
                self._sections.index(self._section(name))
                if name
                else self._index(int(index), len(self._sections), path)
            )
            return self._field("section", HEADER_SIZE + at * _ENTRY_SIZE, "kind_id" if field == "kind" else field, path)
        if match := _ROW(path):
            what, index, field = match.groups()
            if what == "byte" and not field:
                return Place(self._index(int(index), self.content.length, path), 1)
            return self._row(what, int(index), field, path)
        raise CaseError(
            f"no such path: {path}; write header.version, sections.code.length, sections[0].offset, "
            "functions[0].code_end, code[3].op, rodata[0] or byte[12]"
        )

    def _field(self, layout: str, offset: int, name: str, path: str) -> Place:
        field = next((field for field in FIELDS[layout] if field.name == name), None)
        if field is None:
            names = ", ".join(field.name for field in FIELDS[layout])
            raise CaseError(f"no such path: {path}; the fields there are {names}")
        if field.type == "bytes":
            raise CaseError(f"{path} is bytes; set them one by one: byte[{offset + field.offset}]")
        return Place(offset + field.offset, field.size)

    def _row(self, what: str, index: int, field: str | None, path: str) -> Place:
        section = self._section(what)
        layout = SECTIONS[SectionKind(section.kind)]
        at = self._index(index, section.length // layout.row_size, path)
        offset = section.offset + at * layout.row_size
        if layout.row is None:
            if field:
                raise CaseError(f"no such path: {path}; {what} are bytes: {what}[{index}]")
            return Place(offset, 1)
        if layout.row == "code_word" and field in _WORD_PARTS:
            part = _WORD_PARTS.index(field)
            return Place(offset + (part if self._order == "little" else 3 - part), 1)
        return self._field(layout.row, offset, field or "", path)

    def _section(self, name: str) -> _Section:
        kind = _KINDS.get(name)
        if kind is None:
            raise CaseError(f"there is no section kind {name}")
        for section in self._sections:
            if section.kind == kind:
                return section
        raise CaseError(f"the file has no section {name}")

    @staticmethod
    def _index(index: int, count: int, path: str) -> int:
        if not -count <= index < count:
            raise CaseError(f"no such path: {path}; there are {count}")
        return index % count

    def _contents(self) -> list[tuple[int, SparseBytes]]:
        return [(section.kind, self.content.part(section.offset, section.length)) for section in self._sections]

    def _add(self, kind: int, data: SparseBytes) -> None:
        sections = self._contents()
        sections.insert(bisect.bisect_right([kind for kind, _ in sections], kind), (kind, data))
        self._lay_out(sections)

    def _add_digests(self) -> None:
        """Puts the tree over the file as it is now at its end, and its root in the header."""
        sections = [(kind, data) for kind, data in self._contents() if kind != SectionKind.DIGESTS]
        self._lay_out([*sections, (SectionKind.DIGESTS, SparseBytes())])
        at = self._sections[-1].offset
        tree = SparseBytes()
        for level in levels(self.content.part(0, at))[0]:
            tree.put(tree.length, level)
        # Its length stands in header and directory, which it covers.
        self._lay_out([*sections, (SectionKind.DIGESTS, tree)])
        found, root = levels(self.content.part(0, at))
        for level in found:
            self.content.put(at, level)
            at += level.length
        self.content.write(_ROOT_AT, root)

    def _stretch(self, name: str, length: int) -> None:
        at = self._sections.index(self._section(name))
        sections = self._contents()
        if length < sections[at][1].length:
            raise CaseError(
                f"{name} is {sections[at][1].length} bytes long already; stretching to {length} would cut it"
            )
        sections[at][1].resize(length)
        self._lay_out(sections)

    def _lay_out(self, sections: list[tuple[int, SparseBytes]]) -> None:
        """Writes header, directory and sections anew: each section where its kind's alignment puts it."""
        unit = 1 << self._integer(10, 1)
        result = SparseBytes(self.content.read(0, HEADER_SIZE))
        end = HEADER_SIZE + _ENTRY_SIZE * len(sections)
        result.resize(end)
        entries: list[_Section] = []
        for kind, data in sections:
            alignment = unit if SectionKind.CODE <= kind <= SectionKind.DATA else 8
            offset = -(-end // alignment) * alignment
            end = offset + data.length
            entries.append(_Section(kind, offset, data.length))
            result.put(offset, data)
        directory = b"".join(self._pack(entry.kind, entry.offset, entry.length) for entry in entries)
        result.write(HEADER_SIZE, directory)
        result.write(16, end.to_bytes(4, self._order))
        result.write(20, len(sections).to_bytes(4, self._order))
        self.content = result
        self._sections = entries
