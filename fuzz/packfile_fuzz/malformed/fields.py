"""Fields: what can be done to one field, row or byte, whatever it means.

Assumes a file that opens. Promises a draft for every choice; it may leave the file as it was, or as good as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from packfile.layout import Field

from .changes import Change
from .choices import Choices
from .places import File, Table


class Draft(NamedTuple):
    """A mutation that is decided on."""

    path: str
    """The field, or what else was changed."""
    what: str
    """What was done."""
    changes: Sequence[Change]
    """The same in terms of bytes."""
    content: bytes | None = None
    """The file that the changes begin from, where it is not the base but was laid out anew."""


Operation = Callable[[int, Field, Choices], int]
"""A new value from the old one; taken modulo what the field holds."""


def _swapped(value: int, field: Field, _choices: Choices) -> int:
    return int.from_bytes(value.to_bytes(field.size, "little"), "big")


def _unknown(_value: int, field: Field, choices: Choices) -> int:
    greatest = max(field.enum, default=0) if field.enum else 0
    return greatest + 1 + choices.number(1)


OPERATIONS: Mapping[str, Operation] = {
    "one more": lambda value, _, __: value + 1,
    "one less": lambda value, _, __: value - 1,
    "zero": lambda _, __, ___: 0,
    "maximum": lambda _, __, ___: -1,
    "bit flip": lambda value, field, choices: value ^ 1 << choices.below(8 * field.size),
    "swapped bytes": _swapped,
    "huge count": lambda value, field, _: value + (1 << 8 * field.size - 1),
    "doubled": lambda value, _, __: 2 * value,
    "unknown value": _unknown,
    "any value": lambda _, field, choices: choices.number(field.size),
    "small value": lambda _, __, choices: choices.number(1),
}
"""What can be done to a field, by what a fault says of it."""


def field(file: File, choices: Choices) -> Draft:
    """One field of header, directory or a row; a byte of a section of bytes."""
    table = choices.pick(file.tables)
    row = choices.below(table.rows)
    if not table.fields:
        return byte(file, table.at + row, choices)
    return _change(file, table, row, choices.pick(table.fields), choices)


def row(file: File, choices: Choices) -> Draft:
    """One field of a function, import or export, which nobody looks at while opening."""
    tables = [table for table in file.tables[2:] if len(table.fields) > 1]
    if not tables:
        return field(file, choices)
    table = choices.pick(tables)
    return _change(file, table, choices.below(table.rows), choices.pick(table.fields), choices)


def head(file: File, choices: Choices) -> Draft:
    """One field of header or directory, on which all else hangs."""
    table = choices.pick(file.tables[:2])
    return _change(file, table, choices.below(table.rows), choices.pick(table.fields), choices)


def _change(file: File, table: Table, row: int, chosen: Field, choices: Choices) -> Draft:
    what = choices.pick(tuple(OPERATIONS))
    value = OPERATIONS[what](file.value(table, row, chosen), chosen, choices) % (1 << 8 * chosen.size)
    return Draft(table.path(row, chosen.name), what, file.write(table, row, chosen, value))


def byte(file: File, at: int, choices: Choices) -> Draft:
    """One byte, whatever it belongs to."""
    value = file.content[at] ^ 1 << choices.below(8)
    return Draft(f"byte[{at}]", "bit flip", (file.byte(at, value),))


def gap(file: File, choices: Choices) -> Draft:
    """A byte between two sections."""
    end = file.tables[1].end if file.entries else len(file.content)
    gaps = []
    for entry in file.entries:
        if entry.offset > end:
            gaps.append((end, entry.offset))
        end = entry.offset + entry.length
    if not gaps:
        return field(file, choices)
    start, end = choices.pick(gaps)
    at = start + choices.below(end - start)
    return Draft(f"byte[{at}]", "gap filled", (file.byte(at, 1 + choices.below(255)),))


def rows(file: File, choices: Choices) -> Draft:
    """Two rows of a table: swapped, or one given the place of the other as well; or one of their fields."""
    tables = [table for table in file.tables if table.fields and table.rows > 1]
    if not tables:
        return field(file, choices)
    table = choices.pick(tables)
    one = choices.below(table.rows)
    other = (one + 1 + choices.below(table.rows - 1)) % table.rows
    what = choices.pick(("two swapped", "duplicate", "field of another", "fields of two swapped"))
    fields = table.fields if what in {"two swapped", "duplicate"} else (choices.pick(table.fields),)
    changes: list[Change] = []
    for each in fields:
        changes += file.write(table, one, each, file.value(table, other, each))
        if "swapped" in what:
            changes += file.write(table, other, each, file.value(table, one, each))
    path = table.path(one, fields[0].name if len(fields) == 1 else "")
    return Draft(path, what, changes)


def overlap(file: File, choices: Choices) -> Draft:
    """A directory entry that begins within the one before it, or on the bytes after its own place."""
    if len(file.entries) < 2:
        return field(file, choices)
    table = file.tables[1]
    row = 1 + choices.below(table.rows - 1)
    offset = next(each for each in table.fields if each.name == "offset")
    before = file.entries[row - 1]
    what, value = choices.pick(
        (
            ("overlapping", before.offset),
            ("overlapping", before.offset + before.length // 2),
            ("gap", file.entries[row].offset + (1 << file.header.unit_log2)),
            ("not aligned", file.entries[row].offset + 4),
        )
    )
    return Draft(table.path(row, "offset"), what, file.write(table, row, offset, value % (1 << 32)))
