"""Moves, immediates, constants, selects, and addresses of the module's own segments."""

import struct
from typing import Final

from packfile.layout import Segment
from packfile.machine.state import HIGH, Frame, instruction, literal, wrap

_BITS: Final = struct.Struct("<Q")
_FLOAT: Final = struct.Struct("<d")


def _signed(word: int) -> int:
    return word if word < 1 << 31 else word - (1 << 32)


@instruction
def i_mov(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.i[b]
    return pc + 1


@instruction
def n_mov(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = f.n[b]
    return pc + 1


@instruction
def i_imm(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = b | HIGH[c]
    return pc + 1


@instruction
def i_imm32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = _signed(literal(f, pc))
    return pc + 2


@instruction
def i_const(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = wrap(f.image.constant(literal(f, pc)))
    return pc + 2


@instruction
def n_const(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = _FLOAT.unpack(_BITS.pack(f.image.constant(literal(f, pc))))[0]
    return pc + 2


@instruction
def i_select(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    if f.i[c]:
        f.i[a] = f.i[b]
    return pc + 1


@instruction
def n_select(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    if f.i[c]:
        f.n[a] = f.n[b]
    return pc + 1


@instruction
def lrodata(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.function.module.base(Segment.RODATA) + _signed(literal(f, pc))
    return pc + 2


@instruction
def ldata(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.function.module.base(Segment.DATA) + _signed(literal(f, pc))
    return pc + 2


@instruction
def lbss(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.function.module.base(Segment.BSS) + _signed(literal(f, pc))
    return pc + 2
