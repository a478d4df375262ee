"""The reference as an adapter: drives this package for the conformance suite (spec/adapter.md)."""

import json
import re
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from packfile import __version__
from packfile.audit import audit
from packfile.errors import PackfileError, Trap
from packfile.host import HostFailure, HostModule
from packfile.image import Image
from packfile.machine.state import wrap
from packfile.process import Process

FEATURES = ("audit", "hashed")
IN_PLACE = "in-place"
_MOST_HANDLES = 1 << 31
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_AMOUNT = re.compile(r"0|[1-9][0-9]*")
_FLOAT = re.compile(r"[0-9a-f]{16}")

Message = dict[str, Any]


class _BadRequest(Exception):
    """A field is missing or of the wrong form."""


class Adapter:
    """Answers requests; holds the images and processes that they made."""

    def __init__(self, translate_after: int = 0) -> None:
        """Make one; what is translated is executed from a translation, so only the first tier is all in place."""
        self._translate_after = translate_after
        self._images: dict[int, Image] = {}
        self._processes: dict[int, tuple[Process, list[Message]]] = {}
        self._next = 1
        self._commands: dict[str, Callable[[Message], Message]] = {
            "hello": self._hello,
            "open": self._open,
            "link": self._link,
            "call": self._call,
            "audit": self._audit,
            "close": self._close,
        }

    def answer(self, request: Message) -> Message:
        """The reply to one request, without its id."""
        command = self._commands.get(_field(request, "command", str))
        if command is None:
            return {"error": "unsupported-command", "message": f"no command {request['command']!r}"}
        return command(request)

    def close(self) -> None:
        """Close everything that is still open."""
        for process, _ in self._processes.values():
            process.close()
        for image in self._images.values():
            image.close()

    def _hello(self, _request: Message) -> Message:
        reply = {"outcome": "ok", "name": "packfile-reference", "version": __version__, "protocol": 1}
        return reply | {"features": [*FEATURES, *([] if self._translate_after else [IN_PLACE])]}

    def _open(self, request: Message) -> Message:
        try:
            image = Image.open(_field(request, "path", str))
        except OSError as error:
            raise _BadRequest(str(error)) from error
        handle = self._handle()
        self._images[handle] = image
        return {"outcome": "ok", "image": handle}

    def _link(self, request: Message) -> Message:
        log: list[Message] = []
        entries: list[tuple[str, Image | HostModule]] = []
        for entry in _field(request, "modules", list):
            if not isinstance(entry, dict):
                raise _BadRequest("modules: expected objects")
            content = host_module(log) if entry.get("host") is True else self._image(entry)
            entries.append((_field(entry, "name", str), content))
        process = Process(entries, translate_after=self._translate_after)
        handle = self._handle()
        self._processes[handle] = process, log
        return {"outcome": "ok", "process": handle}

    def _call(self, request: Message) -> Message:
        process, log = self._process(request)
        entry = request.get("entry") is True
        function = None if entry else _field(request, "function", str)
        module = _field(request, "module", str)
        i = [int(x) for x in _texts(request, "i", _INTEGER)]
        n = [struct.unpack(">d", bytes.fromhex(x))[0] for x in _texts(request, "n", _FLOAT)]
        fuel, depth = (int(_text(_field(request, name, str), name, _AMOUNT)) for name in ("fuel", "depth"))
        log.clear()
        try:
            results = process.invoke(module, function, i, n, fuel=fuel, depth=depth)
        except ValueError as error:
            raise _BadRequest(str(error)) from error
        except PackfileError as error:
            return failure(error) | {"log": list(log)}
        floats = [struct.pack(">d", x).hex() for x in results.n]
        return {"outcome": "ok", "i": [str(x) for x in results.i], "n": floats, "log": list(log)}

    def _audit(self, request: Message) -> Message:
        findings = audit(self._image(request))
        return failure(findings[0]) if findings else {"outcome": "ok"}

    def _close(self, request: Message) -> Message:
        if "process" in request:
            process, _ = self._process(request)
            del self._processes[request["process"]]
            process.close()
        else:
            image = self._image(request)
            del self._images[request["image"]]
            image.close()
        return {"outcome": "ok"}

    def _handle(self) -> int:
        self._next += 1
        return self._next - 1

    def _image(self, request: Message) -> Image:
        image = self._images.get(_field(request, "image", int))
        if image is None:
            raise _BadRequest(f"no open image {request['image']}")
        return image

    def _process(self, request: Message) -> tuple[Process, list[Message]]:
        process = self._processes.get(_field(request, "process", int))
        if process is None:
            raise _BadRequest(f"no open process {request['process']}")
        return process


