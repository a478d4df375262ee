"""Observation: what the reference makes of a file, in-process, at every stage.

Assumes nothing of the file. Promises an end: calls have little fuel, and of a file with more bss than every loader
provides (PF-LIM-010) no function is called, since a program may have all of it copied at once. Whatever is raised is
kept, also what no loader may raise.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from kaitaistruct import EndOfStreamError, ValidationFailedError

from packfile import layout
from packfile._kaitai.packfile import Packfile
from packfile.adapter import host_module
from packfile.audit import audit
from packfile.errors import Exhausted, PackfileError
from packfile.host import HostModule
from packfile.image import Image, Stats
from packfile.process import Process
from packfile.verify import counts

from .mutation import Broken

T = TypeVar("T")
_INSTANCES = ("functions", "imports", "exports", "constants", "code", "bytes")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a file is linked with, and how it is called."""

    name: str = "main"
    """Under which it is linked."""
    before: tuple[tuple[str, Image | HostModule], ...] = ()
    """Modules at positions before it; without any, the host module of the adapter protocol as `host`."""
    fuel: int = 1000
    """Calls and backward branches of each call."""
    depth: int = 50
    """Frames of each call."""
    translate_after: int = 0
    """As for a process; 0 never translates."""


class Called(NamedTuple):
    """One call."""

    function: str | None
    """Name of the export; None for the entry function."""
    error: PackfileError | None
    """What came of it; None for results."""
    left: int
    """Fuel that was left, if there were results."""


@dataclass(slots=True)
class Observed:
    """What came of a file. A stage that was not reached, and one that crashed, gives nothing."""

    fuel: int = 0
    """Fuel that each call was given."""
    opened: bool = False
    """Whether it opened."""
    refused: PackfileError | None = None
    """What opening said, if it did not."""
    linked: bool = False
    """Whether it linked."""
    unlinked: PackfileError | None = None
    """What linking said, if it did not."""
    calls: list[Called] = field(default_factory=list)
    """Calls of exports by name in their order, and of the entry."""
    audited: list[PackfileError] | None = None
    """What an audit found; None if it was not made."""
    kaitai: list[str] = field(default_factory=list)
    """Rules for which the parser that is generated from the .ksy refuses header, directory or a row."""
    kaitai_opens: bool = False
    """Whether that parser has nothing against header and directory."""
    crashes: list[tuple[str, BaseException]] = field(default_factory=list)
    """What was raised that is no outcome, by stage."""
    stats: Stats | None = None
    """What the image counted."""
    bss_total: int = 0
    """Bytes of bss of the set."""
    seconds: float = 0.0
    """CPU time of all stages together."""

    def attempt(self, stage: str, action: Callable[[], T]) -> tuple[T | None, PackfileError | None]:
        """What a stage gives, or the outcome that it raises instead; neither if it crashes."""
        try:
            return action(), None
        except PackfileError as error:
            return None, error
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.crashes.append((stage, error))
        return None, None


def observe(broken: Broken, setting: Setting | None = None) -> Observed:
    """Open, link, call every export and the entry, audit, and parse a file."""
    setting = setting or Setting()
    seen = Observed(fuel=setting.fuel)
    begun = time.thread_time()
    seen.attempt("parse", lambda: _parse(broken.content, seen))
    image, seen.refused = seen.attempt("open", lambda: Image(broken.content, "mutant"))
    if image is not None:
        seen.opened, seen.stats = True, image.stats
        _call_all(broken, image, setting, seen)
        seen.audited, _ = seen.attempt("audit", lambda: audit(image))
        seen.attempt("close", image.close)
    seen.seconds = time.thread_time() - begun
    return seen


def peak(broken: Broken, setting: Setting | None = None) -> int:
    """Most bytes that Python held at once while it observed a file, which takes several times as long."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        observe(broken, setting)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _call_all(broken: Broken, image: Image, setting: Setting, seen: Observed) -> None:
    before: Sequence[tuple[str, Image | HostModule]] = setting.before or (("host", host_module([])),)
    seen.bss_total = image.bss_size + sum(content.bss_size for _, content in before if isinstance(content, Image))

    def link() -> Process:
        return Process((*before, (setting.name, image)), translate_after=setting.translate_after)

    process, seen.unlinked = seen.attempt("link", link)
    seen.linked = process is not None
    expected = broken.expected
    targets: list[tuple[str | None, int | None]] = [(export.name, export.function) for export in expected.exports]
    if expected.entry is not None:
        targets.append((None, expected.entry))
    for name, function in targets if expected.bss_size <= layout.MIN_BSS_TOTAL else ():
        if process is None:
            return
        i, n, _, _ = counts(0 if function is None else expected.signatures[function])
        call = partial(process.invoke, setting.name, name, [0] * i, [0.0] * n, fuel=setting.fuel, depth=setting.depth)
        results, error = seen.attempt("call", call)
        seen.calls.append(Called(name, error, results.fuel if results else 0))
        if isinstance(error, Exhausted):
            # It accepts no more calls.
            seen.attempt("close", process.close)
            process, _ = seen.attempt("link", link)
    if process is not None:
        seen.attempt("close", process.close)


def _parse(content: bytes, seen: Observed) -> None:
    try:
        parsed = Packfile.from_bytes(content)
    except ValidationFailedError as error:
        seen.kaitai.append(layout.CHECKS[error.src_path].rule)
        return
    except EndOfStreamError:
        seen.kaitai.append("PF-HDR-001")
        return
    seen.kaitai_opens = True
    for section in parsed.body.sections:
        for name in _INSTANCES:
            try:
                getattr(section, name)
            except ValidationFailedError as error:
                seen.kaitai.append(layout.CHECKS[error.src_path].rule)
