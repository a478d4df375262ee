"""An adapter to begin with: it speaks the protocol (spec/adapter.md), and its loader can do nothing yet.

Run it as `python adapter.py`. Your loader goes where a comment says so; each function gets fields of the right form.
"""

import json
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

Message = dict[str, Any]
INTEGER, BITS, AMOUNT = "-?(0|[1-9][0-9]{0,18})", "[0-9a-f]{16}", "0|[1-9][0-9]{0,15}"


class ProtocolError(Exception):
    """Raised for a request that gets an error instead of an outcome."""

    def __init__(self, error: str, message: str = "") -> None:
        super().__init__(error)
        self.error, self.message = error, message


def bad(message: str) -> NoReturn:
    """Refuses a request that has not the right form."""
    raise ProtocolError("bad-request", message)


def take(message: object, name: str, kind: type) -> Any:  # noqa: ANN401 - of the kind that was asked for
    """A field, which must be there and of that kind."""
    value = message.get(name) if isinstance(message, dict) else bad("expected an object")
    if type(value) is not kind or (kind is int and value not in range(1 << 31)):
        bad(f"{name}: expected {kind.__name__}")
    return value


def text(value: object, form: str) -> str:
    """A string of that form."""
    return value if isinstance(value, str) and re.fullmatch(form, value) else bad(f"expected a string like {form}")


def number(value: object, form: str, least: int, most: int) -> int:
    """An integer in decimal."""
    found = int(text(value, form))
    return found if least <= found <= most else bad(f"expected {least} to {most}")


def hello(_: Message) -> Message:
    """Say who you are. Name a feature only when its cases pass."""
    return {"outcome": "ok", "name": "kit-python", "version": "0", "protocol": 1, "features": []}


def open_file(request: Message) -> Message:
    """Map a file, check header and directory, and give out a handle."""
    take(request, "path", str)
    # Your loader: {"outcome": "ok", "image": 1}, or {"outcome": "malformed", "rule": "PF-HDR-002"}. If the operating
    # system cannot open the path: bad(path).
    raise ProtocolError("unsupported-command")


def link(request: Message) -> Message:
    """Make a process of modules in their order: (name, handle of an image, or None for the host module)."""
    entries = take(request, "modules", list)
    _modules = [
        (take(entry, "name", str), None if isinstance(entry, dict) and "host" in entry else take(entry, "image", int))
        for entry in entries
    ]
    # Your loader: {"outcome": "ok", "process": 1}, or {"outcome": "unlinkable"}.
    raise ProtocolError("unsupported-command")


def call(request: Message) -> Message:
    """Call a function, or the entry function where `function` is None."""
    take(request, "process", int)
    take(request, "module", str)
    _function = None if request.get("entry") is True else take(request, "function", str)
    _i = [number(x, INTEGER, -(1 << 63), (1 << 63) - 1) for x in take(request, "i", list)]
    _n = [int(text(x, BITS), 16) for x in take(request, "n", list)]  # bits: a float might lose some
    _fuel, _depth = (number(request.get(name), AMOUNT, 0, (1 << 53) - 1) for name in ("fuel", "depth"))
    # Your loader: {"outcome": "ok", "i": ["1"], "n": ["3ff0000000000000"], "log": []}, or
    # {"outcome": "trap", "code": "divide-by-zero", "log": []}.
    raise ProtocolError("unsupported-command")


def close(request: Message) -> Message:
    """Forget an image or a process."""
    kind = "image" if "image" in request else "process"
    take(request, kind, int)
    # Your loader: {"outcome": "ok"}.
    raise ProtocolError("unsupported-command")


COMMANDS: dict[str, Callable[[Message], Message]] = {
    "hello": hello,
    "open": open_file,
    "link": link,
    "call": call,
    "close": close,
}


def parse(line: bytes) -> Any:  # noqa: ANN401 - whatever JSON held
    """What a line holds."""
    try:
        return json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        bad(str(error))


def answer(line: bytes) -> Message:
    """The reply to one line, whatever it holds."""
    identity = 0
    try:
        request = parse(line)
        identity = take(request, "id", int)
        command = COMMANDS.get(take(request, "command", str))
        if command is None:
            raise ProtocolError("unsupported-command")
        return {"id": identity, **command(request)}
    except ProtocolError as error:
        return {"id": identity, "error": error.error, "message": error.message}
    except Exception as error:  # noqa: BLE001 - what the loader should not do must reach the suite, and the rest go on
        return {"id": identity, "error": "internal", "message": repr(error)}


if __name__ == "__main__":
    for received in sys.stdin.buffer:
        sys.stdout.write(json.dumps(answer(received)) + "\n")
        sys.stdout.flush()
