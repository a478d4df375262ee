"""What translated code calls: primitives of the effect language that are no expression of Python, and views of memory.

Assumes that arguments are what spec/effects.md says of each. Promises the values that it says; a NaN that arithmetic
produces is the canonical one (PF-EXE-003).
"""

import math
import struct
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from packfile.digests import Guard
from packfile.link import Linkage
from packfile.machine.conversions import demote, promote
from packfile.machine.state import GREATEST, LEAST, MASK, NAN, wrap

_BITS: Final = struct.Struct("<Q")
_FLOAT: Final = struct.Struct("<d")
_INTEGRAL: Final = float(1 << 52)
"""From here on every float is an integer."""
_TWO_63: Final = float(1 << 63)
_TWO_64: Final = float(1 << 64)


class Leave(Exception):
    """Raised by translated code at an instruction that the first tier is to execute, and go on from there.

    Each translated function that it passes through adds what its frame is, the innermost first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[tuple[Any, int, tuple[int, ...], tuple[float, ...]]] = []
        """Entry, word, and both banks of each frame."""
        self.fuel = 0
        """What is left of the fuel that was drawn."""


def leave(*_: object) -> Any:  # noqa: ANN401 - stands for any translated function
    """What a call goes to whose callee has no translation."""
    raise Leave


def quotient(x: int, y: int) -> int:
    """`quotient(x, y)`."""
    q = abs(x) // abs(y)
    return q if (x < 0) == (y < 0) else -q


def remainder(x: int, y: int) -> int:
    """`remainder(x, y)`."""
    r = abs(x) % abs(y)
    return -r if x < 0 else r


def ctz(x: int) -> int:
    """`ctz(x)`."""
    return (x & -x).bit_length() - 1 if x else 64


def bits(x: float) -> int:
    """`bits(x)`."""
    return int(_BITS.unpack(_FLOAT.pack(x))[0])


def from_bits(x: int) -> float:
    """`from_bits(x)`."""
    return float(_FLOAT.unpack(_BITS.pack(x))[0])


def f_div(x: float, y: float) -> float:
    """`f_div(x, y)`."""
    if y != 0.0:
        r = x / y
        return r if r == r else NAN
    if x == 0.0 or x != x:
        return NAN
    return math.copysign(math.inf, math.copysign(1.0, x) * math.copysign(1.0, y))


def f_min(x: float, y: float) -> float:
    """`f_min(x, y)`."""
    if x != x or y != y:
        return NAN
    return (x if math.copysign(1.0, x) < 0 else y) if x == y else min(x, y)


def f_max(x: float, y: float) -> float:
    """`f_max(x, y)`."""
    if x != x or y != y:
        return NAN
    return (y if math.copysign(1.0, x) < 0 else x) if x == y else max(x, y)


def _integral(x: float, integer_of: Callable[[float], int]) -> float:
    return math.copysign(float(integer_of(x)), x) if -_INTEGRAL < x < _INTEGRAL else x if x == x else NAN


def f_ceil(x: float) -> float:
    """`f_ceil(x)`."""
    return _integral(x, math.ceil)


def f_floor(x: float) -> float:
    """`f_floor(x)`."""
    return _integral(x, math.floor)


def f_trunc(x: float) -> float:
    """`f_trunc(x)`."""
    return _integral(x, int)


def f_nearest(x: float) -> float:
    """`f_nearest(x)`."""
    return _integral(x, round)


def f_sqrt(x: float) -> float:
    """`f_sqrt(x)`."""
    return math.sqrt(x) if x >= 0.0 else NAN


def saturate_s(x: float) -> int:
    """`saturate_s(x)`."""
    if -_TWO_63 <= x < _TWO_63:
        return int(x)
    return 0 if x != x else GREATEST if x > 0 else LEAST


def saturate_u(x: float) -> int:
    """`saturate_u(x)`."""
    if -1.0 < x < _TWO_64:
        return int(x)
    return MASK if x >= _TWO_64 else 0


NAMES: Mapping[str, object] = {
    "Leave": Leave,
    "NAN": NAN,
    "copysign": math.copysign,
    "sqrt": math.sqrt,
    **{
        function.__name__: function
        for function in (
            *(wrap, quotient, remainder, ctz, bits, from_bits, promote, demote, f_div, f_min, f_max, f_ceil, f_floor),
            *(f_trunc, f_nearest, f_sqrt, saturate_s, saturate_u),
        )
    },
}
"""What every translated function may name."""

SIZES: Final = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "f": 4, "d": 8}
"""Bytes of an element, by its format."""


class Elements:
    """A segment as a sequence of little-endian elements, for hosts on which a view's would not be."""

    def __init__(self, segment: memoryview, code: str) -> None:
        self._segment = segment
        self._format = struct.Struct(f"<{code}")

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401 - an integer or a float, by the format
        """Element at an index from 0."""
        return self._format.unpack_from(self._segment, index * self._format.size)[0]

    def __setitem__(self, index: int, value: float) -> None:
        """Set the element at an index from 0."""
        self._format.pack_into(self._segment, index * self._format.size, value)

    def release(self) -> None:
        """Let go of the segment."""
        self._segment = memoryview(b"")


