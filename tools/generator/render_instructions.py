"""`reference/src/packfile/instructions.py`: the instruction table as Python."""

from __future__ import annotations

from collections.abc import Iterator

from generator.emit import Call, Code, Items, Node, Table, Text, docstring, expression, header, numbers
from generator.table import FIELD_KINDS, Instruction, InstructionTable, Operand

PRELUDE = '''
"""The instruction table: one row an instruction, from which everything else about it follows.

An instruction's first word is `op | a << 8 | b << 16 | c << 24`. Operands take the bytes a, b and c in their order; one
of two or three bytes has its low byte first. A literal is the word after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final, Literal, NamedTuple
'''
KIND_DOCS = {
    "register": "A register: its number in its bank.",
    "window": "The first register of a run, which may be empty.",
    "signed": "A signed immediate.",
    "unsigned": "An unsigned immediate.",
    "branch": "A signed distance in words from the instruction's first word.",
    "literal": "A word of its own, the one after the instruction's first.",
}
TYPES = '''

class Operand(NamedTuple):
    """An operand in its place."""

    name: str
    """Its type, an id of the enum `operand` in spec/instructions.ksy."""
    field: FieldKind
    """What its value is."""
    bank: Literal["i", "n"] | None
    """The bank of a register or window: `i` integers, `n` floats."""
    role: Literal["dst", "src", "var"] | None
    """Whether a register is written, read, or both."""
    size: int
    """Bytes that it takes: 1 to 3 of the first word, or 4 for a literal."""
    position: int
    """First byte that it takes in the first word: a is 1, b is 2, c is 3; 0 for a literal."""


class Instruction(NamedTuple):
    """One row of the table."""

    opcode: Opcode
    """Byte 0 of the first word."""
    mnemonic: str
    """Name in assembly."""
    operands: tuple[Operand, ...]
    """Operands in the order of the assembly text."""
    literal: Operand | None
    """The operand that is a literal, if there is one."""
    words: Literal[1, 2]
    """Words that it takes, its literal included."""
    unused: tuple[int, ...]
    """Bytes of the first word that no operand takes, and which are zero."""
    terminator: bool
    """Whether execution never goes on at the next instruction."""
    effect: str
    """What it does, in the language of spec/effects.md."""
    traps: tuple[TrapCode, ...]
    """Traps that it can raise itself."""
    rule: str
    """Id of its rule."""
    doc: str
    """What it does, in words."""
'''


def _enums(table: InstructionTable) -> Iterator[str]:
    yield from ["", "", "class Opcode(IntEnum):", '    """Every op that is assigned."""', ""]
    for instruction in table.instructions:
        yield f"    {instruction.id.upper()} = 0x{instruction.opcode:02X}"
        yield from docstring(instruction.doc, 4)
    yield from ["", "", "class TrapCode(StrEnum):", '    """The closed list of traps."""', ""]
    for name, member in table.traps.items():
        yield f'    {member.id.upper()} = "{name}"'
        yield from docstring(member.doc, 4)
    yield from ["", "", "class FieldKind(StrEnum):", '    """What the value of an operand is."""', ""]
    for kind in FIELD_KINDS:
        yield f'    {kind.upper()} = "{kind}"'
        yield from docstring(KIND_DOCS[kind], 4)


def _operand(operand: Operand) -> Node:
    kind = operand.type
    values: list[Node] = [
        Text(kind.name),
        Code(f"FieldKind.{kind.field.upper()}"),
        Text(kind.bank) if kind.bank else Code("None"),
        Text(kind.role) if kind.role else Code("None"),
        Code(str(kind.size)),
        Code(str(operand.position)),
    ]
    return Call("Operand", tuple((None, value) for value in values))


def _row(instruction: Instruction, table: InstructionTable) -> Node:
    literal = instruction.literal
    traps = tuple(Code(f"TrapCode.{table.traps[trap].id.upper()}") for trap in instruction.traps)
    arguments: list[tuple[str, Node]] = [
        ("opcode", Code(f"Opcode.{instruction.id.upper()}")),
        ("mnemonic", Text(instruction.mnemonic)),
        ("operands", Items(tuple(_operand(operand) for operand in instruction.operands))),
        ("literal", _operand(literal) if literal else Code("None")),
        ("words", Code("2" if literal else "1")),
        ("unused", numbers(instruction.unused)),
        ("terminator", Code(str(instruction.terminator))),
        ("effect", Text(instruction.effect)),
        ("traps", Items(traps)),
        ("rule", Text(instruction.rule)),
        ("doc", Text(instruction.doc)),
    ]
    return Call("Instruction", tuple(arguments))


def render(table: InstructionTable) -> str:
    """The text of instructions.py."""
    rows: list[tuple[Node, Node]] = [
        (Code(f"Opcode.{instruction.id.upper()}"), _row(instruction, table)) for instruction in table.instructions
    ]
    lines = [
        header("# %s", "spec/instructions.ksy"),
        *PRELUDE.strip("\n").splitlines(),
        *_enums(table),
        *TYPES.splitlines(),
        "",
        "",
        *expression(Table(tuple(rows)), "INSTRUCTIONS: Final[Mapping[Opcode, Instruction]] = "),
        '"""Every instruction by its op."""',
        "",
        "BY_MNEMONIC: Final[Mapping[str, Instruction]] = {row.mnemonic: row for row in INSTRUCTIONS.values()}",
        '"""Every instruction by its name in assembly."""',
    ]
    return "\n".join(lines) + "\n"
