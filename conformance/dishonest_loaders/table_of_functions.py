"""Makes a table of where each function begins when a file is opened.

Breaks: PF-XIP-005.
"""

import sys
from array import array
from typing import Any

from packfile import adapter
from packfile.image import Image
from packfile.layout import SectionKind

correct = Image.__init__


def init(self: Image, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of Image
    """The image, with its table."""
    correct(self, *arguments, **options)
    rows = self.section(SectionKind.FUNCTIONS)
    self.table = array("I", rows.tobytes())[::3]  # type: ignore[attr-defined]


Image.__init__ = init  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
