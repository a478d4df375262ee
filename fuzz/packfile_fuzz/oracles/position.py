"""The oracle of load positions: behind other modules a program does what it does in front.

A program can see where it was loaded, since addresses and references are integers that count positions. So both runs
are watched step by step, and integers are compared modulo 2^38, which divides the shift that 64 empty modules in front
give to an address or a reference; sums, differences and products keep that congruence. What loads an address or a
reference must shift it exactly. Where a program makes something else of a shifted integer (compares it, divides it,
turns it into a float), the runs part lawfully; so the first instruction after which they are not congruent is to blame
only if it read no integer that was shifted. A load, a store or a call by reference of an operand that was shifted as it
should be must go on the same in both.

A number that the program did not ask for may happen to be an address or a reference of a module in front, and means
something else behind others. Assumes that none is one of a module behind 64 others; no boundary value is. Promises no
verdict where a difference may be lawful.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import MAX_MODULES
from packfile.machine import Frame
from packfile_fuzz.oracles.base import Example
from packfile_fuzz.run import Comparison, Observation, Part, Seen, compare, observe
from packfile_fuzz.run.observation import EQUAL, different

FILLERS = 64
"""Modules in front; a power of two, so that congruence modulo their shift survives wrapping at 2^64."""
_REFERENCE = FILLERS << 32
_ADDRESS = 3 * FILLERS << 32
_SHIFTS: Mapping[int, tuple[int, ...]] = {
    Opcode.LRODATA: (_ADDRESS,),
    Opcode.LDATA: (_ADDRESS,),
    Opcode.LBSS: (_ADDRESS,),
    Opcode.LFN: (_REFERENCE,),
    Opcode.LDSLOT: (_ADDRESS, _REFERENCE),
}
"""What an instruction adds to what it loads, if that is not 0."""
_FIRST = (1 << 32) - 2048
"""The least number that is an address in the first segment, with the greatest offset that an instruction adds."""
_MOST_STEPS = 20_000
_VALUE = re.compile(r"[in]\[a\] = ")
_READ = re.compile(r"i\[([abc])\]")
_MEMORY = re.compile(r"address\(|copy\(|fill\(")


class _Step(NamedTuple):
    """What a watched run is about to do."""

    position: int
    """Of the module, without the fillers."""
    function: int
    word: int
    code: tuple[int, int, int, int]
    """Op, a, b and c."""
    i: tuple[int, ...]
    n: bytes


def position(example: Example) -> Iterator[Comparison]:
    """The program does the same behind other modules, but for what the positions say."""
    if len(example.program.entries) + FILLERS >= MAX_MODULES:
        return
    before, ones = _watched(example, 0)
    behind, others = _watched(example, FILLERS)
    found = _first_difference(ones, others)
    if found is None and _plain(before) == _plain(behind):
        yield EQUAL
        return
    verdict = _judge(ones, others, found, compare(example.program, before, behind))
    if verdict is not None:
        yield verdict


def _plain(seen: Observation) -> object:
    """An observation with integers modulo the shift."""
    memory = None if seen.is_exhausted or seen.memory is None else tuple(map(_plain_part, seen.memory))
    return tuple(map(_plain_step, seen.steps)), memory


def _plain_step(seen: Seen) -> object:
    log = tuple((bank, value % _REFERENCE if bank == "i" else value) for bank, value in seen.log)
    return seen.outcome, seen.code, tuple(x % _REFERENCE for x in seen.i), seen.n, log, seen.fuel


def _plain_part(part: Part) -> object:
    whole = len(part.content) & -8
    words = struct.unpack_from(f"<{whole // 8}Q", part.content)
    return tuple(word % _REFERENCE for word in words), part.content[whole:]


def _watched(example: Example, fillers: int) -> tuple[Observation, list[_Step]]:
    steps: list[_Step] = []

    def trace(frame: Frame, word: int) -> None:
        if len(steps) < _MOST_STEPS:
            code, function = frame.code, frame.function
            fields = code.ops[word], code.a[word], code.b[word], code.c[word]
            n = struct.pack(f"<{code.n_registers}d", *frame.n[: code.n_registers]) if code.n_registers else b""
            at = function.module.position - fillers
            steps.append(_Step(at, function.index, word, fields, tuple(frame.i), n))

    return observe(example.prepared, prefix=fillers, trace=trace), steps


def _first_difference(ones: list[_Step], others: list[_Step]) -> int | None:
    """The first step before which the runs are not as they should be; None if they are throughout."""
    last: _Step | None = None
    for number, (one, other) in enumerate(zip(ones, others, strict=False)):
        if not _is_congruent(one, other) or not (last is None or _is_loaded_right(last, one, other)):
            return number
        last = one
    return None if len(ones) == len(others) else min(len(ones), len(others))


def _is_congruent(one: _Step, other: _Step) -> bool:
    return (
        one[:4] == other[:4]
        and one.n == other.n
        and (one.i == other.i or all((x - y) % _REFERENCE == 0 for x, y in zip(one.i, other.i, strict=True)))
    )


def _is_loaded_right(before: _Step, one: _Step, other: _Step) -> bool:
    """Whether what an instruction loaded, if it is one that loads addresses or references, is shifted as it must be."""
    shifts = _SHIFTS.get(before.code[0])
    # All of them have a literal. One that trapped is followed by whatever the next call begins with.
    if shifts is None or one[:3] != (*before[:2], before.word + 2):
        return True
    register = before.code[1]
    return other.i[register] - one.i[register] in (shifts if one.i[register] else (0,))


def _judge(ones: list[_Step], others: list[_Step], found: int | None, plain: Comparison) -> Comparison | None:
    """What is wrong with runs that are not congruent; None if that has, or may have, a lawful cause."""
    if found == 0 or not ones:
        return _blamed("before the first instruction", plain, "")
    if found is not None:
        flow = found in (len(ones), len(others)) or ones[found][:4] != others[found][:4]
        return _blame(ones[found - 1], others[found - 1], plain, flow=flow)
    if len(ones) >= _MOST_STEPS:
        return None
    if plain.outcomes[0] != plain.outcomes[1]:
        # The call that differs need not be the last.
        if any(_is_guess(one, other) for one, other in zip(ones, others, strict=True)):
            return None
        return _blame(ones[-1], others[-1], plain, flow=True)
    # Bytes of shifted integers were copied to odd places, or nothing was shifted at all.
    shifted = any(one.i != other.i for one, other in zip(ones, others, strict=True))
    return None if shifted else _blamed("with the same registers throughout", plain, "")


def _blame(one: _Step, other: _Step, plain: Comparison, *, flow: bool) -> Comparison | None:
    """Judge the last instruction before two runs part: by their flow, or by what registers hold."""
    row = INSTRUCTIONS[Opcode(one.code[0])]
    effect = _VALUE.sub("", row.effect)
    moved = [(x, y) for x, y in _read(one, other) if x != y]
    is_access = _MEMORY.search(effect) is not None
    if flow and row.mnemonic == "callr":
        lawful = any(x == 0 or y - x != _REFERENCE for x, y in moved)
    elif flow and is_access:
        lawful = any(y - x != _ADDRESS for x, y in moved)
    else:
        # What was stored may have been shifted, so a load may give something else.
        lawful = bool(moved) or is_access
    if one.code[0] in _SHIFTS and not flow:
        lawful = False
    lawful = lawful or (flow and _is_guess(one, other))
    where = f"{row.mnemonic} at word {one.word} of function {one.function} at position {one.position}"
    return None if lawful else _blamed(where, plain, row.mnemonic)


def _read(one: _Step, other: _Step) -> list[tuple[int, int]]:
    """What an instruction reads of integer registers, in both runs."""
    effect = _VALUE.sub("", INSTRUCTIONS[Opcode(one.code[0])].effect)
    registers = [one.code["abc".index(field) + 1] for field in sorted(set(_READ.findall(effect)))]
    return [(one.i[register], other.i[register]) for register in registers]


def _is_guess(one: _Step, other: _Step) -> bool:
    """Whether an instruction takes a number that was not shifted for a reference, or an address, in front."""
    row = INSTRUCTIONS[Opcode(one.code[0])]
    same = [x for x, y in _read(one, other) if x == y]
    if row.mnemonic == "callr":
        return any(0 < x < _REFERENCE for x in same)
    return _MEMORY.search(row.effect) is not None and any(_FIRST <= x < _ADDRESS for x in same)


def _blamed(where: str, plain: Comparison, opcode: str) -> Comparison:
    message = f"behind {FILLERS} modules, {where}: {plain.message}"
    return different(message, *plain.outcomes, plain.detail, opcode)
