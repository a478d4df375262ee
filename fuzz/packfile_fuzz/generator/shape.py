"""How a function's banks are laid out, and what functions take and give.

Assumes nothing. Promises that registers with a use of their own (addresses, counters) are apart from the general ones,
so that masking an operand's byte gives a register that anything may write.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from packfile.model import Signature

ADDRESSES = 4
"""Registers for addresses of each function, a power of two."""
COUNTERS = 2
"""Registers for counted loops, which is how deep they nest."""
MOST = 8
"""Most registers of a window."""


class Layout(NamedTuple):
    """Where the registers of a function are."""

    general: int
    """Bits of an operand's byte that choose a general register, of either bank."""
    high: int
    """Bits of these that a window's first register may have set, above those of its low part."""
    address: int
    """First address register."""
    counter: int
    """First counter."""
    zero: int
    """Never written."""
    reference: int
    """Holds what `callr` calls."""
    length: int
    """Holds how many bytes are copied or filled."""
    i_registers: int
    """Size of the integer bank."""
    n_registers: int
    """Size of the float bank."""


def _layout(general: int, high: int) -> Layout:
    address = (high | 7) + 1
    counter = address + ADDRESSES
    zero = counter + COUNTERS
    return Layout(general, high, address, counter, zero, zero + 1, zero + 2, zero + 3, address)


LAYOUTS: Final = (_layout(0x07, 0), _layout(0x03, 0), _layout(0x87, 0x80))
"""Eight registers; four, so that more depends on each; sixteen in two halves far apart."""


class Shape(NamedTuple):
    """A signature with what follows from it."""

    signature: Signature
    """It."""
    word: int
    """Its word."""
    i_last: int
    """Greatest first register of a call's integer window, within eight."""
    n_last: int
    """Greatest first register of its float window."""


@cache
def _shape(i_params: int, n_params: int, i_results: int, n_results: int) -> Shape:
    signature = Signature(i_params, n_params, i_results, n_results)
    return Shape(signature, signature.word, MOST - signature.i_window, MOST - signature.n_window)


def other(shape: Shape, choice: int) -> Shape:
    """A shape of which one count is one more or one less."""
    signature = shape.signature
    counts = [signature.i_params, signature.n_params, signature.i_results, signature.n_results]
    which = choice >> 1 & 3
    more = not counts[which] or (not choice & 1 and counts[which] < MOST)
    counts[which] += 1 if more else -1
    return _shape(*counts)


INNER: Final = tuple(
    _shape(*counts)
    for counts in (
        (0, 0, 0, 0),
        (1, 0, 1, 0),
        (0, 1, 0, 1),
        (2, 0, 1, 0),
        (0, 2, 0, 1),
        (2, 1, 1, 2),
        (1, 1, 4, 4),
        (4, 4, 2, 2),
    )
)
"""Of functions that are mostly called by others."""

OUTER: Final = tuple(
    _shape(*counts)
    for counts in (
        (0, 0, 1, 1),
        (2, 2, 4, 4),
        (3, 2, 8, 8),
        (8, 8, 8, 8),
        (1, 2, 3, 1),
        (4, 0, 8, 0),
        (0, 4, 0, 8),
        (2, 2, 8, 8),
    )
)
"""Of functions that are called first: their results show most of the registers."""

HOST: Final = {
    "log_i": _shape(1, 0, 0, 0),
    "log_n": _shape(0, 1, 0, 0),
    "mix": _shape(2, 2, 2, 2),
    "trap": _shape(0, 0, 0, 0),
}
"""Functions of the host module."""
