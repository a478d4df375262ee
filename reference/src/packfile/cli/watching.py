"""Which pages a loader reads, by its own word: an image, a tracer and a host module that note what is read of a file.

Assumes that the loader reads a file through the methods of its image, and through the views that it makes its segments
of. Promises every page that is read or stored to, under the section that is meant by it. What the kernel maps is
another question (`kernel.py`).
"""

from __future__ import annotations

import mmap
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import BinaryIO, Final

from packfile import layout
from packfile.digests import Counters, Digests, _Damage
from packfile.errors import Corrupt
from packfile.hostlib import HostLibrary
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import (
    DIGEST_BLOCK_LENGTH,
    DIGEST_LENGTH,
    DIGEST_NODE_COUNT,
    ExportRow,
    FunctionRow,
    ImportRow,
    SectionKind,
)
from packfile.link import Linkage
from packfile.machine import Frame
from packfile.machine.state import MASK

PAGE: Final = mmap.PAGESIZE
HEADER: Final = 0
"""Stands for header and directory among the kinds of sections."""

_OFFSET: Final = 0xFFFFFFFF
_SEGMENTS: Final = (SectionKind.RODATA, SectionKind.DATA)
"""The segments of a module that lie in its file; the third is bss."""
_SEGMENTS_OF_A_MODULE: Final = 3
_ACCESS: Final = re.compile(r"[IN]_(LOAD|STORE)(8|16|32|64)(_[SU])?")


