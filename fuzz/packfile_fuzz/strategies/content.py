"""Bytes as a person writes them down: short examples are mostly zeros, so what is not zero stands with its offset.

Assumes nothing. Promises that `spelled` and `content_of` are inverse to each other, but for zeros at the end, which
mean the same as no bytes there.
"""

from __future__ import annotations

import re
from itertools import pairwise

_CHUNK = re.compile(r"(\d+):((?:[0-9a-f]{2})+)")
_NONZERO = re.compile(rb"[^\0]+(?:\0{1,2}[^\0]+)*")
"""A run of bytes that are not zero; one or two zeros are shorter than the next offset."""


def spelled(content: bytes) -> str:
    """Bytes as `OFFSET:HEX` for each run of them that is not zero, offsets in decimal."""
    return " ".join(f"{run.start()}:{run.group().hex()}" for run in _NONZERO.finditer(content))


def content_of(text: str | bytes) -> bytes:
    """The bytes of `spelled`, or those that are given.

    Raises:
        ValueError: The text is not of that form, or runs overlap or are not in order.
    """
    if isinstance(text, bytes):
        return text
    chunks = [_CHUNK.fullmatch(word) for word in text.split()]
    runs = [(int(chunk[1]), bytes.fromhex(chunk[2])) for chunk in chunks if chunk]
    if len(runs) < len(chunks) or any(at + len(run) > after for (at, run), (after, _) in pairwise(runs)):
        raise ValueError(f"expected runs of bytes such as '0:02 224:4c01', in order, got {text!r}")
    result = b""
    for at, run in runs:
        result = result.ljust(at, b"\0") + run
    return result
