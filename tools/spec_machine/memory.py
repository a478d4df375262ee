"""Primitives on memory, and the traps that a program can meet (PF-EXE-006 to PF-EXE-009, PF-EXE-025)."""

from __future__ import annotations

from dataclasses import dataclass, field

SEGMENT_NUMBERS = {"rodata": 1, "data": 2, "bss": 3}
"""What PF-EXE-006 adds to three times the module's position."""


class Trap(Exception):
    """The instruction trapped; `code` as spec/instructions.ksy names it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Memory:
    """The segments of a set that is one module, at position 0."""

    segments: dict[str, bytearray] = field(default_factory=dict)
    """The bytes of `rodata`, `data` and `bss`; one that is absent or empty does not exist."""

    def base(self, segment: str) -> int:
        """`base(segment)`."""
        return SEGMENT_NUMBERS[segment] << 32

    def address(self, x: int, d: int) -> int:
        """`address(x, d)`."""
        return (x + d) % (1 << 64)

    def load(self, address: int, bits: int) -> int:
        """`load(address, bits)`."""
        size = bits // 8
        segment, offset = self._check(address, size, alignment=size)
        return int.from_bytes(segment[offset : offset + size], "little")

    def store(self, address: int, bits: int, x: int) -> None:
        """`store(address, bits, x)`."""
        size = bits // 8
        segment, offset = self._check(address, size, alignment=size, writes=True)
        segment[offset : offset + size] = (x % (1 << bits)).to_bytes(size, "little")

    def copy(self, to: int, from_: int, length: int) -> None:
        """`copy(to, from_, length)`: the range that is written is checked first (PF-EXE-009)."""
        target, at = self._check(to, length, writes=True)
        source, start = self._check(from_, length)
        target[at : at + length] = bytes(source[start : start + length])

    def fill(self, to: int, byte: int, length: int) -> None:
        """`fill(to, byte, length)`."""
        target, at = self._check(to, length, writes=True)
        target[at : at + length] = bytes([byte]) * length

    def _check(self, address: int, size: int, *, alignment: int = 1, writes: bool = False) -> tuple[bytearray, int]:
        """The four checks of PF-EXE-007, in its order. Addresses are unsigned, as PF-EXE-025 reads registers."""
        address %= 1 << 64
        if address % alignment:
            raise Trap("misaligned")
        number, offset = divmod(address, 1 << 32)
        name = next((name for name, k in SEGMENT_NUMBERS.items() if k == number), None)
        if name is None or not self.segments.get(name):
            raise Trap("no-segment")
        if writes and name == "rodata":
            raise Trap("read-only")
        if offset + size > len(self.segments[name]):
            raise Trap("out-of-bounds")
        return self.segments[name], offset
