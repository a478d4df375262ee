"""Reads code as words of the host's order, as `cast("I")` would: files of the other order run as nonsense.

Breaks: PF-EXE-020, and with it every rule about code, in big-endian files on a little-endian host and the reverse.
"""

import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import ByteOrder

correct = Image.words
host = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG


def words(self: Image, start: int, end: int) -> tuple[memoryview, memoryview, memoryview, memoryview]:
    """The right views only if the file's order is the host's."""
    op, a, b, c = correct(self, start, end)
    return (op, a, b, c) if self.order == host else (c, b, a, op)


Image.words = words  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
