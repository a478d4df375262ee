"""Digests: made and checked by the writer, the loader and the tools; and what checking costs."""

import dataclasses
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import packfile
from cli_support import packfile_command
from packfile.assembler import assemble
from packfile.audit import audit_bytes
from packfile.digests import ROOT_AT, level_counts, make_tree, tree_length
from packfile.errors import Corrupt, Malformed
from packfile.layout import MAX_FILE_LENGTH, ByteOrder, SectionKind, Segment
from packfile.redigest import redigest
from packfile.writer import convert, decode, encode
from programs import EVERYTHING, FIB, build, sparse_module
from test_in_place import mapping_of

MOST_RESIDENT = 5 * 2048
"""Kibibytes: two blocks and three nodes, each of which may come with a folio of 2 MiB, the kernel's largest."""

WIDE = """
.export func load (i) -> (i)
  lrodata i1, table
  i_add i0, i0, i1
  i_load8_u i0, i0, 0
  ret i0, n0
.rodata
table: .zero 20000
.data
state: .zero 9000
"""


def hashed(text: str, order: ByteOrder) -> bytes:
    return encode(dataclasses.replace(assemble(text), digests=True), order)


def other(order: ByteOrder) -> ByteOrder:
    return ByteOrder.BIG if order is ByteOrder.LITTLE else ByteOrder.LITTLE


def host() -> packfile.HostModule:
    made = packfile.HostModule()
    made.add("log_i", "(i) -> ()", lambda _: None)
    return made


def test_a_tree_is_as_long_as_its_levels_say() -> None:
    assert level_counts(1) == [1]
    assert level_counts(128 * 4096) == [128]
    assert level_counts(128 * 4096 + 1) == [129, 2]
    assert level_counts(128 * 128 * 4096 + 1) == [16385, 129, 2]
    assert len(level_counts(MAX_FILE_LENGTH)) == 3
    assert tree_length(128 * 4096 + 1) == 131 * 32


def test_a_tree_is_that_of_the_rules() -> None:
    content = bytes(range(256)) * 16 + b"end"
    first = hashlib.sha256(content[:ROOT_AT] + bytes(32) + content[ROOT_AT + 32 : 4096]).digest()
    second = hashlib.sha256(b"end".ljust(4096, b"\0")).digest()
    tree, root = make_tree(memoryview(content))
    assert tree == first + second
    assert root == hashlib.sha256(tree.ljust(4096, b"\0")).digest()


def test_decoding_and_converting_keep_digests(order: ByteOrder) -> None:
    file = hashed(EVERYTHING, order)
    module = decode(file)
    assert module.digests
    assert encode(module, order) == file
    converted = convert(file, other(order))
    assert audit_bytes(converted) == []
    assert converted[ROOT_AT : ROOT_AT + 32] != file[ROOT_AT : ROOT_AT + 32]
    assert convert(converted, order) == file
    assert module == decode(converted)


def test_digests_stand_in_assembly(order: ByteOrder) -> None:
    assert encode(assemble(f".digests\n{EVERYTHING}"), order) == hashed(EVERYTHING, order)


