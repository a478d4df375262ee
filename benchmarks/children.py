"""A child process that is asked line by line, and the CPU time that it takes.

Assumes nothing of the child. Promises a reply, or a text that says what the child did instead, with the end of its
standard error.
"""

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.group import NotMeasured

PATIENCE = 120.0
"""Seconds that a reply may take."""
_FAREWELL = 5.0
"""Seconds that a child has to end once its standard input has."""
_STDERR_LINES = 15
_STDERR_BYTES = 4096

CPU_CLOCK = "the CPU clock of each process, in nanoseconds"
CPU_TICKS = "utime and stime of each process, in ticks, so short samples are coarse"


class Child:
    """A contender's process."""

    def __init__(self, name: str, command: Sequence[str], patience: float = PATIENCE) -> None:
        """Start it.

        Raises:
            NotMeasured: It cannot be started.
        """
        self.name = name
        self._patience = patience
        self._unread = b""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=0
            )
        except OSError as error:
            self._stderr.close()
            raise NotMeasured(f"{name} cannot be started: {command[0]}: {error.strerror}") from None
        self.pid = self._process.pid
        self.cpu, self.clock = cpu_clock(self.pid)
        """What gives its CPU seconds so far, of all its threads, and a text that says how."""

    def ask(self, line: str) -> str:
        """Write a line, and read one.

        Raises:
            NotMeasured: It ended, or takes too long.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            raise self.failed(self._ending(), line) from None
        return self._line(line).decode("utf-8", "backslashreplace")

    def failed(self, what: str, line: str) -> NotMeasured:
        """An error that says what it did when it was asked something."""
        text = [f"{self.name}: {what}; it was asked: {line}"]
        said = self._said()
        if said:
            text += ["its standard error ends with:", *(f"  {part}" for part in said)]
        return NotMeasured("\n".join(text))

    def works_alone(self) -> None:
        """Make sure that it is no wrapper around what does the work, whose CPU time would not be seen.

        Raises:
            NotMeasured: It has started processes.
        """
        others = _started_by(self.pid)
        if others:
            raise NotMeasured(
                f"{self.name} has started {' and '.join(others)}, whose CPU time is not seen: "
                "its command must be the loader itself, or a shell that ends with exec"
            )

    def close(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, asked: str) -> bytes:
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        until = time.monotonic() + self._patience
        while b"\n" not in self._unread:
            if not select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
                raise self.failed(f"no reply within {self._patience:g} seconds", asked)
            part = os.read(output, 65536)
            if not part:
                raise self.failed(self._ending(), asked)
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ending(self) -> str:
        try:
            status = self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        return f"it ended with exit status {status}" if status >= 0 else f"it was ended by signal {-status}"

    def _said(self) -> list[str]:
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _STDERR_BYTES))
        return self._stderr.read().decode("utf-8", "backslashreplace").splitlines()[-_STDERR_LINES:]


def _started_by(pid: int) -> list[str]:
    names = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
        except OSError:
            continue  # it has ended
        if int(rest.split()[1]) == pid:
            names.append(name.partition("(")[2])
    return names


def cpu_clock(pid: int) -> tuple[Callable[[], float], str]:
    """A function that gives the CPU seconds of a process so far, and which clock it reads.

    Raises:
        NotMeasured: This system tells no process how much CPU time another took.
    """
    # What clock_getcpuclockid(3) computes, for which Python has no function: bits 3 and up are the complement of the
    # process, and 2 asks for the scheduler's own sum over all threads. /proc/PID/schedstat is of one thread, and of a
    # thread that still runs it is as old as the last tick.
    number = (~pid << 3) | 2
    try:
        time.clock_gettime(number)
    except OSError:
        return _ticks(pid), CPU_TICKS
    return lambda: time.clock_gettime(number), CPU_CLOCK


def _ticks(pid: int) -> Callable[[], float]:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        raise NotMeasured("this system does not tell how much CPU time another process took")
    second = os.sysconf("SC_CLK_TCK")

    def read() -> float:
        # The name, field 2 of proc(5), ends at the last parenthesis and may hold spaces; utime and stime are 14 and 15.
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / second

    return read
