"""Writing promises canonical bytes, reading refuses all others, and publishing replaces a file whole."""

import dataclasses
import mmap
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packfile import layout
from packfile.errors import Invalid, Malformed, PackfileError, Unsupported
from packfile.image import Image
from packfile.layout import Binding, ByteOrder, ImportKind, SectionKind, Segment
from packfile.model import Export, Function, Import, ModelError, Module, Signature, Skippable
from packfile.writer import check, convert, decode, encode, write_file

RET = 0x13
NOTHING = Signature()

TINY = Module(
    functions=(Function(Signature(1, 0, 1, 0), 2, 1, (0x03020140, RET)),),
    exports=(Export("f", ImportKind.FUNCTION, Segment.NONE, 0, 0),),
    constants=(0x0102030405060708,),
    entry=0,
)
FULL = Module(
    functions=(Function(NOTHING, 0, 0, (RET,)), Function(Signature(2, 1), 3, 1, (1, RET))),
    imports=(
        Import(ImportKind.FUNCTION, Binding.EAGER, "host", "log_i", 1),
        Import(ImportKind.DATA, Binding.WEAK, "host", "ab", 8),
    ),
    exports=(
        Export("a", ImportKind.FUNCTION, Segment.NONE, 1, 0),
        Export("ab", ImportKind.DATA, Segment.BSS, 4, 6),
        Export("b", ImportKind.DATA, Segment.RODATA, 0, 3),
    ),
    constants=(1, 2),
    rodata=b"abc",
    data=b"defg",
    bss_size=10,
    skippable=(Skippable(0x80000055, b"skip"), Skippable(0x80000099, b"\0")),
)
BOTH = list(ByteOrder)


def test_the_bytes_of_a_small_module_are_these_in_a_little_file() -> None:
    file = encode(TINY, ByteOrder.LITTLE)
    assert file[:64].hex(" ", 4) == (
        "89504b46 0d0a1a0a 01010c00 00000000 08100000 05000000 00000000 00000000"
        " 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
    )
    assert file[64:124].hex(" ", 4) == (
        "01000000 80000000 0c000000 03000000 90000000 14000000 04000000 a8000000 08000000"
        " 05000000 b0000000 01000000 06000000 00100000 08000000"
    )
    assert file[124:128] == bytes(4)
    assert file[128:140].hex(" ", 4) == "02000000 01000100 02010000"
    assert file[144:164].hex(" ", 4) == "00000000 01000000 01000000 00000000 00000000"
    assert file[168:176].hex() == "0807060504030201"
    assert file[176:177] == b"f"
    assert not any(file[177:4096])
    assert file[4096:].hex(" ", 4) == "40010203 13000000"


def test_the_bytes_of_a_small_module_are_these_in_a_big_file() -> None:
    file = encode(TINY, ByteOrder.BIG)
    assert file[:32].hex(" ", 4) == "89504b46 0d0a1a0a 02010c00 00000000 00001008 00000005 00000000 00000000"
    assert file[128:140].hex(" ", 4) == "00000002 00010001 02010000"
    assert file[168:176].hex() == "0102030405060708"
    assert file[4096:].hex(" ", 4) == "03020140 00000013"


@pytest.mark.parametrize("order", BOTH)
def test_an_empty_module_is_a_header(order: ByteOrder) -> None:
    file = encode(Module(), order)
    assert len(file) == layout.HEADER_SIZE
    assert decode(file) == Module()


@pytest.mark.parametrize("unit_log2", [12, 16])
def test_code_rodata_and_data_are_aligned_to_the_unit(unit_log2: int) -> None:
    file = encode(dataclasses.replace(FULL, unit_log2=unit_log2), ByteOrder.LITTLE)
    entries = dict(_entries(file, ByteOrder.LITTLE))
    for kind in (SectionKind.CODE, SectionKind.RODATA, SectionKind.DATA):
        assert entries[kind] % (1 << unit_log2) == 0
    assert all(offset % 8 == 0 for offset in entries.values())
    assert list(entries) == sorted(entries)


