"""The generated tables against the generated parser: two readings of one specification that must agree."""

from __future__ import annotations

import io
import struct

import pytest
from kaitaistruct import KaitaiStream

from packfile import instructions, layout
from packfile._kaitai.packfile import Packfile
from packfile.rules import RULES

ROWS = {
    layout.SectionKind.FUNCTIONS: layout.FunctionRow(0x01020304, 0x05060708, 9, 10, 0),
    layout.SectionKind.IMPORTS: layout.ImportRow(1, 3, 0, 0x11121314, 0x15161718, 0x21222324, 0x25262728, 0x31323334),
    layout.SectionKind.EXPORTS: layout.ExportRow(0x41424344, 0x45464748, 2, 3, 0, 0x51525354, 0x55565758),
    layout.SectionKind.CONSTANTS: layout.Constant(0x6162636465666768),
    layout.SectionKind.CODE: layout.CodeWord(0x71727374),
}
FORMATS = {
    "header": layout.HEADER,
    "section": layout.DIRECTORY_ENTRY,
    "function_row": layout.FUNCTION_ROW,
    "import_row": layout.IMPORT_ROW,
    "export_row": layout.EXPORT_ROW,
    "constant": layout.CONSTANT,
    "code_word": layout.CODE_WORD,
}


def one_row_of_each_kind(order: layout.ByteOrder) -> bytes:
    """A file with one row in every section of rows, written with nothing but the generated tables."""
    unit_log2 = 12
    position = layout.HEADER_SIZE + len(ROWS) * layout.DIRECTORY_ENTRY[order].size
    directory, body = b"", b""
    for kind, row in ROWS.items():
        section = layout.SECTIONS[kind]
        assert section.row is not None
        alignment = 1 << unit_log2 if section.unit_aligned else 8
        padding = -position % alignment
        directory += layout.DIRECTORY_ENTRY[order].pack(kind, position + padding, section.row_size)
        body += bytes(padding) + FORMATS[section.row][order].pack(*row)
        position += padding + section.row_size
    values = layout.Header(layout.MAGIC, order, 1, unit_log2, 0, 0, position, len(ROWS), layout.NO_ENTRY, 0, bytes(32))
    return layout.HEADER[order].pack(*values) + directory + body


def flattened(parsed: object, row_type: str) -> list[int]:
    """A parsed row's fields by their flattened names."""
    values = []
    for field in layout.FIELDS[row_type]:
        # The names of a nested range are those of the range and of its own field.
        outer, _, inner = field.name.partition("_")
        nested = inner in ("offset", "length") and hasattr(parsed, outer)
        values.append(int(getattr(getattr(parsed, outer), inner) if nested else getattr(parsed, field.name)))
    return values


@pytest.mark.parametrize("order", layout.ByteOrder)
def test_the_parser_reads_rows_that_the_tables_write(order: layout.ByteOrder) -> None:
    data = one_row_of_each_kind(order)
    parsed = Packfile(KaitaiStream(io.BytesIO(data)))
    assert parsed.byte_order == order
    for section, (kind, row) in zip(parsed.body.sections, ROWS.items(), strict=True):
        row_type = layout.SECTIONS[kind].row
        assert row_type is not None
        (read,) = getattr(section, kind.name.lower())
        assert flattened(read, row_type) == list(row)


@pytest.mark.parametrize("row_type", FORMATS)
def test_fields_and_formats_agree(row_type: str) -> None:
    fields = layout.FIELDS[row_type]
    for order, row in FORMATS[row_type].items():
        assert sum(field.size for field in fields) == row.size
        for number, field in enumerate(fields):
            assert field.offset == sum(before.size for before in fields[:number])
            # A row of all ones in this field alone unpacks to all ones there and to nothing elsewhere.
            data = bytearray(row.size)
            data[field.offset : field.offset + field.size] = b"\xff" * field.size
            values = row.unpack(bytes(data))
            expected = b"\xff" * field.size if field.type == "bytes" else (1 << 8 * field.size) - 1
            assert values[number] == expected, order
            assert not any(int.from_bytes(v, "big") if isinstance(v, bytes) else v for v in values if v != expected)


def test_every_rule_that_a_table_names_is_a_rule() -> None:
    named = {check.rule for check in layout.CHECKS.values()} | set(layout.TOO_SHORT.values())
    named |= {check.rule for checks in layout.ROW_CHECKS.values() for check in checks}
    named |= {row.rule for row in instructions.INSTRUCTIONS.values()}
    assert named <= set(RULES)


@pytest.mark.parametrize("row", instructions.INSTRUCTIONS.values(), ids=lambda row: row.mnemonic)
def test_every_byte_of_a_word_is_the_op_or_one_operands_or_zero(row: instructions.Instruction) -> None:
    taken = [
        operand.position + k
        for operand in row.operands
        if operand.field is not instructions.FieldKind.LITERAL
        for k in range(operand.size)
    ]
    assert sorted([0, *taken, *row.unused]) == [0, 1, 2, 3]
    assert row.words == (1 if row.literal is None else 2)


def test_immediates_lie_where_the_specification_says() -> None:
    def field(mnemonic: str, name: str, word: int) -> int:
        operand = next(o for o in instructions.BY_MNEMONIC[mnemonic].operands if o.name == name)
        return int.from_bytes(struct.pack("<I", word)[operand.position :][: operand.size], "little")

    word = 0x84838281
    assert field("i_imm", "imm16", word) == word >> 16
    assert field("jmp", "off24", word) == word >> 8
    assert field("jmp_eq", "off8", word) == word >> 24
