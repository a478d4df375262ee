"""Values worth trying: where the rules of the instructions change their minds, and some that are like any other.

Assumes nothing. Promises tables of 256 entries that a byte indexes: their first entry is the simplest, their first half
holds boundaries and their second half values of no particular kind, always the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from random import Random
from typing import Final, Literal

from packfile.instructions import Instruction

Bank = Literal["i", "n"]

MASK64: Final = (1 << 64) - 1
MASK32: Final = (1 << 32) - 1

INTEGERS: Final = tuple(
    x & MASK64
    for x in (
        *(
            0,
            1,
            -1,
            2,
            -2,
            3,
            7,
            8,
            31,
            32,
            62,
            63,
            64,
            65,
            127,
            128,
            -128,
            -129,
            255,
            256,
            32767,
            32768,
            -32768,
            65535,
        ),
        *((1 << 31) - 1, 1 << 31, -(1 << 31), -(1 << 31) - 1, MASK32, 1 << 32, (1 << 52) + 1, (1 << 53) + 1),
        *((1 << 63) - 1, -(1 << 63), -(1 << 63) + 1, -(1 << 63) + 1024, -(1 << 63) + 1025),
        *((1 << 63) - 512, MASK64 - 1024),
        *(0x5555555555555555, 0x8000000080000000, 0x7F80000000000001, 0x7FA00000, 0xFF800000, 0x00000001_00000008),
    )
)
"""Boundaries of integers, as 64 bits; among them bits of binary32 values, references and addresses."""

FLOATS: Final = (
    *(0x0000000000000000, 0x3FF0000000000000, 0x8000000000000000, 0xBFF0000000000000, 0x3FE0000000000000),
    *(0xBFE0000000000000, 0x3FF8000000000000, 0x4004000000000000, 0xC004000000000000, 0x3FDFFFFFFFFFFFFF),
    *(0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0xFFF7FFFFFFFFFFFF, 0x7FF800000000BEEF),
    *(0x7FF0000000000000, 0xFFF0000000000000, 0x0000000000000001, 0x800FFFFFFFFFFFFF, 0x0010000000000000),
    *(0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF, 0x43E0000000000000, 0x43DFFFFFFFFFFFFF, 0xC3E0000000000000),
    *(0xC3E0000000000001, 0x43F0000000000000, 0x43EFFFFFFFFFFFFF, 0xBFEFFFFFFFFFFFFF, 0x4330000000000000),
    *(0x4340000000000000, 0x432FFFFFFFFFFFFF, 0x41E0000000000000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000),
    *(0x380FFFFFC0000000, 0x36A0000000000000, 0x3690000000000000, 0x3810000000000000, 0x400921FB54442D18),
)
"""Boundaries of floats, as bits: zeros, halves, NaNs of both kinds, infinities, subnormals, ends of integers and of
binary32."""

SIZES: Final = (0, 64, 256, 128, 72, 1000, 44, 4104)
"""Lengths of segments."""

LENGTHS: Final = (0, 1, 8, 3, 7, 16, 9, 64, 2, 15, 4, 24, 63, 5, 65, 12, 0, 32, 4096, -1)
"""Lengths for instructions that take any number of bytes."""


def mixed(boundaries: Sequence[int], others: Iterable[int]) -> tuple[int, ...]:
    """256 entries: half of them `boundaries`, as often as they fit, half of them `others`."""
    return (*islice(cycle(boundaries), 128), *islice(others, 128))


def _any(bits: int, salt: int) -> Iterable[int]:
    random = Random(salt)  # noqa: S311 - the same values each time are what is wanted
    while True:
        yield random.getrandbits(bits) >> random.getrandbits(6) % bits


def _any_float(salt: int) -> Iterable[int]:
    random = Random(salt)  # noqa: S311 - as above
    while True:
        exponent = 1023 - 32 + random.getrandbits(7)
        yield random.getrandbits(1) << 63 | exponent << 52 | random.getrandbits(52)


OF_BANK: Final[dict[Bank, tuple[int, ...]]] = {
    "i": mixed(INTEGERS, _any(64, 1)),
    "n": mixed(FLOATS, _any_float(2)),
}
"""Contents of a register, as 64 bits."""

ARGUMENTS: Final = tuple(x - (x >> 63 << 64) for x in OF_BANK["i"])
"""Integer arguments, signed."""

LITERALS: Final = mixed(
    tuple(dict.fromkeys(x & MASK32 for x in (0, 1, -1, 63, 64, 255, -128, 32768, (1 << 31) - 1, 1 << 31, -8, 65536))),
    _any(32, 3),
)
"""Signed literals, as 32 bits."""


def immediates(size: int, *, signed: bool) -> tuple[int, ...]:
    """Immediates of a field of `size` bytes, as its bits."""
    bits = 8 * size
    top = 1 << bits
    bounds = (0, 1, top - 1, top // 2, top // 2 - 1, 2, 7, 8) if signed else (0, 1, top - 1, 2, 7, 8, top // 2)
    return mixed(tuple(dict.fromkeys(x % top for x in (*bounds, 63, 64))), _any(bits, 4 + size))


_COMPARED = re.compile(r"i\[([abc])\] == (-?\(1 << \d+\)|-?\d+)")

CORE: Final = 8
"""So many entries at the beginning of a table of `decisive` are the ones to meet most often."""
OWN: Final = 2
"""So many entries at the end of these are an instruction's own, if it has any: what operands decide together."""
SPECIAL: Final[dict[Bank, tuple[int, ...]]] = {
    "i": tuple(x & MASK64 for x in (0, -1, 1, (1 << 63) - 1, -(1 << 63), 2, 63, -2)),
    "n": (
        *(0x0000000000000000, 0x8000000000000000, 0x7FF800000000BEEF, 0x3FF0000000000000),
        *(0x7FF0000000000000, 0xFFF0000000000001, 0xFFF0000000000000, 0xC004000000000000),
    ),
}
"""What makes pairs and triples of operands special: zeros of both signs, units, ends, NaNs, infinities."""


