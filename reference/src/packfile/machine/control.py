"""Jumps. One that goes to its own word or back is charged for before it is taken (PF-EXE-013)."""

from packfile.instructions import TrapCode
from packfile.machine.state import MASK, Frame, instruction, out_of_fuel, trap


def _jump(f: Frame, pc: int, distance: int) -> int:
    if distance <= 0:
        thread = f.thread
        if thread.fuel <= 0:
            raise out_of_fuel()
        thread.fuel -= 1
    return pc + distance


@instruction
def unreachable(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    raise trap(TrapCode.UNREACHABLE, "the program gave up")


@instruction
def jmp(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, a | b << 8 | (c if c < 128 else c - 256) << 16)


@instruction
def jmp_if(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, b | (c if c < 128 else c - 256) << 8) if f.i[a] else pc + 1


@instruction
def jmp_unless(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return pc + 1 if f.i[a] else _jump(f, pc, b | (c if c < 128 else c - 256) << 8)


@instruction
def jmp_eq(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, c if c < 128 else c - 256) if f.i[a] == f.i[b] else pc + 1


@instruction
def jmp_ne(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, c if c < 128 else c - 256) if f.i[a] != f.i[b] else pc + 1


@instruction
def jmp_lt_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, c if c < 128 else c - 256) if f.i[a] < f.i[b] else pc + 1


@instruction
def jmp_lt_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, c if c < 128 else c - 256) if f.i[a] & MASK < f.i[b] & MASK else pc + 1


@instruction
def jmp_le_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, c if c < 128 else c - 256) if f.i[a] <= f.i[b] else pc + 1


@instruction
def jmp_le_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return _jump(f, pc, c if c < 128 else c - 256) if f.i[a] & MASK <= f.i[b] & MASK else pc + 1


@instruction
def jmp_table(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    return pc + 1 + min(f.i[a] & MASK, b | c << 8)
