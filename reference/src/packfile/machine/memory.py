"""Loads, stores, and copies of bytes.

An access checks alignment, segment, rights and bounds in that order (PF-EXE-007). Values are little-endian whatever the
host's order and the file's (PF-EXE-008).
"""

import struct
from typing import Final

from packfile.instructions import TrapCode
from packfile.machine.conversions import demote, promote
from packfile.machine.state import MASK, Frame, instruction, trap

_I16: Final = struct.Struct("<h")
_U16: Final = struct.Struct("<H")
_I32: Final = struct.Struct("<i")
_U32: Final = struct.Struct("<I")
_I64: Final = struct.Struct("<q")
_U64: Final = struct.Struct("<Q")
_F64: Final = struct.Struct("<d")
_OFFSET: Final = 0xFFFFFFFF
_CHUNK: Final = 1 << 16
"""Bytes that a fill writes at a time, so that it needs no memory in proportion to its length."""


def _readable(f: Frame, address: int, size: int) -> memoryview:
    """The segment of a load of `size` bytes, checked; its offset there is the low half of the address."""
    if address & (size - 1):
        raise trap(TrapCode.MISALIGNED, f"load of {size} bytes at {address:#x}")
    segment = f.thread.segments.get(address >> 32)
    if segment is None:
        raise trap(TrapCode.NO_SEGMENT, f"load at {address:#x}")
    if (address & _OFFSET) + size > len(segment):
        raise trap(
            TrapCode.OUT_OF_BOUNDS, f"load of {size} bytes at {address:#x}, in a segment of {len(segment)} bytes"
        )
    return segment


def _writable(f: Frame, address: int, size: int) -> memoryview:
    """The segment of a store of `size` bytes, checked."""
    if address & (size - 1):
        raise trap(TrapCode.MISALIGNED, f"store of {size} bytes at {address:#x}")
    segment = f.thread.segments.get(address >> 32)
    if segment is None:
        raise trap(TrapCode.NO_SEGMENT, f"store at {address:#x}")
    if segment.readonly:
        raise trap(TrapCode.READ_ONLY, f"store at {address:#x}")
    if (address & _OFFSET) + size > len(segment):
        raise trap(
            TrapCode.OUT_OF_BOUNDS, f"store of {size} bytes at {address:#x}, in a segment of {len(segment)} bytes"
        )
    return segment


def _range(f: Frame, address: int, length: int, *, write: bool) -> memoryview:
    """The bytes of a bulk access, checked as a whole (PF-EXE-009)."""
    segment = f.thread.segments.get(address >> 32)
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


@instruction
def mem_copy(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    length = f.i[c] & MASK
    to = _range(f, f.i[a] & MASK, length, write=True)
    to[:] = _range(f, f.i[b] & MASK, length, write=False)
    return pc + 1


@instruction
def mem_fill(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    length = f.i[c] & MASK
    to = _range(f, f.i[a] & MASK, length, write=True)
    chunk = bytes((f.i[b] & 0xFF,)) * min(length, _CHUNK)
    for start in range(0, length, _CHUNK):
        to[start : start + _CHUNK] = chunk[: length - start]
    return pc + 1


@instruction
def i_load8_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + c & MASK
    x = _readable(f, address, 1)[address & _OFFSET]
    f.i[a] = x if x < 128 else x - 256
    return pc + 1


@instruction
def i_load8_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + c & MASK
    f.i[a] = _readable(f, address, 1)[address & _OFFSET]
    return pc + 1


@instruction
def i_load16_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 2 * c & MASK
    f.i[a] = _I16.unpack_from(_readable(f, address, 2), address & _OFFSET)[0]
    return pc + 1


@instruction
def i_load16_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 2 * c & MASK
    f.i[a] = _U16.unpack_from(_readable(f, address, 2), address & _OFFSET)[0]
    return pc + 1


@instruction
def i_load32_s(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c & MASK
    f.i[a] = _I32.unpack_from(_readable(f, address, 4), address & _OFFSET)[0]
    return pc + 1


@instruction
def i_load32_u(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c & MASK
    f.i[a] = _U32.unpack_from(_readable(f, address, 4), address & _OFFSET)[0]
    return pc + 1


@instruction
def i_load64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c & MASK
    f.i[a] = _I64.unpack_from(_readable(f, address, 8), address & _OFFSET)[0]
    return pc + 1


@instruction
def n_load32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c & MASK
    f.n[a] = promote(_U32.unpack_from(_readable(f, address, 4), address & _OFFSET)[0])
    return pc + 1


@instruction
def n_load64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c & MASK
    f.n[a] = _F64.unpack_from(_readable(f, address, 8), address & _OFFSET)[0]
    return pc + 1


@instruction
def i_store8(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + c & MASK
    _writable(f, address, 1)[address & _OFFSET] = f.i[a] & 0xFF
    return pc + 1


@instruction
def i_store16(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 2 * c & MASK
    _U16.pack_into(_writable(f, address, 2), address & _OFFSET, f.i[a] & 0xFFFF)
    return pc + 1


@instruction
def i_store32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c & MASK
    _U32.pack_into(_writable(f, address, 4), address & _OFFSET, f.i[a] & 0xFFFFFFFF)
    return pc + 1


@instruction
def i_store64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c & MASK
    _U64.pack_into(_writable(f, address, 8), address & _OFFSET, f.i[a] & MASK)
    return pc + 1


@instruction
def n_store32(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 4 * c & MASK
    _U32.pack_into(_writable(f, address, 4), address & _OFFSET, demote(f.n[a]))
    return pc + 1


@instruction
def n_store64(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    address = f.i[b] + 8 * c & MASK
    _F64.pack_into(_writable(f, address, 8), address & _OFFSET, f.n[a])
    return pc + 1
