"""The reference's adapter with one fault in how it speaks: `faulty_protocol.py FAULT`."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from packfile.adapter import Adapter, reply_to

FAULT = sys.argv[1]
ADAPTER = Adapter()
BAD = "bad-request"
Message = dict[str, Any]


def chunks() -> Iterator[bytes]:
    """What a read happens to give."""
    while data := os.read(0, 1 << 16):
        yield data


def lines() -> Iterator[list[bytes]]:
    """Lines, in groups that came together."""
    if FAULT == "line-a-read":
        yield from ([line + b"\n" for line in data.removesuffix(b"\n").split(b"\n")] for data in chunks())
    elif FAULT == "short-buffer":
        while line := sys.stdin.buffer.readline(1 << 16):
            yield [line]
    else:
        rest = b""
        for data in chunks():
            *whole, rest = (rest + data).split(b"\n")
            yield [line + b"\n" for line in whole]


def with_fields(request: Message) -> Message | None:
    """A reply that takes a missing field, or one of the wrong form, for a good one."""
    command = request.get("command")
    missing = {"open": "path", "link": "modules", "call": "fuel", "audit": "image"}.get(str(command))
    if f"careless-{command}" == FAULT and missing and missing not in request:
        return {"id": request["id"], "error": "internal", "message": f"no {missing}"}
    if FAULT == "careless-close" and command == "close" and not request.keys() & {"image", "process"}:
        return {"id": request["id"], "outcome": "ok"}
    if FAULT == "numbers-for-texts" and command == "call" and isinstance(request.get("i"), list):
        request["i"] = [str(x) if isinstance(x, int) else x for x in request["i"]]
        return reply_to(ADAPTER, json.dumps(request).encode())
    return None


def before(line: bytes) -> Message | None:
    """A faulty reply; None if the reference is to answer."""
    try:
        request = json.loads(line if FAULT == "surrogates" else line.decode())
    except (ValueError, RecursionError):
        if FAULT == "own-id":
            return {"id": 1, "error": BAD}
        return hello(1) if FAULT == "not-utf8" and b"\xff" in line else None
    if not isinstance(request, dict):
        return {"id": 0, "error": "internal"} if FAULT == "takes-lists" else None
    number, command = request.get("id"), request.get("command")
    match FAULT:
        case "one-writer" if not line.startswith((b'{"id": ', b'{"x"', b'{"command": ')):
            return {"id": 0, "error": BAD}
        case "strict" if command == "hello" and request.keys() > {"id", "command"}:
            return {"id": number, "error": BAD}
        case "guesses" if isinstance(command, str) and command in {"Hello", "hello "}:
            return hello(number)
        case "any-id" | "surrogates" if command == "hello" and (FAULT == "any-id" or b"\xed" in line):
            return hello(number)
        case "null-command" if "command" in request and command is None:
            return {"id": number, "error": "unsupported-command"}
    return with_fields(request)


def hello(number: object) -> Message:
    return {**ADAPTER.answer({"command": "hello"}), "id": number}


def after(line: bytes, reply: Message) -> Message:
    """The reference's reply with a fault."""
    changes: dict[str, Callable[[], Message]] = {
        "protocol-2": lambda: {"protocol": 2} if "protocol" in reply else {},
        "unknown-feature": lambda: {"features": ["fast"]} if "features" in reply else {},
        "hidden-audit": lambda: {"features": []} if "features" in reply else {},
        "no-hello": lambda: {"error": "internal"} if "features" in reply else {},
        "another-hello": lambda: {"name": f"run {reply['id']}"} if "features" in reply else {},
        "same-id": lambda: {"id": 1},
        "missing-is-malformed": lambda: {"outcome": "malformed"} if "No such file" in reply.get("message", "") else {},
        "unknown-is-internal": lambda: {"error": "internal"} if "no open" in reply.get("message", "") else {},
        "half-names": lambda: {"error": "internal"} if b"ud800" in line else {},
        "same-handle": lambda: {"image": 1} if "image" in reply else {},
        "rounds": lambda: {"i": [str(int(float(x))) for x in reply["i"]]} if "i" in reply else {},
        "rounds-log": lambda: {"log": [{k: rounded(v) for k, v in e.items()} for e in reply.get("log", [])]},
        "quiets": lambda: {"n": [quiet(x) for x in reply["n"]]} if "n" in reply else {},
        "no-calls": lambda: {"error": "unsupported-command"} if b'"call"' in line else {},
        "no-links": lambda: {"error": "unsupported-command"} if b'"link"' in line else {},
        "rejects": lambda: {"outcome": "malformed"} if reply.get("image") else {},
    }
    change = changes.get(FAULT, dict)()
    if "error" in change or change.get("outcome") == "malformed":
        return {"id": reply["id"], **change}
    return {**reply, **change} if change.get("log", True) else reply


def rounded(value: str) -> str:
    return value if len(value) == 16 and value.isalnum() else str(int(float(value)))


def quiet(bits: str) -> str:
    return bits[:3] + "8" + bits[4:] if bits[:3] in {"7ff", "fff"} and bits[3:] != "0" * 13 else bits


def answer(group: list[bytes]) -> Iterator[Message]:
    """The replies to lines that came together."""
    for line in group:
        if FAULT == "skips-empty" and not line.strip():
            continue
        reply = before(line) or after(line, reply_to(ADAPTER, line))
        yield reply
        if FAULT == "forgets" and "error" in reply:
            return
        if FAULT == "gives-up" and "error" in reply:
            sys.exit(1)


for together in lines():
    if FAULT == "flood":
        sys.stderr.write("noise " * 50_000 + "\n")
    replies = answer(together) if FAULT != "backwards" else reversed(list(answer(together)))
    for message in replies:
        print(json.dumps(message), flush=True)
        if FAULT == "chatty":
            print(flush=True)
        if FAULT == "prompts":
            time.sleep(0.01)
            sys.stdout.write("> ")
            sys.stdout.flush()
if FAULT == "lingers":
    time.sleep(600)
sys.exit(4 if FAULT == "exit-status" else 0)
