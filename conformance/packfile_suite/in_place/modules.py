"""Files for the profile: long ones that are nearly all holes, ones with many rows, and ones with much code.

Each is written in pieces of a page and waited for before a loader sees it: the kernel brings in as much at a touch as
was written at once.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packfile import layout
from packfile.assembler import assemble
from packfile.layout import ByteOrder, FunctionRow, SectionKind
from packfile.writer import encode
from packfile_suite.patch import PatchedFile
from packfile_suite.sparse import SparseBytes

PIECE = 4096
_ORDERS = {"little": ByteOrder.LITTLE, "big": ByteOrder.BIG}
LAST_BYTE = 7
CODE_FUNCTIONS = 12
"""Functions of the module with much code, each as long as one may be. Fewer fit into what a loader has freed before."""

_CODE_WORDS = 5
"""Words of each of them before it is made longer."""

_LONG = """
.rodata
.byte 1
.export func first () -> (i)
  i_imm i0, 1
  ret i0, n0
.export func last (i) -> (i)
  lrodata i1, 0
  i_add i1, i1, i0
  i_load8_u i0, i1
  ret i0, n0
"""
_STORE = """
.unit 65536
.data
cell: .byte 1
.export func store (i) -> ()
  ldata i1, cell
  i_add i1, i1, i0
  i_imm i2, 5
  i_store8 i2, i1
  ret
"""
_IMPORTS = """
.import eager func lib.f () -> (i)
.export func use () -> (i)
  calli lib.f
  ret i0, n0
"""
_EXPORTS = """
.export func f () -> (i)
  i_imm i0, 3
  ret i0, n0
