"""A whole adapter in fewer than 100 lines, for a loader with the Python API of the reference.

Run it as `python spec/adapter_example.py`; `packfile-suite run --loader "python spec/adapter_example.py"` checks it.
"""

import itertools
import json
import struct
import sys
from typing import Any

import packfile

Message = dict[str, Any]


def bits(x: float) -> str:
    """The 16 hexadecimal digits of a float."""
    return struct.pack(">d", x).hex()


def host_module(log: list[Message]) -> packfile.HostModule:
    """The host module of the protocol."""

    def trap() -> None:
        raise packfile.HostFailure("trap")

    host = packfile.HostModule()
    host.add("log_i", "(i) -> ()", lambda x: log.append({"i": str(x)}))
    host.add("log_n", "(n) -> ()", lambda x: log.append({"n": bits(x)}))
    host.add("mix", "(i, i, n, n) -> (i, i, n, n)", lambda x, y, p, q: (x + y, x - y, q, p))  # the package wraps
    host.add("trap", "() -> ()", trap)
    return host


class Adapter:
    """Keeps what was opened and linked under the handles that it gave out."""

    def __init__(self) -> None:
        self.handles = itertools.count(1)
        self.images: dict[int, packfile.Image] = {}
        self.processes: dict[int, tuple[packfile.Process, list[Message]]] = {}

    def answer(self, q: Message) -> Message:
        """The reply to a request, without its id."""
        match q["command"]:
            case "hello":
                return {"outcome": "ok", "name": "example", "version": "1", "protocol": 1, "features": ["in-place"]}
            case "open":
                handle = next(self.handles)
                self.images[handle] = packfile.open(q["path"], digests=False)
                return {"outcome": "ok", "image": handle}
            case "link":
                log: list[Message] = []
                contents = [host_module(log) if "host" in m else self.images[m["image"]] for m in q["modules"]]
                handle = next(self.handles)
                self.processes[handle] = (
                    packfile.link(zip([m["name"] for m in q["modules"]], contents, strict=True)),
                    log,
                )
                return {"outcome": "ok", "process": handle}
            case "call":
                return self.call(q)
            case "close":
                closed = self.images.pop(q["image"]) if "image" in q else self.processes.pop(q["process"])[0]
                closed.close()
                return {"outcome": "ok"}
        return {"error": "unsupported-command"}

    def call(self, q: Message) -> Message:
        """Call a function; the log of the call is part of every reply."""
        process, log = self.processes[q["process"]]
        log.clear()
        i = [int(x) for x in q["i"]]
        n = [struct.unpack(">d", bytes.fromhex(x))[0] for x in q["n"]]
        try:
            got = process.invoke(q["module"], q.get("function"), i, n, fuel=int(q["fuel"]), depth=int(q["depth"]))
        except packfile.PackfileError as error:
            return failure(error) | {"log": log}
        return {"outcome": "ok", "i": [str(x) for x in got.i], "n": [bits(x) for x in got.n], "log": log}


def failure(error: packfile.PackfileError) -> Message:
    """An outcome other than `ok`."""
    code = {"code": error.code} if isinstance(error, packfile.Trap) else {}
    return {"outcome": error.outcome, "message": str(error)} | code | ({"rule": error.rule} if error.rule else {})


if __name__ == "__main__":
    adapter = Adapter()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = adapter.answer(request)
        except packfile.PackfileError as error:
            reply = failure(error)
        except (KeyError, TypeError, ValueError, OSError) as error:
            reply = {"error": "bad-request", "message": str(error)}
        print(json.dumps({"id": request["id"]} | reply), flush=True)  # noqa: T201 - this is the protocol
