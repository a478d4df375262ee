"""Primitives on floats, from exact rationals.

A finite float *is* a rational number and a sign for its zero. Each operation computes the exact result and rounds it
once (PF-EXE-005), which is how IEEE 754 defines it. Square roots are irrational: there the exact result is replaced
by one between the same two neighbours, which rounds alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final, TypeAlias

_ToInteger: TypeAlias = Callable[[Fraction], int]


@dataclass(frozen=True)
class Format:
    """A binary interchange format of IEEE 754."""

    width: int
    precision: int
    """Bits of the significand, the hidden one included."""

    @property
    def bias(self) -> int:
        """What is added to an exponent; also the greatest exponent."""
        return (1 << (self.width - self.precision - 1)) - 1

    @property
    def infinity(self) -> int:
        """The bits of +infinity."""
        return (2 * self.bias + 1) << (self.precision - 1)

    @property
    def nan(self) -> int:
        """The bits of the canonical NaN: quiet, positive, no payload."""
        return self.infinity | 1 << (self.precision - 2)

    @property
    def sign(self) -> int:
        """The bit of the sign."""
        return 1 << (self.width - 1)

    @property
    def magnitude(self) -> int:
        """The bits that are not the sign."""
        return self.sign - 1


BINARY32: Final = Format(32, 24)
BINARY64: Final = Format(64, 53)


@dataclass(frozen=True)
class Float:
    """A float as effects.md has it: 64 bits. A type of its own, so that no effect can take an integer for a float."""

    bits: int

    def __post_init__(self) -> None:
        if not 0 <= self.bits < 1 << 64:
            raise ValueError(f"{self.bits:#x} is not 64 bits")

    @property
    def negative(self) -> bool:
        """Whether the sign bit is set, also of zero and NaN."""
        return bool(self.bits & BINARY64.sign)

    @property
    def nan(self) -> bool:
        """Whether it is a NaN."""
        return self.bits & BINARY64.magnitude > BINARY64.infinity

    @property
    def infinite(self) -> bool:
        """Whether it is an infinity of either sign."""
        return self.bits & BINARY64.magnitude == BINARY64.infinity

    @property
    def zero(self) -> bool:
        """Whether it is a zero of either sign."""
        return not self.bits & BINARY64.magnitude

    @property
    def exact(self) -> Fraction:
        """The number that a finite float is."""
        return exact(self.bits, BINARY64)


CANONICAL_NAN: Final = Float(BINARY64.nan)


def exact(bits: int, form: Format) -> Fraction:
    """The number that the bits of a finite float stand for."""
    if bits & form.magnitude >= form.infinity:
        raise ValueError(f"{bits:#x} is not finite")
    fraction_bits = form.precision - 1
    exponent = (bits & form.magnitude) >> fraction_bits
    significand = bits & ((1 << fraction_bits) - 1)
    if exponent:
        significand |= 1 << fraction_bits
    scale = max(exponent, 1) - form.bias - fraction_bits
    value = significand * Fraction(2) ** scale
    return -value if bits & form.sign else value


def nearest(value: Fraction, form: Format, *, negative_zero: bool = False) -> int:
    """The bits of the float nearest to a number, ties to even; `negative_zero` is the sign of a zero that is exact."""
    sign = form.sign if value < 0 or (not value and negative_zero) else 0
    if not value:
        return sign
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** exponent > size:
        exponent -= 1
    if exponent > form.bias:
        return sign | form.infinity
    exponent = max(exponent, 1 - form.bias)
    # Python rounds a Fraction to the nearest integer, ties to even, exactly.
    significand = round(size / Fraction(2) ** (exponent - form.precision + 1))
    # The hidden bit carries into the exponent: a normal number adds 1 to it, a subnormal none, and one that was rounded
    # up to the next power of two adds 2, which from the greatest exponent is infinity.
    return sign | ((exponent + form.bias - 1) << (form.precision - 1)) + significand


def rounded(value: Fraction, *, negative_zero: bool = False) -> Float:
    """The float nearest to a number."""
    return Float(nearest(value, BINARY64, negative_zero=negative_zero))


def infinity(*, negative: bool) -> Float:
    """The infinity of that sign."""
    return Float(BINARY64.infinity | (BINARY64.sign if negative else 0))


def bits(x: Float) -> int:
    """`bits(x)`."""
    return x.bits


def from_bits(x: int) -> Float:
    """`from_bits(x)`."""
    return Float(x)


def promote(x: int) -> Float:
    """`promote(x)`."""
    if not 0 <= x < 1 << 32:
        raise ValueError(f"{x:#x} is not 32 bits")
    negative = bool(x & BINARY32.sign)
    size = x & BINARY32.magnitude
    if size > BINARY32.infinity:
        return CANONICAL_NAN
    if size == BINARY32.infinity:
        return infinity(negative=negative)
    return rounded(exact(x, BINARY32), negative_zero=negative)


def demote(x: Float) -> int:
    """`demote(x)`."""
    if x.nan:
        return BINARY32.nan
    if x.infinite:
        return BINARY32.infinity | (BINARY32.sign if x.negative else 0)
    return nearest(x.exact, BINARY32, negative_zero=x.negative)


def f_add(x: Float, y: Float) -> Float:
    """`f_add(x, y)`. A sum that is exactly zero is +0, unless both are -0 (IEEE 754-2019, 6.3)."""
    if x.nan or y.nan or (x.infinite and y.infinite and x.negative != y.negative):
        return CANONICAL_NAN
    if x.infinite or y.infinite:
        return x if x.infinite else y
    both = x.zero and y.zero and x.negative and y.negative
    return rounded(x.exact + y.exact, negative_zero=both)


def f_sub(x: Float, y: Float) -> Float:
    """`f_sub(x, y)`, the sum of x and y with its sign inverted (IEEE 754-2019, 5.4.1)."""
    return f_add(x, Float(y.bits ^ BINARY64.sign))


def f_mul(x: Float, y: Float) -> Float:
    """`f_mul(x, y)`."""
    if x.nan or y.nan or (x.infinite and y.zero) or (x.zero and y.infinite):
        return CANONICAL_NAN
    negative = x.negative != y.negative
    if x.infinite or y.infinite:
        return infinity(negative=negative)
    return rounded(x.exact * y.exact, negative_zero=negative)


def f_div(x: Float, y: Float) -> Float:
    """`f_div(x, y)`."""
    if x.nan or y.nan or (x.infinite and y.infinite) or (x.zero and y.zero):
        return CANONICAL_NAN
    negative = x.negative != y.negative
    if x.infinite or y.zero:
        return infinity(negative=negative)
    if y.infinite:
        return rounded(Fraction(0), negative_zero=negative)
    return rounded(x.exact / y.exact, negative_zero=negative)


def f_sqrt(x: Float) -> Float:
    """`f_sqrt(x)`."""
    if x.nan or (x.negative and not x.zero):
        return CANONICAL_NAN
    if x.infinite or x.zero:
        return x
    # Times 4^k it is an integer of more than 128 bits, so its integer root has more than 64, and every number at which
    # rounding changes, having 54, is an integer too. If the root is not exact, anything before the next one will do.
    k = 700
    scaled = x.exact * 4**k
    root = isqrt(scaled.numerator)
    approximation = Fraction(root) if root * root == scaled else Fraction(2 * root + 1, 2)
    return rounded(approximation / 2**k)


def f_min(x: Float, y: Float) -> Float:
    """`f_min(x, y)`."""
    if x.nan or y.nan:
        return CANONICAL_NAN
    if x.zero and y.zero:
        return x if x.negative else y
    return x if f_le(x, y) else y


def f_max(x: Float, y: Float) -> Float:
    """`f_max(x, y)`."""
    if x.nan or y.nan:
        return CANONICAL_NAN
    if x.zero and y.zero:
        return y if x.negative else x
    return y if f_le(x, y) else x


def f_ceil(x: Float) -> Float:
    """`f_ceil(x)`."""
    return _integral(x, lambda value: -(-value // 1))


def f_floor(x: Float) -> Float:
    """`f_floor(x)`."""
    return _integral(x, lambda value: value // 1)


def f_trunc(x: Float) -> Float:
    """`f_trunc(x)`."""
    return _integral(x, _without_fraction)


def f_nearest(x: Float) -> Float:
    """`f_nearest(x)`."""
    return _integral(x, round)


def f_eq(x: Float, y: Float) -> bool:
    """`f_eq(x, y)`."""
    return f_le(x, y) and f_le(y, x)


def f_lt(x: Float, y: Float) -> bool:
    """`f_lt(x, y)`."""
    return f_le(x, y) and not f_le(y, x)


def f_le(x: Float, y: Float) -> bool:
    """`f_le(x, y)`. The other comparisons follow from it."""
    if x.nan or y.nan:
        return False
    if x.infinite or y.infinite:
        return x == y or (x.infinite and x.negative) or (y.infinite and not y.negative)
    return x.exact <= y.exact


def is_nan(x: Float) -> bool:
    """`is_nan(x)`."""
    return x.nan


def fits_s(x: Float) -> bool:
    """`fits_s(x)`."""
    return not x.nan and not x.infinite and -(1 << 63) <= truncate(x) < 1 << 63


def fits_u(x: Float) -> bool:
    """`fits_u(x)`."""
    return not x.nan and not x.infinite and 0 <= truncate(x) < 1 << 64


def truncate(x: Float) -> int:
    """`truncate(x)`, of a finite float: an effect that truncates anything else does not say what comes of it."""
    return _without_fraction(x.exact)


def saturate_s(x: Float) -> int:
    """`saturate_s(x)`."""
    return _saturate(x, -(1 << 63), (1 << 63) - 1)


def saturate_u(x: Float) -> int:
    """`saturate_u(x)`."""
    return _saturate(x, 0, (1 << 64) - 1)


def nearest_float(x: int) -> Float:
    """`nearest_float(x)`."""
    return rounded(Fraction(x))


def _without_fraction(value: Fraction) -> int:
    return -(-value // 1) if value < 0 else value // 1


def _integral(x: Float, to_integer: _ToInteger) -> Float:
    if x.nan:
        return CANONICAL_NAN
    return x if x.infinite else rounded(Fraction(to_integer(x.exact)), negative_zero=x.negative)


def _saturate(x: Float, least: int, greatest: int) -> int:
    if x.nan:
        return 0
    if x.infinite:
        return least if x.negative else greatest
    return max(least, min(greatest, truncate(x)))
