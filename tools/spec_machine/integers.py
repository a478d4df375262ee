"""Primitives on integers."""

from __future__ import annotations

from typing import Any

MODULUS = 1 << 64


def wrap(x: int) -> int:
    """`wrap(x)`."""
    residue = x % MODULUS
    return residue - MODULUS if residue >= MODULUS // 2 else residue


def u(x: int) -> int:
    """`u(x)`."""
    return x % MODULUS


def truth(condition: bool) -> int:
    """`truth(condition)`."""
    return 1 if condition else 0


def select(condition: bool, x: Any, y: Any) -> Any:  # noqa: ANN401 - integers or floats, both the same
    """`select(condition, x, y)`."""
    return x if condition else y


def min_u(x: int, y: int) -> int:
    """`min_u(x, y)`."""
    if x < 0 or y < 0:
        raise ValueError("min_u of a negative integer")
    return min(x, y)


def sign_extend(x: int, bits: int) -> int:
    """`sign_extend(x, bits)`."""
    low = x % (1 << bits)
    return low - (1 << bits) if low >> (bits - 1) else low


def zero_extend(x: int, bits: int) -> int:
    """`zero_extend(x, bits)`."""
    return x % (1 << bits)


def quotient(x: int, y: int) -> int:
    """`quotient(x, y)`. Python's // rounds down, so the sign is put back after."""
    size = abs(x) // abs(y)
    return size if (x < 0) == (y < 0) else -size


def remainder(x: int, y: int) -> int:
    """`remainder(x, y)`."""
    return x - y * quotient(x, y)


def clz(x: int) -> int:
    """`clz(x)`."""
    return len(_digits(x)) - len(_digits(x).lstrip("0"))


def ctz(x: int) -> int:
    """`ctz(x)`."""
    return len(_digits(x)) - len(_digits(x).rstrip("0"))


def popcnt(x: int) -> int:
    """`popcnt(x)`."""
    return _digits(x).count("1")


def _digits(x: int) -> str:
    if not 0 <= x < MODULUS:
        raise ValueError(f"{x} is not an unsigned 64-bit integer")
    return f"{x:064b}"
