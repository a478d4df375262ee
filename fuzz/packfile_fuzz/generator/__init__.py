"""The generator: bytes to valid programs.

Assumes nothing of the bytes. Promises that `build` gives a program for every byte string, always the same one under one
`VERSION`; that every module of it can be written, opens, and has only functions that verify; that few of its calls run
until their fuel is gone; and that fewer bytes, and lower ones, are a simpler program: zeros after the end of the bytes
make the simplest choice.

The instruction table drives it, so an instruction of a known form that is added there appears in programs at once.
`VERSION` goes up with any change to what bytes mean: one of this package, and every one of the instruction table. A
ledger of another version is refused, examples and corpora that are kept as bytes are to be made anew, and
`test_what_bytes_mean_does_not_change_within_a_version` fails until it was counted up.
"""

from __future__ import annotations

from random import Random
from typing import Final

from packfile_fuzz.generator.modules import HEAD_ITEMS, build

__all__ = ["VERSION", "build", "from_seed"]

VERSION: Final = 2
"""Of the meaning of bytes; a seed and a version together name a program."""


def from_seed(seed: int) -> bytes:
    """Bytes for `build`, at most 1,104 of them, from a plain generator of random numbers."""
    random = Random(seed)  # noqa: S311 - it has to be the same each time
    return random.randbytes(8 * (HEAD_ITEMS + 16 + random.getrandbits(5) + random.getrandbits(6)))
