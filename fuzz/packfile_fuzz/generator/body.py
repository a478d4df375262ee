"""A function that is being written: its words so far, and what they need of their module.

Assumes a layout and what the function may call. Promises that constants and slots which words name exist, that windows
fit their banks, that every branch lands on an instruction, and that loops count down in registers that nothing else
writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from packfile.instructions import Opcode
from packfile.layout import Binding
from packfile.model import Import
from packfile_fuzz.generator.shape import ADDRESSES, COUNTERS, Layout, Shape
from packfile_fuzz.generator.values import OFFSETS

_BASE_OPS: Final = (Opcode.LRODATA, Opcode.LDATA, Opcode.LBSS)


_FAR_BITS: Final = (1 << 31, 1 << 45, 1 << 63, 1 << 42)
"""Of an offset past any segment, and of what no address of a set has."""
_NEVER: Final = 1 << 30
"""No item has this number."""


class Branch(NamedTuple):
    """A branch without its distance."""

    word: int
    """Its word."""
    shift: int
    """Of the distance in it."""
    bits: int
    """Of the distance."""


class Target(NamedTuple):
    """A function that an import may name."""

    module: str
    """Name of its module."""
    name: str
    """Name of its export."""
    shape: Shape
    """What it takes and gives."""


class Pool:
    """What the words of a module name by index, in the order in which they first did."""

    __slots__ = ("bindings", "constants", "data", "host", "imports", "slots")

    def __init__(self, data: tuple[Import, ...], host: tuple[str, ...], bindings: tuple[Binding, ...]) -> None:
        self.constants: dict[int, int] = {}
        """Index by value."""
        self.imports: list[Import] = []
        """The imports."""
        self.slots: dict[Import, int] = {}
        """Index of an import that is equal."""
        self.data = data
        """Imports of data to choose from."""
        self.host = host
        """Names of host functions to choose from."""
        self.bindings = bindings
        """Bindings of functions to choose from, three of them."""

    def constant(self, bits: int) -> int:
        """Index of a constant."""
        return self.constants.setdefault(bits, len(self.constants))

    def slot(self, row: Import, *, fresh: bool) -> int:
        """Slot of an import: its own if `fresh`, else one that equal rows share."""
        index = None if fresh else self.slots.get(row)
        if index is None:
            index = len(self.imports)
            self.imports.append(row)
            self.slots.setdefault(row, index)
        return index


class Segments(NamedTuple):
    """Instructions that load an address of a segment of this module, each with its offsets."""

    readable: tuple[tuple[int, tuple[int, ...], int], ...]
    """Those of all segments that exist, or of all three if none does; and the lengths of the segments."""
    writable: tuple[tuple[int, tuple[int, ...], int], ...]
    """Those of data and bss alike."""


@cache
def segments(sizes: tuple[int, int, int]) -> Segments:
    """The segments of a module, by the lengths of rodata, data and bss."""
    every = tuple((int(op), OFFSETS[size], size) for op, size in zip(_BASE_OPS, sizes, strict=True))
    readable = tuple(each for each in every if each[2])
    writable = tuple(each for each in every[1:] if each[2])
    return Segments(readable or every, writable or readable or every)


class Body:
    """A function that is being written."""

    __slots__ = (
        "accessed", "callees", "close", "code", "fixups", "free", "index", "layout", "loops", "pool", "ready",
        "segments", "shape", "starts", "targets",
    )  # fmt: skip

    def __init__(
        self,
        shape: Shape,
        layout: Layout,
        pool: Pool,
        places: Segments,
        callees: Sequence[tuple[int, Shape]],
        targets: Sequence[Target],
        *,
        free: bool,
    ) -> None:
        self.shape = shape
        self.layout = layout
        self.pool = pool
        self.segments = places
        self.callees = callees
        """Functions of this module that it may call."""
        self.targets = targets
        """Functions of all modules that it may import."""
        self.free = free
        """Whether branches may go back anywhere."""
        self.code: list[int] = []
        self.starts: list[int] = []
        """Where what each item of the stream became begins."""
        self.fixups: list[tuple[int, int, int, int, int]] = []
        """Branches without their distance: where, shift and bits of the field, item, and choice of the target."""
        self.loops: list[tuple[int, int, Branch]] = []
        """Open loops: the item that each ends before, the first word that it repeats, the branch that goes back."""
        self.close = _NEVER
        """Item that ends the innermost loop."""
        self.ready = 0
        """Address registers, as bits, that were given an address further up."""
        self.accessed = [0] * ADDRESSES
        """The last access through each address register, or 0 for none."""
        self.index = 0
        """Item of the stream that is being written."""

    def window(self, raw: int, shape: Shape) -> int:
        """Fields a and b for a call of a shape."""
        high = self.layout.high
        i, n = raw >> 8, raw >> 16
        return (min(i & 7, shape.i_last) | i & high) << 8 | (min(n & 7, shape.n_last) | n & high) << 16

    def load(self, op: int, register: int, bits: int) -> None:
        """Load a constant."""
        self.code += (op | register << 8, self.pool.constant(bits))

    def small(self, register: int, value: int) -> None:
        """Load a signed 16-bit immediate."""
        self.code.append(Opcode.I_IMM | register << 8 | (value & 0xFFFF) << 16)

    def place(self, number: int, choice: int, *, writes: bool) -> None:
        """Have an address register hold an address, of a writable segment unless nothing `writes`."""
        places = self.segments.writable if writes else self.segments.readable
        op, offsets, _ = places[(choice >> 8 & 0xFF) % len(places)]
        self.code += (op | self.layout.address + number << 8, offsets[choice & 0xFF])
        self.ready |= 1 << number

    def place_at_end(self, number: int, choice: int, room: int, *, writes: bool) -> None:
        """Have an address register hold an address with `room` bytes from there to the end of its segment."""
        places = self.segments.writable if writes else self.segments.readable
        op, _, size = places[(choice & 0xFF) % len(places)]
        self.code += (op | self.layout.address + number << 8, size - room & 0xFFFFFFFF)
        self.ready &= ~(1 << number)

    def lose(self, number: int, choice: int) -> None:
        """Turn a bit of the address that an address register holds, so that it is one of no segment."""
        register = self.layout.address + number
        self.load(Opcode.I_CONST, self.layout.length, _FAR_BITS[choice & 3])
        self.code.append(Opcode.I_XOR | register << 8 | register << 16 | self.layout.length << 24)
        self.ready &= ~(1 << number)

    def branch(self, word: int, shift: int, bits: int, choice: int) -> None:
        """A branch to one of the next instructions, or to any in free form."""
        self.fixups.append((len(self.code), shift, bits, self.index, choice))
        self.code.append(word)

    def begin_loop(self, length: int, count: int, back: Branch) -> None:
        """Begin a loop around the next items, `length` of them at most; nothing if loops nest too deep."""
        depth = len(self.loops)
        if depth == COUNTERS:
            return
        self.small(self.layout.counter + depth, count)
        self.close = min(self.index + 1 + length, self.close)
        self.loops.append((self.close, len(self.code), back))

    def end_loops(self) -> None:
        """End the loops that end before this item."""
        while self.loops and self.loops[-1][0] <= self.index:
            _, first, (word, shift, bits) = self.loops.pop()
            counter = self.layout.counter + len(self.loops)
            # Whatever the counter holds, by a branch that passed its start, it goes down and is not below zero twice.
            self.code.append(Opcode.I_ADD_IMM | counter << 8 | counter << 16 | 0xFF << 24)
            self.code.append(Opcode.JMP_LE_S | counter << 8 | self.layout.zero << 16 | 2 << 24)
            self.code.append(word | (first - len(self.code) & (1 << bits) - 1) << shift)
        self.close = self.loops[-1][0] if self.loops else _NEVER

    def finish(self, last: int) -> tuple[int, ...]:
        """The words, after `last`, the terminator."""
        if self.loops:
            self.index = _NEVER
            self.end_loops()
        code, starts = self.code, self.starts
        starts.append(len(code))
        code.append(last)
        for at, shift, bits, item, choice in self.fixups:
            # Mostly near; and seven items are never more words than a byte's distance spans.
            distance = starts[min(item + 1 + ((choice & 7) ** 2 >> 3), len(starts) - 1)] - at
            if self.free:
                anywhere = starts[(choice & 0xFF) % len(starts)] - at if choice & 0x700 != 0x700 else 0
                distance = anywhere if -(1 << bits - 1) <= anywhere < 1 << bits - 1 else distance
            code[at] |= (distance & (1 << bits) - 1) << shift
        return tuple(code)
