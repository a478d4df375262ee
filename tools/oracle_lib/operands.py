"""Operands that find mistakes: values at which something changes, and pairs of them.

Floats are given by their 64 bits throughout, since a float of the host may lose a signalling NaN.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Final

MIN: Final = -(1 << 63)
MAX: Final = (1 << 63) - 1
MASK: Final = (1 << 64) - 1


def signed(bits: int) -> int:
    """64 bits as a signed integer."""
    return bits - (1 << 64) if bits >> 63 else bits


def f64(value: float) -> int:
    """The bits of a float that is not a NaN."""
    return int.from_bytes(struct.pack("<d", value), "little")


def f32(value: float) -> int:
    """The bits of a binary32 that holds the value exactly."""
    return int.from_bytes(struct.pack("<f", value), "little")


def unique(values: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The rows without repetition, in order."""
    return list(dict.fromkeys(values))


def singles(values: Iterable[int]) -> list[tuple[int, ...]]:
    """Rows of one operand."""
    return unique((value,) for value in values)


def crossed(first: Iterable[int], second: Iterable[int] | None = None) -> list[tuple[int, ...]]:
    """Each of one list with each of the other, or with each of itself."""
    left = list(first)
    right = left if second is None else list(second)
    return unique((x, y) for x in left for y in right)


def both_ways(first: Iterable[int], second: Sequence[int]) -> list[tuple[int, ...]]:
    """Each of one list with each of the other, in both orders."""
    return unique(pair for x in first for y in second for pair in ((x, y), (y, x)))


def drawn(seed: str, count: int, arity: int, draw: Callable[[random.Random], int]) -> list[tuple[int, ...]]:
    """Rows of a generator that the seed fixes, for what nobody thought of."""
    source = random.Random(seed)  # noqa: S311 - must be the same every time
    return unique(tuple(draw(source) for _ in range(arity)) for _ in range(count))


def draw_integer(source: random.Random) -> int:
    """An integer of any length up to 64 bits, of either sign."""
    size = source.randrange(1, 65)
    return signed(source.getrandbits(size) if source.randrange(2) else ~source.getrandbits(size) & MASK)


def draw_float(source: random.Random) -> int:
    """The bits of a float of moderate size, so that pairs of them interact."""
    return source.randrange(2) << 63 | source.randrange(1023 - 60, 1023 + 60) << 52 | source.getrandbits(52)


PATTERNS: Final = [
    0x5555555555555555,
    signed(0xAAAAAAAAAAAAAAAA),
    0x0123456789ABCDEF,
    signed(0xFEDCBA9876543210),
    signed(0x8000000080000000),
    signed(0xFFFFFFFF00000000),
]
"""Bit patterns in which a lost, moved or swapped bit shows."""

CORE_INTEGERS: Final = [0, 1, -1, 2, MAX, MIN, MIN + 1, PATTERNS[2]]
"""The few that are worth crossing with each other."""

POWERS: Final = [
    value
    for exponent in (7, 8, 15, 16, 31, 32, 62)
    for value in ((1 << exponent) - 1, 1 << exponent, (1 << exponent) + 1, -(1 << exponent), -(1 << exponent) - 1)
]
"""Around the sizes at which narrower types end."""

INTEGERS: Final = [
    *(0, 1, -1, 2, -2, 3, -3, 10, -10, 63, 64, 65, -63, -64, -65, MAX, MAX - 1, MIN, MIN + 1),
    *POWERS,
    *(1 << 53, (1 << 53) + 1, -(1 << 53) - 1),
    *PATTERNS,
]
"""Every integer edge."""

SHIFT_COUNTS: Final = [
    *(0, 1, 7, 31, 32, 33, 62, 63, 64, 65, 127, 128, -1, -2, -63, -64, -65),
    *(1 << 32, (1 << 32) + 1, MIN, MIN + 1, MAX),
]
"""Counts on both sides of every modulus that someone might take instead of 64."""

SIGN: Final = 1 << 63
ZERO, NEGATIVE_ZERO = 0, SIGN
INFINITY: Final = 0x7FF0000000000000
LEAST_SUBNORMAL: Final = 1
GREATEST_SUBNORMAL: Final = 0x000FFFFFFFFFFFFF
LEAST_NORMAL: Final = 0x0010000000000000
GREATEST: Final = 0x7FEFFFFFFFFFFFFF
CANONICAL_NAN: Final = 0x7FF8000000000000
NANS: Final = [
    CANONICAL_NAN,
    CANONICAL_NAN | SIGN,
    0x7FF0000000000001,
    0xFFF0000000000001,
    0x7FF4000000000000,
    0x7FF8DEADBEEF1234,
    0xFFF7FFFFFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
]
"""Quiet and signalling, with payloads, of both signs."""


def both_signs(magnitudes: Iterable[int]) -> list[int]:
    """Each magnitude, and the same with the sign bit."""
    return [bits for magnitude in magnitudes for bits in (magnitude, magnitude | SIGN)]


def around(value: float) -> list[int]:
    """The bits of a positive float and of its two neighbours."""
    return [f64(value) - 1, f64(value), f64(value) + 1]


CORE_FLOATS: Final = both_signs(
    [ZERO, f64(1.0), INFINITY, GREATEST, LEAST_SUBNORMAL, f64(2.5), LEAST_NORMAL],
)
"""The few that are worth crossing with each other."""

