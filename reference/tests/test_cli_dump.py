"""`dump`: every byte of a file is shown once, with what it means, however wrong the file is."""

import re
from pathlib import Path
from typing import Any

import pytest

from cli_support import MODULE, packfile_command
from packfile.assembler import assemble
from packfile.cli.records import Heading, Note, Record, Walk
from packfile.layout import FIELDS, SECTIONS, ByteOrder
from packfile.writer import encode
from programs import FIB

LINE = re.compile(r"0x([0-9a-f]{8})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})?")


@pytest.fixture
def content(order: ByteOrder) -> bytes:
    """A file with one of everything, in each byte order."""
    return encode(assemble(MODULE), order)


def records(content: bytes) -> list[Record]:
    return [item for item in Walk(memoryview(content)).items() if isinstance(item, Record)]


def notes(content: bytes) -> list[str]:
    return [item.text for item in Walk(memoryview(content)).items() if isinstance(item, Note)]


def test_records_cover_every_byte_once_and_in_order(content: bytes) -> None:
    at = 0
    for record in records(content):
        assert record.offset == at
        assert record.content in (b"", content[at : at + record.size])
        at += record.size
    assert at == len(content)
    assert notes(content) == []


def test_every_field_of_the_specification_is_shown_with_its_description(content: bytes) -> None:
    shown = {(record.section, record.field): record.doc for record in records(content)}
    sections = {"header": "header", "directory": "section"}
    sections |= {kind.name.lower(): row for kind, (row, *_) in SECTIONS.items() if row and row != "code_word"}
    for section, row in sections.items():
        for field in FIELDS[row]:
            assert shown[section, field.name] == " ".join(field.doc.split())


def value_of(content: bytes, section: str, field: str, row: int | None = None) -> tuple[str, str]:
    return next((r.value, r.meaning) for r in records(content) if (r.section, r.field, r.row) == (section, field, row))


def test_values_are_shown_with_what_they_stand_for(content: bytes, order: ByteOrder) -> None:
    assert value_of(content, "header", "byte_order") == (str(int(order)), order.name.lower())
    assert value_of(content, "header", "entry") == ("0", "function main")
    assert value_of(content, "directory", "kind_id", 5) == ("6", "code")
    assert value_of(content, "functions", "signature", 1)[1] == "(i, n) -> (i, n)"
    assert value_of(content, "functions", "code_end", 0) == ("4", "words 0 to 3")
    assert value_of(content, "imports", "binding", 2) == ("3", "weak")
    assert value_of(content, "imports", "module_offset", 0)[1] == "host"
    assert value_of(content, "exports", "segment", 4)[1] == "rodata"
    assert value_of(content, "constants", "bits", 1) == ("0x3fe0000000000000", "4602678819172646912, or 0.5")
    assert [r.value for r in records(content) if r.section == "strings"][:3] == ['"absent"', '"counter"', '"d"']
    code = [(r.row, r.word, r.value) for r in records(content) if r.section == "code"]
    assert code[:3] == [(0, 0, "i_imm i0, 7"), (0, 1, "calli i0, n0, host.log_i"), (0, 3, "ret")] or code[:2] == [
        (0, 0, "i_imm i0, 7"),
        (0, 1, "calli host.log_i"),
    ]
    assert code[-1] == (3, 0, "unreachable")


