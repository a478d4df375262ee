"""The reference's adapter with something wrong with it, which its argument names.

What is wrong happens at calls of functions that are named for it, so that one process shows both good and bad.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packfile import adapter
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.instructions import Opcode
from packfile.layout import ByteOrder
from packfile.machine.state import HANDLERS, Frame
from packfile.model import Module
from packfile.writer import encode

FAULT = sys.argv[1]
_answer = adapter.Adapter.answer
Message = dict[str, Any]


def popcnt(f: Frame, pc: int, a: int, b: int, _c: int) -> int:
    f.i[a] = (f.i[b] & (1 << 63) - 1).bit_count()
    return pc + 1


def store8(_f: Frame, pc: int, _a: int, _b: int, _c: int) -> int:
    return pc + 1


def crash() -> Message:
    sys.stderr.write("out of luck\n")
    sys.stderr.flush()
    os._exit(3)


def hang() -> Message:
    time.sleep(60)
    return {}


def rubbish() -> Message:
    return {"outcome": "fine"}


def error() -> Message:
    raise ZeroDivisionError("nobody caught this")


ON_CALL: dict[str, Callable[[], Message]] = {"crash": crash, "hang": hang, "rubbish": rubbish, "error": error}


def answer(self: adapter.Adapter, request: Message) -> Message:
    if request["command"] == "call" and request.get("function") in ON_CALL:
        return ON_CALL[request["function"]]()
    if FAULT == "shallow" and request["command"] == "call" and int(request["depth"]) > int(sys.argv[2]):
        return {"outcome": "exhausted", "log": []}
    if FAULT == "small" and request["command"] == "link":
        images = [self._images[entry["image"]] for entry in request["modules"] if "image" in entry]
        if sum(image.bss_size for image in images) > int(sys.argv[2]):
            return {"outcome": "exhausted"}
    return _answer(self, request)


def accepting(self: adapter.Adapter, request: Message) -> Message:
    """Takes every file for one that it has seen before and found good."""
    if request["command"] != "open":
        return _answer(self, request)
    try:
        return _answer(self, request)
    except PackfileError:
        handle = self._handle()
        self._images[handle] = Image(encode(Module(), ByteOrder.LITTLE), "empty")
        return {"outcome": "ok", "image": handle}


def dying(self: adapter.Adapter, request: Message) -> Message:
    return crash() if request["command"] == "open" else _answer(self, request)


def leaving(self: adapter.Adapter, request: Message) -> Message:
    return crash() if request["command"] == "close" else _answer(self, request)


adapter.Adapter.answer = answer  # type: ignore[method-assign]


def unhashed(self: adapter.Adapter, request: Message) -> Message:
    """Checks no digests, and says so unless it is careless."""
    if request["command"] == "open":
        handle = self._handle()
        file = Path(request["path"]).read_bytes()
        self._images[handle] = Image(file, "unchecked", digests=False)
        return {"outcome": "ok", "image": handle}
    reply = _answer(self, request)
    if request["command"] == "hello" and FAULT == "unhashed":
        reply["features"] = ["audit"]
    return reply


OTHERS = {"accepting": accepting, "dying": dying, "leaving": leaving, "unhashed": unhashed, "careless": unhashed}
if FAULT in OTHERS:
    adapter.Adapter.answer = OTHERS[FAULT]  # type: ignore[method-assign]
elif FAULT == "popcnt":
    HANDLERS[Opcode.I_POPCNT] = popcnt
elif FAULT == "store8":
    HANDLERS[Opcode.I_STORE8] = store8
adapter.serve(sys.stdin.buffer, sys.stdout.buffer)
