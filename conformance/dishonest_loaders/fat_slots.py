"""Keeps half a kibibyte for each import row.

Breaks: PF-XIP-006.
"""

import sys

from packfile import adapter
from packfile.link import Linkage, Module, Slot

correct = Linkage._bind  # noqa: SLF001 - a dishonest loader is dishonest inside


class Fat(Slot):
    """A slot with more than it needs."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot.value, slot.function, slot.trap)
        self.more = bytearray(512)


def bind(self: Linkage, module: Module, index: int) -> Slot:
    """The slot, and more."""
    return Fat(correct(self, module, index))


Linkage._bind = bind  # type: ignore[method-assign]  # noqa: SLF001

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
