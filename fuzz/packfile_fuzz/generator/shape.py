"""How a function's banks are laid out, and what functions take and give.

Assumes nothing. Promises that registers with a use of their own (addresses, counters) are apart from the general ones,
so that masking an operand's byte gives a register that anything may write.
"""

from __future__ import annotations

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
    special: int
    """First integer register of those with a use of their own."""

    @property
    def address(self) -> int:
        """First address register."""
        return self.special

    @property
    def counter(self) -> int:
        """First counter."""
        return self.special + ADDRESSES

    @property
    def zero(self) -> int:
        """Never written."""
        return self.counter + COUNTERS

    @property
    def reference(self) -> int:
        """Holds what `callr` calls."""
        return self.zero + 1

    @property
    def length(self) -> int:
        """Holds how many bytes are copied or filled."""
        return self.reference + 1

    @property
    def registers(self) -> tuple[int, int]:
        """Sizes of both banks."""
        return self.length + 1, self.special


LAYOUTS: Final = (Layout(0x07, 0, 8), Layout(0x07, 0, 8), Layout(0x03, 0, 8), Layout(0x87, 0x80, 136))
"""Eight registers, twice; four, so that more depends on each; sixteen in two halves far apart."""


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


def _shape(i_params: int, n_params: int, i_results: int, n_results: int) -> Shape:
    signature = Signature(i_params, n_params, i_results, n_results)
    return Shape(signature, signature.word, MOST - signature.i_window, MOST - signature.n_window)


SHAPES: Final = tuple(
    _shape(*counts)
    for counts in (
        *((0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1), (2, 0, 1, 0), (0, 2, 0, 1), (2, 1, 1, 2), (1, 1, 4, 4), (4, 4, 2, 2)),
        *((2, 2, 4, 4), (0, 0, 8, 8), (8, 8, 8, 8), (3, 2, 8, 8), (0, 0, 3, 1), (4, 0, 8, 0), (0, 4, 0, 8), (2, 2, 2, 2)),
    )
)
"""Of functions inside; the last half are those of functions that are called first, whose results show more."""

HOST: Final = {
    "log_i": _shape(1, 0, 0, 0),
    "log_n": _shape(0, 1, 0, 0),
    "mix": _shape(2, 2, 2, 2),
    "trap": _shape(0, 0, 0, 0),
}
"""Functions of the host module."""
