"""Looking into segments through a loader: a module that is linked last and reads whatever address it is given.

Assumes that addresses mean the same to all modules of a set (PF-EXE-006). Promises to change nothing that a program
can see, but that one module more stands behind its own. So memory can be compared across the adapter protocol, which
has no command for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from packfile.assembler import assemble
from packfile.image import Image
from packfile.layout import MAX_MODULES, ByteOrder
from packfile.model import Module
from packfile.writer import encode
from packfile_fuzz.program import Program
from packfile_fuzz.run.observation import Part

NAME = "packfile-fuzz peek"
"""Name under which it is linked."""
RANGES = 8
"""Ranges of memory that one call of `digest` takes."""
WORDS = 32
"""64-bit words that one call of `words` gives."""
FUEL = 1 << 20
"""Enough for a digest of all that is looked at."""
END = 4096
"""Bytes at each end of a segment that are looked at, and up to 7 more at the second."""
_FACTOR = 0x9E3779B97F4A7C15
_TURN = 23
_START = 0x5851F42D4C957F2D
_MASK = (1 << 64) - 1

_STEP = f"""
.func step (i, i, i) -> (i)
  i_const i3, ={_FACTOR - (1 << 64)}
  i_imm i4, {_TURN}
  i_imm i5, -8
  i_and i5, i2, i5
  i_add i5, i5, i1
  i_add i6, i1, i2
words:
  jmp_eq i1, i5, bytes
  i_load64 i7, i1, 0
  i_xor i0, i0, i7
  i_mul i0, i0, i3
  i_rotl i0, i0, i4
  i_add_imm i1, i1, 8
  jmp words
bytes:
  jmp_eq i1, i6, end
  i_load8_u i7, i1, 0
  i_xor i0, i0, i7
  i_mul i0, i0, i3
  i_rotl i0, i0, i4
  i_add_imm i1, i1, 1
  jmp bytes
end:
  ret i0, n0
.export func byte (i) -> (i)
  i_load8_u i0, i0, 0
  ret i0, n0
"""


def _text() -> str:
    digest = [f".export func digest (i*{2 * RANGES}) -> (i)", f"  i_const i{2 * RANGES}, ={_START}"]
    for number in range(RANGES):
        digest += [f"  i_mov i{2 * RANGES + 1 + k}, i{2 * number + k}" for k in range(2)]
        digest.append(f"  call i{2 * RANGES}, n0, step")
    digest.append(f"  ret i{2 * RANGES}, n0")
    words = [f".export func words (i) -> (i*{WORDS})"]
    words += [f"  i_load64 i{1 + number}, i0, {number}" for number in range(WORDS)]
    words.append("  ret i1, n0")
    return "\n".join((_STEP, *digest, *words, ""))


@cache
def module() -> Module:
    """The module."""
    return assemble(_text(), "peek.pka")


@cache
def file() -> bytes:
    """Its file."""
    return encode(module(), ByteOrder.LITTLE)


@cache
def image() -> Image:
    """The file, opened in memory, for as long as this process lives."""
    return Image(file(), NAME)


def has_room(program: Program, before: int = 0) -> bool:
    """Whether the set may have one module more."""
    return len(program.entries) + before < MAX_MODULES


def ranges(size: int) -> list[tuple[int, int]]:
    """Offset and length of what is looked at of a segment: all of it, or both ends of a long one."""
    if not size:
        return []
    if size <= 2 * END:
        return [(0, size)]
    start = (size - END) & -8  # so that words of it are aligned
    return [(0, END), (start, size - start)]


def digest(parts: Sequence[Part]) -> int:
    """What the function of that name gives for ranges of memory that hold this, as a signed integer."""
    h = _START
    for part in parts:
        content = part.content
        whole = len(content) & -8
        for at in range(0, whole, 8):
            h = _mix(h, int.from_bytes(content[at : at + 8], "little"))
        for byte in content[whole:]:
            h = _mix(h, byte)
    return h - (1 << 64) if h >> 63 else h


def _mix(h: int, value: int) -> int:
    h = (h ^ value) * _FACTOR & _MASK
    return (h << _TURN | h >> 64 - _TURN) & _MASK
