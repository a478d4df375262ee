"""Small programs in assembly, for tests of what runs and judges programs."""

from collections.abc import Sequence
from dataclasses import replace

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.model import Skippable
from packfile_fuzz.program import Call, Entry, Program

LIBRARY = """
.import eager func main.count (i) -> (i) as back
.data
numbers: .i64 5, 6, 7
.export data numbers
.export func halve (n) -> (n)
  n_const n1, =0.5
  n_mul n0, n0, n1
  ret n0
.export func unused () -> ()
  ret
"""
MAIN = """
.bss 40
.import eager func host.log_i (i) -> ()
.import eager func host.log_n (n) -> ()
.import lazy func library.halve (n) -> (n)
.import weak func library.absent () -> ()
.import eager data library.numbers 24
.entry main
.rodata
text: .string "rodata"
.data
here: .i64 1, 2
.export func main () -> ()
  i_const i0, =-1234567890123456789
  i_popcnt i1, i0
  calli i1, host.log_i
  lbss i2, 8
  i_imm i3, 77
  i_store8 i3, i2, 0
  i_load64 i4, i2, 0
  i_mov i1, i4
  calli i1, host.log_i
  n_const n0, =2.5
  calli i0, n0, library.halve
  calli i0, n0, host.log_n
  bound? i1, library.absent
  calli i1, host.log_i
  ret
.export func count (i) -> (i)
  i_imm i1, 0
again:
  i_add i1, i1, i0
  i_add_imm i0, i0, -1
  jmp_if i0, again
  i_mov i0, i1
  ret i0
.export func address () -> (i, i, i)
  ldata i0, here
  ldslot i1, library.numbers
  lfn i2, count
  i_imm i3, 3
  callr i3, i2, (i) -> (i)
  i_load64 i3, i1, 1
  i_store64 i3, i0, 0
  ret i0
.export func odd (i) -> (i)
  ldata i1, here
  i_shr_u i1, i1, i0
  i_mov i0, i1
  ret i0
.export func divide (i, i) -> (i)
  i_div_s i0, i0, i1
  ret i0
.export func deep () -> ()
  call i0, n0, deep
  ret
"""
CALLS = (
    Call("main", None),
    Call("main", "count", (10,)),
    Call("library", "halve", n=(0x4008000000000000,)),
    Call("main", "address"),
    Call("main", "divide", (7, 0)),
    Call("main", "absent"),
)


def program(calls: Sequence[Call] = CALLS) -> Program:
    """Two modules in different orders that import each other, and the host."""
    library = replace(assemble(LIBRARY), skippable=(Skippable(0x80000009, b"carried along"),), digests=True)
    entries = (
        Entry("host", None),
        Entry("library", library, ByteOrder.BIG),
        Entry("main", assemble(MAIN), ByteOrder.LITTLE),
    )
    return Program(entries, tuple(calls))


def alone(text: str, *calls: Call, order: ByteOrder = ByteOrder.LITTLE) -> Program:
    """One module, named `main`, and the host behind it."""
    return Program((Entry("main", assemble(text), order), Entry("host", None)), calls)
