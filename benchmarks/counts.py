"""What a run of a program executes, counted by a traced run of the reference."""

from dataclasses import dataclass

import packfile
from benchmarks.programs import Answer
from packfile.instructions import Opcode
from packfile.machine import Frame

_CALLS = frozenset({Opcode.CALL, Opcode.CALLI, Opcode.CALLR})


@dataclass(frozen=True)
class Work:
    """What one run is."""

    answer: Answer
    instructions: int
    """Packfile instructions that it executes."""
    calls: int
    """Calls among them, and the one that begins it."""


def work(process: packfile.Process, argument: int) -> Work:
    """Run the function `run` of the module `main`, and count."""
    instructions = 0
    calls = 1

    def trace(frame: Frame, word: int) -> None:
        nonlocal instructions, calls
        instructions += 1
        calls += frame.code.ops[word] in _CALLS

    results = process.invoke("main", "run", [argument], trace=trace)
    return Work([*results.i, *results.n][0], instructions, calls)