def _accesses() -> dict[int, tuple[int, bool]]:
    """Size in bytes of each load and store, and whether it is a store, by op."""
    found = {opcode: _ACCESS.fullmatch(opcode.name) for opcode in INSTRUCTIONS}
    return {int(opcode): (int(match[2]) // 8, match[1] == "STORE") for opcode, match in found.items() if match}


_ACCESSES: Final = _accesses()


def pages(at: int, length: int) -> range:
    """Numbers of the pages that a range of bytes lies on."""
    return range(at // PAGE, (at + length - 1) // PAGE + 1) if length else range(0)


class WatchedDigests(Digests):
    """A digest tree that notes the pages that are read to check something."""

    def __init__(
        self,
        view: memoryview,
        root: bytes,
        section: tuple[int, int],
        name: str | None,
        counters: Counters | None = None,
    ) -> None:
        """As of `Digests`."""
        self.tree: set[int] = set()
        """Pages of the tree that were read."""
        self.blocks: set[int] = set()
        """Pages that were read whole."""
        super().__init__(view, root, section, name, counters)

    def _compare(self, level: int, number: int) -> _Damage | None:
        if level < 0:
            self.blocks.update(pages(number * DIGEST_BLOCK_LENGTH, 1))
        else:
            at = self._starts[level] + number * DIGEST_NODE_COUNT * DIGEST_LENGTH
            end = min(at + DIGEST_NODE_COUNT * DIGEST_LENGTH, self._starts[level + 1])
            self.tree.update(pages(at, end - at))
        if level + 1 < len(self._counts):
            self.tree.update(pages(self._starts[level + 1] + number * DIGEST_LENGTH, DIGEST_LENGTH))
        return super()._compare(level, number)


class WatchedImage(Image):
    """An image that notes the pages that are read of it."""

    _digests_type = WatchedDigests

    def __init__(self, buffer: mmap.mmap | bytes, name: str, fd: int | None = None, *, digests: bool = True) -> None:
        """As of `Image`."""
        self.read: defaultdict[int, set[int]] = defaultdict(set)
        """Pages that were read, by kind of section."""
        self.stored: set[int] = set()
        """Pages of data that were stored to."""
        if isinstance(buffer, mmap.mmap):
            self.prepare(buffer)
        super().__init__(buffer, name, fd, digests=digests)
        self.front_length = layout.HEADER_SIZE + len(self.sections) * layout.DIRECTORY_ENTRY[self.order].size
        """Length of header and directory."""
        self.note(HEADER, 0, self.front_length)

    def prepare(self, mapping: mmap.mmap) -> None:
        """Do what is to be done with a mapping before anything of it is read: here, nothing."""

    def note(self, kind: int, at: int, length: int) -> None:
        """Note that bytes of a section are read; `at` is an offset in the file."""
        self.read[kind].update(pages(at, length))

    def pages_read(self) -> tuple[dict[int, frozenset[int]], frozenset[int]]:
        """Pages that were read, by kind of section, and all of them with those that digests were checked of."""
        read = {kind: frozenset(numbers) for kind, numbers in self.read.items()}
        checked: set[int] = set()
        if isinstance(self.digests, WatchedDigests):
            read[SectionKind.DIGESTS] = frozenset(self.digests.tree)
            checked = self.digests.blocks
        return read, frozenset().union(checked, *read.values())

    def descriptor(self) -> int:
        """The open file."""
        assert self._fd is not None
        return self._fd

    def function_row(self, index: int) -> FunctionRow:
        """As of `Image`."""
        self._note_row(SectionKind.FUNCTIONS, self.function_row_at(index))
        return super().function_row(index)

    def code_start(self, index: int) -> int:
        """As of `Image`."""
        if index:
            self._note_row(SectionKind.FUNCTIONS, self.function_row_at(index - 1))
        return super().code_start(index)

    def import_row(self, index: int) -> ImportRow:
        """As of `Image`."""
        self._note_row(SectionKind.IMPORTS, self.import_row_at(index))
        return super().import_row(index)

    def export_row(self, index: int) -> ExportRow:
        """As of `Image`."""
        self._note_row(SectionKind.EXPORTS, self.export_row_at(index))
        return super().export_row(index)

    def constant(self, index: int) -> int:
        """As of `Image`."""
        at, _ = self.sections[SectionKind.CONSTANTS]
        self._note_row(SectionKind.CONSTANTS, at + index * layout.SECTIONS[SectionKind.CONSTANTS].row_size)
        return super().constant(index)

    def name_bytes(self, offset: int, length: int) -> bytes:
        """As of `Image`."""
        name = super().name_bytes(offset, length)
        at, _ = self.sections.get(SectionKind.STRINGS, (0, 0))
        self.note(SectionKind.STRINGS, at + offset, len(name))
        return name

    def words(self, start: int, end: int) -> tuple[memoryview, memoryview, memoryview, memoryview]:
        """As of `Image`. Whoever asks for words is going to verify them, and so reads them all."""
        self.note(SectionKind.CODE, self.code_at + 4 * start, 4 * (end - start))
        return super().words(start, end)

    def private_data(self) -> memoryview:
        """As of `Image`."""
        view = super().private_data()
        if isinstance(view.obj, mmap.mmap):
            self.prepare(view.obj)
        else:
            self.note(SectionKind.DATA, *self.sections.get(SectionKind.DATA, (0, 0)))
        return view

    def _note_row(self, kind: SectionKind, at: int) -> None:
        self.note(kind, at, layout.SECTIONS[kind].row_size)


class Watch:
    """Notes what programs load and store; a tracer."""

    def __init__(self) -> None:
        self.images: Sequence[WatchedImage] = ()
        """Images of the linked set, in the order of their positions."""

    def __call__(self, frame: Frame, word: int) -> None:
        """Note what the instruction at a word is about to load or store."""
        code = frame.code
        op = code.ops[word]
        access = _ACCESSES.get(op)
        linkage = frame.thread.linkage
        if access is not None:
            size, stores = access
            address = frame.i[code.b[word]] + size * code.c[word] & MASK
            if not address & size - 1 and _allowed(linkage, address, size, write=stores):
                self.note(address, size, stored=stores)
        elif op == Opcode.MEM_COPY:
            to, source, length = (frame.i[field[word]] & MASK for field in (code.a, code.b, code.c))
            if _allowed(linkage, to, length, write=True) and _allowed(linkage, source, length, write=False):
                self.note(source, length)
                self.note(to, length, stored=True)
        elif op == Opcode.MEM_FILL:
            to, length = frame.i[code.a[word]] & MASK, frame.i[code.c[word]] & MASK
            if _allowed(linkage, to, length, write=True):
                self.note(to, length, stored=True)

    def note(self, address: int, length: int, *, stored: bool = False) -> None:
        """Note that bytes of a segment are read or stored to."""
        position, segment = divmod((address >> 32) - 1, _SEGMENTS_OF_A_MODULE)
        if segment >= len(_SEGMENTS) or not 0 <= position < len(self.images):
            return
        image, kind = self.images[position], _SEGMENTS[segment]
        at = image.sections[kind][0] + (address & _OFFSET)
        image.note(kind, at, length)
        if stored:
            image.stored.update(pages(at, length))


def _allowed(linkage: Linkage, address: int, length: int, *, write: bool) -> bool:
    """Whether the machine goes through with an access, rather than ending before it reads or stores anything."""
    guard = linkage.guarded.get(address >> 32)
    segment = guard.segment if guard else linkage.segments.get(address >> 32)
    if segment is None or (write and segment.readonly):
        return False
    offset = address & _OFFSET
    if offset > len(segment) or length > len(segment) - offset:
        return False
    if guard:
        try:
            # What the machine does next; its second look at the blocks finds the same.
            guard.check(offset, length)
        except Corrupt:
            return False
    return True


class WatchedHost(HostLibrary):
    """The host module; notes what programs print of their segments."""

    def __init__(self, output: BinaryIO, watch: Watch) -> None:
        """Make the module, which prints to a stream."""
        super().__init__(output)
        self._watch = watch

    def _print_bytes(self, address: int, length: int) -> None:
        super()._print_bytes(address, length)
        self._watch.note(address & MASK, length & MASK)
