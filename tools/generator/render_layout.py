"""`reference/src/packfile/layout.py`: the layout as Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.emit import Call, Code, Items, Node, Table, Text, docstring, expression, header, numbers
from generator.kaitai import SectionFacts
from generator.layout import Check, Layout, Row

CODES = {"u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
PRELUDE = """
from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Literal, NamedTuple
"""
TYPES = '''
_EnumType = type[IntEnum]


class Field(NamedTuple):
    """A run of bytes of a row."""

    name: str
    """Its name in the row's NamedTuple."""
    offset: int
    """First byte, from the start of the row."""
    size: int
    """Number of bytes."""
    type: Literal["u1", "u2", "u4", "u8", "bytes"]
    """An unsigned integer of 1, 2, 4 or 8 bytes in the file's byte order, or bytes."""
    enum: _EnumType | None
    """The enum that its value is taken from."""
    doc: str
    """What it holds."""
'''
SECTION_TYPES = '''

class SectionLayout(NamedTuple):
    """What a section of one kind looks like."""

    row: str | None
    """Its row type, a key of FIELDS, or None for a section of bytes."""
    row_size: int
    """Bytes of one row; 1 for a section of bytes."""
    unit_aligned: bool
    """Whether it starts at a multiple of the file's alignment unit; otherwise of 8."""
    max_length: int
    """Greatest length in bytes."""
    doc: str
    """What it holds."""
'''
CHECK_TYPES = '''

class Check(NamedTuple):
    """A constraint that the generated parser checks while it reads header and directory, or a row."""

    rule: str
    """Id of the rule that it states."""
    time: str
    """When a loader reports it."""
    outcome: str
    """What a loader reports it as."""
    attribute: str
    """Attribute of the .ksy that it stands on."""
    text: str
    """The rule."""
'''
ROW_CHECK_TYPES = '''

class RowCheck(NamedTuple):
    """A constraint on one field of a row, which nobody checks while opening."""

    field: str
    """The field, a name in the row's NamedTuple."""
    rule: str
    """Id of the rule that it states."""
    time: str
    """When a loader reports it."""
    outcome: str
    """What a loader reports it as."""
    allowed: tuple[int, ...] | None
    """The values that pass; None where the rule depends on another field."""
    text: str
    """The rule."""
