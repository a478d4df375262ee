"""Building files: patches by field path in both byte orders, and gigabytes of holes."""

import dataclasses
import random
import struct
import tracemalloc
from pathlib import Path

import pytest

from packfile.assembler import assemble
from packfile.audit import audit_bytes
from packfile.image import Image
from packfile.layout import ByteOrder
from packfile.process import Process
from packfile.writer import decode, encode
from packfile_suite.build import Builder, BuiltFile
from packfile_suite.case import Assembly, Case, CaseError, Expect, Module, Open, Patched
from packfile_suite.findings import broken_rules
from packfile_suite.patch import PatchedFile
from packfile_suite.plan import Variant
from packfile_suite.sparse import SparseBytes

TEXT = """
.import weak func absent.f () -> ()
.const big = 0x0102030405060708
.rodata
  text: .byte 1, 2, 3
.data
  .byte 9
.export func main (i) -> (i)
  i_const i1, big
  i_add i0, i0, i1
  ret
.export func other () -> ()
  ret
"""


@pytest.fixture(params=ByteOrder, ids=lambda order: order.name.lower())
def file(request: pytest.FixtureRequest) -> PatchedFile:
    order: ByteOrder = request.param
    return PatchedFile(SparseBytes(encode(assemble(TEXT), order)), order)


PATHS = {
    "header.version": (9, 1),
    "header.file_length": (16, 4),
    "header.entry": (24, 4),
    "sections[0].kind": (64, 4),
    "sections[1].offset": (64 + 12 + 4, 4),
    "sections[-1].length": (64 + 7 * 12 + 8, 4),
    "sections.imports.length": (64 + 12 + 8, 4),
    "functions[0].code_end": (160, 4),
    "functions[-1].i_registers": (160 + 12 + 8, 1),
    "imports[0].module_offset": (184 + 4, 4),
    "imports[0].binding": (184 + 1, 1),
    "exports[1].segment": (208 + 20 + 9, 1),
    "constants[0].bits": (248, 8),
    "strings[0]": (256, 1),
    "code[3].word": (4096 + 12, 4),
    "rodata[2]": (8192 + 2, 1),
    "data[0]": (12288, 1),
    "byte[-1]": (12288, 1),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_to_its_field(path: str, file: PatchedFile) -> None:
    place = file.find(path)
    assert (place.offset, place.size) == PATHS[path]


def test_parts_of_a_code_word_lie_where_the_byte_order_puts_them(file: PatchedFile) -> None:
    before = file.content.read(4096, 4)
    little = before[0] == 0x1C
    for part, place in zip(("op", "a", "b", "c"), range(4), strict=True):
        assert file.find(f"code[0].{part}").offset == 4096 + (place if little else 3 - place)


def test_values_are_written_in_the_byte_order_of_the_file(file: PatchedFile) -> None:
    little = file.content.read(8, 1) == b"\x01"
    file.apply({"set": "functions[0].signature", "value": 0x01020304})
    assert file.content.read(164, 4) == struct.pack("<I" if little else ">I", 0x01020304)
    file.apply({"set": "constants[0].bits", "value": -1})
    assert file.content.read(248, 8) == b"\xff" * 8


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("header.colour", 1, "the fields there are magic, byte_order, version"),
        ("header.magic", 1, r"set them one by one: byte\[0\]"),
        ("header.version", 256, "256 does not fit header.version, which has 1 bytes"),
        ("functions[2].code_end", 1, "there are 2"),
        ("sections.names.length", 1, "the file has no section names"),
        ("sections.colours.length", 1, "there is no section kind colours"),
        ("code[0]", 1, "the fields there are word"),
        ("rodata[0].op", 1, "rodata are bytes"),
        ("everything", 1, "no such path: everything; write header.version"),
    ],
)
def test_a_wrong_path_is_refused(path: str, value: int, complaint: str, file: PatchedFile) -> None:
    with pytest.raises(CaseError, match=complaint):
        file.set(path, value)


def test_a_broken_directory_can_still_be_used_to_find_fields(file: PatchedFile) -> None:
    file.apply({"set": "sections.code.offset", "value": 0})
    file.apply({"set": "header.section_count", "value": 0})
    assert file.find("code[1].word").offset == 4100


def test_cutting_and_adding_leave_the_header(file: PatchedFile) -> None:
    length = file.content.length
    file.apply({"truncate": -3})
    assert file.content.length == length - 3
    file.apply({"append": "aabb"})
    assert file.content.read(length - 3, 9) == b"\xaa\xbb"
    file.apply({"truncate": 20})
    assert file.content.length == 20
    assert broken_rules(file.content).rules == {"PF-HDR-001", "PF-HDR-008"}


@pytest.mark.parametrize("kind", [0x80000009, 0x80000001])
def test_a_section_is_added_with_everything_set_right(kind: int, file: PatchedFile) -> None:
    file.apply({"add_section": {"kind": kind, "hex": "0102"}})
    assert broken_rules(file.content)[:2] == (frozenset(), None)


def test_an_unknown_required_section_is_the_only_defect(file: PatchedFile) -> None:
    file.apply({"add_section": {"kind": 9, "hex": "0102"}})
    assert broken_rules(file.content)[:2] == (frozenset({"PF-DIR-003"}), None)


def test_a_section_is_dropped_with_everything_set_right(file: PatchedFile) -> None:
    file.apply({"drop_section": "data"})
    assert broken_rules(file.content)[:2] == (frozenset(), None)
    file.apply({"drop_section": "code"})
    assert broken_rules(file.content)[:2] == (frozenset({"PF-SEC-001"}), None)


