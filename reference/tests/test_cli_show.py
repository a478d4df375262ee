"""`info`, `verify` and `diff`."""

import struct
from pathlib import Path

import pytest

from cli_support import MODULE, packfile_command
from packfile.assembler import assemble
from packfile.audit import audit_bytes
from packfile.layout import FUNCTION_ROW, ByteOrder, SectionKind
from packfile.rules import RULES
from packfile.writer import encode
from programs import FIB


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with two modules in both byte orders."""
    for name, text in (("all", MODULE), ("fib", FIB)):
        for order in ByteOrder:
            (tmp_path / f"{name}-{order.name.lower()}.pkf").write_bytes(encode(assemble(text), order))
    return tmp_path


@pytest.mark.parametrize("order", ["little", "big"])
def test_info_shows_header_sections_exports_and_imports(directory: Path, order: str) -> None:
    ran = packfile_command("info", f"all-{order}.pkf", cwd=directory)
    assert (ran.status, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    for expected in (
        f"byte order {order}",
        "alignment unit 4096 bytes",
        "entry function 0, main",
        "bss 64 bytes",
        "functions 0xa0 48 4 functions",
        "counter data 8 bytes at data+0",
        "mix function (i, n) -> (i, n) function 1",
        "0 host.log_i function weak (i) -> ()",
        "1 absent.f function lazy (n) -> (n)",
        "2 absent.d data weak 8 bytes or more",
    ):
        assert expected in lines, expected


@pytest.mark.parametrize("order", ["little", "big"])
def test_info_for_scripts(directory: Path, order: str) -> None:
    document = packfile_command("info", "--json", f"all-{order}.pkf", cwd=directory).json
    assert document["byte_order"] == order
    assert document["entry"] == 0
    assert document["counts"] == {"functions": 4, "imports": 3, "exports": 5, "constants": 2, "code_words": 32}
    assert [section["name"] for section in document["sections"]] == [
        kind.name.lower() for kind in list(SectionKind)[:8]
    ]
    assert document["exports"][0] == {
        "name": "counter", "kind": "data", "signature": None, "segment": "data", "position": 0, "size": 8,
    }  # fmt: skip
    assert document["imports"][1] == {
        "module": "absent", "name": "f", "kind": "function", "binding": "lazy", "signature": "(n) -> (n)", "size": None,
    }  # fmt: skip


def test_info_shows_rows_that_break_rules_as_they_are(directory: Path) -> None:
    content = bytearray((directory / "all-little.pkf").read_bytes())
    imports = packfile_command("info", "--json", "all-little.pkf", cwd=directory).json["sections"][1]["offset"]
    content[imports : imports + 2] = b"\x07\x09"
    struct.pack_into("<I", content, imports + 4, 0xFFFFFFFF)
    (directory / "odd.pkf").write_bytes(content)
    ran = packfile_command("info", "odd.pkf", cwd=directory)
    assert ran.status == 0
    assert "unknown kind 7  unknown binding 9" in ran.out


def test_a_file_that_does_not_open_has_its_outcome_in_text_and_in_json(directory: Path) -> None:
    content = (directory / "fib-little.pkf").read_bytes()
    (directory / "cut.pkf").write_bytes(content[:-1])
    (directory / "empty.pkf").write_bytes(b"")
    for name, rule in (("cut.pkf", "PF-HDR-008"), ("empty.pkf", "PF-HDR-001")):
        ran = packfile_command("info", name, "--json", cwd=directory)
        assert ran.status == 1
        assert (ran.json["outcome"], ran.json["rule"], ran.json["file"]) == ("malformed", rule, name)
        assert ran.json["sentence"] == " ".join(RULES[rule].text.split())
        assert ran.err.startswith(f"{name}:0x")


def broken(order: ByteOrder) -> bytes:
    """A file that opens and has three findings of different times."""
    content = bytearray(encode(assemble(MODULE), order))
    content[-9] = 1  # the gap before data
    row = 0xA0 + 3 * FUNCTION_ROW[order].size
    content[row + 10 : row + 12] = b"\xff\xff"  # the reserved field of the last function's row
    op = 0 if order is ByteOrder.LITTLE else 3
    code = next(i for i in range(0x1000, len(content), 4) if content[i + op] == 0x13)
    content[code + op] = 0xFF  # no op
    return bytes(content)


@pytest.mark.parametrize("order", ByteOrder, ids=lambda order: order.name.lower())
def test_verify_shows_all_findings_at_once(tmp_path: Path, order: ByteOrder) -> None:
    content = broken(order)
    (tmp_path / "broken.pkf").write_bytes(content)
    expected = audit_bytes(content, "broken.pkf")
    assert len(expected) > 2
    assert len({finding.rule for finding in expected}) > 2
    ran = packfile_command("verify", "broken.pkf", cwd=tmp_path)
    assert (ran.status, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert lines[:-1:2] == [str(finding) for finding in expected]
    assert lines[1::2] == [f"    {' '.join(RULES[finding.rule or ''].text.split())}" for finding in expected]
    assert lines[-1] == f"broken.pkf: {len(expected)} findings"
    report = packfile_command("verify", "--json", "broken.pkf", cwd=tmp_path).json["files"][0]
    assert report["outcome"] == "malformed"
    assert [(x["rule"], x["offset"], x["expected"], x["got"]) for x in report["findings"]] == [
        (x.rule, x.at, x.expected, x.got) for x in expected
    ]


def test_verify_of_good_files_has_status_0(directory: Path) -> None:
    ran = packfile_command("verify", "all-little.pkf", "all-big.pkf", "fib-big.pkf", cwd=directory)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[2] == "fib-big.pkf: ok: 1 function, 10 words of code"


def test_one_file_that_cannot_be_read_hides_nothing_about_the_others(directory: Path) -> None:
    (directory / "broken.pkf").write_bytes(broken(ByteOrder.LITTLE))
    ran = packfile_command("verify", "absent.pkf", "broken.pkf", "fib-big.pkf", "--json", cwd=directory)
    assert (ran.status, ran.err) == (2, "packfile: absent.pkf: No such file or directory\n")
    assert [(report["file"], report["outcome"]) for report in ran.json["files"]] == [
        ("broken.pkf", "malformed"),
        ("fib-big.pkf", "ok"),
    ]


def test_diff_of_one_module_in_both_orders_is_empty(directory: Path) -> None:
    ran = packfile_command("diff", "all-little.pkf", "all-big.pkf", cwd=directory)
    assert ran == (0, "all-little.pkf (little) and all-big.pkf (big) are the same module\n", "")
    assert packfile_command("diff", "--json", "all-little.pkf", "all-big.pkf", cwd=directory).json == {
        "files": ["all-little.pkf", "all-big.pkf"], "byte_orders": ["little", "big"], "equal": True, "differences": [],
    }  # fmt: skip


CHANGES = {
    "alignment unit": (".bss 64", ".unit 65536\n.bss 64"),
    "entry": (".entry main", ".entry table"),
    "bss": (".bss 64", ".bss 65"),
    "import host.log_i": ("weak func host.log_i", "eager func host.log_i"),
    "import absent.d": ("absent.d 8", "absent.d 9"),
    "export text": (".export data text", '.export data text as "other"'),
    "function table": ("i_imm i0, 99", "i_imm i0, 98"),
    "function unused": (".func unused () -> ()\n  unreachable", ".export func unused () -> ()\n  unreachable"),
    "constants": ("0.5", "0.25"),
    "rodata": ("hello", "hallo"),
    "data": (".i64 41", ".i64 42"),
    "section 0x80000005": ("; one of each", '.section 0x80000005 "x"\n; one of each'),
}


@pytest.mark.parametrize("what", CHANGES)
def test_diff_names_what_was_changed(tmp_path: Path, what: str) -> None:
    old, new = CHANGES[what]
    assert old in MODULE
    (tmp_path / "a.pka").write_text(MODULE)
    (tmp_path / "b.pkf").write_bytes(encode(assemble(MODULE.replace(old, new)), ByteOrder.BIG))
    for first, second in (("a.pka", "b.pkf"), ("b.pkf", "a.pka")):
        ran = packfile_command("diff", first, second, cwd=tmp_path)
        assert (ran.status, ran.err) == (1, "")
        assert any(line.startswith(f"{what}: ") for line in ran.out.splitlines()), ran.out
        document = packfile_command("diff", "--json", first, second, cwd=tmp_path).json
        assert not document["equal"]
        assert what in {difference["what"] for difference in document["differences"]}


def test_diff_shows_the_instructions_that_changed(tmp_path: Path) -> None:
    (tmp_path / "a.pka").write_text(FIB)
    (tmp_path / "b.pka").write_text(FIB.replace("i_add_imm i3, i0, -2", "i_add_imm i3, i0, -3"))
    ran = packfile_command("diff", "a.pka", "b.pka", cwd=tmp_path)
    assert [line.strip() for line in ran.out.splitlines() if line.strip().startswith(("-", "+"))] == [
        "-i_add_imm i3, i0, -2",
        "+i_add_imm i3, i0, -3",
    ]


def test_an_order_that_programs_can_see_is_a_difference(tmp_path: Path) -> None:
    one, two = ".export func one () -> ()\n  ret\n", ".export func two () -> ()\n  ret\n"
    (tmp_path / "a.pka").write_text(one + two)
    (tmp_path / "b.pka").write_text(two + one)
    ran = packfile_command("diff", "a.pka", "b.pka", cwd=tmp_path)
    assert ran.status == 1
    assert "function one: function 0" in ran.out


def test_diff_with_a_file_that_is_broken_names_that_file(directory: Path) -> None:
    (directory / "broken.pkf").write_bytes(broken(ByteOrder.LITTLE))
    for arguments in (["broken.pkf", "all-big.pkf"], ["all-big.pkf", "broken.pkf"]):
        ran = packfile_command("diff", *arguments, cwd=directory)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith("broken.pkf:0x")
