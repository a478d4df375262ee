"""Maps the file, and copies the code of each function that is called.

Breaks: PF-XIP-008 PF-XIP-011.
"""

import sys

from packfile import adapter
from packfile.image import Image

correct = Image.words


def words(self: Image, start: int, end: int) -> tuple[memoryview, memoryview, memoryview, memoryview]:
    """Views of copies."""
    op, a, b, c = (memoryview(bytes(view)) for view in correct(self, start, end))
    return op, a, b, c


Image.words = words  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