def test_exports_are_sorted_by_bytes_and_strings_are_shared_by_equal_names_only() -> None:
    names = ["b", "a", "ab", "\N{LATIN SMALL LETTER E WITH ACUTE}", "Z"]
    module = Module(
        functions=(Function(NOTHING, 0, 0, (RET,)),),
        imports=(Import(ImportKind.FUNCTION, Binding.LAZY, "a", "zz", 0),),
        exports=tuple(Export(name, ImportKind.FUNCTION, Segment.NONE, 0, 0) for name in names),
    )
    file = encode(module, ByteOrder.LITTLE)
    assert b"Zaabbzz\xc3\xa9" in file
    assert [export.name for export in decode(file).exports] == ["Z", "a", "ab", "b", names[3]]


def test_two_writers_of_one_module_agree_whatever_order_its_exports_came_in() -> None:
    shuffled = dataclasses.replace(FULL, exports=FULL.exports[::-1], skippable=FULL.skippable[::-1])
    assert encode(shuffled, ByteOrder.BIG) == encode(FULL, ByteOrder.BIG)


def test_invalid_code_is_written_as_it_is() -> None:
    empty = Function(NOTHING, 0, 0, ())
    wrong = Function(Signature(255, 255, 255, 255), 0, 255, (0xFFFFFFFF, 0, 0x10))
    long = Function(NOTHING, 0, 0, (0,) * 65537)
    module = Module(functions=(empty, wrong, empty, long, empty))
    assert decode(encode(module, ByteOrder.BIG)) == module


def test_a_megabyte_of_code_takes_well_under_a_second() -> None:
    module = Module(functions=tuple(Function(NOTHING, 0, 0, tuple(range(2048))) for _ in range(128)))
    start = time.process_time()
    file = encode(module, ByteOrder.BIG)
    decode(file)
    assert time.process_time() - start < 1
    assert len(file) > 1 << 20


