"""Instructions on binary64 floats.

Arithmetic replaces every NaN that it produces by the canonical one (PF-EXE-003); what only moves or changes the sign
bit keeps all 64 bits (PF-EXE-004), as CPython's float objects, lists and negation do on every host that it was tried
on.
"""

import math
from typing import Final

from packfile.machine.state import NAN, Frame, instruction

_INTEGRAL: Final = float(1 << 52)
"""From here on every float is an integer."""


@instruction
def n_add(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    n = f.n
    r = n[b] + n[c]
    n[a] = r if r == r else NAN
    return pc + 1


@instruction
def n_sub(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    n = f.n
    r = n[b] - n[c]
    n[a] = r if r == r else NAN
    return pc + 1


@instruction
def n_mul(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    n = f.n
    r = n[b] * n[c]
    n[a] = r if r == r else NAN
    return pc + 1


@instruction
def n_div(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.n[b], f.n[c]
    if y != 0.0:
        r = x / y
        f.n[a] = r if r == r else NAN
    elif x == 0.0 or x != x:
        f.n[a] = NAN
    else:
        f.n[a] = math.copysign(math.inf, math.copysign(1.0, x) * math.copysign(1.0, y))
    return pc + 1


@instruction
def n_min(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.n[b], f.n[c]
    if x != x or y != y:
        f.n[a] = NAN
    elif x == y:
        f.n[a] = x if math.copysign(1.0, x) < 0 else y
    else:
        f.n[a] = min(x, y)
    return pc + 1


@instruction
def n_max(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x, y = f.n[b], f.n[c]
    if x != x or y != y:
        f.n[a] = NAN
    elif x == y:
        f.n[a] = y if math.copysign(1.0, x) < 0 else x
    else:
        f.n[a] = max(x, y)
    return pc + 1


@instruction
def n_copysign(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = math.copysign(f.n[b], f.n[c])
    return pc + 1


@instruction
def n_abs(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = math.copysign(f.n[b], 1.0)
    return pc + 1


@instruction
def n_neg(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.n[a] = -f.n[b]
    return pc + 1


@instruction
def n_ceil(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    f.n[a] = math.copysign(float(math.ceil(x)), x) if -_INTEGRAL < x < _INTEGRAL else x if x == x else NAN
    return pc + 1


@instruction
def n_floor(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    f.n[a] = math.copysign(float(math.floor(x)), x) if -_INTEGRAL < x < _INTEGRAL else x if x == x else NAN
    return pc + 1


@instruction
def n_trunc(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    f.n[a] = math.copysign(float(int(x)), x) if -_INTEGRAL < x < _INTEGRAL else x if x == x else NAN
    return pc + 1


@instruction
def n_nearest(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    f.n[a] = math.copysign(float(round(x)), x) if -_INTEGRAL < x < _INTEGRAL else x if x == x else NAN
    return pc + 1


@instruction
def n_sqrt(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    x = f.n[b]
    f.n[a] = math.sqrt(x) if x >= 0.0 else NAN
    return pc + 1


@instruction
def n_eq(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.n[b] == f.n[c] else 0
    return pc + 1


@instruction
def n_ne(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.n[b] != f.n[c] else 0
    return pc + 1


@instruction
def n_lt(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.n[b] < f.n[c] else 0
    return pc + 1


@instruction
def n_gt(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.n[b] > f.n[c] else 0
    return pc + 1


@instruction
def n_le(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.n[b] <= f.n[c] else 0
    return pc + 1


@instruction
def n_ge(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 1 if f.n[b] >= f.n[c] else 0
    return pc + 1
