"""Keeps every mapping after its image was closed.

Breaks: PF-XIP-012.
"""

import os
import sys

from packfile import adapter
from packfile.image import Image

correct = Image.open
kept: list[memoryview] = []


def open_image(path: str | os.PathLike[str]) -> Image:
    """An image, of which a view is kept."""
    image = correct(path)
    kept.append(image.view[:1])
    return image


Image.open = staticmethod(open_image)  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
