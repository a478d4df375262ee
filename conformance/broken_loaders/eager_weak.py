"""Treats weak imports as eager: a program with an absent plug-in does not link.

Breaks: PF-FIX-011 and every other rule about a weak import that is missing.
"""

import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import Binding, ImportRow

correct = Image.import_row


def import_row(self: Image, index: int) -> ImportRow:
    """The row, with eager for weak."""
    row = correct(self, index)
    return row._replace(binding=Binding.EAGER) if row.binding == Binding.WEAK else row


Image.import_row = import_row  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
