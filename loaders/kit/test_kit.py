"""Each adapter of the kit is small, is built as the README says, and keeps the promises of the protocol."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

KIT = Path(__file__).parent
MOST_LINES = 150
SOURCES = (".py", ".c", ".h", ".mjs", ".go", ".rs", ".java")
NEED_A_LOADER = {"unknown-handle", "surrogate", "path", "handles", "integers", "floats", "audit-fields"}
"""Checks of `check-adapter` that an adapter without a loader cannot have."""


class Row(NamedTuple):
    """A line of the README's table."""

    build: str
    run: str
    lines: list[int]


def table() -> dict[str, Row]:
    rows = re.findall(
        r"^\| (.+?) \| (?:`(.+?)` )?\| `(.+?)` \| ([\d +]+) \|$", (KIT / "README.md").read_text(), re.MULTILINE
    )
    folder = {"c11": "c", "javascript,": "javascript"}
    return {
        folder.get(name := language.split()[0].lower(), name): Row(build, run, [int(x) for x in lines.split(" + ")])
        for language, build, run, lines in rows
    }


ROWS = table()
BAD_REQUESTS = (
    b'{"id": 1, "command": "open", "path": null}',
    b'{"id": 1, "command": "link", "modules": [{"name": "m", "image": 1, "host": false}, {"name": "m"}]}',
    b'{"id": 1, "command": "close", "image": -0.5}',
    b'{"id": 1, "command": "call", "process": 1, "module": "m", "entry": true, "i": [], "n": [], "fuel": "1"}',
)


def sources(language: str) -> list[Path]:
    return sorted(path for path in (KIT / language).iterdir() if path.suffix in SOURCES)


@pytest.fixture(params=ROWS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """The command of an adapter that was built elsewhere, and where to run it."""
    row = ROWS[request.param]
    folder = tmp_path / request.param
    shutil.copytree(KIT / request.param, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for command in filter(None, (row.build, row.run.replace("python3", sys.executable))):
        tool = shlex.split(command)[0]
        if not tool.startswith("./") and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if row.build:
        surroundings = {**os.environ, "GOCACHE": str(tmp_path / "cache")}
        done = subprocess.run(
            shlex.split(row.build), cwd=folder, env=surroundings, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return row.run.replace("python3", sys.executable), folder


def test_there_is_an_adapter_in_each_language() -> None:
    assert set(ROWS) == {"python", "c", "javascript", "go", "rust", "java"}
    assert set(ROWS) == {path.name for path in KIT.iterdir() if path.is_dir() and path.name != "__pycache__"}


@pytest.mark.parametrize("language", ROWS)
def test_an_adapter_is_short(language: str) -> None:
    lines = [len(path.read_text().splitlines()) for path in sources(language)]
    assert lines == ROWS[language].lines
    assert max(lines) < MOST_LINES
    assert "Your loader" in (KIT / language / sources(language)[0].name).read_text()


def test_an_adapter_keeps_its_promises(adapter: tuple[str, Path]) -> None:
    command, folder = adapter
    check = [sys.executable, "-m", "packfile_suite", "check-adapter", "--json", "--timeout", "60", "--loader", command]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)["checks"]
    assert {row["check"] for row in rows if row["result"] != "ok"} == NEED_A_LOADER
    assert {row["result"] for row in rows} == {"ok", "not checked"}


def test_an_adapter_tells_good_requests_from_bad_ones(adapter: tuple[str, Path]) -> None:
    command, folder = adapter
    call = b'{"id": 1, "command": "call", "process": 1, "module": "", "i": ["-9223372036854775808"], "depth": "1", '
    good = (
        b'{"id": 1, "command": "open", "path": "\\ud83d\\ude00\\ud800\\u0000"}',
        b'{"id": 1, "command": "link", "modules": []}',
        b'{"id": 1, "command": "link", "modules": [{"host": true, "name": "h"}, {"image": 2147483647, "name": "m"}]}',
        call + b'"n": ["7ff0000000000001"], "fuel": "9007199254740991", "function": "f"}',
        call + b'"n": [], "fuel": "0", "entry": true}',
        b'{"id": 1, "command": "close", "process": 0}',
        b'{"id": 1, "command": "hello\\u0000"}',
    )
    data = b"\n".join((*good, *BAD_REQUESTS)) + b"\n"
    done = subprocess.run(shlex.split(command), cwd=folder, input=data, capture_output=True, check=True, timeout=60)
    errors = [json.loads(line)["error"] for line in done.stdout.splitlines()]
    assert errors == ["unsupported-command"] * len(good) + ["bad-request"] * len(BAD_REQUESTS)
