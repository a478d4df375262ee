"""Patches what a slot is bound to into the code that uses it: once for each file, not for each position in a set.

Breaks: PF-FIX-020 and PF-FIX-026: a file that stands in a set twice, or in two sets, calls what it was bound to first.
"""

import sys
from weakref import WeakKeyDictionary

from packfile import adapter
from packfile.image import Image
from packfile.link import Linkage, Module, Slot

correct = Linkage._bind  # noqa: SLF001 - a broken loader is broken inside
patched: WeakKeyDictionary[Image, dict[int, Slot]] = WeakKeyDictionary()


def bind(self: Linkage, module: Module, index: int) -> Slot:
    """What the file's slot was bound to first."""
    assert module.image is not None
    slots = patched.setdefault(module.image, {})
    if index not in slots:
        slots[index] = correct(self, module, index)
    return slots[index]


Linkage._bind = bind  # type: ignore[method-assign]  # noqa: SLF001

if __name__ == "__main__":
    adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
