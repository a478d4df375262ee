"""What the reference does in the last call of a program, instruction by instruction.

Assumes programs that end. Promises steps of the first tier, each with what the registers held before it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from packfile.machine import Frame, Thread
from packfile_fuzz.program import Program
from packfile_fuzz.run import observe

MOST = 20_000
"""Steps that are kept."""


class Step(NamedTuple):
    """One instruction, about to be done."""

    position: int
    """Of the module."""
    function: int
    """Its index."""
    word: int
    """Of the instruction, in the function."""
    depth: int
    """Frames up to this one."""
    i: tuple[int, ...]
    """Integer bank, signed."""
    n: tuple[int, ...]
    """Float bank, as bits."""


def watch(program: Program) -> list[Step]:
    """The first steps of the last call that had any."""
    steps: list[Step] = []
    current: Thread | None = None

    def trace(frame: Frame, word: int) -> None:
        nonlocal current
        if frame.thread is not current:
            current = frame.thread
            steps.clear()
        if len(steps) < MOST:
            count, function = frame.code.n_registers, frame.function
            n = struct.unpack(f"<{count}Q", struct.pack(f"<{count}d", *frame.n[:count]))
            steps.append(Step(function.module.position, function.index, word, frame.depth, tuple(frame.i), n))

    observe(program, trace=trace)
    return steps
