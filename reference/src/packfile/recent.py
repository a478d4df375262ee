"""Recent: bounded memory for what can be made again.

Assumes nothing. Promises that what a process keeps of the functions that it called does not grow with their number,
so that a file of any size may be run in little memory: of what is forgotten here, the file has the original.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

GENERATION: Final = 128
"""Values that are kept for sure; up to twice as many are."""
_BITS: Final = 9
"""Base-2 logarithm of the members that `Members` keeps in one integer."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values that were set or asked for last, by index."""

    __slots__ = ("_new", "_old")

    def __init__(self) -> None:
        self._new: dict[int, Value] = {}
        self._old: dict[int, Value] = {}

    def get(self, index: int) -> Value | None:
        """The value of an index; None if it was never set, or is forgotten."""
        value = self._new.get(index)
        if value is None:
            value = self._old.get(index)
            if value is not None:
                self[index] = value
        return value

    def __setitem__(self, index: int, value: Value) -> None:
        """Keep a value, which may make it forget others."""
        if len(self._new) >= GENERATION:
            self._old, self._new = self._new, {}
        self._new[index] = value

    def clear(self) -> None:
        """Forget everything."""
        self._new.clear()
        self._old.clear()


class Members:
    """A set of indexes that takes a bit or so for each, wherever they lie."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: dict[int, int] = {}

    def add(self, index: int) -> None:
        """Make an index a member."""
        part = index >> _BITS
        self._parts[part] = self._parts.get(part, 0) | 1 << (index & (1 << _BITS) - 1)

    def __contains__(self, index: int) -> bool:
        return bool(self._parts.get(index >> _BITS, 0) >> (index & (1 << _BITS) - 1) & 1)
