"""Packfile: bytecode files that are mapped and executed in place.

    with packfile.open("fib.pkf") as image, packfile.link([("main", image)]) as process:
        print(process.call("main", "fib", 20))

The format is described in spec/; this package is its reference. Where the two differ, this package is wrong.
"""

import os
from collections.abc import Iterable

from packfile.errors import (
    Corrupt,
    Exhausted,
    Invalid,
    Malformed,
    PackfileError,
    Trap,
    Unlinkable,
    Unsupported,
)
from packfile.host import HostFailure, HostModule
from packfile.image import Image, Stats
from packfile.layout import ByteOrder, Segment
from packfile.process import TRANSLATE_AFTER, Process, Results

__all__ = [
    "ByteOrder",
    "Corrupt",
    "Exhausted",
    "HostFailure",
    "HostModule",
    "Image",
    "Invalid",
    "Malformed",
    "PackfileError",
    "Process",
    "Results",
    "Segment",
    "Stats",
    "Trap",
    "Unlinkable",
    "Unsupported",
    "link",
    "open",
]
__version__ = "1.0.0"


def open(path: str | os.PathLike[str], *, digests: bool = True) -> Image:  # noqa: A001 - it opens, and is used as packfile.open
    """Map a packfile and check its header and directory; see `Image.open`."""
    return Image.open(path, digests=digests)


def link(modules: Iterable[tuple[str, Image | HostModule]], *, translate_after: int = TRANSLATE_AFTER) -> Process:
    """Link modules into a process; see `Process`."""
    return Process(modules, translate_after=translate_after)
