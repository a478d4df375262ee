"""How coarse the kernel's figures are, here and now: found by a process of our own whose doings are known.

One touch of a mapped page brings in a window of its neighbours: 64 KiB for a file that was written in pages, more where
the file system keeps large folios, less from a cold disk. The process maps a file of the same kind, touches
pages that lie far apart, and is looked at as any other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .identity import FileIdentity
from .proc import PAGE, Unobservable, anonymous, mappings, pages, status

TOUCHES = 8
STRIDE = 4 << 20
"""Wider than any window known."""
LARGEST_WINDOW = 2 << 20
_PROGRAM = f"""
import mmap, sys
file = open(sys.argv[1], 'rb')
view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
first = int(sys.argv[2])
print(flush=True); sys.stdin.readline()
for at in range(first, len(view), {STRIDE}):
    view[at]
print(flush=True); sys.stdin.readline()
for at in range(first, len(view), {STRIDE}):
    view[at]
print(flush=True); sys.stdin.readline()
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one touch shows, and what shows without any."""

    window: int
    """Bytes of the file that one touch brings in at most."""
    noise: int
    """Bytes of anonymous memory that came without a reason."""
    faults: int
    """Minor faults of one touch, rounded up."""


def calibrate(directory: Path, like: Path | None = None) -> Calibration:
    """Measures with a file in that directory, or with `like` itself unless it is empty. Raises Unobservable."""
    if like is not None and like.stat().st_size:
        return _measure(like)
    with tempfile.NamedTemporaryFile(dir=directory, prefix="calibration-") as file:
        for touch in range(TOUCHES):
            # By pages, as the suite writes its own files; on both sides of the touch, where a window may begin.
            for page in range(0, LARGEST_WINDOW, PAGE):
                os.pwrite(file.fileno(), b"\1" * PAGE, touch * STRIDE + page)
        os.fsync(file.fileno())
        return _measure(Path(file.name))


def _measure(path: Path) -> Calibration:
    identity = FileIdentity.of(path)
    first = min(LARGEST_WINDOW, identity.size) // 2
    touches = len(range(first, identity.size, STRIDE))
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(path), str(first)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            looks = [_look(process, identity) for _ in range(3)]
        finally:
            process.kill()
    (_, _, before), (window, private, after), (_, again, _) = looks
    if window == 0:
        raise Unobservable("touching a mapped page does not show in /proc/PID/smaps")
    if window > LARGEST_WINDOW:
        raise Unobservable(f"one touch brings in {window >> 10} KiB here, too much to tell a touch from a scan")
    return Calibration(window, max(PAGE, again - private), -(-(after - before) // touches))


def _look(process: subprocess.Popen[bytes], identity: FileIdentity) -> tuple[int, int, int]:
    """The most that any touch brought in, anonymous memory and minor faults, once the process said that it waits."""
    assert process.stdin
    assert process.stdout
    if not process.stdout.readline():
        raise Unobservable("the calibrating process ended early")
    there = mappings(process.pid)
    now = status(process.pid)
    # Touches lie far apart, so what is there in between belongs to the nearest of them.
    brought = Counter(
        page * PAGE // STRIDE for mapping in identity.among(there) for page in pages(process.pid, mapping).present
    )
    window = max(brought.values(), default=0) * PAGE
    process.stdin.write(b"\n")
    return window, anonymous(there), now.minor_faults
