"""`assemble`, `disassemble`, `convert`, and where all commands read from."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cli_support import MODULE, TIMEOUT, environment, packfile_command
from packfile.assembler import AssemblyError, assemble
from packfile.layout import ByteOrder
from packfile.writer import decode, encode
from programs import FIB

ORDERS = {"little": ByteOrder.LITTLE, "big": ByteOrder.BIG, "host": ByteOrder[sys.byteorder.upper()]}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with one module as a text and in both byte orders."""
    (tmp_path / "all.pka").write_text(MODULE)
    for name, order in ORDERS.items():
        (tmp_path / f"{name}.pkf").write_bytes(encode(assemble(MODULE), order))
    return tmp_path


@pytest.mark.parametrize("order", ORDERS)
def test_assembled_files_are_those_of_the_writer(directory: Path, order: str) -> None:
    ran = packfile_command("assemble", "all.pka", "-o", "out.pkf", "--byte-order", order, cwd=directory)
    assert ran == (0, "", "")
    assert (directory / "out.pkf").read_bytes() == (directory / f"{order}.pkf").read_bytes()


def test_an_assembled_file_stands_beside_its_text_in_the_order_of_the_host(directory: Path) -> None:
    assert packfile_command("assemble", directory / "all.pka") == (0, "", "")
    assert (directory / "all.pkf").read_bytes() == (directory / "host.pkf").read_bytes()


def test_a_text_is_not_overwritten_by_its_packfile(directory: Path) -> None:
    text = directory / "text.pkf"
    text.write_text(FIB)
    ran = packfile_command("assemble", text)
    assert ran.status == 2
    assert text.read_text() == FIB


def test_from_standard_input_to_standard_output(directory: Path) -> None:
    command = [sys.executable, "-m", "packfile"]
    content = subprocess.run(
        [*command, "assemble", "-"], input=MODULE.encode(), capture_output=True, env=environment(), check=True
    ).stdout
    assert content == (directory / "host.pkf").read_bytes()
    converted = subprocess.run(
        [*command, "convert", "-", "-o", "-", "--byte-order", "big"],
        input=content,
        capture_output=True,
        env=environment(),
        check=True,
    ).stdout
    assert converted == (directory / "big.pkf").read_bytes()
    text = packfile_command("disassemble", "-", stdin=converted)
    assert text.status == 0
    assert encode(assemble(text.out), ByteOrder.BIG) == converted


def test_a_wrong_text_is_shown_with_its_place_and_status_1(tmp_path: Path) -> None:
    text = ".func f () -> ()\n  i_ad i0, i1\n"
    (tmp_path / "wrong.pka").write_text(text)
    with pytest.raises(AssemblyError) as error:
        assemble(text, "wrong.pka")
    for command in ("assemble", "run", "info", "verify"):
        ran = packfile_command(command, "wrong.pka", cwd=tmp_path)
        assert ran == (1, "", f"{error.value}\n")
    assert ran.err.startswith("wrong.pka:2:3: ")
    assert not (tmp_path / "wrong.pkf").exists()


def test_a_text_that_is_not_utf_8_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "wrong.pka").write_bytes(b"; fine\n; \xff\n")
    ran = packfile_command("assemble", "wrong.pka", cwd=tmp_path)
    assert ran == (2, "", "packfile: wrong.pka:2: this is no assembly text: it is not UTF-8\n")


def test_disassembled_text_assembles_to_the_same_bytes(directory: Path) -> None:
    assert packfile_command("disassemble", "big.pkf", "-o", "copy.pka", cwd=directory) == (0, "", "")
    assert packfile_command("disassemble", "little.pkf", cwd=directory).out == (directory / "copy.pka").read_text()
    assert packfile_command("assemble", "copy.pka", "--byte-order", "big", cwd=directory).status == 0
    assert (directory / "copy.pkf").read_bytes() == (directory / "big.pkf").read_bytes()


@pytest.mark.parametrize("order", ORDERS)
def test_conversion_gives_the_same_module_in_the_other_order(directory: Path, order: str) -> None:
    for source in ("little.pkf", "big.pkf"):
        ran = packfile_command("convert", source, "-o", "out.pkf", "--byte-order", order, cwd=directory)
        assert ran == (0, "", "")
        assert (directory / "out.pkf").read_bytes() == (directory / f"{order}.pkf").read_bytes()


def test_conversion_in_place_replaces_the_file_and_keeps_its_mode(directory: Path) -> None:
    path = directory / "little.pkf"
    path.chmod(0o640)
    before = path.stat().st_ino
    with path.open("rb") as held:
        assert packfile_command("convert", path, "-o", path, "--byte-order", "big").status == 0
        assert held.read() == encode(assemble(MODULE), ByteOrder.LITTLE), "who has it open sees the old file"
    assert path.read_bytes() == (directory / "big.pkf").read_bytes()
    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_converted_is_left_alone(directory: Path) -> None:
    broken = bytearray((directory / "little.pkf").read_bytes())
    broken[9] = 7
    (directory / "broken.pkf").write_bytes(broken)
    ran = packfile_command("convert", "broken.pkf", "-o", "out.pkf", "--byte-order", "big", cwd=directory)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("broken.pkf:0x9: unsupported: PF-HDR-004: ")
    assert not (directory / "out.pkf").exists()


