"""`loaders/c/src/packfile_format.h`: layout, instruction table and rule ids as C macros.

Macros and no types: what a loader makes of them is its own affair, and none depends on the host's byte order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from generator.emit import header
from generator.kaitai import SectionFacts
from generator.layout import Layout, Value
from generator.rules import Rule
from generator.table import OPERAND_BYTES, Instruction, InstructionTable

WIDTH = 120
# Operands that fill bytes of the first word beyond the one that they begin in.
CONTINUED = "PF_OPERAND_CONTINUED"
NONE = "PF_OPERAND_NONE"


def _comment(text: str) -> str:
    return f"/* {text} */"


def _integer(value: int) -> str:
    if value.bit_length() > 32:
        return f"UINT64_C({value})"
    return f"UINT32_C(0x{value:x})" if value > 0xFFFF else f"{value}u"


def _define(name: str, text: str, doc: str = "") -> str:
    return f"#define {name} {text}" + (f" {_comment(doc)}" if doc else "")


def _list_macro(name: str, doc: str, rows: Iterable[str]) -> Iterator[str]:
    """A macro that applies its argument to each row."""
    yield from ["", _comment(doc), f"#define {name}(X) \\"]
    lines = [f"  X({row})" for row in rows]
    yield from [f"{line} \\" for line in lines[:-1]]
    yield lines[-1]


def _values(values: Iterable[Value]) -> Iterator[str]:
    for value in values:
        about = "; ".join(part for part in (value.unit, value.rule) if part)
        yield _define(f"PF_{value.name.upper()}", _integer(value.value), value.doc + (f" ({about})" if about else ""))


def _enums(layout: Layout) -> Iterator[str]:
    for name, members in layout.enums.items():
        yield from ["", _comment(f"Values of `{name}`.")]
        for member in members:
            yield _define(f"PF_{name.upper()}_{member.id.upper()}", _integer(member.value), member.doc)


def _rows(layout: Layout) -> Iterator[str]:
    for row in layout.rows.values():
        yield from ["", _comment(f"{row.name}: its size, and the first byte of each field.")]
        yield _define(f"PF_SIZEOF_{row.name.upper()}", f"{row.size}u")
        for field in row.fields:
            about = f"{field.type}, {field.size} bytes" if field.type == "bytes" else field.type
            yield _define(f"PF_AT_{row.name.upper()}_{field.name.upper()}", f"{field.offset}u", about)


def _sections(layout: Layout, facts: Mapping[str, SectionFacts]) -> Iterator[str]:
    def row(name: str) -> str:
        fact = facts[name]
        return f"{name.upper()}, {name}, {fact.row_size}u, {int(fact.unit_aligned)}, {_integer(fact.max_length)}"

    yield from _list_macro(
        "PF_SECTIONS",
        "X(ID, id, bytes of a row, whether aligned to the unit, greatest length in bytes)",
        [row(member.id) for member in layout.enums["section_kind"]],
    )


def _operands(table: InstructionTable) -> Iterator[str]:
    yield from ["", _comment("What a byte of an instruction's first word, or its literal word, holds.")]
    yield _define(NONE, "0", "No operand; a byte of the first word is then zero.")
    yield _define(CONTINUED, "1", "A further byte of the operand that begins before it.")
    for number, operand in enumerate(table.operands.values(), 2):
        yield _define(f"PF_OPERAND_{operand.name.upper()}", str(number), operand.doc)


def _instruction(row: Instruction) -> str:
    places = [NONE] * (1 + OPERAND_BYTES)
    for operand in row.operands:
        for k in range(1 if operand.type.field == "literal" else operand.type.size):
            places[operand.position + k] = CONTINUED if k else f"PF_OPERAND_{operand.type.name.upper()}"
    literal, *fields = places
    words = 2 if row.literal else 1
    return (
        f'0x{row.opcode:02x}, {row.id}, {row.id.upper()}, "{row.mnemonic}", {words}, {int(row.terminator)}, '
        f'"{row.rule}", {", ".join(fields)}, {literal}'
    )


def _instructions(table: InstructionTable) -> Iterator[str]:
    yield from ["", _comment("Every op that is assigned.")]
    for row in table.instructions:
        yield _define(f"PF_OP_{row.id.upper()}", f"0x{row.opcode:02x}u", row.doc)
    yield from _list_macro(
        "PF_INSTRUCTIONS",
        "X(op, id, ID, mnemonic, words, terminator, rule, operand in a, in b, in c, in the literal)",
        map(_instruction, table.instructions),
    )


def render(layout: Layout, facts: Mapping[str, SectionFacts], table: InstructionTable, rules: Iterable[Rule]) -> str:
    """The text of packfile_format.h."""
    lines = [
        header("// %s", "spec/packfile.ksy", "spec/instructions.ksy", "spec/rules/*.md"),
        "#ifndef PACKFILE_FORMAT_H",
        "#define PACKFILE_FORMAT_H",
        "",
        "#include <stdint.h>",
        "",
        _define("PF_MAGIC", ", ".join(f"0x{byte:02x}" for byte in layout.magic), "The first bytes of every packfile."),
        _define("PF_MAGIC_LENGTH", f"{len(layout.magic)}u"),
        *_values(layout.values),
        *_enums(layout),
        *_rows(layout),
        *_sections(layout, facts),
        *_list_macro(
            "PF_TRAPS",
            "X(ID, number, name)",
            [f'{member.id.upper()}, {member.value}, "{name}"' for name, member in table.traps.items()],
        ),
        *_operands(table),
        *_instructions(table),
        "",
        _comment("Ids of rules."),
        *[_define(f"PF_RULE_{rule.id[3:].replace('-', '_')}", f'"{rule.id}"') for rule in rules],
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"
