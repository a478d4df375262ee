"""Copies the data section when a module is linked.

Breaks: PF-XIP-007.
"""

import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import SectionKind


def private_data(self: Image) -> memoryview:
    """A copy."""
    return memoryview(bytearray(self.section(SectionKind.DATA)))


Image.private_data = private_data  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