def test_nothing_is_left_beside_a_file_that_cannot_be_written(directory: Path) -> None:
    before = sorted(directory.iterdir())
    (directory / "place").mkdir()
    ran = packfile_command("assemble", "all.pka", "-o", "place", cwd=directory)
    assert (ran.status, ran.err) == (2, "packfile: place: not a regular file\n")
    ran = packfile_command("assemble", "all.pka", "-o", "absent/out.pkf", cwd=directory)
    assert (ran.status, ran.err) == (2, "packfile: absent/out.pkf: No such file or directory\n")
    assert sorted(directory.iterdir()) == sorted([*before, directory / "place"])


COMMANDS_THAT_READ = (
    ["run"],
    ["info"],
    ["verify"],
    ["dump"],
    ["disassemble"],
    ["convert", "-o", "out.pkf", "--byte-order", "big"],
    ["diff", "little.pkf"],
)


@pytest.mark.parametrize("command", COMMANDS_THAT_READ, ids=lambda command: command[0])
def test_what_is_no_file_is_one_line_and_status_2(directory: Path, command: list[str]) -> None:
    for path in ("absent.pkf", ".", "/dev/null", "absent.pka", ""):
        ran = packfile_command(*command, path, cwd=directory)
        assert ran.status == 2, (path, ran)
        assert ran.out == ""
        assert len(ran.err.splitlines()) == 1, ran.err
        assert ran.err.startswith(f"packfile: {path}: "), ran.err


def test_a_file_that_may_not_be_read_is_one_line_and_status_2(directory: Path) -> None:
    (directory / "little.pkf").chmod(0)
    # Root may read everything, until it gives that up.
    as_others = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    command = [*as_others, sys.executable, "-m", "packfile", "info", "little.pkf"]
    done = subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "packfile: little.pkf: Permission denied\n")


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS_THAT_READ if c[0] != "convert"], ids=lambda command: command[0]
)
def test_standard_input_pipes_and_texts_are_as_good_as_files(directory: Path, command: list[str]) -> None:
    arguments = ["--function", "table", "1"] if command == ["run"] else []
    content = (directory / "little.pkf").read_bytes()
    expected = packfile_command(*command, "little.pkf", *arguments, cwd=directory)
    assert expected.status == 0, expected
    os.mkfifo(directory / "pipe")
    writer = threading.Thread(target=(directory / "pipe").write_bytes, args=(content,))
    writer.start()
    for name, stdin in (("-", content), ("pipe", b""), ("all.pka", b"")):
        ran = packfile_command(*command, name, *arguments, cwd=directory, stdin=stdin)
        assert ran.status == 0, ran
        assert ran.out.replace("<stdin>", "little.pkf").replace(name, "little.pkf") == expected.out or name == "-"
        if name == "-":
            assert ran.out.replace("<stdin>", "little.pkf") == expected.out
    writer.join(TIMEOUT)


def test_a_file_that_is_spooled_leaves_nothing_behind(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("spool")
    content = (directory / "little.pkf").read_bytes()
    for stdin, status in ((content, 0), (content[:-1], 1), (b"", 1)):
        assert packfile_command("info", "-", stdin=stdin, env={"TMPDIR": str(place)}).status == status
    assert not any(place.iterdir())


def test_both_sides_of_diff_cannot_be_standard_input() -> None:
    ran = packfile_command("diff", "-", "-")
    assert ran == (2, "", "packfile: standard input can be one of the two files only\n")


def test_code_that_no_loader_runs_is_assembled_and_disassembled(tmp_path: Path) -> None:
    (tmp_path / "bad.pka").write_text(".export func f () -> ()\n  .word 0xdeadbeff\n")
    assert packfile_command("assemble", "bad.pka", cwd=tmp_path).status == 0
    assert decode((tmp_path / "bad.pkf").read_bytes()).functions[0].code == (0xDEADBEFF,)
    assert ".word 0xdeadbeff" in packfile_command("disassemble", "bad.pkf", cwd=tmp_path).out
    ran = packfile_command("run", "--function", "f", "bad.pkf", cwd=tmp_path)
    assert ran.status == 1
    assert ran.err.splitlines()[0].startswith("bad.pkf:0x1000: invalid: PF-CODE-001: ")
    assert ran.err.splitlines()[1] == "    in f (function 0), word 0: .word 0xdeadbeff"
