"""Passes on segments: fewer bytes, and zeros in place of those that do not matter.

Assumes nothing of the specimen. Promises candidates alone; the search decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from packfile.instructions import Opcode
from packfile.layout import Segment
from packfile.model import Module
from packfile_fuzz.triage import remove
from packfile_fuzz.triage.lines import Line
from packfile_fuzz.triage.parts import Parts
from packfile_fuzz.triage.search import thin

_MOST_CLEARED = 128
"""Bytes of a segment that are cleared one by one."""
_SEGMENTS = {
    "rodata": (Segment.RODATA, Opcode.LRODATA),
    "data": (Segment.DATA, Opcode.LDATA),
    "bss_size": (Segment.BSS, Opcode.LBSS),
}
"""Fields of a module, with what addresses them."""


class Segments(Parts):
    """The pass."""

    def shorter(self) -> None:
        """Take bytes from the ends of segments, then from their fronts; make 0 what is left, or some of it."""
        for at in self.places():
            for name in _SEGMENTS:
                self._shorten(at, name)
                for power in range(size_of(self.module(at), name).bit_length() - 1, -1, -1):
                    while self.attempt(at, partial(without_front, name=name, size=1 << power)):
                        pass
            for name in ("rodata", "data"):
                self._clear(at, name)

    def _shorten(self, at: int, name: str) -> None:
        low, high = 0, size_of(self.module(at), name)
        while low < high:
            middle = (low + high) // 2
            if self.attempt(at, partial(_cut, name=name, size=middle)):
                high = middle
            else:
                low = middle + 1

    def _clear(self, at: int, name: str) -> None:
        content: bytes = getattr(self.module(at), name)
        places = [place for place, byte in enumerate(content) if byte]

        def attempt(left: Sequence[int]) -> bool:
            stays = {places[number] for number in left}
            made = bytes(byte if place in stays else 0 for place, byte in enumerate(content))
            return self.attempt(at, lambda module: _with_bytes(module, name, made))

        if len(places) <= _MOST_CLEARED:
            thin(len(places), attempt)
        else:
            attempt(())


def without_front(module: Module, name: str, size: int) -> Module | None:
    """A module without the first bytes of a segment, whose other bytes are still found; None if it has not so many."""
    segment, opcode = _SEGMENTS[name]
    if size > size_of(module, name):
        return None
    exports = tuple(
        replace(row, position=max(row.position - size, 0)) if row.segment is segment else row for row in module.exports
    )

    def change(lines: list[Line]) -> list[Line]:
        return [
            each._replace(literal=(each.literal or 0) - size)
            if each.row.opcode is opcode and (each.literal or 0) >= size
            else each
            for each in lines
        ]

    return remove.edited(replace(_part(module, name, slice(size, None)), exports=exports), change)


def size_of(module: Module, name: str) -> int:
    """Bytes of a segment."""
    segment = getattr(module, name)
    return segment if isinstance(segment, int) else len(segment)


def _cut(module: Module, name: str, size: int) -> Module:
    return _part(module, name, slice(size))


def _part(module: Module, name: str, places: slice) -> Module:
    if name == "bss_size":
        return replace(module, bss_size=len(range(module.bss_size)[places]))
    return _with_bytes(module, name, getattr(module, name)[places])


def _with_bytes(module: Module, name: str, content: bytes) -> Module:
    return replace(module, data=content) if name == "data" else replace(module, rodata=content)
