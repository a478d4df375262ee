"""Bases: valid files to begin from, small, and together with all that a file may hold.

Assumes nothing. Promises files that pass an audit, for tests and for a session without the generator.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.model import Module, Skippable
from packfile.writer import encode

_FULL = """
.import eager func host.log_i (i) -> ()
.import lazy func host.mix (i, i, n, n) -> (i, i, n, n)
.import weak func absent.f () -> ()
.import lazy data main.table 8
.entry main
.rodata
table:
  .i64 7, 8
.data
cell:
  .i64 1
.bss room: 64
.export data table 16
.export func main () -> (i)
  i_imm i0, 1
  jmp_table i0, [first, second]
first:
  calli i0, n0, host.log_i
second:
  i_imm32 i1, 70000
  n_const n0, =1.5
  call i0, n0, helper
  ldslot i2, main.table
  i_load64 i3, i2, 0
  ldata i4, cell
  i_store64 i3, i4, 0
  i_sub i0, i0, i1
  jmp_if i0, end
  lfn i2, helper
  callr i0, n0, i2, (i) -> (i)
end:
  ret i0, n0
.func helper (i) -> (i)
  i_const i1, =0x123456789abcdef
  lbss i2, room
  i_store64 i1, i2, 0
  ret i0, n0
.export func spin (i, n) -> ()
loop:
  jmp loop
"""


@cache
def full(*, digests: bool = False, unit_log2: int = 12) -> Module:
    """A module with every kind of section and of row."""
    skippable = (Skippable(0x80000001, b"names"), Skippable(0x80001234, b"private"))
    return replace(assemble(_FULL, "full.pka"), unit_log2=unit_log2, skippable=skippable, digests=digests)


@cache
def deep() -> Module:
    """A module whose digest tree has two levels."""
    return replace(full(digests=True), rodata=bytes(520_000))


def data_of(seed: int, length: int = 24) -> bytes:
    """Bytes for `mutate` from a number, well mixed."""
    return hashlib.shake_128(seed.to_bytes(16, "little")).digest(length)


@cache
def bases() -> tuple[tuple[bytes, ByteOrder], ...]:
    """Files of both orders and units, with digests and without, down to one that holds nothing."""
    modules = (
        full(),
        full(digests=True),
        full(unit_log2=16),
        Module(),
        replace(full(), skippable=(), entry=None, data=b"", bss_size=0),
        Module(rodata=b"only", digests=True),
    )
    return tuple((encode(module, order), order) for module in modules for order in ByteOrder)
