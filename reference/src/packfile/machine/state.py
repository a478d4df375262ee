"""What running needs: threads, frames, and the table of handlers."""

import struct
from collections.abc import Callable
from typing import Final

from packfile.errors import Exhausted, Trap
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, Opcode, TrapCode
from packfile.link import Function, Linkage
from packfile.verify import Code

MASK: Final = (1 << 64) - 1
GREATEST: Final = (1 << 63) - 1
LEAST: Final = -(1 << 63)
NAN: Final[float] = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000000))[0]
"""The canonical NaN (PF-EXE-003)."""

SIGNED: Final = tuple(x if x < 128 else x - 256 for x in range(256))
"""What a field is as a signed byte."""

HIGH: Final = tuple(x << 8 for x in SIGNED)
"""What a field is as the upper byte of a signed 16-bit immediate."""

SWITCH: Final = -1
"""What a handler returns when another frame goes on, in place of the next word."""


class Frame:
    """One activation of a function: its registers, and where it goes on.

    Every call made at one depth uses the same frame, because making one costs more than the rest of a call.
    """

    __slots__ = ("a", "b", "callee", "caller", "code", "depth", "function", "i", "n", "pc", "thread")

    function: Function
    code: Code
    """The function's words."""
    i: list[int]
    """Integer bank, as signed integers."""

    def __init__(self, thread: "Thread", caller: "Frame | None") -> None:
        """Take up one more of the frames that the thread may have.

        Raises:
            Exhausted: It has as many as it may (PF-EXE-014).
        """
        self.depth: int = caller.depth + 1 if caller else 1
        """Frames up to this one."""
        if self.depth > thread.depth:
            raise Exhausted("PF-EXE-014", "out of depth", expected="depth for one more frame", got="none left")
        self.thread = thread
        self.caller = caller
        self.callee: Frame | None = None
        """The frame of its calls, once it made one."""
        self.n: list[float] = []
        """Float bank; a function that has none leaves here what another had, and cannot reach it."""
        self.pc = 0
        """Word at which it goes on."""
        self.a = 0
        """First register of its integer window, while it waits for the results of a call."""
        self.b = 0
        """First register of its float window, likewise."""

    @property
    def image(self) -> Image:
        """The image that the function's code is in."""
        image = self.function.module.image
        assert image is not None
        return image


class Thread:
    """One call by the embedder: its fuel and depth, and the frame that runs."""

    __slots__ = ("depth", "frame", "fuel", "i_results", "linkage", "n_results", "segments")

    def __init__(self, linkage: Linkage, fuel: int, depth: int) -> None:
        self.linkage = linkage
        self.segments = linkage.segments
        self.fuel = fuel
        """What is left of it."""
        self.depth = depth
        """Frames that it may have at once."""
        self.frame: Frame | None = None
        self.i_results: list[int] = []
        self.n_results: list[float] = []


Handler = Callable[[Frame, int, int, int, int], int]
"""Runs one instruction: takes the frame, the instruction's word and its fields a, b and c, and gives the next word."""


def _unassigned(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    raise AssertionError(f"op {f.code.ops[pc]:#04x} was verified, yet no handler runs it")


HANDLERS: list[Handler] = [_unassigned] * 256
"""Handlers by op."""


def instruction(handler: Handler) -> Handler:
    """Register the handler of the instruction whose id is the function's name; its docstring is the table's row."""
    opcode = Opcode[handler.__name__.upper()]
    row = INSTRUCTIONS[opcode]
    handler.__doc__ = f"{row.doc} ({row.rule})\n\n{row.effect}"
    HANDLERS[opcode] = handler
    return handler


def wrap(x: int) -> int:
    """The signed 64-bit integer that is congruent to x modulo 2^64."""
    return ((x + (1 << 63)) & MASK) - (1 << 63)


def literal(f: Frame, pc: int) -> int:
    """The literal of the instruction at a word, unsigned."""
    low, second, third, high = f.code.fields
    pc += 1
    return low[pc] | second[pc] << 8 | third[pc] << 16 | high[pc] << 24


def trap(code: TrapCode, message: str) -> Trap:
    """A trap of the running instruction; the loop adds where it was."""
    return Trap(code.value, message)


def out_of_fuel() -> Exhausted:
    """What a call or a backward branch without fuel raises."""
    return Exhausted("PF-EXE-013", "out of fuel", expected="fuel for one more call or backward branch", got="none left")
