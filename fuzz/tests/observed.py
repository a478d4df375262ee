"""What programs of the generator come to in the reference: enough to state what the generator promises of them."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from packfile.adapter import host_module
from packfile.errors import PackfileError, Trap
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS
from packfile.layout import ByteOrder
from packfile.machine import Frame
from packfile.model import Function
from packfile.process import Process
from packfile.verify import findings
from packfile.writer import encode
from packfile_fuzz.program import Call, Program


@dataclass
class Mix:
    """What many programs came to."""

    links: Counter[str] = field(default_factory=Counter)
    """Programs by the outcome of linking them."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls by outcome, traps by their code."""
    executed: Counter[int] = field(default_factory=Counter)
    """Instructions by op; of traced programs only."""
    trapped: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Traps by op and code; of traced programs only."""
    most_fuel: int = 0
    """Most that a call that returned took."""


def instructions(function: Function) -> Iterator[tuple[int, int, int]]:
    """Each instruction of a function: its op, its first word and its literal, 0 if it has none."""
    at = 0
    while at < len(function.code):
        word = function.code[at]
        row = INSTRUCTIONS[word & 0xFF]  # type: ignore[index]
        yield row.opcode, word, function.code[at + 1] if row.words == 2 else 0
        at += row.words


def functions(program: Program) -> Iterator[Function]:
    """Every function of a program."""
    for entry in program.entries:
        if entry.module is not None:
            yield from entry.module.functions


def broken_rules(program: Program, order: ByteOrder | None = None) -> list[str]:
    """Rules that functions of a program break, after its modules were written and opened."""
    return [
        finding.rule
        for entry in program.entries
        if entry.module is not None
        for image in [Image(encode(entry.module, order or entry.order), entry.name)]
        for index in range(image.function_count)
        for finding in findings(image, index)
    ]


def run(program: Program, mix: Mix, *, fuel: int | None = None, traced: bool = False) -> None:
    """Link a program, make its calls, with other `fuel` if so wanted, and count what they come to."""
    entries = [
        (entry.name, Image(encode(entry.module, entry.order), entry.name) if entry.module else host_module([]))
        for entry in program.entries
    ]
    try:
        process = Process(entries)
    except PackfileError as error:
        mix.links[error.outcome] += 1
        return
    mix.links["ok"] += 1
    with process:
        for call in program.calls:
            mix.calls[_call(process, call, mix, call.fuel if fuel is None else fuel, traced=traced)] += 1


def _call(process: Process, call: Call, mix: Mix, fuel: int, *, traced: bool) -> str:
    last = 0

    def trace(frame: Frame, word: int) -> None:
        nonlocal last
        last = frame.code.ops[word]
        mix.executed[last] += 1

    n = [struct.unpack("<d", bits.to_bytes(8, "little"))[0] for bits in call.n]
    try:
        results = process.invoke(
            call.module, call.function, call.i, n, fuel=fuel, depth=call.depth, trace=trace if traced else None
        )
    except Trap as error:
        mix.trapped[last, error.code] += 1
        return f"trap {error.code}"
    except PackfileError as error:
        return error.outcome
    mix.most_fuel = max(mix.most_fuel, fuel - results.fuel)
    return "ok"
