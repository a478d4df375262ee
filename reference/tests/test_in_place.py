"""A module is executed where it is mapped: nothing is copied, swapped or patched, or read without need."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import packfile
from packfile import layout
from packfile.layout import ByteOrder, SectionKind
from programs import EVERYTHING, FIB, build, sparse_module

MIB = 1 << 20


def mapping_of(path: Path) -> list[dict[str, str]]:
    """Entries of /proc/self/smaps for a file: its permissions under `perms`, and the kernel's own fields."""
    entries: list[dict[str, str]] = []
    current: dict[str, str] | None = None
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head, _, rest = line.partition(" ")
        if "-" in head and not head.endswith(":"):
            current = {"perms": rest.split()[0]} if line.endswith(str(path)) else None
            if current is not None:
                entries.append(current)
        elif current is not None:
            current[head.rstrip(":")] = rest.strip()
    return entries


def test_a_run_copies_and_swaps_nothing_in_either_order(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    path = write(build(EVERYTHING, order))
    before = path.read_bytes(), path.stat().st_mtime_ns
    host = packfile.HostModule()
    host.add("log_i", "(i) -> ()", lambda _: None)
    with packfile.open(path) as image, packfile.link([("host", host), ("main", image)]) as process:
        assert process.call("main", "mix", 1, 3.0) == (0x123456789ABCDEF0 + 1 + ord("h") + 42, 1.5)
        assert process.call("main", "table", 5) == (99,)
        assert (image.stats.copied, image.stats.swapped) == (0, 0)
        assert image.stats.mapped == path.stat().st_size
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_code_views_lie_in_the_mapping_itself(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    path = write(build(FIB, order))
    with packfile.open(path) as image:
        views = image.words(0, image.code_words)
        assert all(view.obj is image.view.obj and view.readonly for view in views)
        assert all(view.strides == (4,) for view in views)


def test_the_mapping_is_read_only_and_has_no_private_page(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    path = write(build(FIB, order))
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        assert process.call("main", "fib", 12) == (144,)
        (mapping,) = mapping_of(path)
        assert mapping["perms"][1] == "-"
        assert mapping["Anonymous"] == "0 kB"


def test_data_becomes_private_page_by_page_as_it_is_stored_to(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    text = ".export func f () -> ()\n  ldata i0, 0\n  i_imm i1, 1\n  i_store8 i1, i0, 0\n  ret\n.data\nd: .zero 65536\n"
    path = write(build(text, order))
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        process.call("main", "f")
        (data,) = [m for m in mapping_of(path) if m["perms"][1] == "w"]
        assert data["Anonymous"] == f"{os.sysconf('SC_PAGE_SIZE') // 1024} kB"
        assert image.stats.copied == 0
    assert set(path.read_bytes()[-65536:]) == {0}


def test_opening_reads_no_row_and_no_code(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    with packfile.open(write(build(EVERYTHING, order))) as image:
        assert (image.stats.rows_read, image.stats.verified, image.stats.functions_verified) == (0, 0, 0)


def test_a_call_verifies_that_function_and_no_other(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    with packfile.open(write(build(EVERYTHING, order))) as image:
        host = packfile.HostModule()
        host.add("log_i", "(i) -> ()", lambda _: None)
        with packfile.link([("main", image), ("host", host)]) as process:
            assert image.stats.functions_verified == 0
            process.call("main", "table", 0)
            assert image.stats.functions_verified == 1
            process.call("main", "table", 1)
            assert image.stats.functions_verified == 1
            process.call("main", "main")
            assert image.stats.functions_verified == 2


def test_a_module_of_a_gibibyte_costs_what_a_mebibyte_costs(order: ByteOrder, tmp_path: Path) -> None:
    used = []
    for size in (MIB, layout.MAX_FILE_LENGTH):
        path = tmp_path / f"{size}.pkf"
        sparse_module(path, size, order)
        with packfile.open(path) as image, packfile.link([("main", image)]) as process:
            assert process.call("main", "fib", 10) == (55,)
            (mapping,) = mapping_of(path)
            stats = image.stats
            assert stats.mapped == size
            used.append(
                (mapping["Rss"], mapping["Anonymous"], stats.copied, stats.swapped, stats.verified, stats.rows_read)
            )
        assert path.stat().st_blocks * 512 < MIB, "the file is no longer sparse: something wrote to it"
    assert used[0] == used[1]
    assert used[0][1:4] == ("0 kB", 0, 0)


def test_closing_unmaps_even_while_the_image_is_referenced(write: Callable[[bytes], Path]) -> None:
    path = write(build(FIB, ByteOrder.LITTLE))
    image = packfile.open(path)
    process = packfile.link([("main", image)])
    image.close()
    assert process.call("main", "fib", 10) == (55,), "a process keeps what it is linked from"
    assert mapping_of(path)
    process.close()
    assert mapping_of(path) == []
    with pytest.raises(ValueError, match="closed"):
        packfile.link([("main", image)])


def test_a_view_of_a_section_outlives_its_image(write: Callable[[bytes], Path]) -> None:
    path = write(build(EVERYTHING, ByteOrder.LITTLE))
    with packfile.open(path) as image:
        view = image.section(SectionKind.RODATA)
    assert bytes(view) == b"hello"
    del view
    assert mapping_of(path) == []


def test_no_descriptor_is_left_behind(write: Callable[[bytes], Path]) -> None:
    path = write(build(EVERYTHING, ByteOrder.BIG))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with packfile.open(path) as image:
            host = packfile.HostModule()
            host.add("log_i", "(i) -> ()", lambda _: None)
            packfile.link([("main", image), ("host", host)]).close()
        path.write_bytes(path.read_bytes())
        broken = path.with_suffix(".bad")
        broken.write_bytes(b"\x89PKF\r\n\x1a\n\3")
        with pytest.raises(packfile.Malformed):
            packfile.open(broken)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_is_replaced_by_rename_keeps_running_as_it_was(write: Callable[[bytes], Path]) -> None:
    path = write(build(FIB, ByteOrder.LITTLE))
    digest = hashlib.sha256(path.read_bytes()).digest()
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        other = write(build(".export func fib (i) -> (i)\n  ret\n", ByteOrder.LITTLE))
        other.rename(path)
        assert hashlib.sha256(path.read_bytes()).digest() != digest
        assert process.call("main", "fib", 10) == (55,)
