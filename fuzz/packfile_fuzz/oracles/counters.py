"""The oracle of what a loader did with its files, as the loader counts it.

Assumes a run out of mapped files that was watched from outside. Promises to ask for equality, not for bounds, so that
a counter that forgets is found as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from packfile.model import Module
from packfile_fuzz.oracles.base import PAGE, Example, Traced
from packfile_fuzz.run import Comparison, compare
from packfile_fuzz.run.observation import EQUAL, different


def counters(example: Example) -> Iterator[Comparison]:
    """Files are mapped whole, nothing is copied or swapped, and just the functions that were called are verified."""
    traced = example.traced
    yield compare(example.program, example.base, traced.seen)
    for position, stats in traced.stats.items():
        entry = example.program.entries[position]
        assert entry.module is not None
        length = len(example.prepared.file(position, entry.order))
        for name, count in _expected(entry.module, position, length, traced).items():
            got = getattr(stats, name)
            message = f"{entry.name} at position {position}: expected {name} {count}, got {got}"
            yield EQUAL if got == count else different(message, f"{name} as counted", "another", name)


def _expected(module: Module, position: int, length: int, traced: Traced) -> dict[str, int]:
    """The counters that a file must come to.

    A module whose file has larger pages on this host than its unit may have its data section copied (PF-XIP-005).
    """
    entered = [index for at, index in traced.functions if at == position]
    expected = {"mapped": length, "swapped": 0, "functions_verified": len(entered)}
    expected["verified"] = sum(len(module.functions[index].code) for index in entered)
    return expected if 1 << module.unit_log2 < PAGE else expected | {"copied": 0}
