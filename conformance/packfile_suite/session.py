"""One process of a loader's adapter, and the talk with it in JSON lines.

Assumes nothing of the other side. Promises that every request ends in a reply of the protocol or in LoaderFailed,
within the timeout, whatever the loader does; and that the process and all its children are gone after `kill`. One
thread does everything by `poll`, so that there is nothing to wait for at Ctrl-C.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from .messages import PROTOCOL, check_reply
from .schema import shorten

MAX_LINE = 8 << 20
"""Longest line that a loader may answer."""
_STDERR_KEPT = 4_000
_CHUNK = 1 << 16
_GRACE = 2.0
_LIVE: weakref.WeakSet[Session] = weakref.WeakSet()


class LoaderFailed(Exception):
    """Raised when the loader did not answer as the protocol asks.

    `kind` is `crash` (it ended), `hang` (no answer in time) or `rubbish` (an answer that is none).
    """

    def __init__(self, kind: str, message: str, stderr: str = "") -> None:
        super().__init__(message)
        self.kind, self.message, self.stderr = kind, message, stderr


@dataclass(frozen=True, slots=True)
class Hello:
    """What a loader says of itself."""

    name: str
    version: str
    features: tuple[str, ...]


class Session:
    """A running adapter. Raises LoaderFailed if it cannot be started or does not say hello."""

    def __init__(self, command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None) -> None:
        self._timeout = timeout
        self._next_id = 1
        self._lines = bytearray()
        self._stderr = bytearray()
        self.alive = True
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running the user's command is the purpose
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env=environment,
            )
        except OSError as error:
            raise LoaderFailed("crash", f"cannot be started: {error.strerror}: {command[0]}") from None
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._in, self._out, self._err = self._process.stdin, self._process.stdout, self._process.stderr
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
        _LIVE.add(self)
        try:
            reply = self.request("hello")
        except BaseException:
            self.kill()
            raise
        if "error" in reply:
            self.kill()
            raise LoaderFailed("rubbish", f"answered hello with the error {reply['error']}", self.stderr_tail())
        self.hello = Hello(reply["name"], reply["version"], tuple(reply["features"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The number of the adapter's process."""
        return self._process.pid

    def request(self, command: str, /, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Sends a request and returns its reply. After LoaderFailed the process is dead."""
        message = {"id": self._next_id, "command": command, **fields}
        self._next_id += 1
        try:
            return self._talk(message)
        except LoaderFailed as failure:
            self.kill()
            failure.stderr = self.stderr_tail()
            raise

    def _talk(self, message: dict[str, Any]) -> dict[str, Any]:
        self._refuse_unasked()
        deadline = time.monotonic() + self._timeout
        line = self._exchange(_ENCODER.encode(message).encode() + b"\n", deadline)
        reply = _parse(line)
        reason = check_reply(message, reply)
        if reason:
            raise LoaderFailed("rubbish", f"{reason}: {_shown(line)}")
        return reply

    def _refuse_unasked(self) -> None:
        """Refuses output that no request asked for."""
        if not self._lines:
            with contextlib.suppress(BlockingIOError):
                self._lines += os.read(self._out.fileno(), _CHUNK)
        if self._lines:
            raise LoaderFailed("rubbish", f"wrote a line that no request asked for: {_shown(bytes(self._lines))}")

    def _exchange(self, data: bytes, deadline: float) -> bytes:
        """Writes the request and reads the line that answers it, while keeping standard error flowing."""
        poll = select.poll()
        out, err, inp = self._out.fileno(), self._err.fileno(), self._in.fileno()
        poll.register(out, select.POLLIN)
        if not self._err.closed:
            poll.register(err, select.POLLIN)
        pending = memoryview(data)
        searched = 0
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            pending = pending[os.write(inp, pending) :]
        if pending:
            poll.register(inp, select.POLLOUT)
        while True:
            end = self._lines.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._lines[: end + 1])
                del self._lines[: end + 1]
                return line
            searched = len(self._lines)
            if searched > MAX_LINE:
                start = _shown(bytes(self._lines[:200]))
                raise LoaderFailed("rubbish", f"wrote a line of more than {MAX_LINE >> 20} MiB, which begins {start}")
            left = deadline - time.monotonic()
            events = poll.poll(max(0.0, left) * 1000) if left > 0 else []
            if not events:
                raise LoaderFailed("hang", f"gave no answer within {self._timeout:g} s")
            for descriptor, _ in events:
                if descriptor == out:
                    self._receive()
                elif descriptor == err:
                    if not self._drain_stderr():
                        poll.unregister(err)
                else:
                    try:
                        pending = pending[os.write(inp, pending) :]
                    except BlockingIOError:
                        continue
                    except BrokenPipeError:
                        pending = pending[:0]
                    if not pending:
                        poll.unregister(inp)

    def _receive(self) -> None:
        try:
            data = os.read(self._out.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not data:
            begun = f" after {_shown(bytes(self._lines))}" if self._lines else ""
            raise LoaderFailed("crash", f"{self._ending()}{begun}")
        self._lines += data

    def _drain_stderr(self) -> bool:
        """Takes what standard error holds; False at its end."""
        try:
            data = os.read(self._err.fileno(), _CHUNK)
        except BlockingIOError:
            return True
        self._stderr = (self._stderr + data)[-_STDERR_KEPT:]
        return bool(data)

    def _ending(self) -> str:
        """How the process ended, given that its standard output did."""
        status = self._wait(0.5)
        if status is None:
            return "closed its standard output but runs on"
        return describe_status(status)

    def _wait(self, seconds: float) -> int | None:
        """The exit status as of Popen, without reaping: its process group stays ours until `kill` has seen to it."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(ChildProcessError):
                info = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if info is not None:
                    return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status
            if time.monotonic() > deadline:
                return None
            time.sleep(0.002)

    def finish(self) -> str | None:
        """Closes standard input and waits for the end: None if the exit status was 0, else what happened."""
        self._in.close()
        deadline = time.monotonic() + min(_GRACE, self._timeout)
        status = None
        while status is None and time.monotonic() < deadline:
            self._drain_stderr()
            with contextlib.suppress(BlockingIOError):
                self._lines += os.read(self._out.fileno(), _CHUNK)
            status = self._wait(0)
            time.sleep(0.001)
        rest = bytes(self._lines)
        self.kill()
        if status is None:
            return f"still runs {min(_GRACE, self._timeout):g} s after the end of its standard input"
        if rest:
            return f"wrote a line that no request asked for: {_shown(rest)}"
        return None if status == 0 else describe_status(status)

    def kill(self) -> None:
        """Ends the process and its children, and reaps it."""
        if not self.alive:
            return
        self.alive = False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for _ in range(8):  # what it had still to say
            if not self._drain_stderr() or len(self._stderr) >= _STDERR_KEPT:
                break
        for pipe in (self._in, self._out, self._err):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def stderr_tail(self) -> str:
        """The end of standard error."""
        return self._stderr.decode("utf-8", "replace").strip()


def describe_status(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        raise LoaderFailed("rubbish", f"wrote a line that is not JSON: {_shown(line)}") from None
    if not isinstance(value, dict):
        raise LoaderFailed("rubbish", f"wrote a line that is not a JSON object: {_shown(line)}")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _shown(line: bytes) -> str:
    return shorten(repr(line.rstrip(b"\n").decode("utf-8", "backslashreplace")), 200)


@atexit.register
def _kill_all() -> None:
    for session in list(_LIVE):
        session.kill()


__all__ = ["MAX_LINE", "PROTOCOL", "Hello", "LoaderFailed", "Session", "describe_status"]