FRACTIONS: Final = both_signs(
    [
        *(ZERO, LEAST_SUBNORMAL, GREATEST_SUBNORMAL, LEAST_NORMAL, f64(1e-300)),
        *(f64(0.25), *around(0.5), *around(1.0), *around(1.5), *around(2.0), *around(2.5), *around(3.5), f64(4.5)),
        *(f64(2.0**51 + 0.5), f64(2.0**51 + 1.5), f64(2.0**52 - 0.5), f64(2.0**52 - 1.5), *around(2.0**52)),
        *(f64(2.0**52 + 1), *around(2.0**53), f64(2.0**62), *around(2.0**63), *around(2.0**64), GREATEST, INFINITY),
    ],
)
"""Floats at which rounding to an integer, or the integer itself, changes."""

NUMBERS: Final = both_signs(
    [
        *(ZERO, LEAST_SUBNORMAL, 2, 3, GREATEST_SUBNORMAL, LEAST_NORMAL, LEAST_NORMAL + 1, f64(1e-160)),
        *(f64(0.1), f64(0.5), *around(1.0), f64(1.5), f64(2.0), f64(3.0), f64(10.0), f64(2.0**53), f64(1e160)),
        *(GREATEST - 1, GREATEST, INFINITY),
    ],
)
"""Numbers of every size."""

ROUNDING: Final = [
    # Ties, and the two sides of them: 1 + 2^-53 is half way between two floats.
    (f64(1.0), f64(2.0**-53)),
    (f64(1.0), f64(2.0**-53) + 1),
    (f64(1.0), f64(2.0**-54)),
    (f64(1.0) + 1, f64(2.0**-53)),
    (f64(1.0), f64(-(2.0**-54))),
    (f64(1.0), f64(-(2.0**-54)) + 1),
    (f64(2.0**53), f64(1.0)),
    (f64(2.0**53), f64(3.0)),
    (f64(2.0**53) + 1, f64(1.0)),
    # Overflow begins half a unit past the greatest float, which for a sum is 2^970.
    (GREATEST, f64(2.0**970)),
    (GREATEST, f64(2.0**970) - 1),
    (GREATEST, f64(2.0**969)),
    (GREATEST, f64(1.0) + 1),
    (GREATEST, f64(0.5)),
    (GREATEST, GREATEST | SIGN),
    (f64(2.0**512), f64(2.0**512)),
    (f64(2.0**512), f64(2.0**511) + 1),
    # Products and quotients that fall among the subnormals, ties included.
    (LEAST_NORMAL, f64(0.5)),
    (LEAST_NORMAL + 1, f64(0.5)),
    (LEAST_SUBNORMAL, f64(0.5)),
    (LEAST_SUBNORMAL, f64(0.5) + 1),
    (LEAST_SUBNORMAL, f64(1.5)),
    (3, f64(0.5)),
    (5, f64(0.5)),
    (3, f64(2.0)),
    (LEAST_SUBNORMAL, f64(2.0)),
    (LEAST_SUBNORMAL, f64(4.0)),
    (LEAST_NORMAL, f64(2.0) - 1),
    (LEAST_NORMAL, GREATEST_SUBNORMAL),
    (LEAST_NORMAL | SIGN, GREATEST_SUBNORMAL),
    (f64(2.0**-537), f64(2.0**-538)),
    (f64(2.0**-537) + 1, f64(2.0**-538)),
    (f64(2.0**-538), f64(2.0**537)),
    (f64(2.0**-538) + 1, f64(2.0**537)),
    # Everyday numbers that are no binary fractions.
    (f64(0.1), f64(0.2)),
    (f64(0.3), f64(0.1)),
    (f64(1.0), f64(3.0)),
    (f64(2.0), f64(3.0)),
    (f64(10.0), f64(0.1)),
    (f64(1e308), f64(10.0)),
    (f64(-5.0), f64(3.0)),
]
"""Pairs whose result has to be rounded, or nearly."""

SINGLE_BITS: Final = [
    sign | magnitude
    for magnitude in (
        *(0, 1, 2, 0x007FFFFF, 0x00800000, 0x00800001, f32(0.1), f32(0.5), f32(1.0) - 1, f32(1.0), f32(1.0) + 1),
        *(f32(1.5), f32(2.0), f32(16777216.0), f32(3.0e38), 0x7F7FFFFE, 0x7F7FFFFF, 0x7F800000),
        *(0x7FC00000, 0x7F800001, 0x7FA00000, 0x7FBFFFFF, 0x7FC12345, 0x7FFFFFFF, 0x55555555, 0x2AAAAAAA),
    )
    for sign in (0, 1 << 31)
]
"""Bits of binary32 numbers: edges, then NaNs."""

DEMOTIONS: Final = both_signs(
    [
        *(ZERO, LEAST_SUBNORMAL, LEAST_NORMAL, f64(1e-300), f64(0.1), f64(1 / 3), f64(1.0), f64(1e300)),
        *(GREATEST, INFINITY),
        # Ties between binary32 numbers and the two sides of them.
        *around(1 + 2.0**-24),
        *around(1 + 3 * 2.0**-24),
        *around(1 - 2.0**-25),
        *around(16777217.0),
        *around(16777219.0),
        # The greatest binary32 is 2^128 - 2^104; from half a unit above it the result is infinity.
        *around(2.0**128 - 2.0**104),
        *around(2.0**128 - 2.0**103),
        *around(2.0**128),
        # The least normal number, and ties among the subnormals.
        *around(2.0**-126),
        *around(2.0**-126 - 2.0**-150),
        *around(2.0**-127),
        *around(2.0**-149),
        *around(2.0**-150),
        *around(3 * 2.0**-150),
        *around(5 * 2.0**-150),
        *around(2.0**-151),
    ],
)
"""Floats at which conversion to binary32 changes."""
