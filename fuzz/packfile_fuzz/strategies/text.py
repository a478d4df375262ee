"""Examples as people read them: modules as assembly, calls as a line each.

Assumes valid programs. Promises text for every value that the strategies give; it is made when it is printed, and so
for the example that fails in the end only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from packfile.disassembler import disassemble
from packfile.model import Module
from packfile_fuzz.malformed import Broken
from packfile_fuzz.program import Call, Program


def module_text(module: Module) -> str:
    """A module as assembly."""
    return disassemble(module).strip()


def program_text(program: Program) -> str:
    """Each module of a program as assembly, in the order of linking, then the calls."""
    parts = []
    for entry in program.entries:
        if entry.module is None:
            parts.append(f"; {entry.name}: the host module")
        else:
            parts.append(f"; {entry.name}, {entry.order.name.lower()}\n{module_text(entry.module)}")
    return "\n".join([*parts, *map(call_text, program.calls)])


def call_text(call: Call) -> str:
    """A call, with floats by their bits."""
    arguments = ", ".join([*map(str, call.i), *(f"0x{bits:016x}" for bits in call.n)])
    name = "its entry" if call.function is None else call.function
    return f"; call {call.module}.{name}({arguments}), fuel {call.fuel}, depth {call.depth}"


def broken_text(broken: Broken) -> str:
    """What was done to a file, and what the specification says of that."""
    lines = []
    for fault in broken.faults:
        told = f"{' or '.join(sorted(fault.rules))} at {fault.time}" if fault.rules else "breaks no rule"
        lines.append(f"; {fault.path}: {fault.what}: {told}")
    return "\n".join([f"; {len(broken.content)} bytes, {broken.order.name.lower()}", *lines])


class Lazily:
    """Text for hypothesis's `note`, made only if it is shown."""

    def __init__(self, make: Callable[[Any], str], value: object) -> None:
        self._make, self._value = make, value

    def __repr__(self) -> str:
        return self._make(self._value)
