"""A Packfile loader, driven by the adapter protocol of spec/adapter.md."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.children import Child
from benchmarks.programs import EMPTY, PROGRAMS, Answer
from packfile.layout import MAX_FUEL, MIN_DEPTH


class Adapter:
    """Drives a loader by the adapter protocol, with every program linked to a process of its own."""

    def __init__(self, child: Child, folder: Path) -> None:
        """Open and link the programs.

        Raises:
            NotMeasured: The loader refuses one.
        """
        self.child = child
        hello = self._ask(1, command="hello")
        self.version = f"{hello.get('name')} {hello.get('version')}"
        """What the loader says that it is."""
        self._processes: dict[str, int] = {}
        for name in (*(program.name for program in PROGRAMS), EMPTY.stem):
            image = self._ask(1, command="open", path=str(folder / f"{name}.pkf")).get("image")
            modules = [{"name": "main", "image": image}]
            self._processes[name] = self._ask(1, command="link", modules=modules).get("process", 0)

    def run(self, program: str, argument: int) -> Answer:
        """Call a program."""
        reply = self._call(program, [str(argument)])
        try:
            if reply["i"]:
                return int(reply["i"][0])
            answer: float = struct.unpack(">d", bytes.fromhex(reply["n"][0]))[0]
        except (KeyError, IndexError, TypeError, ValueError, struct.error):
            raise self.child.failed(f"its reply has no result: {json.dumps(reply)}", program) from None
        return answer

    def empty(self) -> None:
        """Call what does nothing."""
        self._call(EMPTY.stem, [])

    def _call(self, program: str, arguments: Sequence[str]) -> Mapping[str, Any]:
        return self._ask(
            2,
            command="call",
            process=self._processes[program],
            module="main",
            function="run",
            i=arguments,
            n=[],
            fuel=str(MAX_FUEL),
            depth=str(MIN_DEPTH),
        )

    def _ask(self, number: int, **request: object) -> Mapping[str, Any]:
        line = json.dumps({"id": number, **request})
        reply = self.child.ask(line)
        try:
            message = json.loads(reply)
        except ValueError:
            message = None
        if not isinstance(message, dict) or message.get("outcome") != "ok":
            raise self.child.failed(f"its reply is not ok: {reply}", line)
        return message
