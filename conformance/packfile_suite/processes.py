"""Ends a process and all that it started, also what left its process group.

Assumes that the process leads a group of its own and got `mark()` in its environment, which its children inherit.
Where there is no /proc, or where a child emptied its environment and left the group, that child is not found.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

MARK = "PACKFILE_SUITE_ADAPTER"
"""The environment variable by which descendants are found."""
_ROUNDS = 20
_PROC = Path("/proc")


def mark() -> str:
    """A value of `MARK` that no other process has."""
    return f"{os.getpid()}-{secrets.token_hex(8)}"


def kill_tree(leader: int, value: str) -> None:
    """Kills the leader's process group and everything that has the mark. The leader must not be reaped yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    # What forks while it is looked for is found in the next round.
    for _ in range(_ROUNDS):
        found = [pid for pid in _marked(value) if pid != leader]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _marked(value: str) -> Iterator[int]:
    """The processes that have the mark and still run; a zombie's environment is empty."""
    wanted = f"{MARK}={value}".encode()
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(_PROC):
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    if wanted in (_PROC / entry.name / "environ").read_bytes().split(b"\0"):
                        yield int(entry.name)