'''


def class_name(name: str) -> str:
    """`export_row` as `ExportRow`."""
    return "".join(part.capitalize() for part in name.split("_"))


def tuple_name(row: str) -> str:
    """Name of a row's NamedTuple; a section's description is called what the prose calls it."""
    return "DirectoryEntry" if row == "section" else class_name(row)


def constant_name(row: str) -> str:
    """Name of a row's struct formats."""
    return "DIRECTORY_ENTRY" if row == "section" else row.upper()


def struct_codes(row: Row) -> str:
    """The row as a format of the struct module, without the byte order."""
    return "".join(CODES.get(field.type, f"{field.size}s") for field in row.fields)


def _literal(value: int) -> str:
    return f"0x{value:X}" if value.bit_length() == 32 else f"{value:_}"


def _values(layout: Layout) -> Iterator[str]:
    yield ""
    magic = "".join(f"\\x{byte:02x}" for byte in layout.magic)
    yield f'MAGIC: Final = b"{magic}"'
    yield '"""The first bytes of every packfile."""'
    for value in layout.values:
        yield f"{value.name.upper()}: Final = {_literal(value.value)}"
        about = [part for part in (f"In {value.unit}" if value.unit else "", value.rule or "") if part]
        yield from docstring(value.doc + (f" {'; '.join(about)}." if about else ""))


def _enums(layout: Layout) -> Iterator[str]:
    for name, members in layout.enums.items():
        yield from ["", "", f"class {class_name(name)}(IntEnum):"]
        yield from docstring(f"Values of `{name}` in spec/packfile.ksy.", 4)
        yield ""
        for member in members:
            value = f"0x{member.value:X}" if member.value > 0xFFFF else str(member.value)
            yield f"    {member.id.upper()} = {value}"
            yield from docstring(member.doc, 4)


def _rows(layout: Layout) -> Iterator[str]:
    for row in layout.rows.values():
        yield from ["", "", f"class {tuple_name(row.name)}(NamedTuple):"]
        yield from docstring(row.doc, 4)
        yield ""
        for field in row.fields:
            yield f"    {field.name}: {'bytes' if field.type == 'bytes' else 'int'}"
            yield from docstring(field.doc, 4)
    yield from [
        "",
        "",
        "def _both(codes: str) -> Mapping[ByteOrder, struct.Struct]:",
        '    return {ByteOrder.LITTLE: struct.Struct("<" + codes), ByteOrder.BIG: struct.Struct(">" + codes)}',
        "",
        "",
    ]
    for row in layout.rows.values():
        name = constant_name(row.name)
        yield f'{name}: Final[Mapping[ByteOrder, struct.Struct]] = _both("{struct_codes(row)}")'
        yield f'"""Formats of {tuple_name(row.name)}, {row.size} bytes, by byte order."""'


def _fields(layout: Layout) -> Iterator[str]:
    yield from TYPES.splitlines()
    entries: list[tuple[Node, Node]] = []
    for row in layout.rows.values():
        fields = [
            Call(
                "Field",
                (
                    (None, Text(field.name)),
                    (None, Code(str(field.offset))),
                    (None, Code(str(field.size))),
                    (None, Text(field.type)),
                    (None, Code(class_name(field.enum) if field.enum else "None")),
                    ("doc", Text(field.doc)),
                ),
            )
            for field in row.fields
        ]
        entries.append((Text(row.name), Items(tuple(fields))))
    yield from ["", ""]
    yield from expression(Table(tuple(entries)), "FIELDS: Final[Mapping[str, tuple[Field, ...]]] = ")
    yield '"""Fields of each row type, in the order of their bytes, without gaps."""'


def _sections(layout: Layout, facts: Mapping[str, SectionFacts]) -> Iterator[str]:
    yield from SECTION_TYPES.splitlines()
    entries: list[tuple[Node, Node]] = []
    for member in layout.enums["section_kind"]:
        fact = facts[member.id]
        call = Call(
            "SectionLayout",
            (
                (None, Text(fact.row) if fact.row else Code("None")),
                (None, Code(str(fact.row_size))),
                (None, Code(str(fact.unit_aligned))),
                (None, Code(_literal(fact.max_length))),
                (None, Text(member.doc)),
            ),
        )
        entries.append((Code(f"SectionKind.{member.id.upper()}"), call))
    yield from ["", ""]
    yield from expression(Table(tuple(entries)), "SECTIONS: Final[Mapping[SectionKind, SectionLayout]] = ")
    yield '"""Every section kind that this version defines or reserves."""'


def row_checks(layout: Layout) -> Mapping[str, tuple[Check, ...]]:
    """The checks of the row types, which no loader makes while opening."""
    return {name: checks for name in layout.section_rows.values() if (checks := layout.checks_of(name))}


def _checks(layout: Layout) -> Iterator[str]:
    yield from CHECK_TYPES.splitlines()
    entries: list[tuple[Node, Node]] = [
        (
            Text(check.path),
            Call(
                "Check",
                (
                    (None, Text(check.rule)),
                    (None, Text(check.time)),
                    (None, Text(check.outcome)),
                    (None, Text(check.attribute)),
                    ("text", Text(check.text)),
                ),
            ),
        )
        for check in layout.checks
    ]
    yield from ["", ""]
    yield from expression(Table(tuple(entries)), "CHECKS: Final[Mapping[str, Check]] = ")
    yield '"""Checks by the `src_path` of the parser\'s validation errors."""'
    yield ""
    short: list[tuple[Node, Node]] = [(Text(name), Text(rule)) for name, rule in layout.too_short.items()]
    yield from expression(Table(tuple(short)), "TOO_SHORT: Final[Mapping[str, str]] = ")
    yield '"""Rule that a file breaks when it ends inside a type, by the type\'s name."""'
    yield from ROW_CHECK_TYPES.splitlines()
    rows: list[tuple[Node, Node]] = []
    for name, checks in row_checks(layout).items():
        calls = [
            Call(
                "RowCheck",
                (
                    (None, Text(check.attribute)),
                    (None, Text(check.rule)),
                    (None, Text(check.time)),
                    (None, Text(check.outcome)),
                    (None, Code("None") if check.allowed is None else numbers(check.allowed)),
                    ("text", Text(check.text)),
                ),
            )
            for check in checks
        ]
        rows.append((Text(name), Items(tuple(calls))))
    yield from ["", ""]
    yield from expression(Table(tuple(rows)), "ROW_CHECKS: Final[Mapping[str, tuple[RowCheck, ...]]] = ")
    yield '"""Checks of each row type that has any, in the order of the fields."""'


def render(layout: Layout, facts: Mapping[str, SectionFacts]) -> str:
    """The text of layout.py."""
    lines = [
        header("# %s", "spec/packfile.ksy"),
        f'"""The binary layout of {layout.title}: constants, limits, enums, rows and the checks on them."""',
        *PRELUDE.splitlines(),
        *_values(layout),
        *_enums(layout),
        *_rows(layout),
        *_fields(layout),
        *_sections(layout, facts),
        *_checks(layout),
    ]
    return "\n".join(lines) + "\n"
