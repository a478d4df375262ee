"""Modules that several tests use."""

from pathlib import Path

from packfile import layout
from packfile.assembler import assemble
from packfile.layout import ByteOrder, SectionKind
from packfile.writer import encode

FIB = """
.export func fib (i) -> (i)
  i_imm i1, 2
  jmp_lt_s i0, i1, done
  i_add_imm i2, i0, -1
  call i2, fib
  i_add_imm i3, i0, -2
  call i3, fib
  i_add i0, i2, i3
done:
  ret
"""

EVERYTHING = """
; one of each kind of section and row
.bss 64
.entry main
.import eager func host.log_i (i) -> ()
.import lazy func absent.f (n) -> (n)
.import weak data absent.d 8
.const big = 0x123456789abcdef0
.const half = 0.5
.export func main () -> ()
  i_imm i0, 7
  calli i0, host.log_i
  ret
.export func mix (i, n) -> (i, n)
  i_const i1, big
  i_add i0, i0, i1
  n_const n1, half
  n_mul n0, n0, n1
  lrodata i1, text
  i_load8_u i1, i1, 0
  i_add i0, i0, i1
  ldata i1, counter
  i_load64 i2, i1, 0
  i_add_imm i2, i2, 1
  i_store64 i2, i1, 0
  i_add i0, i0, i2
  ret
.export func table (i) -> (i)
  jmp_table i0, [one, two, other]
one:
  i_imm i0, 1
  ret
two:
  i_imm i0, 2
  ret
other:
  i_imm i0, 99
  ret
.func unused () -> ()
  unreachable
.rodata
text: .string "hello"
.data
counter: .i64 41
.export data text
.export data counter
"""


def build(text: str, order: ByteOrder) -> bytes:
    """The file of a program."""
    return encode(assemble(text), order)


def sparse_module(path: Path, size: int, order: ByteOrder) -> None:
    """A module of `size` bytes: functions in code that begin and end it, and rodata that is a hole between."""
    small = build(FIB + "\n.rodata\nhole: .byte 1\n", order)
    header = layout.Header._make(layout.HEADER[order].unpack_from(small))
    entry = layout.DIRECTORY_ENTRY[order]
    at = layout.HEADER_SIZE + (header.section_count - 1) * entry.size
    kind, offset, _ = entry.unpack_from(small, at)
    assert kind == SectionKind.RODATA
    head = bytearray(small[:offset])
    head[: layout.HEADER_SIZE] = layout.HEADER[order].pack(*header._replace(file_length=size))
    entry.pack_into(head, at, kind, offset, size - offset)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