def test_a_stretched_section_moves_what_follows(file: PatchedFile) -> None:
    file.apply({"stretch": "rodata", "length": 10_000})
    data = file.content.read(0, file.content.length)
    assert audit_bytes(data) == []
    assert file.content.read(8192, 4) == b"\x01\x02\x03\x00"
    assert file.find("data[0]").offset == 20480
    assert data[20480] == 9
    file.set("rodata[9999]", 7)
    with pytest.raises(CaseError, match="would cut it"):
        file.apply({"stretch": "rodata", "length": 5})


def test_a_gigabyte_of_holes_costs_no_memory(file: PatchedFile, tmp_path: Path) -> None:
    tracemalloc.start()
    file.apply({"stretch": "rodata", "length": (1 << 30) - (1 << 16)})
    file.set("rodata[-1]", 5)
    file.content.save(tmp_path / "large.pkf")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    status = (tmp_path / "large.pkf").stat()
    assert status.st_size > 1_000_000_000
    assert status.st_blocks * 512 < 1 << 20
    with Image.open(tmp_path / "large.pkf") as image, Process([("main", image)]) as process:
        assert process.call("main", "main", 1) == (0x0102030405060709,)


def test_a_builder_writes_a_file_once_and_read_only(tmp_path: Path) -> None:
    modules: dict[str, Module] = {
        "a": Assembly(TEXT),
        "b": Patched("a", ({"set": "header.version", "value": 2},), ("PF-HDR-004",)),
    }
    steps = (Open("a", Expect()), Open("b", Expect()))
    case = Case("exe-x", ("PF-EXE-001",), (), "s", "both", None, modules, steps, (1, 2), tmp_path, 1, {})
    builder = Builder(tmp_path)
    variant = Variant("big", {"a": "big", "b": "big"})
    files = builder.files(case, variant)
    assert files == builder.files(case, variant)
    assert files["a"].path.name.startswith("exe-x.a.big-")
    assert not files["a"].path.stat().st_mode & 0o222
    assert (files["a"].path.read_bytes()[9], files["b"].path.read_bytes()[9]) == (1, 2)
    assert change(files["a"]) is None


def change(file: BuiltFile) -> str | None:
    return file.change()


def test_assembly_errors_name_case_and_module(tmp_path: Path) -> None:
    case = Case(
        "exe-x",
        ("PF-EXE-001",),
        (),
        "s",
        "both",
        None,
        {"a": Assembly("nonsense\n")},
        (),
        (),
        tmp_path / "f.yaml",
        7,
        {},
    )
    with pytest.raises(CaseError, match=r"f\.yaml:7: case exe-x: module a: a\.pka:1:1"):
        Builder(tmp_path).content(case, "a", "little")


def test_sparse_bytes_behave_like_bytes() -> None:
    rng = random.Random(7)  # noqa: S311
    sparse, plain = SparseBytes(b"start"), bytearray(b"start")
    for _ in range(300):
        offset, data = rng.randrange(200), rng.randbytes(rng.randrange(12))
        sparse.write(offset, data)
        plain.extend(bytes(max(0, offset + len(data) - len(plain))))
        plain[offset : offset + len(data)] = data
        if rng.random() < 0.05:
            length = rng.randrange(len(plain) + 5)
            sparse.resize(length)
            del plain[length:]
            plain.extend(bytes(length - len(plain)))
        assert sparse.read(0, 1000) == bytes(plain)
        low = rng.randrange(len(plain) + 1)
        assert sparse.part(low, 20).read(0, 20) == bytes(plain[low : low + 20]).ljust(20, b"\0")


def test_digests_are_those_that_the_writer_computes(file: PatchedFile) -> None:
    order = ByteOrder(file.content.read(8, 1)[0])
    file.apply({"stretch": "rodata", "length": 600_000})
    plain = file.content.read(0, file.content.length)
    file.apply({"add_digests": True})
    module = dataclasses.replace(decode(plain), digests=True)
    assert file.content.read(0, file.content.length) == encode(module, order)
    assert broken_rules(file.content) == (frozenset(), None, None)


def test_digests_that_are_added_again_replace_the_old(file: PatchedFile) -> None:
    file.apply({"add_digests": True})
    once = file.content.read(0, file.content.length)
    file.apply({"add_digests": True})
    assert file.content.read(0, file.content.length) == once


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("rodata[500000]", {"PF-INT-003"}),
        ("header.bss_size", {"PF-INT-003"}),
        ("byte[40]", {"PF-INT-005"}),
        ("digests[4095]", {"PF-INT-003", "PF-INT-004"}),
        ("digests[-1]", {"PF-INT-004", "PF-INT-005"}),
    ],
)
def test_a_flipped_bit_breaks_what_its_place_says(file: PatchedFile, path: str, rules: set[str]) -> None:
    file.apply({"stretch": "rodata", "length": 600_000})
    file.apply({"add_digests": True})
    before = file.content.read(0, file.content.length)
    file.apply({"flip": path, "bit": 5})
    after = file.content.read(0, file.content.length)
    assert sum((x ^ y).bit_count() for x, y in zip(before, after, strict=True)) == 1
    found = broken_rules(file.content)
    assert found.rules == rules
    assert found.disagreement is None
    file.apply({"flip": path, "bit": 5})
    assert file.content.read(0, file.content.length) == before


def test_digests_of_a_gibibyte_of_holes_take_little_memory(file: PatchedFile) -> None:
    file.apply({"stretch": "rodata", "length": 1_000_000_000})
    tracemalloc.start()
    file.apply({"add_digests": True})
    assert tracemalloc.get_traced_memory()[1] < 1 << 27
    tracemalloc.stop()
