"""Programs as the harness of the C loader takes them: flat bytes, and what the reference makes of the program.

Assumes programs that the writer can write. Promises numbers in little-endian order, and of texts and files first the
length, of 32 bits; `fuzz/guided/README.md` has the table. The harness checks that it read all of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from packfile.layout import Segment
from packfile_fuzz.program import Call, Program
from packfile_fuzz.run import Part, Prepared, Seen, observe
from packfile_fuzz.run.inprocess import SEGMENTS
from packfile_fuzz.run.observation import EXHAUSTED

NONE: Final = 0xFFFFFFFF
"""Length of what is not there: the file of the host module, the name where the entry is called."""
MOST_FUEL: Final = 1_000_000
"""Fuel that a call has at most, so that none takes long."""


def pack(program: Program, *, reference: bool) -> bytes:
    """A program, and what it comes to.

    Args:
        program: Its calls get `MOST_FUEL` at most.
        reference: Whether to run it, and say what it comes to; else nothing is said of that.
    """
    calls = tuple(replace(call, fuel=min(call.fuel, MOST_FUEL)) for call in program.calls)
    with Prepared(replace(program, calls=calls)) as prepared:
        parts = [_number(len(program.entries))]
        for index, entry in enumerate(program.entries):
            file = None if entry.module is None else prepared.file(index, entry.order)
            parts += [_bytes(entry.name.encode()), _bytes(file)]
        seen = observe(prepared) if reference else None
        steps = [] if seen is None else [step(it).encode() for it in seen.steps]
        # After a link that failed, or where the reference is not asked, nothing is said of the calls.
        said = [*steps, *[None] * (1 + len(calls) - len(steps))]
        parts += [_bytes(said[0]), _number(len(calls))]
        for call, expected in zip(calls, said[1:], strict=True):
            parts += [*_call(call), _bytes(expected)]
        parts += _memory(program, (seen and seen.memory) or ())
    return b"".join(parts)


def step(seen: Seen) -> str:
    """What an action came to, as the harness writes it; what follows on `exhausted` is not fixed."""
    if seen.outcome == EXHAUSTED:
        return EXHAUSTED
    values = [f"i {x & 0xFFFFFFFFFFFFFFFF:016x}" for x in seen.i] + [f"n {x:016x}" for x in seen.n]
    log = [f"{bank} {x & 0xFFFFFFFFFFFFFFFF:016x}" for bank, x in seen.log]
    return ", ".join([str(seen), *values, *(f"log {it}" for it in log)])


def _call(call: Call) -> Iterable[bytes]:
    yield _bytes(call.module.encode())
    yield _bytes(None if call.function is None else call.function.encode())
    for values in (call.i, call.n):
        yield _number(len(values))
        yield struct.pack(f"<{len(values)}Q", *(x & 0xFFFFFFFFFFFFFFFF for x in values))
    yield struct.pack("<QQ", call.fuel, call.depth)


def _memory(program: Program, parts: Sequence[Part]) -> Iterable[bytes]:
    yield _number(len(parts))
    positions = {entry.name: position for position, entry in enumerate(program.entries)}
    for part in parts:
        yield struct.pack("<Q", (3 * positions[part.module] + _NUMBERS[part.segment] << 32) + part.start)
        yield _bytes(part.content)


_NUMBERS: Final = {segment.name.lower(): int(Segment(segment)) for segment in SEGMENTS}


def _number(value: int) -> bytes:
    return struct.pack("<I", value)


def _bytes(content: bytes | None) -> bytes:
    return _number(NONE) if content is None else _number(len(content)) + content
