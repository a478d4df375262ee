"""Loads, stores, and copies of bytes.

An access checks alignment, segment, rights and bounds in that order (PF-EXE-007). Values are little-endian whatever the
host's order and the file's (PF-EXE-008).
"""

import struct
from typing import Final

from packfile.errors import Trap
from packfile.instructions import TrapCode
from packfile.link import Linkage
from packfile.machine.conversions import demote, promote
from packfile.machine.state import MASK, SIGNED, Frame, instruction, trap

_get_i16: Final = struct.Struct("<h").unpack_from
_get_u16: Final = struct.Struct("<H").unpack_from
_get_i32: Final = struct.Struct("<i").unpack_from
_get_u32: Final = struct.Struct("<I").unpack_from
_get_i64: Final = struct.Struct("<q").unpack_from
_get_f64: Final = struct.Struct("<d").unpack_from
_put_u16: Final = struct.Struct("<H").pack_into
_put_u32: Final = struct.Struct("<I").pack_into
_put_i64: Final = struct.Struct("<q").pack_into
_put_f64: Final = struct.Struct("<d").pack_into
_OFFSET: Final = 0xFFFFFFFF
_CHUNK: Final = 1 << 16
"""Bytes that a fill writes at a time, so that it needs no memory in proportion to its length."""

_FAULTS: Final = (KeyError, IndexError, TypeError, struct.error)
"""What Python raises where there is no such segment, an access leaves it, or it is read-only.

An access is tried, and only one that fails is looked at: a segment with blocks that were not checked yet is not among
those that are tried. Its address need not be reduced modulo 2^64 for that: where it would have to be, there is no
segment before nor after.
"""


def _segment(linkage: Linkage, address: int) -> memoryview | None:
    """The segment of an address, whether its blocks were checked or not; None if there is none."""
    segment = linkage.segments.get(address >> 32)
    if segment is None and (guard := linkage.guarded.get(address >> 32)):
        return guard.segment
    return segment


def _check(linkage: Linkage, address: int, length: int) -> None:
    """Check the blocks of a range that lies in its segment, unless all of that segment's were."""
    guard = linkage.guarded.get(address >> 32)
    if guard is not None:
        guard.check(address & _OFFSET, length)


def _missed(f: Frame, address: int, size: int, *, store: bool = False) -> memoryview:
    """The segment of an access that failed, if all that it lacked was a check of its blocks (PF-INT-011).

    Raises:
        Trap: The access breaks a rule.
        Corrupt: A block is.
    """
    address &= MASK
    segment = _segment(f.thread.linkage, address)
    offset = address & _OFFSET
    if segment is None or offset & (size - 1) or offset + size > len(segment) or (store and segment.readonly):
        raise _fault(f, address, size, store=store) from None
    _check(f.thread.linkage, address, size)
    return segment


def _fault(f: Frame, address: int, size: int, *, store: bool = False) -> Trap:
    """Why a load or store of `size` bytes failed: the first of the checks that does."""
    address &= MASK
    what = f"{'store' if store else 'load'} of {size} bytes at {address:#x}"
    if address & (size - 1):
        return trap(TrapCode.MISALIGNED, what)
    segment = _segment(f.thread.linkage, address)
    if segment is None:
        return trap(TrapCode.NO_SEGMENT, what)
    if store and segment.readonly:
        return trap(TrapCode.READ_ONLY, what)
    assert (address & _OFFSET) + size > len(segment)
    return trap(TrapCode.OUT_OF_BOUNDS, f"{what}, in a segment of {len(segment)} bytes")


def _range(linkage: Linkage, address: int, length: int, *, write: bool) -> memoryview:
    """The bytes of a bulk access, checked as a whole (PF-EXE-009)."""
    segment = _segment(linkage, address)
    verb = "write" if write else "read"
    if segment is None:
        raise trap(TrapCode.NO_SEGMENT, f"{verb} at {address:#x}")
    if write and segment.readonly:
        raise trap(TrapCode.READ_ONLY, f"{verb} at {address:#x}")
    offset = address & _OFFSET
    if offset > len(segment) or length > len(segment) - offset:
        message = f"{verb} of {length} bytes at {address:#x}, in a segment of {len(segment)} bytes"
        raise trap(TrapCode.OUT_OF_BOUNDS, message)
    return segment[offset : offset + length]


def copy_bytes(linkage: Linkage, to: int, from_: int, length: int) -> None:
    """Copy as if through a buffer; all numbers are unsigned.

    Raises:
        Trap: A range is not all in a segment, or may not be written.
        Corrupt: A block of either range is (PF-INT-011).
    """
    target = _range(linkage, to, length, write=True)
    source = _range(linkage, from_, length, write=False)
    _check(linkage, to, length)
    _check(linkage, from_, length)
    target[:] = source


def fill_bytes(linkage: Linkage, to: int, byte: int, length: int) -> None:
    """Set bytes; all numbers are unsigned.

    Raises:
        Trap: The range is not all in a segment, or may not be written.
        Corrupt: A block of the range is (PF-INT-011).
    """
    target = _range(linkage, to, length, write=True)
    _check(linkage, to, length)
    chunk = bytes((byte,)) * min(length, _CHUNK)
    for start in range(0, length, _CHUNK):
        target[start : start + _CHUNK] = chunk[: length - start]


