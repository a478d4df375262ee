"""Maps the file so that stores to it would be possible.

Breaks: PF-XIP-003.
"""

import mmap
import os
import sys

from packfile import adapter
from packfile.image import Image


def open_image(path: str | os.PathLike[str]) -> Image:
    """An image of a private, writable mapping."""
    descriptor = os.open(path, os.O_RDONLY)
    return Image(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY), os.fspath(path), descriptor)


Image.open = staticmethod(open_image)  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