"""


@dataclass(frozen=True, slots=True)
class Module:
    """A file, and where its sections lie: offset and length by kind."""

    path: Path
    size: int
    sections: Mapping[int, tuple[int, int]]

    @property
    def front(self) -> tuple[int, int]:
        """Range of what stands before the code: header, directory, rows, constants and names."""
        return 0, self.sections[SectionKind.CODE][0]

    def range(self, kind: SectionKind) -> tuple[int, int]:
        """Where a section begins and ends; nowhere if there is none."""
        offset, length = self.sections.get(kind, (0, 0))
        return offset, offset + length


class Workshop:
    """Makes modules below a directory, each once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._made: dict[str, Module] = {}

    def long(self, order: str, size: int, rows: int = 2048) -> Module:
        """A module of that size whose code and rodata are holes but for their ends.

        `first` and `last` are the first and the last of its functions. `last` reads a byte of rodata, of which only
        the last is LAST_BYTE. Those between have no valid code, which nobody may notice.
        """
        name = f"long-{size}-{rows}-{order}"
        if name not in self._made:
            file = _file(_LONG, order)
            _spread(file, order, rows, max(size // 2, 4 * rows + PIECE))
            place = file.find("rodata[0]").offset
            # With many rows the rest may be longer than was asked for.
            file.apply({"stretch": "rodata", "length": max(size - place, PIECE)})
            file.content.write(file.content.length - 1, bytes([LAST_BYTE]))
            self._save(name, file, order)
        return self._made[name]

    def code(self, order: str) -> Module:
        """A module of long functions `f0`, `f1`, ... that return at once, so that they cost much only if copied."""
        name = f"code-{order}"
        if name not in self._made:
            body = "  i_imm i0, 4\n  ret i0, n0\n  i_imm32 i0, 123456\n  ret i0, n0\n"
            text = "".join(f".export func f{at} () -> (i)\n{body}" for at in range(CODE_FUNCTIONS))
            file = _file(text, order)
            _lengthen(file)
            self._save(name, file, order)
        return self._made[name]

    def data(self, order: str, length: int) -> Module:
        """A module whose `store` stores to a byte of a long data section, which any host can map."""
        name = f"data-{length}-{order}"
        if name not in self._made:
            file = _file(_STORE, order)
            file.apply({"stretch": "data", "length": length})
            self._save(name, file, order)
        return self._made[name]

    def imports(self, order: str, rows: int) -> Module:
        """A module with many import rows, all of `lib.f`, and `use`, which calls it through the first."""
        name = f"imports-{rows}-{order}"
        if name not in self._made:
            file = _file(_IMPORTS, order)
            row = file.content.read(file.find("imports[0].kind").offset, _row_size(SectionKind.IMPORTS))
            file.apply({"stretch": "imports", "length": rows * len(row)})
            file.content.write(file.find("imports[0].kind").offset, row * rows)
            self._save(name, file, order)
        return self._made[name]

    def exports(self, order: str) -> Module:
        """The module that `imports` imports from."""
        name = f"exports-{order}"
        if name not in self._made:
            self._save(name, _file(_EXPORTS, order), order)
        return self._made[name]

    def _save(self, name: str, file: PatchedFile, order: str) -> None:
        path = self.directory / f"{name}.pkf"
        path.unlink(missing_ok=True)
        save(file.content, path)
        self._made[name] = Module(path, file.content.length, _sections(file.content, order))


def save(content: SparseBytes, path: Path) -> None:
    """Writes a file in pieces, with its holes, and waits until the disk has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        for offset, data in content.runs():
            at = 0
            while at < len(data):
                piece = data[at : at + PIECE - (offset + at) % PIECE]
                at += os.pwrite(descriptor, piece, offset + at)
        os.ftruncate(descriptor, content.length)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file(text: str, order: str) -> PatchedFile:
    return PatchedFile(SparseBytes(encode(assemble(text), _ORDERS[order])), _ORDERS[order])


def _row_size(kind: SectionKind) -> int:
    return layout.SECTIONS[kind].row_size


def _sections(content: SparseBytes, order: str) -> dict[int, tuple[int, int]]:
    header = layout.Header._make(layout.HEADER[_ORDERS[order]].unpack(content.read(0, layout.HEADER_SIZE)))
    entry = layout.DIRECTORY_ENTRY[_ORDERS[order]]
    places = (layout.HEADER_SIZE + at * entry.size for at in range(header.section_count))
    rows = [layout.DirectoryEntry._make(entry.unpack(content.read(place, entry.size))) for place in places]
    return {row.kind_id: (row.offset, row.length) for row in rows}


def _lengthen(file: PatchedFile) -> None:
    """Repeats an instruction of every function, a word and its literal, until it is as long as one may be."""
    size = 4 * layout.MAX_FUNCTION_WORDS
    code = file.content.read(file.find("code[0].word").offset, 4 * _CODE_WORDS)
    for index in range(CODE_FUNCTIONS):
        file.set(f"functions[{index}].code_end", (index + 1) * layout.MAX_FUNCTION_WORDS)
    file.apply({"stretch": "code", "length": CODE_FUNCTIONS * size})
    # Two words begin a function and one ends it, so a second end makes the count even.
    body = code[:8] + code[8:16] * ((layout.MAX_FUNCTION_WORDS - 4) // 2) + code[16:20] * 2
    file.content.write(file.find("code[0].word").offset, body * CODE_FUNCTIONS)


def _spread(file: PatchedFile, order: str, rows: int, length: int) -> None:
    """Puts functions between the two of the module, and holes between their code."""
    pack = layout.FUNCTION_ROW[_ORDERS[order]]
    at = file.find("functions[0].code_end").offset
    first, last = (FunctionRow._make(pack.unpack(file.content.read(at + n * pack.size, pack.size))) for n in range(2))
    code = file.find("code[0].word").offset
    words = file.content.read(code + 4 * first.code_end, 4 * (last.code_end - first.code_end))
    file.content.write(code + 4 * first.code_end, bytes(len(words)))
    file.apply({"stretch": "functions", "length": rows * pack.size})
    file.apply({"stretch": "code", "length": length})
    total = length // 4
    step = (total - len(words) // 4 - first.code_end) // (rows - 2)
    ends = array("I", range(first.code_end, first.code_end + step * (rows - 2), step))
    ends = array("I", [*ends, total - len(words) // 4, total])
    fields = array("I", bytes(rows * pack.size))
    fields[0 :: pack.size // 4] = ends
    if fields.itemsize != 4 or (_ORDERS[order] is ByteOrder.LITTLE) != (array("I", [1]).tobytes()[0] == 1):
        fields.byteswap()
    table = bytearray(fields.tobytes())
    for index, row in ((0, first), (rows - 1, last)):
        table[index * pack.size : (index + 1) * pack.size] = pack.pack(
            *row._replace(code_end=first.code_end if index == 0 else total)
        )
    file.content.write(file.find("functions[0].code_end").offset, bytes(table))
    file.content.write(file.find("code[0].word").offset + length - len(words), words)
    file.set("exports[1].position", rows - 1)
