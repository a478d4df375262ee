"""Code: mutations that know what an instruction is, so that each reaches a rule of verification.

Assumes a file that opens. Promises a draft for every choice; without code it is one on any field.
"""

from __future__ import annotations

from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode
from packfile.layout import FunctionRow, SectionKind

from .changes import Change
from .choices import Choices
from .fields import Draft, field
from .places import File

_UNASSIGNED = tuple(op for op in range(256) if op not in INSTRUCTIONS.keys())  # noqa: SIM118 - keys are an enum's
_OPS = tuple(map(int, INSTRUCTIONS))
_LAST = 0xFFFFFFFF
_INDEXES = {
    "function": SectionKind.FUNCTIONS,
    "slot": SectionKind.IMPORTS,
    "function_slot": SectionKind.IMPORTS,
    "constant": SectionKind.CONSTANTS,
}


def code(file: File, choices: Choices) -> Draft:
    """One instruction: its op, an operand, a field that it does not use, or its place at the end."""
    if not file.functions:
        return field(file, choices)
    start, end, row = choices.pick(file.functions)
    end = min(end, len(file.words))
    found = file.instructions(start, end)
    if not found:
        return field(file, choices)
    word, instruction = choices.pick(found)
    what = choices.pick(("operand", "op", "unused", "end", "operand", "first word", "swap", "operand"))
    if what == "op":
        op = choices.pick(choices.pick((_UNASSIGNED, _OPS)))
        return Draft(f"code[{word}].op", "another op", (file.code(word, 0, op),))
    if what == "unused" and instruction.unused:
        part = choices.pick(instruction.unused)
        change = file.code(word, part, 1 << choices.below(8))
        return Draft(change.path, "unused field set", (change,))
    if what == "end":
        return _without_end(file, end, row, choices)
    if what == "first word":
        return Draft(f"code[{word}].word", "any word", (file.word(word, choices.number(4)),))
    if what == "swap" and len(found) > 1:
        return _two_swapped(file, found, choices)
    return _operand(file, (start, end, row), found, choices) if instruction.operands else field(file, choices)


def _without_end(file: File, end: int, row: FunctionRow, choices: Choices) -> Draft:
    """A last word that does not end its function, or one that wants a literal."""
    mov, bank = (Opcode.I_MOV, row.i_registers) if row.i_registers else (Opcode.N_MOV, row.n_registers)
    op = choices.pick((mov, Opcode.I_IMM32 if bank else mov))
    change = file.word(end - 1, int(op))
    return Draft(change.path, "missing terminator", (change,))


def _two_swapped(file: File, found: list[tuple[int, Instruction]], choices: Choices) -> Draft:
    """The first words of two instructions change places."""
    one = choices.below(len(found))
    other = (one + 1 + choices.below(len(found) - 1)) % len(found)
    (one, _), (other, _) = found[one], found[other]
    changes = (file.word(one, file.words[other]), file.word(other, file.words[one]))
    return Draft(f"code[{one}].word", "two swapped", changes)


def _operand(
    file: File, function: tuple[int, int, FunctionRow], found: list[tuple[int, Instruction]], choices: Choices
) -> Draft:
    """An operand gets a value at or past the edge of what it may be."""
    start, end, row = function
    having = [each for each in found if each[1].operands]
    if choices.below(2):
        # Those that name something by its index, or have a window, have the most edges.
        having = [each for each in having if each[1].literal and each[1].literal.name != "imm32"] or having
    word, instruction = choices.pick(having)
    operand = choices.pick(instruction.operands)
    if operand.field is FieldKind.LITERAL:
        kind = _INDEXES.get(operand.name)
        table = file.table(kind.name.lower()) if kind is not None else None
        count = table.rows if table else 0
        edges = (count, max(0, count - 1), _LAST, count + 1, 1 << 31, choices.number(1), choices.number(4))
        what, value = "literal past the end", choices.pick(edges)
        change = file.word(word + 1, value)
        return Draft(change.path, what, (change,))
    if operand.field is FieldKind.BRANCH:
        literals = [at + 1 for at, each in found if each.literal]
        targets = (end, start - 1, end - 1, choices.pick(literals or [end]), start + choices.below(end - start))
        what, value = "branch elsewhere", choices.pick(targets) - word
    else:
        size = row.n_registers if operand.bank == "n" else row.i_registers
        what = "register beyond the bank" if operand.bank else "immediate"
        values = [size, -1, max(0, size - 1), size + 1, choices.number(1), choices.number(operand.size)]
        if not operand.bank:
            # What counts words, as a table does, meets the end of the function.
            values += [end - word - 1, end - word - 2, end - word]
        value = choices.pick(values)
    parts = (value % (1 << 8 * operand.size)).to_bytes(operand.size, "little")
    changes: list[Change] = [file.code(word, operand.position + k, part) for k, part in enumerate(parts)]
    return Draft(f"code[{word}].{'_abc'[operand.position]}", what, changes)
