"""Maps the file privately, and patches its code when it is linked.

Breaks: PF-XIP-003 PF-XIP-006.
"""

import mmap
import os
import sys

from packfile import adapter
from packfile.image import Image
from packfile.link import Linkage, Module, Slot

correct = Linkage._bind  # noqa: SLF001 - a dishonest loader is dishonest inside


def open_image(path: str | os.PathLike[str]) -> Image:
    """An image of a mapping whose pages become private when they are stored to."""
    descriptor = os.open(path, os.O_RDONLY)
    return Image(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY), os.fspath(path), descriptor)


def bind(self: Linkage, module: Module, index: int) -> Slot:
    """The slot, after a store to the first word of code; a patch would store another word there."""
    image = module.image
    assert image is not None
    buffer = image._buffer  # noqa: SLF001
    assert isinstance(buffer, mmap.mmap)
    buffer[image.code_at] = buffer[image.code_at]
    return correct(self, module, index)


Image.open = staticmethod(open_image)  # type: ignore[assignment, method-assign]
Linkage._bind = bind  # type: ignore[method-assign]  # noqa: SLF001

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