class Guarded:
    """A segment whose blocks are checked before each access (PF-INT-011), as a sequence of elements."""

    def __init__(self, elements: memoryview | Elements, guard: Guard, size: int) -> None:
        self._elements = elements
        self._guard = guard
        self._size = size
        self._count = len(guard.segment) // size

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401 - an integer or a float, by the format
        """Element at an index from 0.

        Raises:
            IndexError: There is none.
            Corrupt: Its block is.
        """
        self._check(index)
        return self._elements[index]

    def __setitem__(self, index: int, value: float) -> None:
        """Set the element at an index from 0.

        Raises:
            TypeError: The segment is read-only.
            IndexError: There is none.
            Corrupt: Its block is.
        """
        if self._guard.segment.readonly:
            raise TypeError("read-only")
        self._check(index)
        self._elements[index] = value  # type: ignore[call-overload]

    def _check(self, index: int) -> None:
        if not 0 <= index < self._count:
            raise IndexError(index)
        self._guard.check(index * self._size, self._size)

    def release(self) -> None:
        """Let go of the segment."""
        self._elements.release()


class Segment(NamedTuple):
    """A segment, as translated code accesses it."""

    base: int
    """Its first address."""
    elements: memoryview | Elements | Guarded
    """It as elements of one format, without what is left over at its end."""
    length: int
    """Bytes that these take."""

    @classmethod
    def of(cls, number: int, content: memoryview, code: str) -> Self:
        """The segment of a number."""
        whole = content[: len(content) // SIZES[code] * SIZES[code]]
        if sys.byteorder == "little" or SIZES[code] == 1:
            return cls(number << 32, whole.cast(code), len(whole))  # type: ignore[call-overload]
        return cls(number << 32, Elements(whole, code), len(whole))


class Segments(dict[int, Segment]):
    """Segments as elements of one format, by number, each made when it is first accessed.

    One whose blocks were not all checked yet is not kept, so that it is looked for again once they were.
    """

    def __init__(self, linkage: Linkage, code: str) -> None:
        super().__init__()
        self._linkage, self._code = linkage, code
        self._guarded: dict[int, Segment] = {}

    def __missing__(self, number: int) -> Segment:
        """The segment of a number. Raises KeyError if there is none."""
        guard = self._linkage.guarded.get(number)
        if guard is None:
            segment = self[number] = Segment.of(number, self._linkage.segments[number], self._code)
        elif number in self._guarded:
            segment = self._guarded[number]
        else:
            base, elements, length = Segment.of(number, guard.segment, self._code)
            assert not isinstance(elements, Guarded)
            segment = self._guarded[number] = Segment(base, Guarded(elements, guard, SIZES[self._code]), length)
        return segment

    def release(self) -> None:
        """Let go of the segments."""
        for segment in (*self.values(), *self._guarded.values()):
            segment.elements.release()
        self.clear()
        self._guarded.clear()


FAULTS: Final = (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, OverflowError, struct.error)
"""What Python raises where an access or a division has no meaning; the first tier finds out why."""


def is_own(traceback: TracebackType) -> bool:
    """Whether a fault was raised by translated code, and not by a handler of a signal that came while it ran."""
    raised = traceback.tb_next
    return raised is None or raised.tb_frame.f_globals is globals()
