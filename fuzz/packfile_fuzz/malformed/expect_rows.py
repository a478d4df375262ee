"""Rows: what names, import rows, export rows and strings break, by spec/rules/sections.md, fixups.md and limits.md.

Assumes a file whose header and directory break nothing, and what its rows break by the .ksy. Part of `expectation`,
which says what that owes to whom.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import Any

from packfile import layout
from packfile.layout import Binding, ByteOrder, ExportRow, ImportKind, ImportRow, Segment
from packfile_suite.ksy import Finding

from .places import File

_PLACE = re.compile(r"(functions|imports|exports)\[([0-9]+)\]").search
_SEGMENTS = {Segment.RODATA: "rodata", Segment.DATA: "data"}
_Name = tuple[int, int]
"""Offset in the strings section, and length."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that an embedder can call by its name, or try to."""

    name: str
    """The name."""
    rules: frozenset[str]
    """Rules that its row breaks: the call is malformed and names one."""
    function: int | None
    """Index of the function; None for data, or where that cannot be told."""


class Rows:
    """What the rows of a file break."""

    def __init__(self, file: File, findings: Iterable[Finding]) -> None:
        self._file = file
        self.fields: dict[tuple[str, int], set[str]] = defaultdict(set)
        """Rules that a row breaks by the .ksy, by section and index."""
        for finding in findings:
            place = _PLACE(finding.place)
            assert place is not None, finding
            self.fields[place[1], int(place[2])].add(finding.rule)
        self.imports = [ImportRow._make(row) for row in rows_of(file, "imports", layout.IMPORT_ROW)]
        """The import rows."""
        self._export_rows = [ExportRow._make(row) for row in rows_of(file, "exports", layout.EXPORT_ROW)]
        strings = file.table("strings")
        self._strings = file.content[strings.at : strings.end] if strings else b""
        self._of_imports = {name for row in self.imports for name in (row[3:5], row[5:7])}
        self.binds = any(row.binding != Binding.LAZY for row in self.imports)
        """Whether an import is bound when the set is linked."""
        self.linking = frozenset(self._import_rules())
        """Rules that import rows break."""
        names = [self._bytes(row[:2]) for row in self._export_rows]
        rules = [frozenset(self._export_rules(index, row)) for index, row in enumerate(self._export_rows)]
        good = [name for name in names if name is not None]
        ascending = all(one < other for one, other in pairwise(good))
        self.sorted = ascending and len(good) == len(names)
        """Whether every look-up finds what is there."""
        found = zip(names, self._export_rows, rules, strict=True)
        self.exports = tuple(_exported(*each) for each in found if _text(each[0]))
        """What can be called or looked up, in the order of the rows."""
        self.auditing = self.linking.union(*rules, self._strings_rules(), () if ascending else ("PF-SEC-007",))
        """Rules that rows, names and strings break."""

    def _import_rules(self) -> Iterator[str]:
        for index in range(len(self.imports)):
            yield from self.fields.get(("imports", index), ())
        for name in self._of_imports:
            yield from self._name_rules(name)

    def _export_rules(self, index: int, row: ExportRow) -> Iterator[str]:
        """What of PF-SEC-008 to PF-SEC-012 a row breaks. What its other fields mean depends on its kind."""
        fields = self.fields.get(("exports", index), set())
        yield from fields
        functions = self._file.table("functions")
        if row.kind == ImportKind.FUNCTION:
            if row.position >= (functions.rows if functions else 0) or row.size:
                yield "PF-SEC-011"
        elif row.kind == ImportKind.DATA and "PF-SEC-009" not in fields:
            segment = self._file.table(_SEGMENTS.get(Segment(row.segment), ""))
            length = self._file.header.bss_size if row.segment == Segment.BSS else segment.rows if segment else 0
            if row.position + row.size > length:
                yield "PF-SEC-012"

    def _name_rules(self, name: _Name) -> Iterator[str]:
        offset, length = name
        if offset + length > len(self._strings):
            yield "PF-SEC-003"
        if not length:
            yield "PF-SEC-004"
        if length > layout.MAX_NAME_LENGTH:
            yield "PF-LIM-005"

    def _bytes(self, name: _Name) -> bytes | None:
        """The bytes of a name; None of one that cannot be found."""
        return None if any(self._name_rules(name)) else self._strings[name[0] : name[0] + name[1]]

    def _strings_rules(self) -> Iterator[str]:
        """What names, and the strings section as a whole, break."""
        references = sorted(self._of_imports | {row[:2] for row in self._export_rows})
        broken = {rule for reference in references for rule in self._name_rules(reference)}
        yield from broken
        names = [name for reference in references if (name := self._bytes(reference)) is not None]
        if any(_text(name) is None for name in names):
            yield "PF-SEC-005"
        ends = [0, *(offset + length for offset, length in references)]
        canonical = [offset for offset, _ in references] == ends[:-1] and ends[-1] == len(self._strings)
        # Where a name lies nowhere, what the section should hold is not known.
        if not broken and not (canonical and all(one < other for one, other in pairwise(names))):
            yield "PF-SEC-006"


def rows_of(file: File, name: str, formats: Mapping[ByteOrder, Struct]) -> Iterable[tuple[Any, ...]]:
    """The rows of a section, as they stand in the file."""
    table = file.table(name)
    if table is None:
        return ()
    return formats[file.order].iter_unpack(file.content[table.at : table.end])


def _exported(name: bytes | None, row: ExportRow, rules: frozenset[str]) -> Exported:
    function = row.position if row.kind == ImportKind.FUNCTION and not rules else None
    return Exported(_text(name) or "", rules, function)


def _text(name: bytes | None) -> str | None:
    try:
        return None if name is None else name.decode("utf-8")
    except UnicodeDecodeError:
        return None
