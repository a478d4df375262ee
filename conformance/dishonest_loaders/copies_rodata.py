"""Maps the file, and copies its rodata when a module is linked.

Breaks: PF-XIP-004 PF-XIP-011.
"""

import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import SectionKind

correct = Image.section


def section(self: Image, kind: int) -> memoryview:
    """The section, or a copy if it is rodata."""
    view = correct(self, kind)
    return memoryview(bytes(view)) if kind == SectionKind.RODATA else view


Image.section = section  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
