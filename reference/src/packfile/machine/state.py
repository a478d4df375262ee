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

SWITCH: Final = -1
"""What a handler returns when another frame goes on, in place of the next word."""


class Frame:
    """One activation of a function: its registers, and where it goes on."""

    __slots__ = ("a", "b", "caller", "function", "i", "n", "pc", "thread")

    def __init__(
        self, thread: "Thread", function: Function, i: list[int], n: list[float], caller: "Frame | None"
    ) -> None:
        self.thread = thread
        self.function = function
        self.i = i
        """Integer bank, as signed integers."""
        self.n = n
        """Float bank."""
        self.caller = caller
        self.pc = 0
        """Word at which it goes on."""
        self.a = 0
        """First register of its integer window, while it waits for the results of a call."""
        self.b = 0
        """First register of its float window, likewise."""

    @property
    def code(self) -> Code:
        """The function's words."""
        code = self.function.code
        assert code is not None
        return code

    @property
    def image(self) -> Image:
        """The image that the function's code is in."""
        image = self.function.module.image
        assert image is not None
        return image


class Thread:
    """One call by the embedder: what is left of its fuel and depth, and the frame that runs."""

    __slots__ = ("depth", "frame", "fuel", "i_results", "linkage", "n_results", "segments")

    def __init__(self, linkage: Linkage, fuel: int, depth: int) -> None:
        self.linkage = linkage
        self.segments = linkage.segments
        self.fuel = fuel
        self.depth = depth
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


def literal(code: Code, word: int) -> int:
    """The literal word there, unsigned."""
    return code.ops[word] | code.a[word] << 8 | code.b[word] << 16 | code.c[word] << 24


def trap(code: TrapCode, message: str) -> Trap:
    """A trap of the running instruction; the loop adds where it was."""
    return Trap(code.value, message)


def out_of_fuel() -> Exhausted:
    """What a call or a backward branch without fuel raises."""
    return Exhausted("PF-EXE-013", "out of fuel", expected="fuel for one more call or backward branch", got="none left")


def out_of_depth() -> Exhausted:
    """What a call without room for a frame raises."""
    return Exhausted("PF-EXE-014", "out of depth", expected="depth for one more frame", got="none left")