def decisive(instruction: Instruction, position: int, bank: Bank) -> tuple[int, ...]:
    """What to try in a source register of an instruction: `CORE` values first, then as in `OF_BANK`.

    Among the first are what its effect compares an integer to, and what decides the primitives of the effect; the last
    of them are these again if they are at most `OWN`.
    """
    found = [text for field, text in _COMPARED.findall(instruction.effect) if "_abc".index(field) == position]
    own = [value & MASK64 for value in map(_number, found) if value]  # zero is the first anyway
    own += [bits for name, values in _OF_PRIMITIVE[bank].items() if name in instruction.effect for bits in values]
    zero, *others = SPECIAL[bank]
    core = list(islice(dict.fromkeys((zero, *own, *others)), CORE))
    if 0 < len(own) <= OWN:
        # What two operands decide together is to come up more often than other combinations.
        core[-len(own) :] = own
    return (*core, *OF_BANK[bank][CORE:])


_OF_PRIMITIVE: Final[dict[Bank, dict[str, tuple[int, ...]]]] = {
    "i": {
        "nearest_float": (0x8000000000000401, (1 << 53) + 1, (1 << 63) - 1, MASK64),
        "promote": (0x7FA00000, 0xFF800000, 0x00000001, 0x80000000),
    },
    "n": {
        "is_nan": (0x7FF8000000000000, 0xFFF0000000000001),
        "f_min": (0x0000000000000000, 0x8000000000000000),
        "f_max": (0x0000000000000000, 0x8000000000000000),
        "fits_s": (0x43E0000000000000, 0xC3E0000000000001),
        "fits_u": (0x43F0000000000000, 0xBFF0000000000000),
        "f_nearest": (0x4004000000000000, 0xBFE0000000000000, 0x3FDFFFFFFFFFFFFF, 0x4330000000000001),
        "f_trunc": (0xBFE0000000000000, 0x4330000000000001),
        "f_floor": (0xBFE0000000000000, 0x3FE0000000000000),
        "f_ceil": (0xBFE0000000000000, 0x3FE0000000000000),
        "demote": (0x47EFFFFFF0000000, 0x3690000000000000, 0x380FFFFFE0000000, 0xFFF0000000000001),
        "saturate": (0x43E0000000000000, 0xC3E0000000000001, 0x43F0000000000000),
    },
}
"""What decides a primitive of the effects, by the bank of its operand."""


def _number(text: str) -> int:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    return sign * (1 << int(digits[6:-1]) if digits.startswith("(1 << ") else int(digits))


def _offsets(size: int) -> tuple[int, ...]:
    room = max(1, (size - 56) // 8)
    good = [8 * (k % room) for k in range(232)]
    ends = [size + k for k in (0, -1, -2, -4, -8, -16, 1, 8)]
    return tuple(x & MASK32 for x in (*good, *ends, 1, 2, 4, 12, 3, 5, 6, 10, 18, 20, 34, 2, 4, -1, -8, (1 << 31) - 1))


OFFSETS: Final = {size: _offsets(size) for size in SIZES}
"""Offsets into a segment, by its length, as 32 bits: most are multiples of 8 with 64 bytes after them, where there are
so many; the last 24 are where segments and alignments end."""


def _pattern(salt: int) -> bytes:
    values = (*INTEGERS, *FLOATS)
    at = salt * 7
    rotated = values[at:] + values[:at]
    content = b"".join(x.to_bytes(8, "little") for x in rotated)
    return (content * (max(SIZES) // len(content) + 1))[: max(SIZES)]


CONTENTS: Final = (bytes(max(SIZES)), *(_pattern(salt) for salt in range(7)))
"""Bytes of segments: zeros, then boundaries of both kinds."""
