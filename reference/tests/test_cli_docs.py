"""What docs/cli.md and the help of each command show is what the command does.

`python reference/tests/test_cli_docs.py` writes into the page what the commands print now.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cli_support import EXAMPLES, ROOT, TIMEOUT, environment, packfile_command
from packfile import hostlib

PAGE = ROOT / "docs" / "cli.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```\n)", re.DOTALL)
TABLE = re.compile(r"\| index \| name .*?\n\n`print_char` [^\n]*\n", re.DOTALL)
STATUS = "echo $?"
COMMANDS = ("adapter", "assemble", "convert", "diff", "digest", "disassemble", "dump", "info", "map", "run", "verify")


class Session:
    """A shell in a directory that has the examples, where `packfile` is on the path."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "examples"
        shutil.copytree(EXAMPLES, self.directory, ignore=shutil.ignore_patterns("*.pkf", "__pycache__"))
        programs = directory / "bin"
        programs.mkdir()
        script = programs / "packfile"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m packfile "$@"\n')
        script.chmod(0o755)
        self.path = str(programs)
        self.status = 0

    def run(self, line: str) -> str:
        """What a command line prints, on both streams."""
        if line == STATUS:
            return f"{self.status}\n"
        env = environment()
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            env=env | {"PATH": f"{self.path}:{env['PATH']}"},
            timeout=TIMEOUT,
            check=False,
        )
        self.status = done.returncode
        return done.stdout.decode()


def written(page: str, session: Session) -> str:
    """The page with what its commands print now, and with the table of the host module."""

    def block(found: re.Match[str]) -> str:
        lines = [line for line in found[0].splitlines() if line.startswith("$ ")]
        return "".join(f"{line}\n{session.run(line.removeprefix('$ '))}" for line in lines)

    table = TABLE.search(hostlib.__doc__ or "")
    assert table
    return TABLE.sub(lambda _: table[0], BLOCK.sub(block, page))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session of its own, with what the page and the help take for made."""
    made = Session(tmp_path)
    prepare(made)
    return made


def prepare(session: Session) -> None:
    assert session.run("packfile assemble fib.pka && packfile assemble fib.pka -o fib-big.pkf --byte-order big") == ""


def test_the_page_shows_what_the_commands_print(session: Session) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(BLOCK.findall(page)) > 10
    assert page == written(page, session), "`python reference/tests/test_cli_docs.py` brings the page up to date"


def test_the_page_describes_every_command() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"\n`packfile {name}" in page
        options = re.findall(r"(?:^  |, )(--[a-z-]+)", packfile_command(name, "--help").out, re.MULTILINE)
        assert [option for option in options if option not in page and option not in ("--help", "--output")] == []


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_examples_of_the_help_run(session: Session, command: list[str]) -> None:
    text = packfile_command(*command, "--help").out.split("Examples:\n")[1]
    examples = [line.strip() for line in text.splitlines() if re.match(r" {4}\S", line)]
    assert examples
    for example in examples:
        session.run(example)
        assert session.status == 0, example


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        session_ = Session(Path(place))
        prepare(session_)
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), session_), encoding="utf-8")
