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
import re
import select
import signal
import subprocess
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from .messages import PROTOCOL, check_reply
from .processes import MARK, kill_tree, mark
from .schema import shorten

MAX_LINE = 8 << 20
"""Longest line that a loader may answer."""
_STDERR_KEPT = 4_000
_CHUNK = 1 << 16
_SHOWN = 200
_GRACE = 2.0
_ENDING = 0.5
"""Seconds in which a loader that has closed a pipe may end, so that its exit status can be told."""
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

    def __str__(self) -> str:
        return f"{self.name} {self.version}, features: {', '.join(self.features) or 'none'}"


class Session:
    """A running adapter. Raises LoaderFailed if it cannot be started or does not say hello.

    `timeout` is for each answer, in seconds; `start` for hello, where it is another.
    """

    def __init__(
        self,
        command: Sequence[str],
        timeout: float,
        environment: Mapping[str, str] | None = None,
        start: float | None = None,
    ) -> None:
        self._timeout = timeout if start is None else start
        self._next_id = 1
        self._lines = bytearray()
        self._stderr = bytearray()
        self._mark = mark()
        self.alive = True
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running the user's command is the purpose
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env={**(os.environ if environment is None else environment), MARK: self._mark},
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
            self.hello = self._greet()
            self._timeout = timeout
        except BaseException:
            self.kill()
            raise

    def _greet(self) -> Hello:
        reply = self.request("hello")
        if "error" in reply:
            self.kill()
            raise LoaderFailed("rubbish", f"answered hello with the error {reply['error']}", self.stderr_tail())
        return Hello(reply["name"], reply["version"], tuple(reply["features"]))

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

    def put(self, data: bytes) -> None:
        """Writes the beginning of a request, short enough for any pipe to hold."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._in.fileno(), data)

    def raw(self, data: bytes, count: int, deadline: float) -> Iterator[bytes]:
        """Sends bytes as they are, and yields the lines that answer them. After LoaderFailed the process is dead."""
        try:
            self._refuse_unasked()
            for _ in range(count):
                yield self._exchange(data, deadline)
                data = b""
        except LoaderFailed as failure:
            self.kill()
            failure.stderr = self.stderr_tail()
            raise

    def _talk(self, message: dict[str, Any]) -> dict[str, Any]:
        self._refuse_unasked()
        deadline = time.monotonic() + self._timeout
        line = self._exchange(_ENCODER.encode(message).encode() + b"\n", deadline)
        reply = parse_reply(line)
        try:
            reason = check_reply(message, reply)
        except RecursionError:
            raise _too_deep(line) from None
        if reason:
            raise LoaderFailed("rubbish", f"{reason}: {_shown(line)}")
        self._refuse_rest()
        return reply

    def settle(self) -> None:
        """Raises LoaderFailed if the loader has ended or written more than it was asked for.

        So a case bears what went wrong after its last answer, as far as that can be seen without waiting.
        """
        try:
            self._refuse_unasked()
        except LoaderFailed as failure:
            self.kill()
            failure.stderr = self.stderr_tail()
            raise

    def _refuse_unasked(self) -> None:
        """Refuses output that no request asked for, and the end of output."""
        if not self._lines:
            with contextlib.suppress(BlockingIOError):
                self._lines += os.read(self._out.fileno(), _CHUNK)
                if not self._lines:
                    raise LoaderFailed("crash", f"{self._ending()} after it had answered")
        self._refuse_rest()

    def _refuse_rest(self) -> None:
        if self._lines:
            raise LoaderFailed("rubbish", f"wrote a line that no request asked for: {_shown(self._lines)}")

    def _exchange(self, data: bytes, deadline: float) -> bytes:
        """Writes the request and reads the line that answers it, while keeping standard error flowing."""
        poll = select.poll()
        out, err, inp = self._out.fileno(), self._err.fileno(), self._in.fileno()
        poll.register(out, select.POLLIN)
        if not self._err.closed:
            poll.register(err, select.POLLIN)
        poll.register(inp, select.POLLOUT)
        pending = memoryview(data)
        refused = False
        searched = 0
        while True:
            end = self._lines.find(b"\n", searched)
            if end >= 0:
                if pending:
                    raise LoaderFailed("rubbish", "answered before it had read the whole request")
                line = bytes(self._lines[: end + 1])
                del self._lines[: end + 1]
                return line
            searched = len(self._lines)
            if searched > MAX_LINE:
                start = _shown(self._lines[:_SHOWN])
                raise LoaderFailed("rubbish", f"wrote a line of more than {MAX_LINE >> 20} MiB, which begins {start}")
            left = deadline - time.monotonic()
            events = poll.poll(max(0.0, left) * 1000) if left > 0 else []
            if not events:
                raise self._no_answer(unread=bool(pending), refused=refused)
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
                        # Nobody can read the request any more, so only its end is still worth waiting for.
                        refused, pending = True, pending[:0]
                        deadline = min(deadline, time.monotonic() + _ENDING)
                    if not pending:
                        poll.unregister(inp)

    def _no_answer(self, *, unread: bool, refused: bool) -> LoaderFailed:
        """What is wrong with a loader of which nothing more came in time."""
        status = self._wait(0)
        if status is not None:
            end = describe_status(status)
            return LoaderFailed("crash", f"{end}, and a process that it had started kept its standard output open")
        if refused:
            return LoaderFailed("crash", "closed its standard input but runs on")
        within = f"within {self._timeout:g} s"
        if unread:
            return LoaderFailed("hang", f"did not read the whole request {within}")
        if self._lines:
            return LoaderFailed("hang", f"gave no whole answer {within}, only {_shown(self._lines)}")
        return LoaderFailed("hang", f"gave no answer {within}")

    def _receive(self) -> None:
        try:
            data = os.read(self._out.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not data:
            begun = f" after {_shown(self._lines)}" if self._lines else ""
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
        status = self._wait(_ENDING)
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
        kill_tree(self._process.pid, self._mark)
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


def _too_deep(line: bytes) -> LoaderFailed:
    return LoaderFailed("rubbish", f"wrote a line that is nested too deeply: {_shown(line)}")


def parse_reply(line: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises LoaderFailed if it holds none."""
    try:
        value = _DECODER.decode(line.decode())
    except RecursionError:
        raise _too_deep(line) from None
    except ValueError:
        raise LoaderFailed("rubbish", f"wrote a line that is not JSON: {_shown(line)}") from None
    if not isinstance(value, dict):
        raise LoaderFailed("rubbish", f"wrote a line that is not a JSON object: {_shown(line)}")
    if _SURROGATE(line) and not _is_text(value):
        raise LoaderFailed("rubbish", f"wrote half of a surrogate pair, which is no text: {_shown(line)}")
    return value


def _is_text(value: object) -> bool:
    """Whether all strings can be written as UTF-8; other parts of the suite, and its reports, rely on that."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]").search
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _shown(line: bytes | bytearray) -> str:
    # A line may be of megabytes, and only its ends are shown.
    start, end = bytes(line[:_SHOWN]), bytes(line[max(_SHOWN, len(line) - _SHOWN) :])
    return shorten(repr((start + end).rstrip(b"\n").decode("utf-8", "backslashreplace")), _SHOWN)


@atexit.register
def _kill_all() -> None:
    for session in list(_LIVE):
        session.kill()


__all__ = ["MAX_LINE", "PROTOCOL", "Hello", "LoaderFailed", "Session", "describe_status", "parse_reply"]