def serve(requests: BinaryIO, replies: BinaryIO, translate_after: int = 0) -> None:
    """Answer every line of `requests` on `replies`, until its end; `Process` says what `translate_after` is."""
    adapter = Adapter(translate_after)
    try:
        for line in requests:
            replies.write(json.dumps(reply_to(adapter, line)).encode() + b"\n")
            replies.flush()
    finally:
        adapter.close()


def reply_to(adapter: Adapter, line: bytes) -> Message:
    """The reply to one line, whatever it holds."""
    number = 0
    try:
        request = json.loads(line.decode())  # of bytes, it would take half a surrogate pair for a character
        if not isinstance(request, dict):
            raise _BadRequest("expected an object")
        number = _identity(request)
        return {"id": number} | adapter.answer(request)
    except (ValueError, RecursionError) as error:
        return {"id": number, "error": "bad-request", "message": str(error)}
    except _BadRequest as error:
        return {"id": number, "error": "bad-request", "message": str(error)}
    except PackfileError as error:
        return {"id": number} | failure(error)
    except Exception as error:  # noqa: BLE001 - a defect of ours must reach the suite as such, and the rest go on
        return {"id": number, "error": "internal", "message": f"{type(error).__name__}: {error}"}


def failure(error: PackfileError) -> Message:
    """An outcome other than `ok`, as a reply."""
    reply: Message = {"outcome": error.outcome, "message": str(error)}
    if isinstance(error, Trap):
        reply["code"] = error.code
    if error.rule is not None:
        reply["rule"] = error.rule
    if error.at is not None:
        reply["offset"] = error.at
    return reply


def host_module(log: list[Message]) -> HostModule:
    """The host module of the protocol, which appends to `log`."""
    host = HostModule()

    @host.function("(i) -> ()")
    def log_i(x: int) -> None:
        log.append({"i": str(x)})

    @host.function("(n) -> ()")
    def log_n(x: float) -> None:
        log.append({"n": struct.pack(">d", x).hex()})

    @host.function("(i, i, n, n) -> (i, i, n, n)")
    def mix(x: int, y: int, p: float, q: float) -> tuple[int, int, float, float]:
        return wrap(x + y), wrap(x - y), q, p

    @host.function("() -> ()")
    def trap() -> None:
        raise HostFailure("the host's function `trap` was called")

    return host


def _field(message: Message, name: str, kind: type) -> Any:  # noqa: ANN401 - of the kind that was asked for
    value = message.get(name)
    if type(value) is not kind:
        raise _BadRequest(f"{name}: expected {kind.__name__}, got {value!r:.80}")
    if isinstance(value, str):
        value.encode()  # half a surrogate pair has no UTF-8, and the error says so
    return value


def _identity(message: Message) -> int:
    number: int = _field(message, "id", int)
    if not 0 <= number < _MOST_HANDLES:
        raise _BadRequest(f"id: expected 0 <= id < 2^31, got {number}")
    return number


def _text(value: object, name: str, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _BadRequest(f"{name}: expected {form.pattern}, got {value!r:.80}")
    return value


def _texts(message: Message, name: str, form: re.Pattern[str]) -> list[str]:
    return [_text(value, name, form) for value in _field(message, name, list)]
