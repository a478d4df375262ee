"""Reads the whole file into memory, and runs it there.

Breaks: PF-XIP-003 PF-XIP-004 PF-XIP-007 PF-XIP-008 PF-XIP-010 PF-XIP-011.
"""

import os
import sys
from pathlib import Path

from packfile import adapter
from packfile.image import Image


def open_image(path: str | os.PathLike[str]) -> Image:
    """An image of bytes that belong to the process."""
    return Image(Path(path).read_bytes(), os.fspath(path))


Image.open = staticmethod(open_image)  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
