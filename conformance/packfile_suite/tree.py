"""The digest tree of a file, made and judged by the rules PF-INT-002 to PF-INT-005 alone.

This stands apart from the reference on purpose: cases are made and proven with it. A hole costs nothing, since all
blocks of zeros share a digest.
"""

from __future__ import annotations

import hashlib
from functools import cache

from .sparse import SparseBytes

_BLOCK, _DIGEST, _NODE = 4096, 32, 128 * 32
_ROOT = slice(32, 64)


@cache
def _zeros() -> bytes:
    return hashlib.sha256(bytes(_BLOCK)).digest()


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content.ljust(_BLOCK, b"\0")).digest()


def _level(content: SparseBytes, *, is_file: bool) -> SparseBytes:
    """The digests of all blocks, or of all nodes of a level; those of zeros are put in by one copy."""
    count = -(-content.length // _BLOCK)
    digests = bytearray(_zeros() * count)
    touched = {
        block
        for start, run in content.runs()
        if run
        for block in range(start // _BLOCK, (start + len(run) - 1) // _BLOCK + 1)
    }
    for block in touched:
        piece = content.read(block * _BLOCK, _BLOCK)
        if is_file and block == 0:
            piece = piece[: _ROOT.start] + bytes(_DIGEST) + piece[_ROOT.stop :]
        digests[block * _DIGEST : (block + 1) * _DIGEST] = _hash(piece)
    return SparseBytes(bytes(digests))


def levels(covered: SparseBytes) -> tuple[list[SparseBytes], bytes]:
    """Every level of the tree over these bytes, level 0 first, and the root."""
    found = [_level(covered, is_file=True)]
    while found[-1].length > _NODE:
        found.append(_level(found[-1], is_file=False))
    return found, _hash(found[-1].read(0, _NODE))


def broken(file: SparseBytes, at: int, root: bytes) -> set[str]:
    """The rules that the tree from `at` to the end of the file breaks."""
    stated, _ = levels(file.part(0, at))
    if sum(level.length for level in stated) != file.length - at:
        return {"PF-INT-002"}
    rules: set[str] = set()
    below: SparseBytes | None = None
    for number, level in enumerate(stated):
        held = file.part(at, level.length)
        is_so = level if below is None else _level(below, is_file=False)
        if held.read(0, held.length) != is_so.read(0, is_so.length):
            rules.add("PF-INT-004" if number else "PF-INT-003")
        at += level.length
        below = held
    return rules if below is None or _hash(below.read(0, _NODE)) == root else rules | {"PF-INT-005"}
