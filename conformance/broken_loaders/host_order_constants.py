"""Reads constants in the host's order, whatever the file's.

Breaks: PF-EXE-020, where a program uses a constant.
"""

import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import ByteOrder

correct = Image.constant
host = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG


def constant(self: Image, index: int) -> int:
    """The constant with its bytes reversed if the file's order is not the host's."""
    bits = correct(self, index)
    return bits if self.order == host else int.from_bytes(bits.to_bytes(8, "little"), "big")


Image.constant = constant  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
