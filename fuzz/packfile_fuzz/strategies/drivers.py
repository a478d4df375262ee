"""Loaders as the state machine drives them: the reference by its API, and any other through its adapter.

Assumes nothing of the loader. Promises an answer to every action, or an exception where the loader itself fails, which
then is what hypothesis shows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from packfile.adapter import IN_PLACE, host_module
from packfile.errors import PackfileError, Trap
from packfile.host import HostModule
from packfile.image import Image
from packfile.process import Process
from packfile.translate import NEVER
from packfile_fuzz.program import Call
from packfile_fuzz.run import Adapter
from packfile_fuzz.strategies.subjects import OK, REFUSED, Answer
from packfile_suite.session import Session

Handle = Any
"""What a driver gives for an image or a process, for itself only."""
Opened = tuple[Answer, Handle]
"""The answer, and the handle where it is `ok`."""


class Counts(NamedTuple):
    """Bytes that a loader says of one image."""

    copied: int
    swapped: int


class Driver(Protocol):
    """A loader. What was closed, and what is not there, is answered by `refused`."""

    def open(self, path: Path) -> Opened:
        """Open a file."""

    def link(self, modules: Sequence[tuple[str, Handle]]) -> Opened:
        """Link images under names; None is the host module of the adapter protocol."""

    def call(self, process: Handle, call: Call) -> Answer:
        """Call a function of a process."""

    def close(self, handle: Handle) -> Answer:
        """Close an image or a process, which is open."""

    def counts(self, image: Handle) -> Counts | None:
        """What it counted for an open image; None if it cannot be asked."""

    def pid(self) -> int | None:
        """The process of the system that maps the files; None if that cannot be told."""

    def is_in_place(self) -> bool:
        """Whether it says that files stay mapped as long as they are used."""


class ReferenceDriver:
    """The reference in this process."""

    def __init__(self, translate_after: int = NEVER) -> None:
        """Make one; `Process` says what `translate_after` is."""
        self._translate_after = translate_after

    def open(self, path: Path) -> Opened:
        """As `Driver.open`."""
        try:
            return OK, Image.open(path)
        except OSError:
            return REFUSED, None
        except PackfileError as error:
            return Answer(error.outcome), None

    def link(self, modules: Sequence[tuple[str, Handle]]) -> Opened:
        """As `Driver.link`."""
        log: list[dict[str, Any]] = []
        entries: list[tuple[str, Image | HostModule]] = [
            (name, host_module(log) if image is None else image) for name, image in modules
        ]
        try:
            process = Process(entries, translate_after=self._translate_after)
        except ValueError:
            return REFUSED, None
        except PackfileError as error:
            return Answer(error.outcome), None
        return OK, (process, log)

    def call(self, process: Handle, call: Call) -> Answer:
        """As `Driver.call`."""
        called, log = process
        log.clear()
        try:
            results = called.invoke(call.module, call.function, call.i, fuel=call.fuel, depth=call.depth)
        except ValueError:
            return REFUSED
        except PackfileError as error:
            return Answer(error.outcome, error.code if isinstance(error, Trap) else "", (), _logged(log, error.outcome))
        return Answer("ok", "", tuple(results.i), _logged(log, "ok"))

    def close(self, handle: Handle) -> Answer:
        """As `Driver.close`."""
        closed = handle if isinstance(handle, Image) else handle[0]
        closed.close()
        return OK

    def counts(self, image: Handle) -> Counts | None:
        """As `Driver.counts`."""
        return Counts(image.stats.copied, image.stats.swapped)

    def pid(self) -> int | None:
        """As `Driver.pid`."""
        return os.getpid()

    def is_in_place(self) -> bool:
        """As `Driver.is_in_place`."""
        return True


class AdapterDriver:
    """Any loader, through its adapter, which is kept from example to example."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def _session(self) -> Session:
        return self._adapter.session()

    def open(self, path: Path) -> Opened:
        """As `Driver.open`."""
        reply = self._session().request("open", path=str(path))
        return _answer(reply), ("image", reply.get("image"))

    def link(self, modules: Sequence[tuple[str, Handle]]) -> Opened:
        """As `Driver.link`."""
        entries = [
            {"name": name, "host": True} if image is None else {"name": name, "image": image[1]}
            for name, image in modules
        ]
        reply = self._session().request("link", modules=entries)
        return _answer(reply), ("process", reply.get("process"))

    def call(self, process: Handle, call: Call) -> Answer:
        """As `Driver.call`."""
        which: dict[str, Any] = {"entry": True} if call.function is None else {"function": call.function}
        asked = which | {"module": call.module, "i": list(map(str, call.i)), "n": []}
        reply = self._session().request("call", process=process[1], fuel=str(call.fuel), depth=str(call.depth), **asked)
        return _answer(reply)

    def close(self, handle: Handle) -> Answer:
        """As `Driver.close`."""
        kind, number = handle
        return _answer(self._session().request("close", **{kind: number}))

    def counts(self, image: Handle) -> Counts | None:  # noqa: ARG002 - the protocol has no such question
        """As `Driver.counts`."""
        return None

    def pid(self) -> int | None:
        """As `Driver.pid`."""
        return self._session().pid

    def is_in_place(self) -> bool:
        """As `Driver.is_in_place`."""
        return IN_PLACE in self._session().hello.features


def _answer(reply: dict[str, Any]) -> Answer:
    if "error" in reply:
        return REFUSED if reply["error"] == "bad-request" else Answer(f"error {reply['error']}")
    outcome = reply["outcome"]
    log = _logged(reply.get("log", []), outcome)
    return Answer(outcome, reply.get("code", ""), tuple(map(int, reply.get("i", []))), log)


def _logged(log: Sequence[dict[str, Any]], outcome: str) -> tuple[int, ...]:
    """What the host module was told; how much of it before fuel ran out is not fixed."""
    return () if outcome == "exhausted" else tuple(int(entry["i"]) for entry in log)
