"""A program through the adapter of any loader.

Assumes nothing of the loader. Promises that whatever it does becomes an observation within the time limit: its outcomes
of the spec, or `crash`, `hang` or `rubbish`, after which it is started anew for the next example. Adapters are kept
from example to example, and end with their `Loaders`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from packfile.layout import Segment
from packfile_fuzz.program import Call, Program
from packfile_fuzz.run import peek
from packfile_fuzz.run.clock import ADAPTER
from packfile_fuzz.run.inprocess import SEGMENTS, Prepared
from packfile_fuzz.run.observation import EXHAUSTED, OK, SHOWN, Log, Observation, Part, Seen
from packfile_fuzz.run.place import OWNER, Place
from packfile_suite.execute import Loader
from packfile_suite.session import LoaderFailed, Session

TIMEOUT = 10.0
"""Seconds that an adapter has for an answer, if nothing else is asked for."""


def write(path: Path, content: bytes) -> Path:
    """Write a new file; one that stood in its place stays as it was for whoever mapped it."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return path


class Adapter:
    """One loader's adapter, and where the files for it are written."""

    def __init__(self, command: Sequence[str], files: Path, timeout: float = TIMEOUT) -> None:
        """Say how to start it, and with what the names of its files begin."""
        self._loader = Loader(command, timeout, {**os.environ, OWNER: str(files.parent)})
        self._files = files
        self._peek: tuple[Session, int] | None = None
        self._asked: Session | None = None
        self._is_needed = False

    @property
    def is_well(self) -> bool:
        """Whether it runs, or was never needed."""
        return not self._is_needed or (self._asked is not None and self._asked.alive)

    def session(self) -> Session:
        """The running adapter, started anew if it failed; raises LoaderFailed if it cannot be."""
        self._is_needed, self._asked = True, None
        self._asked = self._loader.session()
        return self._asked

    def write(self, slot: int, content: bytes) -> Path:
        """A new file for one module of a set; see `write`."""
        return write(self._files.with_name(f"{self._files.name}-{slot}.pkf"), content)

    def peek(self, session: Session) -> int:
        """The handle of the module that looks into segments, in that session."""
        if self._peek is None or self._peek[0] is not session:
            path = self._files.with_name(f"{self._files.name}-peek.pkf")
            if not path.exists():
                path.write_bytes(peek.file())
            self._peek = session, session.request("open", path=str(path)).get("image", -1)
        return self._peek[1]

    def close(self) -> None:
        """End the adapter."""
        self._loader.close()
        self._peek = None


class Loaders(Mapping[str, Adapter]):
    """Adapters by name, for as many examples as one likes. Use it as a context manager, or close it."""

    def __init__(self, commands: Mapping[str, Sequence[str]], timeout: float = TIMEOUT) -> None:
        """Name adapters and say how to start them; that happens at their first use."""
        self._place = Place()
        self._adapters = {
            name: Adapter(command, self._place.path / f"adapter-{number}", timeout)
            for number, (name, command) in enumerate(commands.items())
        }

    def __getitem__(self, name: str) -> Adapter:
        return self._adapters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._adapters)

    def __len__(self) -> int:
        return len(self._adapters)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, name: str, content: bytes) -> Path:
        """A new file beside those for the adapters; see `Adapter.write`."""
        return write(self._place.path / f"{name}.pkf", content)

    @property
    def are_well(self) -> bool:
        """Whether each adapter runs, or was never needed."""
        return all(adapter.is_well for adapter in self._adapters.values())

    def close(self) -> None:
        """End all adapters and remove their files."""
        for adapter in self._adapters.values():
            adapter.close()
        self._place.remove()


def through(adapter: Adapter, example: Program | Prepared, expected: Observation | None = None) -> Observation:
    """What a program comes to in a loader, in the byte orders that it declares.

    Args:
        adapter: The loader's.
        example: The program.
        expected: What it should come to. Memory is then asked for where all steps are as they should be, by a digest,
            and read only where that differs, up to the first bytes that do.
    """
    if isinstance(example, Program):
        with Prepared(example) as prepared:
            return through(adapter, prepared, expected)
    talk = _Talk(adapter, example)
    with example.clock.stage(ADAPTER):
        try:
            talk.run(expected)
        except LoaderFailed as failure:
            said = f"{failure.message}{': ' if failure.stderr else ''}{failure.stderr[-500:]}"
            talk.steps.append(Seen(failure.kind, said=said))
    return Observation(talk.steps[0], tuple(talk.steps[1:]), talk.memory)