@given(st.data(), st.sampled_from(ByteOrder))
@settings(max_examples=150, deadline=None)
def test_any_flipped_bit_is_found(data: st.DataObject, order: ByteOrder) -> None:
    file = bytearray(hashed(FIB, order))
    bit = data.draw(st.integers(0, 8 * len(file) - 1))
    file[bit // 8] ^= 1 << bit % 8
    assert audit_bytes(bytes(file))
    with pytest.raises((Corrupt, packfile.Malformed, packfile.Unsupported)):
        decode(bytes(file))


@given(st.data(), st.sampled_from(ByteOrder))
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_gives_the_right_result_or_none(data: st.DataObject, order: ByteOrder) -> None:
    file = bytearray(hashed(FIB, order))
    bit = data.draw(st.integers(0, 8 * len(file) - 1))
    file[bit // 8] ^= 1 << bit % 8
    results: tuple[float, ...] = (55,)
    with (
        suppress(Corrupt, Malformed, packfile.Unsupported),
        packfile.Image(bytes(file), "f") as image,
        packfile.link([("main", image)]) as process,
    ):
        results = process.call("main", "fib", 10)
    assert results == (55,)


def test_running_with_digests_is_running_without(order: ByteOrder, write: Callable[[bytes], Path]) -> None:
    results = []
    for file in (build(EVERYTHING, order), hashed(EVERYTHING, order)):
        with packfile.open(write(file)) as image, packfile.link([("host", host()), ("main", image)]) as process:
            results.append([process.call("main", "mix", 1, 3.0), *(process.call("main", "table", i) for i in range(6))])
            assert (image.stats.copied, image.stats.swapped) == (0, 0)
    assert results[0] == results[1]


def test_a_segment_is_checked_no_more_once_it_was_checked_whole(write: Callable[[bytes], Path]) -> None:
    path = write(hashed(WIDE, ByteOrder.LITTLE))
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        linkage = process._linkage
        assert linkage is not None
        assert len(linkage.guarded) == 2
        for at in range(0, 20000, 4096):
            process.call("main", "load", at)
        assert list(linkage.guarded) == [int(Segment.DATA)]
        checked = image.stats.blocks_checked
        process.call("main", "load", 19999)
        assert image.stats.blocks_checked == checked


def test_a_file_without_digests_is_not_guarded_and_digests_can_be_left_unchecked(
    write: Callable[[bytes], Path],
) -> None:
    damaged = bytearray(hashed(WIDE, ByteOrder.LITTLE))
    damaged[2 * 4096] ^= 1
    path = write(bytes(damaged))
    with packfile.open(path, digests=False) as image, packfile.link([("main", image)]) as process:
        assert process.call("main", "load", 0) == (1,)
        assert image.stats.blocks_checked == 0
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        with pytest.raises(Corrupt) as found:
            process.call("main", "load", 0)
        assert (found.value.rule, found.value.at, found.value.file) == ("PF-INT-003", 8192, str(path))
        assert process.call("main", "load", 4096) == (0,)
        with pytest.raises(Corrupt):
            process.segment("main", Segment.RODATA)
        assert bytes(process.segment("main", Segment.RODATA, 4096, 4100)) == bytes(4)


def hashed_sparse(path: Path, size: int, order: ByteOrder) -> None:
    """A file of about `size` bytes with digests, nearly all of it rodata that is a hole."""
    plain = path.with_suffix(".plain")
    sparse_module(plain, size, order)
    with packfile.open(plain) as image, path.open("w+b") as file:
        redigest(image.view, file.fileno(), digests=True)
    plain.unlink()


def test_a_gibibyte_with_digests_opens_and_runs_by_a_few_blocks_and_nodes(order: ByteOrder, tmp_path: Path) -> None:
    used = []
    for size, levels in ((1 << 20, 2), (MAX_FILE_LENGTH - (1 << 24), 3)):
        path = tmp_path / f"{size}.pkf"
        hashed_sparse(path, size, order)
        assert path.stat().st_blocks * 512 < 1 << 25, "the holes were written"
        with packfile.open(path) as image, packfile.link([("main", image)]) as process:
            assert image.stats.nodes_checked == levels
            assert process.call("main", "fib", 10) == (55,)
            assert image.stats.nodes_checked == levels, "block 0 and code lie under one node"
            used.append(image.stats.blocks_checked)
            (mapping,) = mapping_of(path)
            assert mapping["Anonymous"] == "0 kB"
            resident = int(mapping["Rss"].split()[0])
            assert resident <= MOST_RESIDENT, (
                "more pages were touched than two blocks, three nodes and their neighbours"
            )
            assert len(image.section(SectionKind.DIGESTS)) == tree_length(image.sections[SectionKind.DIGESTS][0])
    assert used[0] == used[1] == 2


def test_the_command_adds_computes_and_removes(order: ByteOrder, tmp_path: Path) -> None:
    plain, path = build(EVERYTHING, order), tmp_path / "f.pkf"
    path.write_bytes(plain)
    path.chmod(0o640)
    ran = packfile_command("digest", str(path))
    assert ran.status == 0
    assert path.read_bytes() == hashed(EVERYTHING, order)
    assert path.read_bytes()[ROOT_AT : ROOT_AT + 32].hex() in ran.out
    assert path.stat().st_mode & 0o777 == 0o640
    assert packfile_command("digest", str(path)).status == 0
    assert path.read_bytes() == hashed(EVERYTHING, order)
    copy = tmp_path / "copy.pkf"
    assert packfile_command("digest", str(path), "--remove", "-o", str(copy)).status == 0
    assert copy.read_bytes() == plain
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["copy.pkf", "f.pkf"]


def test_the_command_refuses_what_is_no_packfile_and_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "f.pkf"
    path.write_bytes(b"\x89PKF\r\n\x1a\n\3")
    assert packfile_command("digest", str(path)).status == 1
    assert path.read_bytes() == b"\x89PKF\r\n\x1a\n\3"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f.pkf"]


def test_verify_names_every_damaged_block_and_node(tmp_path: Path) -> None:
    file = bytearray(hashed(WIDE.replace("20000", "600000"), ByteOrder.BIG))
    path = tmp_path / "f.pkf"
    path.write_bytes(file)
    assert packfile_command("verify", "--digests", str(path)).status == 0
    with packfile.open(path) as image:
        at, _ = image.sections[SectionKind.DIGESTS]
    for place in (16, 5 * 4096 + 9, 140 * 4096):
        file[place] ^= 1
    file[at + 130 * 32] ^= 0x80
    path.write_bytes(file)
    ran = packfile_command("verify", "--digests", str(path))
    assert ran.status == 1
    file[16] ^= 1
    path.write_bytes(file)
    ran = packfile_command("verify", "--digests", str(path))
    assert ran.status == 1
    assert "node 1 of level 0" in ran.out
    assert f"{at + 4096:#x}" in ran.out
    assert [f"block {n} " in ran.out for n in (5, 130, 140)] == [True] * 3
    assert f"{5 * 4096:#x}" in ran.out
    assert "4 findings" in ran.out


def test_verify_of_digests_needs_digests(tmp_path: Path) -> None:
    path = tmp_path / "f.pkf"
    path.write_bytes(build(FIB, ByteOrder.LITTLE))
    ran = packfile_command("verify", "--digests", str(path))
    assert ran.status == 2
    assert "no digests" in ran.err


def test_a_damaged_file_is_neither_converted_nor_disassembled(tmp_path: Path) -> None:
    file = bytearray(hashed(WIDE, ByteOrder.LITTLE))
    file[2 * 4096] ^= 1
    path = tmp_path / "f.pkf"
    path.write_bytes(file)
    for command in (
        ("convert", str(path), "-o", str(tmp_path / "o.pkf"), "--byte-order", "big"),
        ("disassemble", str(path)),
    ):
        ran = packfile_command(*command)
        assert ran.status == 1
        assert "PF-INT-003" in ran.err
    assert packfile_command("run", str(path), "--function", "load", "0").status == 1
    assert packfile_command("run", str(path), "--function", "load", "0", "--no-digests").out == "1\n"
    shown = packfile_command("info", str(path))
    assert "digests of 10 blocks in 1 level" in shown.out
    assert "block 9" in packfile_command("dump", str(path), "--section", "digests").out


def test_a_tree_of_another_length_is_malformed(order: ByteOrder) -> None:
    module = assemble(FIB)
    file = hashed(FIB, order)
    assert len(file) > len(encode(module, order))
    with pytest.raises(Malformed) as found:
        packfile.Image(encode_with_longer_tree(file, order), "f")
    assert found.value.rule == "PF-INT-002"


def encode_with_longer_tree(file: bytes, order: ByteOrder) -> bytes:
    endian: Literal["little", "big"] = "little" if order is ByteOrder.LITTLE else "big"
    changed = bytearray(file) + bytes(32)
    count = int.from_bytes(file[20:24], endian)
    length_at = 64 + 12 * count - 4
    changed[16:20] = len(changed).to_bytes(4, endian)
    length = int.from_bytes(file[length_at : length_at + 4], endian)
    changed[length_at : length_at + 4] = (length + 32).to_bytes(4, endian)
    return bytes(changed)
