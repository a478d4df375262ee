"""Instructions on 64-bit integers.

Registers hold signed integers; results are brought back into range where they can leave it.
"""

from typing import Final

from packfile.instructions import TrapCode
from packfile.machine.state import GREATEST, LEAST, MASK, SIGNED, Frame, instruction, trap, wrap

_LOW: Final = -(1 << 29)
_HIGH: Final = 1 << 29
"""Most results lie between these, and CPython compares numbers of one digit, of 30 bits, faster than others."""


@instruction
def i_add(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    r = i[b] + i[c]
    i[a] = r if _LOW < r < _HIGH or LEAST <= r <= GREATEST else wrap(r)
    return pc + 1


@instruction
def i_add_imm(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    r = i[b] + SIGNED[c]
    i[a] = r if _LOW < r < _HIGH or LEAST <= r <= GREATEST else wrap(r)
    return pc + 1


@instruction
def i_sub(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    r = i[b] - i[c]
    i[a] = r if _LOW < r < _HIGH or LEAST <= r <= GREATEST else wrap(r)
    return pc + 1


@instruction
def i_mul(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    i = f.i
    r = i[b] * i[c]
    i[a] = r if _LOW < r < _HIGH or LEAST <= r <= GREATEST else wrap(r)
    return pc + 1


@instruction
def i_div_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.i[b], f.i[c]
    if y == 0:
        raise trap(TrapCode.DIVIDE_BY_ZERO, f"{x} / 0")
    if x == LEAST and y == -1:
        raise trap(TrapCode.INTEGER_OVERFLOW, f"{x} / -1")
    q = abs(x) // abs(y)
    f.i[a] = q if (x < 0) == (y < 0) else -q
    return pc + 1


@instruction
def i_div_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.i[b] & MASK, f.i[c] & MASK
    if y == 0:
        raise trap(TrapCode.DIVIDE_BY_ZERO, f"{x} / 0")
    f.i[a] = wrap(x // y)
    return pc + 1


@instruction
def i_rem_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.i[b], f.i[c]
    if y == 0:
        raise trap(TrapCode.DIVIDE_BY_ZERO, f"{x} % 0")
    r = abs(x) % abs(y)
    f.i[a] = -r if x < 0 else r
    return pc + 1


@instruction
def i_rem_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.i[b] & MASK, f.i[c] & MASK
    if y == 0:
        raise trap(TrapCode.DIVIDE_BY_ZERO, f"{x} % 0")
    f.i[a] = wrap(x % y)
    return pc + 1


@instruction
def i_and(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.i[b] & f.i[c]
    return pc + 1


@instruction
def i_or(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.i[b] | f.i[c]
    return pc + 1


@instruction
def i_xor(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.i[b] ^ f.i[c]
    return pc + 1


@instruction
def i_shl(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = wrap(f.i[b] << (f.i[c] & 63))
    return pc + 1


@instruction
def i_shr_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.i[b] >> (f.i[c] & 63)
    return pc + 1


@instruction
def i_shr_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = wrap((f.i[b] & MASK) >> (f.i[c] & 63))
    return pc + 1


@instruction
def i_rotl(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, k = f.i[b] & MASK, f.i[c] & 63
    f.i[a] = wrap(x << k | x >> (64 - k))
    return pc + 1


@instruction
def i_rotr(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, k = f.i[b] & MASK, f.i[c] & 63
    f.i[a] = wrap(x >> k | x << (64 - k))
    return pc + 1


@instruction
def i_clz(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 64 - (f.i[b] & MASK).bit_length()
    return pc + 1


@instruction
def i_ctz(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.i[b] & MASK
    f.i[a] = (x & -x).bit_length() - 1 if x else 64
    return pc + 1


@instruction
def i_popcnt(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = (f.i[b] & MASK).bit_count()
    return pc + 1


@instruction
def i_extend8_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = ((f.i[b] + 0x80) & 0xFF) - 0x80
    return pc + 1


@instruction
def i_extend16_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = ((f.i[b] + 0x8000) & 0xFFFF) - 0x8000
    return pc + 1


@instruction
def i_extend32_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = ((f.i[b] + 0x80000000) & 0xFFFFFFFF) - 0x80000000
    return pc + 1


@instruction
def i_extend32_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = f.i[b] & 0xFFFFFFFF
    return pc + 1


@instruction
def i_eqz(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] == 0 else 0
    return pc + 1


@instruction
def i_eq(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] == f.i[c] else 0
    return pc + 1


@instruction
def i_ne(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] != f.i[c] else 0
    return pc + 1


@instruction
def i_lt_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] < f.i[c] else 0
    return pc + 1


@instruction
def i_lt_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] & MASK < f.i[c] & MASK else 0
    return pc + 1


@instruction
def i_gt_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] > f.i[c] else 0
    return pc + 1


@instruction
def i_gt_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] & MASK > f.i[c] & MASK else 0
    return pc + 1


@instruction
def i_le_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] <= f.i[c] else 0
    return pc + 1


@instruction
def i_le_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] & MASK <= f.i[c] & MASK else 0
    return pc + 1


@instruction
def i_ge_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] >= f.i[c] else 0
    return pc + 1


@instruction
def i_ge_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.i[b] & MASK >= f.i[c] & MASK else 0
    return pc + 1
