"""From the instruction table to 256 templates, one for each value of a byte.

Assumes the operand kinds of the table. Promises that every instruction has a template, also one that was added to the
table today: how it is written follows from its operands and its effect, and only where the machine itself treats it
apart does its name matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import cycle, islice
from random import Random
from typing import Final

from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode, Operand, TrapCode
from packfile_fuzz.generator import emit
from packfile_fuzz.generator.emit import Detail, Emit, Field, Source
from packfile_fuzz.generator.shape import LAYOUTS, Layout
from packfile_fuzz.generator.values import decisive, immediates

Template = tuple[Emit | None, int, int, int, Detail]
"""What writes it, or None for a word alone; its op, 0 for the end of the function; the bits of its word that an item
decides; the least item that loads something decisive before such a word; and what else there is to know."""

END: Final[Template] = (None, 0, 0, 0, Detail())
"""Ends the function."""

_LITERALS: Final[Mapping[str, Emit]] = {
    "imm32": emit.literal,
    "constant": emit.constant,
    "function": emit.reference,
    "slot": emit.slot,
}
_CALLS: Final[Mapping[str, Emit]] = {
    "function": emit.call,
    "function_slot": emit.call_slot,
    "signature": emit.call_reference,
}
_ADDRESS: Final = re.compile(r"address\(i\[([abc])\]")
_RANGE: Final = re.compile(r"\b(copy|fill)\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_BASE: Final = re.compile(r"\bbase\(")
_REGISTER: Final = re.compile(r"u\(i\[([abc])\]\)")
_ENDS: Final = 12
_NEVER: Final = 1 << 64
_TRAPPING: Final = 0x10 << 56


def template(row: Instruction, layout: Layout) -> Template:
    """The template of an instruction.

    Raises:
        KeyError: It has an operand of a kind that the generator does not know.
    """
    mask = 0
    for operand in row.operands:
        if operand.field is FieldKind.REGISTER:
            mask |= layout.general << 8 * operand.position
    detail = _detail(row)
    return _emit(row, detail), row.opcode, mask, _preload_from(row, detail), detail


def _emit(row: Instruction, detail: Detail) -> Emit | None:
    windows = any(operand.field is FieldKind.WINDOW for operand in row.operands)
    if row.opcode == Opcode.JMP_TABLE:
        return emit.table
    if any(operand.field is FieldKind.BRANCH for operand in row.operands):
        return emit.branch
    if row.terminator:
        return emit.leave
    if row.literal is not None:
        if _BASE.search(row.effect):
            return emit.address
        return (_CALLS if windows else _LITERALS)[row.literal.name]
    if detail.length:
        return emit.block
    if detail.addresses:
        return emit.access
    return emit.immediate if detail.fields else None


def _detail(row: Instruction) -> Detail:
    addresses, length = _memory(row.effect)
    registers = [operand for operand in row.operands if operand.field is FieldKind.REGISTER]
    written = [operand.bank for operand in registers if operand.role in ("dst", "var")]
    branches = [operand for operand in row.operands if operand.field is FieldKind.BRANCH]
    return Detail(
        sources=tuple(
            _source(row, operand)
            for operand in registers
            if operand.role != "dst" and 8 * operand.position not in (*addresses, length)
        ),
        fields=tuple(
            Field(8 * operand.position, immediates(operand.size, signed=operand.field is FieldKind.SIGNED))
            for operand in row.operands
            if operand.field in (FieldKind.SIGNED, FieldKind.UNSIGNED)
        ),
        branch=(8 * branches[0].position, 8 * branches[0].size) if branches else (8, 24),
        addresses=addresses,
        length=length,
        writes=TrapCode.READ_ONLY in row.traps,
        bank="n" if "n" in written else "i",
        gives=any(operand.role in ("dst", "var") for operand in registers),
    )


def _source(row: Instruction, operand: Operand) -> Source:
    bank = operand.bank or "i"
    op = Opcode.I_CONST if bank == "i" else Opcode.N_CONST
    return Source(8 * operand.position, op, decisive(row, operand.position, bank))


def _memory(effect: str) -> tuple[tuple[int, ...], int]:
    """Shifts of the registers that are addresses, and of the one that is a length."""
    whole = _RANGE.search(effect)
    if whole is None:
        return tuple(8 * "_abc".index(field) for field in _ADDRESS.findall(effect)), 0
    *addresses, length = (8 * "_abc".index(field) for field in _REGISTER.findall(whole[2]))
    return tuple(addresses), length


def _preload_from(row: Instruction, detail: Detail) -> int:
    if not detail.sources:
        return _NEVER
    return _TRAPPING if row.traps else 0x60 << 56


def templates(instructions: Mapping[Opcode, Instruction], layout: Layout) -> tuple[Template, ...]:
    """256 templates: ends first, then each instruction once, then the more useful ones again."""
    by_op = {op: template(row, layout) for op, row in instructions.items()}
    # What runs on by itself is simpler than what does not, so it comes first.
    order = sorted(by_op, key=lambda op: (by_op[op][0] is not None, bool(instructions[op].traps), op))
    again = list(islice(cycle(_favourites(by_op)), 256))
    return tuple(([END] * _ENDS + [by_op[op] for op in order] + again)[:256])


def _favourites(by_op: Mapping[Opcode, Template]) -> Iterator[Template]:
    often: dict[Emit, int] = {
        emit.constant: 7,
        emit.address: 2,
        emit.access: 2,
        emit.block: 4,
        emit.literal: 2,
        emit.call: 8,
    }
    often |= {emit.call_slot: 14, emit.call_reference: 6, emit.slot: 3, emit.reference: 1, emit.table: 1}
    for op, made in by_op.items():
        by = made[0]
        if by is not None:
            yield from [made] * often.get(by, 0)
        if by is emit.branch:
            yield (emit.loop, *made[1:])
        elif made[3] == _TRAPPING:
            yield from [made] * 2
        if op == Opcode.I_ADD_IMM:
            yield from [(emit.advance, *made[1:])] * 4


CLASSES: Final = 16
"""Classes of instructions, which are the upper halves of their ops."""

EVERY: Final = tuple(templates(INSTRUCTIONS, layout) for layout in LAYOUTS)


@cache
def policy(number: int, layout: int) -> Sequence[Template]:
    """Templates under one of 256 policies, of which 0 treats all alike.

    Another one leaves out some classes of instructions and has more of one class in place of them; all that is left
    stands where it stands under policy 0.
    """
    every = EVERY[layout]
    if number == 0:
        return every
    random = Random(number)  # noqa: S311 - the same policy each time is what is wanted
    left_out = {k for k in range(CLASSES) if random.getrandbits(2) == 0}
    favoured = [made for made in every if made[1] and made[1] >> 4 not in left_out]
    wanted = favoured[random.getrandbits(16) % len(favoured)][1] >> 4
    instead = cycle([made for made in favoured if made[1] >> 4 == wanted])
    return tuple(made if made[1] >> 4 not in left_out or not made[1] else next(instead) for made in every)
