"""What the README shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import packfile

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(marker: str) -> str:
    """The fenced block after a marker."""
    match = re.search(rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```\n", README, re.DOTALL)
    assert match, f"README.md has no block marked {marker!r}"
    return match[1]


def shell(command: str, folder: Path) -> str:
    """What a command prints where `packfile` is the one that is installed with this Python."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quick_start_prints_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "count.pka").write_text(block("file: count.pka"))
    commands = re.split(r"^\$ ", block("run"), flags=re.MULTILINE)[1:]
    assert len(commands) == 4
    for command in commands:
        line, _, expected = command.partition("\n")
        assert shell(line, tmp_path) == expected, line
    (tmp_path / "quick.py").write_text(block("python"))
    assert shell("python quick.py", tmp_path) == block("prints")


def test_the_table_of_the_api_is_complete() -> None:
    table = README.partition("## The API")[2].partition("\n## ")[0]
    for name in packfile.__all__:
        if name not in {"ByteOrder", "Segment", "Results"}:
            assert re.search(rf"`{name}\b", table), f"README.md does not list packfile.{name}"


def test_every_link_leads_to_something() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
