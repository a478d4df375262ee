"""Drives a loader by its adapter, one request at a time, and looks at its processes while they wait for the next.

Nothing is asked of the loader but to open, link, call and close. An adapter may be a wrapper around other processes,
so all that descend from it are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from packfile_suite.execute import Loader, describe_reply
from packfile_suite.observe.identity import FileIdentity
from packfile_suite.observe.proc import (
    PAGE,
    Ended,
    anonymous,
    family,
    mappings,
    pages,
    refuse_emulator,
    status,
    transfer,
)
from packfile_suite.observe.proc import Mapping as Mapped
from packfile_suite.session import Session

from .modules import Module

FUEL, DEPTH = "1000000", "1000"


class Broken(Exception):
    """Raised when a rule is broken. Its text says by what figure, against what bound."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a loader and a file at one moment: bytes and counts over all of its processes."""

    mapped: tuple[tuple[int, Mapped], ...]
    """The file's mappings, each with its process."""
    anonymous: int
    """Private memory, that of the file's mappings included."""
    peak: int
    minor_faults: int
    read: int
    swap: int
    descriptors: int
    """Open descriptors of the file."""

    @property
    def resident(self) -> int:
        """Rss of the file's mappings."""
        return sum(mapping.rss for _, mapping in self.mapped)

    @property
    def pss(self) -> int:
        """Pss of the file's mappings."""
        return sum(mapping.pss for _, mapping in self.mapped)

    @property
    def private(self) -> int:
        """Private memory behind the file's mappings."""
        return sum(mapping.anonymous for _, mapping in self.mapped)

    @property
    def read_only(self) -> list[tuple[int, Mapped]]:
        """The mappings that are not writable."""
        return [(pid, mapping) for pid, mapping in self.mapped if not mapping.writable]

    @property
    def writable(self) -> list[tuple[int, Mapped]]:
        """Those that are."""
        return [(pid, mapping) for pid, mapping in self.mapped if mapping.writable]

    def covers(self, start: int, end: int) -> bool:
        """Whether mappings that are not writable hold a whole range of the file."""
        at = start
        for mapping in sorted((mapping for _, mapping in self.read_only), key=lambda mapping: mapping.offset):
            if mapping.offset <= at < mapping.offset + mapping.size:
                at = mapping.offset + mapping.size
        return at >= end

    def present(self, offset: int) -> bool:
        """Whether the page of that offset is there in some mapping. Raises Unobservable."""
        for pid, mapping in self.mapped:
            holds = mapping.offset <= offset < mapping.offset + mapping.size
            if holds and offset // PAGE in pages(pid, mapping).present:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Cost:
    """What some steps cost, by the looks before and after them."""

    anonymous: int
    peak: int
    faults: int
    read: int
    resident: int
    """Rss of the file's mappings after them."""

    @classmethod
    def between(cls, before: Look, after: Look) -> Cost:
        """The differences."""
        return cls(
            after.anonymous - before.anonymous,
            after.peak - before.peak,
            after.minor_faults - before.minor_faults,
            after.read - before.read,
            after.resident,
        )


class Driven:
    """One running adapter. A context manager; ends it."""

    def __init__(self, loader: Loader) -> None:
        self._session: Session = loader.start()
        self.pid = self._session.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.kill()

    def look(self, file: FileIdentity) -> Look:
        """Looks at it. Raises Unobservable."""
        mapped: list[tuple[int, Mapped]] = []
        total = peak = faults = read = swap = descriptors = 0
        for pid in family(self.pid):
            try:
                refuse_emulator(pid)
                there, now, moved = mappings(pid), status(pid), transfer(pid)
            except Ended:
                if pid == self.pid:
                    raise
                continue  # a helper that came and went
            mapped += [(pid, mapping) for mapping in file.among(there)]
            total += anonymous(there)
            peak, faults, swap = peak + now.peak, faults + now.minor_faults, swap + now.swap
            read += moved.called
            descriptors += len(file.descriptors(pid))
        return Look(tuple(mapped), total, peak, faults, read, swap, descriptors)

    def open(self, path: Path) -> int:
        """Opens a file."""
        return int(self._ask("image", "open", path=str(path)))

    def link(self, modules: Mapping[str, int]) -> int:
        """Links images under names."""
        entries = [{"name": name, "image": image} for name, image in modules.items()]
        return int(self._ask("process", "link", modules=entries))

    def call(self, process: int, function: str, i: Iterable[int] = (), gives: Iterable[int] = ()) -> None:
        """Calls a function of `main`, and makes sure of its results."""
        reply = self._session.request(
            "call",
            process=process,
            module="main",
            function=function,
            i=[str(value) for value in i],
            n=[],
            fuel=FUEL,
            depth=DEPTH,
        )
        wanted = [str(value) for value in gives]
        if reply.get("outcome") != "ok" or list(reply.get("i", ())) != wanted:
            values = ", ".join(wanted) or "nothing"
            raise Broken(f"call {function}: expected ok with {values}, got {describe_reply(reply)}")

    def close(self, *, process: int | None = None, image: int | None = None) -> None:
        """Closes a process, an image, or both in this order."""
        for what, handle in (("process", process), ("image", image)):
            if handle is not None:
                self._ask(None, "close", **{what: handle})

    def _ask(self, wanted: str | None, command: str, **fields: Any) -> Any:  # noqa: ANN401 - JSON
        reply = self._session.request(command, **fields)
        if reply.get("outcome") != "ok":
            raise Broken(f"{command}: expected ok, got {describe_reply(reply)}")
        return reply[wanted] if wanted else None


def identity(module: Module) -> FileIdentity:
    """The module's file."""
    return FileIdentity.of(module.path)
