"""The instruction table: what instructions.ksy says, with every operand placed in the word.

Assumes parsed YAML. Promises that operands fit the word, and that ids, mnemonics and rules are unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.layout import Member, read_enum
from generator.source import SpecError, required

WHERE = "spec/instructions.ksy"
FIELD_KINDS = ("register", "window", "signed", "unsigned", "branch", "literal")
ROLES = ("dst", "src", "var")
OPERAND_BYTES = 3
INSTRUCTION_KEYS = frozenset({"-mnemonic", "-terminator", "-operands", "-effect", "-traps", "-rule"})
OPERAND_KEYS = frozenset({"-field", "-bank", "-bytes"})


@dataclass(frozen=True)
class OperandType:
    """A row of the enum `operand`."""

    name: str
    field: str
    bank: str | None
    role: str | None
    size: int
    doc: str


@dataclass(frozen=True)
class Operand:
    """An operand in its place: `position` is its first byte in the word, or 0 for a literal."""

    type: OperandType
    position: int


@dataclass(frozen=True)
class Instruction:
    """A row of the enum `opcode`."""

    opcode: int
    id: str
    mnemonic: str
    operands: tuple[Operand, ...]
    terminator: bool
    effect: str
    traps: tuple[str, ...]
    rule: str
    doc: str

    @property
    def literal(self) -> Operand | None:
        """The operand that is a word of its own."""
        return next((operand for operand in self.operands if operand.type.field == "literal"), None)

    @property
    def unused(self) -> tuple[int, ...]:
        """Bytes of the word that no operand takes."""
        used = {
            operand.position + k
            for operand in self.operands
            if operand.type.field != "literal"
            for k in range(operand.type.size)
        }
        return tuple(position for position in range(1, 1 + OPERAND_BYTES) if position not in used)

    @property
    def syntax(self) -> str:
        """The assembly text with a placeholder an operand."""
        return " ".join([self.mnemonic, ", ".join(operand.type.name for operand in self.operands)]).strip()


@dataclass(frozen=True)
class InstructionTable:
    """All of instructions.ksy that generated code restates."""

    instructions: tuple[Instruction, ...]
    operands: Mapping[str, OperandType]
    traps: Mapping[str, Member]
    """Trap codes by their hyphenated names, in the order of their numbers."""


def _operand_type(member: Member) -> OperandType:
    place = f"{WHERE}: operand {member.id}"
    field = required(member.extra, "-field", place)
    bank, size = member.extra.get("-bank"), member.extra.get("-bytes")
    if field not in FIELD_KINDS:
        raise SpecError(f"{place}: `-field` is {field}; expected one of {', '.join(FIELD_KINDS)}")
    if field in ("register", "window"):
        if bank not in ("i", "n") or size is not None:
            raise SpecError(f"{place}: a {field} has `-bank` i or n, and no `-bytes`")
        role = member.id.rpartition("_")[2] if field == "register" else None
        if field == "register" and role not in ROLES:
            raise SpecError(f"{place}: the name of a register operand ends in _dst, _src or _var")
        return OperandType(member.id, field, bank, role, 1, member.doc)
    if bank is not None or not isinstance(size, int) or not (size == 4 if field == "literal" else 1 <= size <= 3):
        raise SpecError(f"{place}: a {field} has no `-bank`, and `-bytes` is 4 for a literal and else 1 to 3")
    return OperandType(member.id, field, None, None, size, member.doc)


def _place_operands(names: Iterable[str], types: Mapping[str, OperandType], place: str) -> tuple[Operand, ...]:
    operands, position = [], 1
    for name in names:
        if name not in types:
            raise SpecError(f"{place}: unknown operand `{name}`")
        literal = types[name].field == "literal"
        operands.append(Operand(types[name], 0 if literal else position))
        position += 0 if literal else types[name].size
    if position > 1 + OPERAND_BYTES:
        raise SpecError(f"{place}: the operands take {position - 1} bytes; a word has {OPERAND_BYTES}")
    if sum(operand.type.field == "literal" for operand in operands) > 1:
        raise SpecError(f"{place}: more than one literal")
    return tuple(operands)


def _instruction(member: Member, operands: Mapping[str, OperandType], traps: Mapping[str, Member]) -> Instruction:
    place = f"{WHERE}: {member.id}"
    row = member.extra
    if not 0 <= member.value <= 0xFF:
        raise SpecError(f"{place}: the opcode {member.value:#x} does not fit a byte")
    named = row.get("-traps")
    if not isinstance(named, list) or not isinstance(row.get("-operands"), list):
        raise SpecError(f"{place}: `-operands` and `-traps` are lists, if empty ones")
    for trap in named:
        if trap not in traps:
            raise SpecError(f"{place}: unknown trap `{trap}`")
    if len(set(named)) != len(named):
        raise SpecError(f"{place}: a trap stands in `-traps` twice")
    return Instruction(
        opcode=member.value,
        id=member.id,
        mnemonic=row.get("-mnemonic", member.id),
        operands=_place_operands(row["-operands"], operands, place),
        terminator=bool(row.get("-terminator", False)),
        effect=required(row, "-effect", place),
        traps=tuple(named),
        rule=required(row, "-rule", place),
        doc=member.doc,
    )


def _refuse_twice(instructions: Iterable[Instruction], attribute: str) -> None:
    seen: dict[Any, str] = {}
    for instruction in instructions:
        value = getattr(instruction, attribute)
        if value in seen:
            raise SpecError(f"{WHERE}: {instruction.id}: the {attribute} `{value}` is {seen[value]}'s already")
        seen[value] = instruction.id


def read(ksy: Mapping[str, Any]) -> InstructionTable:
    """Make the table of a parsed instructions.ksy; effects are checked apart."""
    operands = {member.id: _operand_type(member) for member in read_enum(ksy, "operand", OPERAND_KEYS, WHERE)}
    traps = {}
    for member in read_enum(ksy, "trap_code", frozenset({"-name"}), WHERE):
        name = required(member.extra, "-name", f"{WHERE}: trap_code {member.id}")
        if name.replace("-", "_") != member.id:
            raise SpecError(f"{WHERE}: trap_code {member.id}: `-name` is {name}; it differs by more than hyphens")
        traps[name] = member
    members = read_enum(ksy, "opcode", INSTRUCTION_KEYS, WHERE)
    instructions = tuple(_instruction(member, operands, traps) for member in members)
    for attribute in ("mnemonic", "rule"):
        _refuse_twice(instructions, attribute)
    return InstructionTable(instructions, operands, traps)
