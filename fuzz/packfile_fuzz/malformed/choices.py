"""Choices: bytes as a source of decisions.

Assumes nothing of the bytes. Promises an answer to every question: when they are used up, it is the first alternative,
so that shorter data means fewer and simpler decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Takes decisions from bytes, front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int) -> int:
        """An unsigned integer of that many bytes."""
        found = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(found, "little")

    def below(self, count: int) -> int:
        """A number from 0 to count - 1; count is at least 1."""
        size = (count - 1).bit_length() + 7 >> 3
        return self.number(size) % count

    def pick(self, alternatives: Sequence[T]) -> T:
        """One of some alternatives, of which there is at least one."""
        return alternatives[self.below(len(alternatives))]