@instruction
def mem_copy(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    copy_bytes(f.thread.linkage, f.i[a] & MASK, f.i[b] & MASK, f.i[c] & MASK)
    return pc + 1


@instruction
def mem_fill(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    fill_bytes(f.thread.linkage, f.i[a] & MASK, f.i[b] & 0xFF, f.i[c] & MASK)
    return pc + 1


@instruction
def i_load8_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + c
    try:
        x = f.thread.segments[address >> 32][address & _OFFSET]
    except _FAULTS:
        x = _missed(f, address, 1)[address & _OFFSET]
    f.i[a] = SIGNED[x]
    return pc + 1


@instruction
def i_load8_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + c
    try:
        f.i[a] = f.thread.segments[address >> 32][address & _OFFSET]
    except _FAULTS:
        f.i[a] = _missed(f, address, 1)[address & _OFFSET]
    return pc + 1


@instruction
def i_load16_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 2 * c
    offset = address & _OFFSET
    if offset & 1:
        raise _fault(f, address, 2)
    try:
        f.i[a] = _get_i16(f.thread.segments[address >> 32], offset)[0]
    except _FAULTS:
        f.i[a] = _get_i16(_missed(f, address, 2), offset)[0]
    return pc + 1


@instruction
def i_load16_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 2 * c
    offset = address & _OFFSET
    if offset & 1:
        raise _fault(f, address, 2)
    try:
        f.i[a] = _get_u16(f.thread.segments[address >> 32], offset)[0]
    except _FAULTS:
        f.i[a] = _get_u16(_missed(f, address, 2), offset)[0]
    return pc + 1


@instruction
def i_load32_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c
    offset = address & _OFFSET
    if offset & 3:
        raise _fault(f, address, 4)
    try:
        f.i[a] = _get_i32(f.thread.segments[address >> 32], offset)[0]
    except _FAULTS:
        f.i[a] = _get_i32(_missed(f, address, 4), offset)[0]
    return pc + 1


@instruction
def i_load32_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c
    offset = address & _OFFSET
    if offset & 3:
        raise _fault(f, address, 4)
    try:
        f.i[a] = _get_u32(f.thread.segments[address >> 32], offset)[0]
    except _FAULTS:
        f.i[a] = _get_u32(_missed(f, address, 4), offset)[0]
    return pc + 1


@instruction
def i_load64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c
    offset = address & _OFFSET
    if offset & 7:
        raise _fault(f, address, 8)
    try:
        f.i[a] = _get_i64(f.thread.segments[address >> 32], offset)[0]
    except _FAULTS:
        f.i[a] = _get_i64(_missed(f, address, 8), offset)[0]
    return pc + 1


@instruction
def n_load32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c
    offset = address & _OFFSET
    if offset & 3:
        raise _fault(f, address, 4)
    try:
        f.n[a] = promote(_get_u32(f.thread.segments[address >> 32], offset)[0])
    except _FAULTS:
        f.n[a] = promote(_get_u32(_missed(f, address, 4), offset)[0])
    return pc + 1


@instruction
def n_load64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c
    offset = address & _OFFSET
    if offset & 7:
        raise _fault(f, address, 8)
    try:
        f.n[a] = _get_f64(f.thread.segments[address >> 32], offset)[0]
    except _FAULTS:
        f.n[a] = _get_f64(_missed(f, address, 8), offset)[0]
    return pc + 1


@instruction
def i_store8(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + c
    try:
        f.thread.segments[address >> 32][address & _OFFSET] = f.i[a] & 0xFF
    except _FAULTS:
        _missed(f, address, 1, store=True)[address & _OFFSET] = f.i[a] & 0xFF
    return pc + 1


@instruction
def i_store16(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 2 * c
    offset = address & _OFFSET
    if offset & 1:
        raise _fault(f, address, 2, store=True)
    try:
        _put_u16(f.thread.segments[address >> 32], offset, f.i[a] & 0xFFFF)
    except _FAULTS:
        _put_u16(_missed(f, address, 2, store=True), offset, f.i[a] & 0xFFFF)
    return pc + 1


@instruction
def i_store32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c
    offset = address & _OFFSET
    if offset & 3:
        raise _fault(f, address, 4, store=True)
    try:
        _put_u32(f.thread.segments[address >> 32], offset, f.i[a] & 0xFFFFFFFF)
    except _FAULTS:
        _put_u32(_missed(f, address, 4, store=True), offset, f.i[a] & 0xFFFFFFFF)
    return pc + 1


@instruction
def i_store64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c
    offset = address & _OFFSET
    if offset & 7:
        raise _fault(f, address, 8, store=True)
    try:
        _put_i64(f.thread.segments[address >> 32], offset, f.i[a])
    except _FAULTS:
        _put_i64(_missed(f, address, 8, store=True), offset, f.i[a])
    return pc + 1


@instruction
def n_store32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c
    offset = address & _OFFSET
    if offset & 3:
        raise _fault(f, address, 4, store=True)
    try:
        _put_u32(f.thread.segments[address >> 32], offset, demote(f.n[a]))
    except _FAULTS:
        _put_u32(_missed(f, address, 4, store=True), offset, demote(f.n[a]))
    return pc + 1


@instruction
def n_store64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c
    offset = address & _OFFSET
    if offset & 7:
        raise _fault(f, address, 8, store=True)
    try:
        _put_f64(f.thread.segments[address >> 32], offset, f.n[a])
    except _FAULTS:
        _put_f64(_missed(f, address, 8, store=True), offset, f.n[a])
    return pc + 1
