"""Swaps the data section along with everything else when the file's order is not the host's.

Breaks: PF-SEC-014: data is bytes, the same in both kinds of file.
"""

import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import ByteOrder

correct = Image.private_data
host = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG


def private_data(self: Image) -> memoryview:
    """The data section, its 32-bit words swapped if the file's order is not the host's."""
    data = correct(self)
    if self.order != host:
        for at in range(0, len(data) - 3, 4):
            data[at : at + 4] = bytes(data[at : at + 4])[::-1]
    return data


Image.private_data = private_data  # type: ignore[method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
