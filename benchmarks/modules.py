"""Modules of any size, whose functions all do the same: written piece by piece, without their size of memory."""

from dataclasses import dataclass
from pathlib import Path

from packfile import layout
from packfile.assembler import assemble
from packfile.instructions import Opcode
from packfile.layout import ByteOrder, SectionKind
from packfile.model import Function, Module, Signature
from packfile.writer import encode

FIRST = 42
"""What the function `first` gives."""
FUNCTION_WORDS = 1024
"""Words of each function that fills a module: a page of code."""
HEAD = 2
"""Functions before those that fill it."""
FIRST_REFERENCE = (1 << 32) + HEAD
"""Reference of the first function that fills the module at position 0."""
_PIECE = 1 << 12
"""Bytes that are written at a time. Of larger pieces ext4 makes large folios, of which the kernel maps megabytes at the
first touch, and that would say nothing of the loader."""

ASSEMBLY = f"""
.export func first () -> (i)
  i_imm i0, {FIRST}
  ret
; calls i1 functions, from reference i0 on, each with what the one before it gave
.export func run (i, i) -> (i)
next:
  callr i2, i0, (i) -> (i)
  i_add_imm i0, i0, 1
  i_add_imm i1, i1, -1
  jmp_if i1, next
  i_mov i0, i2
  ret
"""


@dataclass(frozen=True)
class Filled:
    """A file that was written."""

    path: Path
    size: int
    functions: int
    """How many functions fill it."""
    function_words: int
    words: int
    """Words of code, of all functions."""

    def sum_of(self, count: int) -> int:
        """What `run` gives for this many of them: each adds one for every word but its last."""
        return count * (self.function_words - 1)


def filler(words: int) -> tuple[int, ...]:
    """The code of a function that adds one to its argument with every word but the last."""
    return (Opcode.I_ADD_IMM | 1 << 24,) * (words - 1) + (int(Opcode.RET),)


def model(functions: int, words: int = FUNCTION_WORDS) -> Module:
    """The module as data."""
    head = assemble(ASSEMBLY, "head")
    one = Function(Signature(1, 0, 1, 0), 1, 0, filler(words))
    return Module(functions=(*head.functions, *(one,) * functions), exports=head.exports)


def functions_for(size: int, words: int = FUNCTION_WORDS) -> int:
    """How many functions make a file of at most this size; 0 if not even one does."""
    row = layout.FUNCTION_ROW[ByteOrder.LITTLE].size
    unit = 1 << Module().unit_log2
    rest = size - len(encode(model(0), ByteOrder.LITTLE)) - unit
    return max(0, min(rest // (4 * words + row), layout.MAX_FUNCTIONS - HEAD))


def words_for(size: int, functions: int) -> int:
    """Words of each function with which so many make a file of this size; 0 if they do not fit."""
    rest = size - len(encode(model(0), ByteOrder.LITTLE)) - (1 << Module().unit_log2)
    row = layout.FUNCTION_ROW[ByteOrder.LITTLE].size
    return min(max(0, rest // functions - row) // 4, layout.MAX_FUNCTION_WORDS)


def write_module(
    path: Path, size: int, order: ByteOrder, words: int = FUNCTION_WORDS, most: int = layout.MAX_FUNCTIONS
) -> Filled:
    """Write a module of at most this size, and of hardly less unless it is tiny or has the most functions."""
    count = min(functions_for(size, words), most)
    empty = Function(Signature(1, 0, 1, 0), 1, 0, ())
    head = model(0)
    # The writer places the sections as if the functions had no code; rows and lengths are mended below.
    file = bytearray(encode(Module(functions=(*head.functions, *(empty,) * count), exports=head.exports), order))
    header = layout.Header._make(layout.HEADER[order].unpack_from(file))
    at_entry, code = _entry(file, header, SectionKind.CODE, order)
    _, rows = _entry(file, header, SectionKind.FUNCTIONS, order)
    row = layout.FUNCTION_ROW[order]
    end = code.length // 4
    for index in range(HEAD, HEAD + count):
        end += words
        row.pack_into(file, rows.offset + index * row.size, end, empty.signature.word, 1, 0, 0)
    length = len(file) + 4 * words * count
    layout.HEADER[order].pack_into(file, 0, *header._replace(file_length=length))
    layout.DIRECTORY_ENTRY[order].pack_into(file, at_entry, *code._replace(length=code.length + 4 * words * count))
    one = b"".join(word.to_bytes(4, "little" if order == ByteOrder.LITTLE else "big") for word in filler(words))
    with path.open("wb", buffering=_PIECE) as output:
        for start in range(0, len(file), _PIECE):
            output.write(file[start : start + _PIECE])
        for _ in range(count):
            for start in range(0, len(one), _PIECE):
                output.write(one[start : start + _PIECE])
    return Filled(path, length, count, words, end)


def _entry(
    file: bytearray, header: layout.Header, kind: SectionKind, order: ByteOrder
) -> tuple[int, layout.DirectoryEntry]:
    entry = layout.DIRECTORY_ENTRY[order]
    for number in range(header.section_count):
        at = layout.HEADER_SIZE + number * entry.size
        found = layout.DirectoryEntry._make(entry.unpack_from(file, at))
        if found.kind_id == kind:
            return at, found
    raise AssertionError(kind)
