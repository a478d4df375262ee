"""Tables for a person at a terminal, plain text for everything else, and no escape that comes from a file."""

from pathlib import Path

import pytest

from cli_support import ESCAPE, on_a_terminal, packfile_command, without_escapes
from packfile.assembler import assemble
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Import, Module, Signature
from packfile.writer import encode
from programs import FIB

EVIL = "\x1b[31m[bold]evil[/bold]\x1b[2J\r\nfib.pkf: ok\x07\u202e\x9b"
RETURN = 0x13


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with a good module, and one whose names are meant to do harm."""
    (tmp_path / "fib.pkf").write_bytes(encode(assemble(FIB), ByteOrder.LITTLE))
    function = Function(Signature(), 0, 0, (0xFF, RETURN))
    evil = Module(
        functions=(function,),
        imports=(Import(ImportKind.FUNCTION, Binding.WEAK, EVIL, EVIL, 0),),
        exports=(Export(EVIL, ImportKind.FUNCTION, Segment.NONE, 0, 0),),
        entry=0,
    )
    (tmp_path / "evil.pkf").write_bytes(encode(evil, ByteOrder.LITTLE))
    return tmp_path


def test_a_terminal_gets_drawn_tables(directory: Path) -> None:
    status, text = on_a_terminal("info", "fib.pkf", cwd=directory)
    assert status == 0
    assert "╭" in text
    assert ESCAPE in text
    plain = " ".join(without_escapes(text).split())
    assert "│ fib │ function │ (i) -> (i) │ function 0 │" in plain


def test_findings_are_drawn_on_a_terminal(directory: Path) -> None:
    status, text = on_a_terminal("verify", "evil.pkf", "fib.pkf", cwd=directory)
    assert status == 1
    plain = without_escapes(text)
    assert "╭" in plain
    assert "PF-CODE-001" in plain
    assert "The op of every instruction is one that the instruction table assigns." in plain
    assert "fib.pkf: ok: 1 function, 10 words of code" in plain


@pytest.mark.parametrize("command", ["info", "verify", "dump"])
def test_no_color_means_no_escape_sequence_at_all(directory: Path, command: str) -> None:
    status, text = on_a_terminal(command, "fib.pkf", cwd=directory, env={"NO_COLOR": "1"})
    assert status == 0
    assert ESCAPE not in text


def test_json_is_the_same_on_a_terminal(directory: Path) -> None:
    for command in (["info", "fib.pkf"], ["verify", "evil.pkf"], ["run", "fib.pkf", "--function", "fib", "2"]):
        _, text = on_a_terminal(*command, "--json", cwd=directory)
        assert text.replace("\r\n", "\n") == packfile_command(*command, "--json", cwd=directory).out


@pytest.mark.parametrize(
    "arguments", [["assemble", "-", "-o", "-"], ["convert", "fib.pkf", "-o", "-", "--byte-order", "big"]]
)
def test_a_packfile_is_not_written_to_a_terminal(directory: Path, arguments: list[str]) -> None:
    status, text = on_a_terminal(*arguments, cwd=directory)
    assert status == 2
    assert (
        text == "packfile: a packfile is not text for a terminal; name a file with -o, or redirect standard output\r\n"
    )


COMMANDS = (
    ["info", "evil.pkf"],
    ["info", "--json", "evil.pkf"],
    ["verify", "evil.pkf"],
    ["dump", "evil.pkf"],
    ["dump", "--json", "evil.pkf"],
    ["diff", "evil.pkf", "fib.pkf"],
    ["disassemble", "evil.pkf"],
    ["run", "evil.pkf"],
    ["run", "evil.pkf", "--function", EVIL],
    ["run", "fib.pkf", "--function", EVIL],
    ["run", "fib.pkf", "--with", f"{EVIL}=fib.pkf"],
    ["run", "evil.pkf", "--trace"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command[0]}{len(''.join(command))}")
def test_names_reach_no_terminal_unescaped(directory: Path, command: list[str]) -> None:
    _, drawn = on_a_terminal(*command, cwd=directory, env={"NO_COLOR": "1"})
    ran = packfile_command(*command, cwd=directory)
    for text in (drawn.replace("\r\n", "\n"), ran.out, ran.err):
        assert "\nfib.pkf: ok" not in text, "a name made a line of its own"
        assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_brackets_of_names_are_no_markup(directory: Path) -> None:
    _, drawn = on_a_terminal("info", "evil.pkf", cwd=directory, env={"COLUMNS": "300"})
    assert "[bold]evil[/bold]" in without_escapes(drawn)


def test_names_of_files_are_escaped_too(directory: Path) -> None:
    name = "odd\x1b[31m\nname.pkf"
    (directory / "evil.pkf").rename(directory / name)
    for command in ("info", "verify", "dump", "run"):
        ran = packfile_command(command, name, cwd=directory)
        assert ran.status in (0, 1)
        assert "odd\\x1b[31m" in ran.out + ran.err
        assert ESCAPE not in ran.out + ran.err
    ran = packfile_command("info", "absent\x1b[31m", cwd=directory)
    assert ran == (2, "", "packfile: absent\\x1b[31m: No such file or directory\n")
