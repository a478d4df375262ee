"""What the command lines print, run when the page is read, so that the page shows what they print today."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from .repository import ROOT

_PACKAGES: Final = {"packfile": "packfile.cli", "packfile-suite": "packfile_suite.cli"}
_WIDTH = 96
_CASE = "fix-weak-missing-calli-traps"
_LOADER = "conformance/broken_loaders/eager_weak.py"


def help_text(env: BuildEnvironment, command: str) -> str:
    """The help of a command line such as `packfile-suite run`, in a block of text."""
    del env
    return f"```text\n{run([*command.split(), '--help']).rstrip()}\n```\n"


def failure(env: BuildEnvironment) -> str:
    """What `packfile-suite reproduce` shows of a loader that takes weak imports for eager ones."""
    env.note_dependency(str(ROOT / _LOADER))
    loader = f"{sys.executable} {_LOADER}"
    with tempfile.TemporaryDirectory() as directory:
        words = ["reproduce", _CASE, "--byte-order", "big", "--loader", loader, "--directory", directory]
        text = run(["packfile-suite", *words], succeeds=False)
    text = text.replace(directory, "/tmp/packfiles").replace(f"'{loader}'", "./my-adapter")  # noqa: S108 - shown, not used
    if "expected" not in text or sys.executable in text:
        raise ExtensionError(f"`packfile-suite reproduce` does not show what the page explains: {text[-400:]}")
    return f"```text\n{text.rstrip()}\n```\n"


def run(words: Sequence[str], directory: Path = ROOT, *, succeeds: bool = True) -> str:
    """Standard output of a command of this project; a page with the wrong end of it would be a lie."""
    start = f"import sys; sys.argv[0] = {words[0]!r}; from {_PACKAGES[words[0]]} import main; sys.exit(main())"
    paths = os.pathsep.join(str(ROOT / part) for part in ("reference/src", "conformance"))
    surroundings = {**os.environ, "PYTHONPATH": paths, "COLUMNS": str(_WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", start, *words[1:]],
        env=surroundings,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if (done.returncode == 0) != succeeds or not done.stdout.strip():
        raise ExtensionError(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout
