"""Conversions between integers, binary64 and binary32."""

import struct
from typing import Final

from packfile.instructions import TrapCode
from packfile.machine.state import GREATEST, LEAST, MASK, NAN, Frame, instruction, trap, wrap

_BITS: Final = struct.Struct("<q")
_FLOAT: Final = struct.Struct("<d")
_BITS32: Final = struct.Struct("<I")
_FLOAT32: Final = struct.Struct("<f")
_NAN32: Final = 0x7FC00000
_INFINITY32: Final = 0x7F800000
_SIGN32: Final = 0x80000000
_TWO_63: Final = float(1 << 63)
_TWO_64: Final = float(1 << 64)


def promote(bits: int) -> float:
    """The float equal to the binary32 with those bits; the canonical NaN for every NaN."""
    x: float = _FLOAT32.unpack(_BITS32.pack(bits))[0]
    return x if x == x else NAN


def demote(x: float) -> int:
    """Bits of the binary32 nearest to x, ties to even; 0x7fc00000 for every NaN."""
    if x != x:
        return _NAN32
    try:
        return int(_BITS32.unpack(_FLOAT32.pack(x))[0])
    except OverflowError:
        # struct refuses what rounds to an infinity.
        return _INFINITY32 if x > 0 else _INFINITY32 | _SIGN32


@instruction
def i_trunc_n_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    if x != x:
        raise trap(TrapCode.INVALID_CONVERSION, "NaN is no integer")
    if not -_TWO_63 <= x < _TWO_63:
        raise trap(TrapCode.INTEGER_OVERFLOW, f"{x} does not fit a signed 64-bit integer")
    f.i[a] = int(x)
    return pc + 1


@instruction
def i_trunc_n_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    if x != x:
        raise trap(TrapCode.INVALID_CONVERSION, "NaN is no integer")
    if not -1.0 < x < _TWO_64:
        raise trap(TrapCode.INTEGER_OVERFLOW, f"{x} does not fit an unsigned 64-bit integer")
    f.i[a] = wrap(int(x))
    return pc + 1


@instruction
def i_trunc_sat_n_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    if -_TWO_63 <= x < _TWO_63:
        f.i[a] = int(x)
    else:
        f.i[a] = 0 if x != x else GREATEST if x > 0 else LEAST
    return pc + 1


@instruction
def i_trunc_sat_n_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    if -1.0 < x < _TWO_64:
        f.i[a] = wrap(int(x))
    else:
        f.i[a] = -1 if x >= _TWO_64 else 0
    return pc + 1


@instruction
def n_convert_i_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = float(f.i[b])
    return pc + 1


@instruction
def n_convert_i_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = float(f.i[b] & MASK)
    return pc + 1


@instruction
def i_reinterpret_n(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = _BITS.unpack(_FLOAT.pack(f.n[b]))[0]
    return pc + 1


@instruction
def n_reinterpret_i(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = _FLOAT.unpack(_BITS.pack(f.i[b]))[0]
    return pc + 1


@instruction
def n_promote_i(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = promote(f.i[b] & 0xFFFFFFFF)
    return pc + 1


@instruction
def i_demote_n(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = demote(f.n[b])
    return pc + 1
