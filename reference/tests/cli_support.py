"""Runs the command `packfile` as its users do, by a command line."""

import atexit
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import packfile
from cli_server import READY
from programs import EVERYTHING

SOURCES = Path(packfile.__file__).parents[1]
ROOT = SOURCES.parents[1]
EXAMPLES = ROOT / "examples"
TIMEOUT = 120
MODULE = EVERYTHING.replace("eager func host", "weak func host")
"""One of each kind of section and row; `table` can be called without a host."""
ESCAPE = "\x1b"


class Ran(NamedTuple):
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: this one's, without what changes how it writes."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "PACKFILE_TRACEBACK")
    }
    return kept | {"PYTHONPATH": str(SOURCES)} | more


def packfile_process(
    *arguments: str | Path, stdin: bytes | str = b"", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Ran:
    """Run `packfile` as a process of its own, with its output to pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "packfile", *map(str, arguments)],
        input=_bytes(stdin),
        capture_output=True,
        timeout=TIMEOUT,
        cwd=cwd,
        env=environment(**(env or {})),
        check=False,
    )
    return _ran(done.returncode, done.stdout, done.stderr)


def packfile_command(
    *arguments: str | Path, stdin: bytes | str = b"", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Ran:
    """Run `packfile` as a fork of a process that has imported it, with its output to files; much faster."""
    with TemporaryDirectory() as place:
        streams = [str(Path(place) / name) for name in ("stdin", "stdout", "stderr")]
        for stream, content in zip(streams, (_bytes(stdin), b"", b""), strict=True):
            Path(stream).write_bytes(content)
        status = _server().ask(
            {
                "arguments": [str(argument) for argument in arguments],
                "cwd": str(cwd or Path.cwd()),
                "env": environment(**(env or {})),
                "streams": streams,
                "timeout": TIMEOUT,
            }
        )
        return _ran(status, *(Path(stream).read_bytes() for stream in streams[1:]))


class _Server:
    """The process that forks, for as long as this one lives."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("cli_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        atexit.register(self.close)
        assert self._answer() == READY

    def ask(self, request: Mapping[str, Any]) -> int:
        """The exit status of a command line."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End it, which the end of its input does."""
        self._process.communicate()


@cache
def _server() -> _Server:
    return _Server()


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _ran(status: int, out: bytes, err: bytes) -> Ran:
    ran = Ran(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
    assert "Traceback" not in ran.err, ran.err
    assert ESCAPE not in ran.out, "no terminal, yet there are escape sequences"
    return ran


def on_a_terminal(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run `packfile` on a terminal of 100 columns; gives its status and all that the terminal got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "packfile", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=environment(**{"TERM": "xterm-256color", "COLUMNS": "100"} | dict(env or {})),
    ) as process:
        os.close(theirs)
        parts = []
        # A terminal whose other side is closed gives an error rather than an end.
        with suppress(OSError):
            while part := os.read(ours, 65536):
                parts.append(part)
        os.close(ours)
        status = process.wait(TIMEOUT)
    return status, b"".join(parts).decode()


def without_escapes(text: str) -> str:
    """A text without what colours it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