def test_conversion_carries_skippable_sections_unchanged_and_in_place() -> None:
    little = encode(FULL, ByteOrder.LITTLE)
    big = convert(little, ByteOrder.BIG)
    assert [kind for kind, _ in _entries(little, ByteOrder.LITTLE)] == [
        kind for kind, _ in _entries(big, ByteOrder.BIG)
    ]
    assert decode(big).skippable == FULL.skippable
    assert convert(big, ByteOrder.LITTLE) == little


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit_log2": 13}, "PF-HDR-005"),
        ({"entry": 2}, "PF-HDR-009"),
        ({"entry": -1}, "PF-HDR-009"),
        ({"bss_size": (1 << 30) + 1}, "PF-LIM-003"),
        ({"functions": ()}, "PF-SEC-011"),
        ({"functions": (Function(NOTHING, 0, 0, ()),) * 2}, "PF-SEC-001"),
        ({"functions": (Function(NOTHING, 0, 256, (1,)),) * 2}, "0 to 255"),
        ({"functions": (Function(Signature(256), 0, 0, (1,)),) * 2}, "0 to 255"),
        ({"functions": (Function(NOTHING, 0, 0, (1 << 32,)),) * 2}, "word"),
        ({"functions": (Function(NOTHING, 0, 0, (-1,)),) * 2}, "word"),
        ({"constants": (1 << 64,)}, "constant"),
        ({"constants": (-1,)}, "constant"),
        ({"constants": (0,) * ((1 << 20) + 1)}, "PF-LIM-004"),
        ({"imports": (Import(3, Binding.EAGER, "a", "b", 0),)}, "PF-FIX-001"),  # type: ignore[arg-type]
        ({"imports": (Import(ImportKind.DATA, 0, "a", "b", 0),)}, "PF-FIX-002"),  # type: ignore[arg-type]
        ({"imports": (Import(ImportKind.DATA, Binding.EAGER, "", "b", 0),)}, "PF-SEC-004"),
        ({"imports": (Import(ImportKind.DATA, Binding.EAGER, "a", "b" * 1025, 0),)}, "PF-LIM-005"),
        ({"imports": (Import(ImportKind.DATA, Binding.EAGER, "a", "\ud800", 0),)}, "PF-SEC-005"),
        ({"imports": (Import(ImportKind.DATA, Binding.EAGER, "a", "b", 1 << 32),)}, "requirement"),
        ({"exports": (Export("x", ImportKind.FUNCTION, Segment.NONE, 0, 0),) * 2}, "twice"),
        ({"exports": (Export("x", ImportKind.FUNCTION, Segment.NONE, 2, 0),)}, "PF-SEC-011"),
        ({"exports": (Export("x", ImportKind.FUNCTION, Segment.NONE, 0, 1),)}, "PF-SEC-011"),
        ({"exports": (Export("x", ImportKind.FUNCTION, Segment.DATA, 0, 0),)}, "PF-SEC-009"),
        ({"exports": (Export("x", ImportKind.DATA, Segment.NONE, 0, 0),)}, "PF-SEC-009"),
        ({"exports": (Export("x", ImportKind.DATA, Segment.DATA, 4, 1),)}, "PF-SEC-012"),
        ({"exports": (Export("x", 0, Segment.DATA, 4, 1),)}, "PF-SEC-008"),  # type: ignore[arg-type]
        ({"skippable": (Skippable(SectionKind.DIGESTS, b"x"),)}, "computed"),
        ({"skippable": (Skippable(9, b"x"),)}, "0x80000000"),
        ({"skippable": (Skippable(0x80000000, b""),)}, "PF-DIR-005"),
        ({"skippable": (Skippable(0x80000000, b"x"),) * 2}, "PF-DIR-002"),
        ({"skippable": tuple(Skippable(0x80000000 + k, b"x") for k in range(57))}, "PF-LIM-002"),
    ],
)
def test_what_no_file_can_hold_is_refused(changes: dict[str, object], message: str) -> None:
    module = dataclasses.replace(FULL, **changes)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=message):
        check(module)
    with pytest.raises(ModelError, match=message):
        encode(module, ByteOrder.LITTLE)


def _entries(file: bytes, order: ByteOrder) -> list[tuple[int, int]]:
    count = layout.Header._make(layout.HEADER[order].unpack_from(file)).section_count
    row = layout.DIRECTORY_ENTRY[order]
    return [row.unpack_from(file, layout.HEADER_SIZE + k * row.size)[:2] for k in range(count)]


def _set(
    row: str, field: str, value: int, *, section: SectionKind | None = None, index: int = 0
) -> Callable[..., None]:
    """A change of one field of the header, of the directory, or of a row."""

    def change(file: bytearray, order: ByteOrder) -> None:
        size = sum(part.size for part in layout.FIELDS[row])
        start = {"header": 0, "section": layout.HEADER_SIZE}.get(row)
        if start is None:
            assert section is not None
            start = dict(_entries(bytes(file), order))[section]
        where = next(part for part in layout.FIELDS[row] if part.name == field)
        at = start + index * size + where.offset
        file[at : at + where.size] = value.to_bytes(where.size, "little" if order is ByteOrder.LITTLE else "big")

    return change


def _byte(section: SectionKind, offset: int, value: int) -> Callable[..., None]:
    def change(file: bytearray, order: ByteOrder) -> None:
        file[dict(_entries(bytes(file), order))[section] + offset] = value

    return change


def _row(section: SectionKind, field: str, value: int, index: int = 0) -> Callable[..., None]:
    return _set(layout.SECTIONS[section].row or "", field, value, section=section, index=index)


def _trailing_byte(file: bytearray, order: ByteOrder) -> None:
    file.append(0)
    _set("header", "file_length", len(file))(file, order)


