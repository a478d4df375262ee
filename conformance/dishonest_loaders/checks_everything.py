"""Computes a checksum of all code when a file is opened, as a loader does that verifies everything at once.

Breaks: PF-XIP-004.
"""

import sys
import zlib
from typing import Any

from packfile import adapter
from packfile.image import Image
from packfile.layout import SectionKind

correct = Image.__init__


def init(self: Image, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of Image
    """The image, all of whose code was read."""
    correct(self, *arguments, **options)
    zlib.crc32(self.section(SectionKind.CODE))


Image.__init__ = init  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
