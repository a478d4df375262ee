"""The files of the group `open`, and who opens them."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import kernel
from benchmarks.group import NotMeasured
from benchmarks.lineup import LeftOut
from benchmarks.modules import FUNCTION_WORDS, words_for, write_module
from benchmarks.openers import COPYING_C, COPYING_PYTHON, LUA, MARSHAL, REFERENCE, SQLITE, WASMTIME, C
from benchmarks.peer_files import WRITERS
from benchmarks.report_text import size as size_text
from packfile.layout import ByteOrder

FUNCTIONS = 4096
"""Functions of each file that has room for them, so that one file differs from another in nothing but its length."""
_FULL = 1 << 20
"""Bytes from which on a file has that room."""
_DISK = 8
"""Free disk that a size needs, in multiples of it: six files, and something to spare."""
_MEMORY = 6
"""Memory that a size needs, in multiples of it: a copying loader in Python beside cached files."""


@dataclass(frozen=True)
class Contender:
    """What opens files: a kind of opener, and a kind of file."""

    name: str
    kind: str
    suffix: str


CONTENDERS = (
    *(
        Contender(f"{kind}, {order.name.lower()}", kind, order.name)
        for kind in (C, REFERENCE, COPYING_C)
        for order in ByteOrder
    ),
    Contender(f"{COPYING_PYTHON}, big", COPYING_PYTHON, ByteOrder.BIG.name),
    *(Contender(kind, kind, kind) for kind in (MARSHAL, WASMTIME, LUA, SQLITE)),
)
"""Big files are those that the copying loaders have to swap on a little host."""


@dataclass
class Files:
    """What was written."""

    paths: dict[tuple[str, int], Path] = field(default_factory=dict)
    """By suffix and nominal size."""
    left_out: list[LeftOut] = field(default_factory=list)

    def path(self, contender: Contender, size: int) -> Path | None:
        """The file that a contender opens, if there is one."""
        return self.paths.get((contender.suffix, size))


def write_files(folder: Path, sizes: Sequence[int], suffixes: Sequence[str]) -> Files:
    """Write a file of each size for each suffix, and have the disk take them."""
    files = Files()
    for size in sizes:
        lack = _lack(folder, size)
        if lack:
            files.left_out.append(LeftOut(f"files of {size_text(size)}", lack))
            continue
        for suffix in suffixes:
            path = folder / f"{size}.{suffix.replace(' ', '-')}"
            try:
                _write(path, suffix, size)
            except NotMeasured as error:
                files.left_out.append(LeftOut(f"{suffix}, {size_text(size)}", str(error)))
                continue
            with path.open("rb") as file:
                os.fsync(file.fileno())
            files.paths[suffix, size] = path
    return files


def _write(path: Path, suffix: str, size: int) -> None:
    if suffix in WRITERS:
        WRITERS[suffix](path, size)
    else:
        words = words_for(size, FUNCTIONS) if size >= _FULL else FUNCTION_WORDS
        write_module(path, size, ByteOrder[suffix], words, FUNCTIONS)


def _lack(folder: Path, size: int) -> str:
    return "; ".join(_lacks(folder, size))


def _lacks(folder: Path, size: int) -> Iterator[str]:
    if shutil.disk_usage(folder).free < _DISK * size:
        yield f"the disk has less than {size_text(_DISK * size)} free"
    if kernel.available() < _MEMORY * size:
        yield f"less than {size_text(_MEMORY * size)} of memory is free"