class _Talk:
    """One example's requests to an adapter."""

    def __init__(self, adapter: Adapter, example: Prepared) -> None:
        self.adapter = adapter
        self.example = example
        self.steps: list[Seen] = []
        """What linking and the calls came to, so far."""
        self.memory: tuple[Part, ...] | None = None
        self._handles: list[tuple[str, int]] = []

    def run(self, expected: Observation | None) -> None:
        session = self.adapter.session()
        program = self.example.program
        process = self._link(session, program)
        if process is None:
            self._close(session)
            return
        for call in program.calls:
            reply = session.request("call", process=process, **_asked(call))
            self.steps.append(_seen(reply))
        if self._may_differ_in_memory(program, expected):
            wanted = expected.memory if expected is not None else None
            self.memory = tuple(_Reader(session, process).memory(program, wanted))
        self._close(session)
        session.settle()

    def _may_differ_in_memory(self, program: Program, expected: Observation | None) -> bool:
        """Whether memory can be read and matters: not where steps differ already, for to read it takes the longest."""
        if not peek.has_room(program) or any(step.outcome == EXHAUSTED for step in self.steps):
            return False
        return expected is None or tuple(self.steps) == expected.steps

    def _link(self, session: Session, program: Program) -> int | None:
        modules: list[dict[str, Any]] = []
        for index, entry in enumerate(program.entries):
            if entry.module is None:
                modules.append({"name": entry.name, "host": True})
                continue
            path = self.adapter.write(index, self.example.file(index, entry.order))
            reply = session.request("open", path=str(path))
            if reply.get("outcome") != OK:
                self.steps.append(_seen(reply))
                return None
            self._handles.append(("image", reply["image"]))
            modules.append({"name": entry.name, "image": reply["image"]})
        if peek.has_room(program):
            modules.append({"name": peek.NAME, "image": self.adapter.peek(session)})
        reply = session.request("link", modules=modules)
        self.steps.append(_seen(reply))
        if reply.get("outcome") != OK:
            return None
        self._handles.append(("process", reply["process"]))
        process: int = reply["process"]
        return process

    def _close(self, session: Session) -> None:
        for kind, handle in reversed(self._handles):
            session.request("close", **{kind: handle})


class _Reader:
    """Reads memory of a process by calls of the module `peek`."""

    def __init__(self, session: Session, process: int) -> None:
        self._session = session
        self._process = process

    def memory(self, program: Program, expected: tuple[Part, ...] | None) -> Iterator[Part]:
        """All that is looked at; what the digest shows to be as expected is taken from there."""
        places = list(_places(program))
        for first in range(0, len(places), peek.RANGES):
            some = places[first : first + peek.RANGES]
            wanted = None if expected is None else expected[first : first + peek.RANGES]
            if wanted is not None and self._digest(some) == peek.digest(wanted):
                yield from wanted
            else:
                for at, (name, segment, start, length, address) in enumerate(some):
                    content = wanted[at].content if wanted is not None else None
                    yield Part(name, segment, start, self._read(address, length, content))

    def _digest(self, places: Sequence[tuple[str, str, int, int, int]]) -> int | None:
        arguments = [value for *_, length, address in places for value in (address, length)]
        arguments += [0] * (2 * peek.RANGES - len(arguments))
        values = self._call("digest", arguments)
        return values[0] if values else None

    def _read(self, address: int, length: int, wanted: bytes | None) -> bytes:
        """The bytes there, up to the first that cannot be read, or to the first that are not as wanted, all shown."""
        content = bytearray()
        size = 8 * peek.WORDS
        while len(content) < length:
            at, rest = address + len(content), length - len(content)
            values = self._call("words", [at]) if rest >= size else self._call("byte", [at])
            if not values:
                break
            width = 8 if rest >= size else 1
            for value in values:
                content += (value & (1 << 8 * width) - 1).to_bytes(width, "little")
            known = max(0, len(content) - SHOWN)
            if wanted is not None and content[:known] != wanted[:known]:
                break
        return bytes(content)

    def _call(self, function: str, arguments: Sequence[int]) -> list[int]:
        call = Call(peek.NAME, function, tuple(arguments), fuel=peek.FUEL)
        reply = self._session.request("call", process=self._process, **_asked(call))
        return [int(value) for value in reply.get("i", ())]


def _places(program: Program) -> Iterator[tuple[str, str, int, int, int]]:
    """What is looked at: module, segment, offset and length, and the address."""
    for position, entry in enumerate(program.entries):
        if entry.module is not None:
            for segment in SEGMENTS:
                for start, length in peek.ranges(entry.module.segment_size(segment)):
                    address = (3 * position + Segment(segment) << 32) + start
                    yield entry.name, segment.name.lower(), start, length, address


def _asked(call: Call) -> dict[str, Any]:
    which: dict[str, Any] = {"entry": True} if call.function is None else {"function": call.function}
    return which | {
        "module": call.module,
        "i": [str(x) for x in call.i],
        "n": [f"{x:016x}" for x in call.n],
        "fuel": str(call.fuel),
        "depth": str(call.depth),
    }


def _seen(reply: Mapping[str, Any]) -> Seen:
    if "error" in reply:
        return Seen(f"error {reply['error']}", said=str(reply.get("message", "")))
    outcome: str = reply["outcome"]
    log: Log = () if outcome == EXHAUSTED else tuple(_logged(entry) for entry in reply.get("log", ()))
    return Seen(
        outcome,
        reply.get("code", ""),
        tuple(int(x) for x in reply.get("i", ())),
        tuple(int(x, 16) for x in reply.get("n", ())),
        log,
        rule=reply.get("rule", ""),
        said=reply.get("message", ""),
    )


def _logged(entry: Mapping[str, str]) -> tuple[str, int]:
    ((bank, value),) = entry.items()
    return bank, int(value) if bank == "i" else int(value, 16)