FUN, IMP, EXP = SectionKind.FUNCTIONS, SectionKind.IMPORTS, SectionKind.EXPORTS
# Strings of FULL: a ab b host log_i, at 0 1 3 4 8; sections in order: 1 to 8, then two that are skippable.
DEFECTS: list[tuple[str, Callable[..., None]]] = [
    ("PF-HDR-002", lambda file, _: file.__setitem__(0, 0)),
    ("PF-HDR-003", _set("header", "byte_order", 3)),
    ("PF-HDR-004", _set("header", "version", 2)),
    ("PF-HDR-005", _set("header", "unit_log2", 13)),
    ("PF-HDR-006", _set("header", "reserved", 1)),
    ("PF-HDR-007", _set("header", "required", 1)),
    ("PF-HDR-008", _set("header", "file_length", 5)),
    ("PF-HDR-008", lambda file, _: file.append(0)),
    ("PF-HDR-009", _set("header", "entry", 2)),
    ("PF-LIM-002", _set("header", "section_count", 65)),
    ("PF-LIM-003", _set("header", "bss_size", (1 << 30) + 1)),
    ("PF-INT-001", _set("header", "digest_root", 1)),
    ("PF-DIR-002", _set("section", "kind_id", 1, index=1)),
    ("PF-DIR-003", _set("section", "kind_id", 9, index=7)),
    ("PF-DIR-004", _set("section", "offset", 0, index=3)),
    ("PF-DIR-005", _set("section", "length", 0, index=3)),
    ("PF-DIR-006", _set("section", "length", 25, index=0)),
    ("PF-DIR-007", _set("section", "length", 1 << 30, index=9)),
    ("PF-DIR-008", _trailing_byte),
    ("PF-DIR-009", _byte(SectionKind.STRINGS, 13, 1)),
    ("PF-SEC-003", _row(IMP, "module_offset", 0xFFFFFFFF)),
    ("PF-SEC-003", _row(EXP, "name_length", 0xFFFFFFFF)),
    ("PF-SEC-004", _row(IMP, "name_length", 0)),
    ("PF-SEC-005", _byte(SectionKind.STRINGS, 0, 0xFF)),
    ("PF-SEC-006", _row(IMP, "name_length", 4)),
    ("PF-SEC-006", _row(IMP, "name_offset", 7, index=1)),
    ("PF-SEC-007", _row(EXP, "name_length", 1, index=1)),
    ("PF-SEC-007", _byte(SectionKind.STRINGS, 0, ord("z"))),
    ("PF-SEC-008", _row(EXP, "kind", 3)),
    ("PF-SEC-009", _row(EXP, "segment", 1)),
    ("PF-SEC-009", _row(EXP, "segment", 4, index=1)),
    ("PF-SEC-010", _row(EXP, "reserved", 1)),
    ("PF-SEC-011", _row(EXP, "position", 2)),
    ("PF-SEC-011", _row(EXP, "size", 1)),
    ("PF-SEC-012", _row(EXP, "position", 5, index=1)),
    ("PF-SEC-012", _row(EXP, "size", 0xFFFFFFFF, index=1)),
    ("PF-SEC-013", _row(FUN, "code_end", 2, index=1)),
    ("PF-FUN-001", _row(FUN, "reserved", 1)),
    ("PF-FUN-002", _row(FUN, "code_end", 0, index=1)),
    ("PF-FUN-003", _row(FUN, "code_end", 4, index=1)),
    ("PF-FIX-001", _row(IMP, "kind", 0)),
    ("PF-FIX-002", _row(IMP, "binding", 4)),
    ("PF-FIX-003", _row(IMP, "reserved", 256)),
]


