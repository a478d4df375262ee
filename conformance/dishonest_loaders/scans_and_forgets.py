"""Reads the whole file when it is opened, and gives each part of the mapping back at once.

Breaks: PF-XIP-004.
"""

import mmap
import os
import sys
import zlib

from packfile import adapter
from packfile.image import Image

correct = Image.open
PART = 1 << 20


def open_image(path: str | os.PathLike[str]) -> Image:
    """An image that has as few pages as if nothing had been read."""
    image = correct(path)
    buffer = image._buffer  # noqa: SLF001 - a dishonest loader is dishonest inside
    assert isinstance(buffer, mmap.mmap)
    for at in range(0, len(buffer), PART):
        zlib.crc32(image.view[at : at + PART])
        buffer.madvise(mmap.MADV_DONTNEED, at, min(PART, len(buffer) - at))
    return image


Image.open = staticmethod(open_image)  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
