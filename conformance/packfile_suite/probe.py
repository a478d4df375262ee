"""A talk with an adapter in which every line can be wrong on purpose.

Assumes nothing of the other side. Promises that whatever is not as it should be is raised as Wrong, with what was
sent, what came and what was expected, and that nothing takes longer than the time limit after `begin`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

from .execute import describe_reply
from .messages import check_reply
from .schema import shorten
from .session import Hello, LoaderFailed, Session, parse_reply

Message = dict[str, Any]
UNKNOWN_HANDLE = (1 << 31) - 1

_SHOWN = 240
_QUIET = 0.05
"""Seconds after which a line that nobody asked for would have come."""
_COMMANDS = ("hello", "open", "link", "call", "audit", "close")
_MODULE = """
.import eager func host.log_i (i) -> ()
.import eager func host.log_n (n) -> ()
.export func main () -> ()
  ret i0, n0
.export func same (i, n) -> (i, n)
  ret i0, n0
.export func log (i, n) -> ()
  calli i0, n0, host.log_i
  calli i0, n0, host.log_n
  ret i0, n0
"""


class Wrong(Exception):
    """Raised when the adapter does not do what the protocol asks."""

    def __init__(self, sent: str, came: str, expected: str, stderr: str = "") -> None:
        super().__init__(f"{sent}: expected {expected}, got {came}")
        self.sent, self.came, self.expected, self.stderr = sent, came, expected, stderr


class NotChecked(Exception):
    """Raised when a check needs what the adapter does not do: the reason."""


class _Silent(Session):
    """A session that does not begin by itself."""

    def _greet(self) -> Hello:
        return Hello("", "", ())


class Probe:
    """Talks to an adapter, and starts it anew where a check has ended it."""

    def __init__(
        self, command: Sequence[str], timeout: float, directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command, self._timeout, self._environment = command, timeout, environment
        self._directory = directory
        self._session: _Silent | None = None
        self._deadline = 0.0
        self._next = 1
        self.hello: Message = {}
        """The reply to the first hello, whatever it holds."""

    def begin(self) -> None:
        """Begins a check: sets its time limit, and has an adapter run that has answered hello."""
        self._deadline = time.monotonic() + self._timeout
        if self._session is not None and self._session.alive:
            return
        try:
            self._session = _Silent(self._command, self._timeout, self._environment)
        except LoaderFailed as failure:
            raise Wrong("(nothing yet)", failure.message, "a program that runs") from None
        expected = "a JSON object with id 1 and outcome ok"
        self._next = 1
        request = self.message("hello")
        self.hello = self.send(dump(request), expected)
        if self.hello.get("id") != 1 or self.hello.get("outcome") != "ok":
            raise Wrong(shown(dump(request)), show_message(self.hello), expected)

    def end(self) -> None:
        """Ends the adapter, however it is."""
        if self._session is not None:
            self._session.kill()

    def finish(self) -> str | None:
        """Closes standard input: None if the adapter then ends as it should, else what happened."""
        return self._running().finish()

    def message(self, command: str, /, **fields: object) -> Message:
        """A request with an id of its own."""
        self._next += 1
        return {"id": self._next - 1, "command": command, **fields}

    def pause(self) -> None:
        """Waits a little; what the adapter writes meanwhile was asked for by nobody, and the next request says so."""
        time.sleep(_QUIET)

    def put(self, data: bytes) -> None:
        """Sends the beginning of a line."""
        self._running().put(data)

    def replies(self, data: bytes, count: int, expected: str, sent: str | None = None) -> Iterator[Message]:
        """Sends whole lines, and yields the JSON objects that answer them."""
        sent = shown(data) if sent is None else sent
        try:
            for line in self._running().raw(data, count, self._deadline):
                yield parse_reply(line)
        except LoaderFailed as failure:
            raise Wrong(sent, f"the adapter {failure.message}", expected, failure.stderr) from None

    def send(self, data: bytes, expected: str) -> Message:
        """Sends one line, and returns the JSON object that answers it."""
        return next(self.replies(data, 1, expected))

    def ask(self, command: str, /, **fields: object) -> Message:
        """Sends a good request, and returns a reply that its schema admits."""
        return self.answered(self.message(command, **fields))

    def answered(self, request: Message, data: bytes | None = None) -> Message:
        """The reply to a good request, however it is written, if its schema admits it."""
        line = dump(request) if data is None else data
        expected = f"a reply to {request['command']} with id {request['id']} that adapter.schema.json admits"
        reply = self.send(line, expected)
        self.admit(request, reply, shown(line), expected)
        return reply

    def admit(self, request: Message, reply: Message, sent: str, expected: str) -> None:
        """Refuses a reply that is none to the request.

        A wrong hello is the matter of one check and no other, so what came first will do.
        """
        command = request["command"]
        if command == "hello" and reply.get("outcome") == "ok" and reply == {**self.hello, "id": request["id"]}:
            return
        if command not in _COMMANDS and "error" not in reply:
            raise Wrong(sent, show_message(reply), expected)
        reason = check_reply(request, reply)
        if command == "hello" and reply.get("outcome") != "ok":
            reason = "answered hello with something else than ok"
        if reason:
            raise Wrong(sent, f"{show_message(reply)}: it {reason}", expected)

    def greets(self, line: bytes, number: int) -> Message:
        """Has a hello answered, however it is written."""
        return self.answered({"id": number, "command": "hello"}, line)

    def refused(self, error: str, number: int, data: bytes, instead: str | None = None) -> Message:
        """Has a line refused with an error, or another one, after which hello is answered."""
        expected = json.dumps({"id": number, "error": error})
        reply = self.send(data, expected)
        known = reply.get("error") == error or (instead and reply.get("error") == instead)
        if reply.get("id") != number or isinstance(reply["id"], bool) or not known:
            raise Wrong(shown(data), show_message(reply), expected)
        self.admit({"id": number, "command": ""}, reply, shown(data), expected)
        request = self.message("hello")
        then = f"{shown(data)}, then {shown(dump(request))}"
        expected = f"{show_message(reply)}, then the reply to hello"
        again = next(self.replies(dump(request), 1, expected, then))
        self.admit(request, again, then, expected)
        return reply

    def file(self) -> str:
        """The path of a good file."""
        path = self._directory / "good.pkf"
        if not path.exists():
            path.write_bytes(encode(assemble(_MODULE, "good.pka"), ByteOrder.LITTLE))
        return str(path)

    def image(self) -> int:
        """A handle of the good file."""
        return self._handle("open", "image", path=self.file())

    def process(self) -> int:
        """A process of the host module and the good file."""
        modules = [{"name": "host", "host": True}, {"name": "main", "image": self.image()}]
        return self._handle("link", "process", modules=modules)

    def call(self, process: int, function: str, i: list[str], n: list[str]) -> Message:
        """A call of a function of the good file."""
        fields = {"process": process, "module": "main", "function": function, "i": i, "n": n}
        return self._done("call", **fields, fuel="1000", depth="100")

    def close(self, **handle: int) -> None:
        """Closes an image or a process."""
        self._done("close", **handle)

    def _handle(self, command: str, name: str, /, **fields: object) -> int:
        handle: int = self._done(command, **fields)[name]
        return handle

    def _done(self, command: str, /, **fields: object) -> Message:
        """The reply to a request that every whole loader answers with ok."""
        request = self.message(command, **fields)
        reply = self.answered(request)
        if reply.get("outcome") == "ok":
            return reply
        if reply.get("error") == "unsupported-command":
            raise NotChecked(f"the adapter refuses {command}")
        if "error" in reply:
            raise Wrong(shown(dump(request)), show_message(reply), "ok")
        raise NotChecked(f"{command} gives {describe_reply(reply)} for a good file, which `run` judges")

    def _running(self) -> _Silent:
        assert self._session is not None
        return self._session


def dump(message: object) -> bytes:
    """A message as a line."""
    return json.dumps(message).encode() + b"\n"


def shown(data: bytes) -> str:
    """Bytes as people read them."""
    text = data.removesuffix(b"\n").decode("utf-8", "backslashreplace")
    return shorten(text if text.isprintable() and text else repr(text), _SHOWN)


def show_message(message: Message) -> str:
    """A message as people read it."""
    return shorten(json.dumps(message), _SHOWN)
