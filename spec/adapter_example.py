"""A whole adapter in fewer than 100 lines, for a loader with the Python API of the reference.

Run it as `python spec/adapter_example.py`; `packfile-suite run --loader "python spec/adapter_example.py"` checks it.
"""

import itertools
import json
import re
import struct
import sys
from typing import Any

import packfile

Message = dict[str, Any]
INTEGER, BITS, AMOUNT = "-?(0|[1-9][0-9]*)", "[0-9a-f]{16}", "0|[1-9][0-9]*"
LOG: list[Message] = []  # of the running call; only one runs at a time
HOST = packfile.HostModule()
HOST.add("log_i", "(i) -> ()", lambda x: LOG.append({"i": str(x)}))
HOST.add("log_n", "(n) -> ()", lambda x: LOG.append({"n": struct.pack(">d", x).hex()}))
HOST.add("mix", "(i, i, n, n) -> (i, i, n, n)", lambda x, y, p, q: (x + y, x - y, q, p))  # the package wraps


@HOST.function("() -> ()")
def trap() -> None:
    """The host's function of that name."""
    raise packfile.HostFailure("trap")


def take(value: Any, kind: type, form: str = "(?s:.*)") -> Any:  # noqa: ANN401 - whatever JSON held
    """The value, if it is of that type and form."""
    if type(value) is not kind or not re.fullmatch(form, str(value).encode().decode()):
        raise ValueError(f"expected {kind.__name__} of the form {form}")
    return value


class Adapter:
    """Keeps what was opened and linked under the handles that it gave out."""

    def __init__(self) -> None:
        self.handles = itertools.count(1)
        self.kept: dict[str, dict[int, Any]] = {"image": {}, "process": {}}

    def answer(self, q: Message) -> Message:
        """The reply to a request, without its id."""
        match take(q["command"], str):
            case "hello":
                return {"outcome": "ok", "name": "example", "version": "1", "protocol": 1, "features": ["in-place"]}
            case "open":
                return self._keep("image", packfile.open(take(q["path"], str), digests=False))
            case "link":
                names = [take(m["name"], str) for m in take(q["modules"], list)]
                parts = [HOST if "host" in m else self.kept["image"][take(m["image"], int)] for m in q["modules"]]
                return self._keep("process", packfile.link(zip(names, parts, strict=True)))
            case "call":
                return self._call(self.kept["process"][take(q["process"], int)], q)
            case "close":
                kind = "image" if "image" in q else "process"
                self.kept[kind].pop(take(q[kind], int)).close()
                return {"outcome": "ok"}
        return {"error": "unsupported-command"}

    def _keep(self, kind: str, made: object) -> Message:
        self.kept[kind][number := next(self.handles)] = made
        return {"outcome": "ok", kind: number}

    def _call(self, process: packfile.Process, q: Message) -> Message:
        i = [int(take(x, str, INTEGER)) for x in take(q["i"], list)]
        n = [struct.unpack(">d", bytes.fromhex(take(x, str, BITS)))[0] for x in take(q["n"], list)]
        fuel, depth = (int(take(q[name], str, AMOUNT)) for name in ("fuel", "depth"))
        function = None if "entry" in q else take(q["function"], str)
        LOG.clear()
        try:
            got = process.invoke(take(q["module"], str), function, i, n, fuel=fuel, depth=depth)
        except packfile.PackfileError as error:
            return failure(error) | {"log": LOG}
        floats = [struct.pack(">d", x).hex() for x in got.n]
        return {"outcome": "ok", "i": [str(x) for x in got.i], "n": floats, "log": LOG}


def failure(error: packfile.PackfileError) -> Message:
    """An outcome other than `ok`."""
    code = {"code": error.code} if isinstance(error, packfile.Trap) else {}
    return {"outcome": error.outcome, "message": str(error)} | code | ({"rule": error.rule} if error.rule else {})


if __name__ == "__main__":
    adapter = Adapter()
    for line in sys.stdin.buffer:
        number = 0  # the id of a reply to a line that has none
        try:
            request = json.loads(line.decode())
            number = range(1 << 31).index(take(request["id"], int))
            reply = adapter.answer(request)
        except packfile.PackfileError as error:
            reply = failure(error)
        except (KeyError, TypeError, ValueError, OSError, RecursionError) as error:
            reply = {"error": "bad-request", "message": str(error)}
        print(json.dumps({"id": number} | reply), flush=True)  # noqa: T201 - this is the protocol
