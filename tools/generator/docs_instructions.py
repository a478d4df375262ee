"""`docs/generated/instructions.md`: one section an instruction."""

from __future__ import annotations

from collections.abc import Iterator

from generator.effects import FIELD_LETTERS
from generator.markdown import code, finish, page, rule_link, table
from generator.table import OPERAND_BYTES, Instruction, InstructionTable

SOURCE = "spec/instructions.ksy"


def _target(instruction: Instruction) -> str:
    return f"instruction-{instruction.id}"


def _words(instruction: Instruction) -> list[list[str]]:
    """What each byte of each word holds, lowest byte first."""
    word = [code(f"{instruction.opcode:02x}"), *["0"] * OPERAND_BYTES]
    literal: list[str] = []
    for operand in instruction.operands:
        size, name = operand.type.size, operand.type.name
        parts = [name] if size == 1 else [f"{name} {8 * k}-{8 * k + 7}" for k in range(size)]
        if operand.type.field == "literal":
            literal = parts
        else:
            for k, part in enumerate(parts):
                letter = f"{code(FIELD_LETTERS[operand.position])} " if size == 1 else ""
                word[operand.position + k] = letter + part
    return [word, literal] if literal else [word]


def _encoding(instruction: Instruction) -> Iterator[str]:
    words = _words(instruction)
    little = [cell for word in words for cell in word]
    big = [cell for word in words for cell in reversed(word)]
    heads = ["File", *(f"byte {k}" for k in range(len(little)))]
    yield from table(heads, [["little", *little], ["big", *big]])


def _section(instruction: Instruction) -> Iterator[str]:
    yield from [f"({_target(instruction)})=", f"## {instruction.mnemonic}", "", instruction.doc, ""]
    yield from ["```text", instruction.syntax, "```", ""]
    yield from _encoding(instruction)
    yield from ["Effect:", "", "```python", *instruction.effect.split("; "), "```", ""]
    traps = ", ".join(f"[{code(trap)}](#trap-{trap})" for trap in instruction.traps)
    terminator = " Terminator: execution never goes on at the next instruction." if instruction.terminator else ""
    yield from [f"Traps: {traps or 'none'}. Rule: {rule_link(instruction.rule)}.{terminator}", ""]


def render(table_: InstructionTable) -> str:
    """The page of the instruction table."""
    lines = page("Instructions", "instruction-table", SOURCE)
    lines += table(
        ["Op", "Instruction", "Operands", "Traps", "Meaning"],
        [
            [
                code(f"{row.opcode:#04x}"),
                f"[{code(row.mnemonic)}](#{_target(row)})",
                ", ".join(operand.type.name for operand in row.operands),
                ", ".join(row.traps),
                row.doc,
            ]
            for row in table_.instructions
        ],
    )
    lines += ["(operand-types)=", "## Operands", ""]
    lines += table(
        ["Operand", "Value", "Bank", "Bytes", "Meaning"],
        [[code(o.name), o.field, o.bank or "", str(o.size), o.doc] for o in table_.operands.values()],
    )
    lines += ["(trap-codes)=", "## Traps", ""]
    for name, member in table_.traps.items():
        lines += [f"(trap-{name})=", f"### {name}", "", member.doc, ""]
    for instruction in table_.instructions:
        lines += _section(instruction)
    return finish(lines)
