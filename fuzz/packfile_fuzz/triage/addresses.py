"""Addresses that follow their segments where modules before them are left out.

Assumes that a number which lies in a segment of the set may be its address. Promises a program in which each of them
lies in the segment of the same module as before; whether they were addresses is for a run to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from packfile.model import Module
from packfile_fuzz.program import Program

_SEGMENTS = 3
"""Of each module; the first of all has number 1."""
_OFFSET = 1 << 32


def moved(program: Program, left: Sequence[int]) -> Program:
    """A program with addresses for other positions, in constants and in arguments.

    Args:
        program: What is left of one, with the addresses of the whole.
        left: Which positions of the whole are left.
    """
    places = {old: new for new, old in enumerate(left)}

    def address(value: int) -> int:
        position, segment = divmod((value >> 32) - 1, _SEGMENTS)
        if position not in places:
            return value
        return (places[position] * _SEGMENTS + segment + 1) * _OFFSET + value % _OFFSET

    def module(old: Module | None) -> Module | None:
        return old and replace(old, constants=tuple(map(address, old.constants)))

    entries = tuple(replace(entry, module=module(entry.module)) for entry in program.entries)
    calls = tuple(replace(call, i=tuple(map(address, call.i))) for call in program.calls)
    return replace(program, entries=entries, calls=calls)