def test_the_text_has_the_bytes_of_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "all.pkf").write_bytes(content)
    ran = packfile_command("dump", "all.pkf", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    shown = bytearray(len(content))
    for line in ran.out.splitlines():
        if found := LINE.match(line):
            part = bytes.fromhex(found[2] or "")
            shown[int(found[1], 16) : int(found[1], 16) + len(part)] = part
    assert shown == content


def test_the_document_has_the_same_records(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "all.pkf").write_bytes(content)
    document = packfile_command("dump", "--json", "all.pkf", cwd=tmp_path).json
    assert document["size"] == len(content)
    assert document["complete"]
    assert document["records"] == [record.json() for record in records(content)]


def test_a_section_can_be_chosen_by_name_or_number(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "all.pkf").write_bytes(content)

    def sections(*names: str) -> set[str]:
        options = [part for name in names for part in ("--section", name)]
        document: Any = packfile_command("dump", "--json", *options, "all.pkf", cwd=tmp_path).json
        return {record["section"] for record in document["records"]}

    assert sections("code") == {"code"}
    assert sections("6") == {"code"}
    assert sections("header", "0x3", "gaps") == {"header", "exports", "gaps"}
    ran = packfile_command("dump", "--section", "lines", "--section", "code", "all.pkf", cwd=tmp_path)
    assert (ran.status, ran.err) == (2, "packfile: all.pkf has no section lines\n")


def test_equal_lines_of_bytes_are_shown_once(order: ByteOrder) -> None:
    content = encode(assemble(".rodata\n.zero 3000000\n.byte 1\n"), order)
    found = [(r.field, r.size) for r in records(content) if r.section == "rodata"]
    assert found == [("bytes", 16), ("repeated", 3000000 - 16), ("bytes", 1)]


@pytest.mark.parametrize("length", [0, 1, 8, 9, 63, 64, 65, 100, 0xA0, 0xC9, 0x1002, 0x2000])
def test_a_file_that_is_cut_short_is_shown_as_far_as_it_goes(tmp_path: Path, content: bytes, length: int) -> None:
    cut = content[:length]
    (tmp_path / "cut.pkf").write_bytes(cut)
    ran = packfile_command("dump", "cut.pkf", cwd=tmp_path)
    assert (ran.status, ran.err) == (1, "")
    assert "  ! " in ran.out
    at = 0
    for record in records(cut):
        assert record.offset == at
        at += record.size
    assert at == length


def test_notes_say_where_a_file_makes_no_sense(order: ByteOrder) -> None:
    content = bytearray(encode(assemble(FIB), order))
    end = "little" if order is ByteOrder.LITTLE else "big"

    def changed(at: int, value: int, size: int = 4) -> bytes:
        copy = bytearray(content)
        copy[at : at + size] = value.to_bytes(size, end)  # type: ignore[arg-type]
        return bytes(copy)

    assert "byte order is unknown" in notes(changed(8, 3, 1))[0]
    assert "more than 64 entries" in notes(changed(20, 65) + bytes(1000))[0]
    assert "leaves the file (PF-DIR-007)" in notes(changed(64 + 8, 1 << 31))[0]
    assert "overlaps what precedes it" in notes(changed(64 + 4, 0))[0]
    assert "less than a row of 12 bytes is left" in notes(changed(64 + 8, 13))[0]
    assert "ends at word 99" in notes(changed(0x70, 99))[0]
    assert "nothing says what these bytes are" in notes(bytes(content) + b"x")[0]
    gap = bytes(content[:-64]).rindex(bytes(100)) + 50
    assert "this gap is not zero" in notes(changed(gap, 1, 1))[0]
    assert value_of(changed(9, 2, 1), "header", "version")[1].startswith("unknown (PF-HDR-004)")
    assert value_of(changed(10, 255, 1), "header", "unit_log2")[1] == "neither 12 nor 16 (PF-HDR-005)"
    assert value_of(changed(64, 99), "directory", "kind_id", 0)[1] == "unknown (PF-DIR-003)"
    assert value_of(changed(68, 8), "directory", "offset", 0)[1] == "expected 0x70 (PF-DIR-004)"


def test_two_sections_of_one_kind_are_both_shown(order: ByteOrder) -> None:
    end = "little" if order is ByteOrder.LITTLE else "big"
    content = bytearray(encode(assemble(MODULE), order))
    for entry in range(5):
        content[64 + 12 * entry : 68 + 12 * entry] = (1).to_bytes(4, end)  # type: ignore[arg-type]
    content[64 + 8 : 64 + 12] = (12).to_bytes(4, end)  # type: ignore[arg-type]
    assert sum(record.size for record in records(bytes(content))) == len(content)


def test_headings_name_sections_and_rows(content: bytes) -> None:
    headings = [item.text for item in Walk(memoryview(content)).items() if isinstance(item, Heading)]
    assert headings[0] == "header: The fixed part at the start of a file."
    assert "function 1: mix (i, n) -> (i, n)" in headings
    assert "import 0: host.log_i" in headings
    assert "export 4: text" in headings
