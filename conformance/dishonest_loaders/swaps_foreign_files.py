"""Copies files of the other byte order into memory to swap them, and runs the copy; the file stays mapped beside it.

The swap itself is left out, for the reference reads both orders.

Breaks, in files of the order that is not the host's: PF-XIP-004 PF-XIP-007 PF-XIP-008 PF-XIP-009 PF-XIP-011.
"""

import os
import sys

from packfile import adapter
from packfile.image import Image
from packfile.layout import ByteOrder

correct = Image.open
host = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG


class Swapped(Image):
    """An image of a copy, which keeps the mapping that it was copied from."""

    mapped: Image

    def close(self) -> None:
        """Closes both."""
        super().close()
        self.mapped.close()


def open_image(path: str | os.PathLike[str]) -> Image:
    """The image of a native file, the image of a copy of a foreign one."""
    image = correct(path)
    if image.order == host:
        return image
    copy = Swapped(image.view.tobytes(), image.name)
    copy.mapped = image
    return copy


Image.open = staticmethod(open_image)  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
