"""Jumps.

The loop charges for one that goes to its own word or back (PF-EXE-013).
"""

from packfile.instructions import TrapCode
from packfile.machine.state import HIGH, MASK, SIGNED, Frame, instruction, trap


@instruction
def unreachable(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    raise trap(TrapCode.UNREACHABLE, "the program gave up")


@instruction
def jmp(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return pc + (a | (b | HIGH[c]) << 8)


@instruction
def jmp_if(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return pc + (b | HIGH[c]) if f.i[a] else pc + 1


@instruction
def jmp_unless(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return pc + 1 if f.i[a] else pc + (b | HIGH[c])


@instruction
def jmp_eq(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    return pc + SIGNED[c] if i[a] == i[b] else pc + 1


@instruction
def jmp_ne(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    return pc + SIGNED[c] if i[a] != i[b] else pc + 1


@instruction
def jmp_lt_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    return pc + SIGNED[c] if i[a] < i[b] else pc + 1


@instruction
def jmp_lt_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    return pc + SIGNED[c] if i[a] & MASK < i[b] & MASK else pc + 1


@instruction
def jmp_le_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    return pc + SIGNED[c] if i[a] <= i[b] else pc + 1


@instruction
def jmp_le_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    return pc + SIGNED[c] if i[a] & MASK <= i[b] & MASK else pc + 1


@instruction
def jmp_table(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return pc + 1 + min(f.i[a] & MASK, b | c << 8)
