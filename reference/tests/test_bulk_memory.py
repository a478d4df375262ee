"""Copying and filling take no memory in proportion to their length."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import packfile
from packfile.layout import ByteOrder, Segment
from programs import build

TEXT = """
.bss 33554432
.export func fill (i, i, i) -> ()
  lbss i3, 0
  i_add i0, i0, i3
  mem_fill i0, i1, i2
  ret
.export func copy (i, i, i) -> ()
  lbss i3, 0
  i_add i0, i0, i3
  i_add i1, i1, i3
  mem_copy i0, i1, i2
  ret
"""
MIB = 1 << 20


@pytest.fixture
def process(tmp_path: Path) -> packfile.Process:
    path = tmp_path / "m.pkf"
    path.write_bytes(build(TEXT, ByteOrder.LITTLE))
    with packfile.open(path) as image:
        return packfile.link([("main", image)])


def traced(run: Callable[[], object]) -> int:
    """Bytes that Python allocated at most while it ran."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_fill_and_a_long_copy_allocate_little(process: packfile.Process) -> None:
    with process:
        process.call("main", "fill", 0, 1, 1)
        assert traced(lambda: process.call("main", "fill", 0, 7, 32 * MIB)) < MIB
        assert traced(lambda: process.call("main", "copy", 8, 0, 16 * MIB)) < MIB


@pytest.mark.parametrize("length", [0, 1, 65535, 65536, 65537, 200_000])
def test_a_fill_writes_its_range_and_no_more(process: packfile.Process, length: int) -> None:
    with process:
        process.call("main", "fill", 3, 0x1FF, length)
        assert bytes(process.segment("main", Segment.BSS)[: length + 8]) == bytes(3) + b"\xff" * length + bytes(5)
