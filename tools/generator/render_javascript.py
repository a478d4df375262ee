"""`loaders/js/generated/table.js`: layout, instruction table and checks as an ES module.

The structure of a file is read by the parser that the Kaitai Struct compiler makes; this module holds what that parser
does not say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from generator.emit import header
from generator.kaitai import SectionFacts
from generator.layout import Layout
from generator.source import Parsed
from generator.table import Instruction, InstructionTable


def _export(name: str, doc: str, value: Parsed) -> Iterator[str]:
    """A constant; of a table, one line a row."""
    yield f"\n/** {doc} */"
    if not isinstance(value, dict):
        yield f"export const {name} = {json.dumps(value)};"
        return
    yield f"export const {name} = Object.freeze({{"
    for key, row in value.items():
        yield f"  {json.dumps(key)}: {json.dumps(row)},"
    yield "});"


def _instruction(row: Instruction) -> Parsed:
    return {
        "id": row.id,
        "mnemonic": row.mnemonic,
        "words": 2 if row.literal else 1,
        "terminator": row.terminator,
        "operands": [
            {
                "name": operand.type.name,
                "field": operand.type.field,
                "bank": operand.type.bank,
                "size": operand.type.size,
                "position": operand.position,
            }
            for operand in row.operands
        ],
        "unused": list(row.unused),
        "traps": list(row.traps),
        "rule": row.rule,
    }


def render(layout: Layout, facts: Mapping[str, SectionFacts], table: InstructionTable) -> str:
    """The text of table.js."""
    enums = {name: {member.id: member.value for member in members} for name, members in layout.enums.items()}
    rows = {
        row.name: {
            "size": row.size,
            "fields": {field.name: {"offset": field.offset, "type": field.type} for field in row.fields},
        }
        for row in layout.rows.values()
    }
    sections = {
        member.id: {
            "kind": member.value,
            "rowSize": facts[member.id].row_size,
            "unitAligned": facts[member.id].unit_aligned,
            "maxLength": facts[member.id].max_length,
        }
        for member in layout.enums["section_kind"]
    }
    checks = {
        check.path: {
            "rule": check.rule,
            "time": check.time,
            "outcome": check.outcome,
            "attribute": check.attribute,
            "allowed": check.allowed,
            "text": check.text,
        }
        for check in layout.checks
    }
    lines = [
        header("// %s", "spec/packfile.ksy", "spec/instructions.ksy"),
        *_export("MAGIC", "The first bytes of every packfile.", list(layout.magic)),
        *_export("VALUES", "Constants and limits.", {value.name: value.value for value in layout.values}),
        *_export("ENUMS", "Values of each enum by their ids.", enums),
        *_export("ROWS", "Size of each row type, and offset and type of each of its fields, in bytes.", rows),
        *_export("SECTIONS", "What a section of each kind looks like.", sections),
        *_export("CHECKS", "The check at each path of the parser's validation errors.", checks),
        *_export("TOO_SHORT", "Rule that a file breaks when it ends inside a type.", dict(layout.too_short)),
        *_export("TRAPS", "Number of each trap.", {name: member.value for name, member in table.traps.items()}),
        *_export(
            "INSTRUCTIONS",
            "Every instruction by its op; an operand's position is its first byte in the first word, 0 for a literal.",
            {row.opcode: _instruction(row) for row in table.instructions},
        ),
    ]
    return "\n".join(lines) + "\n"


def parser(javascript: Mapping[str, str]) -> str:
    """The parser that the Kaitai Struct compiler made, as a CommonJS file of a package of ES modules."""
    return f"{header('// %s', 'spec/packfile.ksy')}\n{javascript['Packfile.js'].rstrip()}\n"
