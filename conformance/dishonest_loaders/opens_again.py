"""Maps the file again, by its name, for each function that is called.

Breaks: PF-XIP-013.
"""

import sys

from packfile import adapter
from packfile.image import Image

correct = Image.words


def words(self: Image, start: int, end: int) -> tuple[memoryview, memoryview, memoryview, memoryview]:
    """Views of what stands under the name now."""
    again = Image.open(self.name)
    views = correct(again, start, end)
    again.close()
    return views


Image.words = words  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