@pytest.mark.parametrize("order", BOTH)
@pytest.mark.parametrize(("rule", "change"), DEFECTS)
def test_a_file_that_breaks_a_rule_is_refused_by_that_rule(
    rule: str, change: Callable[..., None], order: ByteOrder
) -> None:
    file = bytearray(encode(FULL, order))
    change(file, order)
    with pytest.raises((Malformed, Unsupported, Invalid)) as caught:
        decode(file)
    assert caught.value.rule == rule


@pytest.mark.parametrize("order", BOTH)
def test_a_file_cut_anywhere_is_refused(order: ByteOrder) -> None:
    file = encode(FULL, order)
    for length in (0, 7, 8, 9, 10, 63, 64, 100, len(file) - 1):
        with pytest.raises(Malformed):
            decode(file[:length])


def test_a_file_that_ends_with_another_magic_is_refused_for_it() -> None:
    with pytest.raises(Malformed) as caught:
        Image(bytes(8), "another")
    assert caught.value.rule == "PF-HDR-002"


def test_magic_order_and_version_come_before_the_length() -> None:
    file = bytearray(encode(FULL, ByteOrder.LITTLE)[:12])
    file[9] = 2
    with pytest.raises(Unsupported):
        decode(file)


@pytest.mark.parametrize("kind", [SectionKind.FUNCTIONS, SectionKind.CODE])
def test_functions_without_code_and_code_without_functions_are_refused(kind: SectionKind) -> None:
    other = encode(dataclasses.replace(TINY, exports=(), entry=None, constants=()), ByteOrder.LITTLE)
    file = bytearray(layout.HEADER_SIZE + 16)
    file[: layout.HEADER_SIZE] = other[: layout.HEADER_SIZE]
    offset = 80 if kind is SectionKind.FUNCTIONS else 4096
    length = layout.SECTIONS[kind].row_size
    file[layout.HEADER_SIZE :] = layout.DIRECTORY_ENTRY[ByteOrder.LITTLE].pack(kind, offset, length) + bytes(4)
    file.extend(bytes(offset + length - len(file)))
    _set("header", "section_count", 1)(file, ByteOrder.LITTLE)
    _set("header", "file_length", len(file))(file, ByteOrder.LITTLE)
    with pytest.raises(Malformed) as caught:
        decode(file)
    assert caught.value.rule == "PF-SEC-001"


FILES = [encode(module, order) for module in (TINY, FULL) for order in BOTH]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_whatever_decodes_is_canonical(file: bytes, data: st.DataObject) -> None:
    changed = bytearray(file)
    section_places = [at for at in range(len(file)) if file[at] or at < 400 or at % 512 == 0]
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.sampled_from(section_places))] = data.draw(st.integers(0, 255))
    try:
        module = decode(changed)
    except PackfileError:
        return
    assert encode(module, ByteOrder(changed[8])) == changed


def test_a_published_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_file(tmp_path / "a.pkf", b"abc")
    finally:
        os.umask(old)
    assert (tmp_path / "a.pkf").read_bytes() == b"abc"
    assert stat.S_IMODE((tmp_path / "a.pkf").stat().st_mode) == 0o640


def test_replacing_a_file_keeps_its_mode_and_leaves_old_mappings_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.pkf"
    path.write_bytes(b"old!")
    path.chmod(0o604)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        write_file(path, memoryview(b"new"))
        assert mapping[:] == b"old!"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(OSError, match="regular"):
            write_file(path, b"x")
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "absent" / "a.pkf", b"x")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pkf"
    path.write_bytes(b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@given(st.integers(0, 0xFFFFFFFF))
def test_a_signature_is_its_word(word: int) -> None:
    assert Signature.from_word(word).word == word


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        (Signature(), "() -> ()"),
        (Signature(2, 1, 1, 0), "(i, i, n) -> (i)"),
        (Signature(0, 255, 0, 7), "(n*255) -> (n*7)"),
    ],
)
def test_a_signature_is_shown_as_in_assembly(signature: Signature, text: str) -> None:
    assert str(signature) == text
