"""Oracles that run a program once more in another way, and ask for the same.

Assumes the base run. Promises to compare all that the spec fixes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packfile.image import Image
from packfile.layout import ByteOrder
from packfile_fuzz.oracles.base import OTHER, Example
from packfile_fuzz.run import Comparison, Seen, compare, observe, through
from packfile_fuzz.run.observation import EQUAL, different

_OF_LINK = frozenset({"ok", "unlinkable", "exhausted"})
_OF_CALLS = frozenset({"ok", "trap", "exhausted", "unlinkable"})
TIERS = (1, 3)
"""Thresholds of translation: from the first call on, and in the midst of a run."""


def byte_orders(example: Example) -> Iterator[Comparison]:
    """Each file in the order that it is not declared in gives the same."""
    # Declared orders are mixed, so this is a run of each module in both.
    turned = tuple(OTHER[entry.order] for entry in example.program.entries)
    yield compare(example.program, example.base, observe(example.prepared, orders=turned))


def lazy_eager(example: Example) -> Iterator[Comparison]:
    """Verifying everything before the first call changes nothing."""
    images: list[Image] = []

    def opener(index: int, order: ByteOrder) -> Image:
        images.append(example.prepared.fresh(index, order))
        return images[-1]

    try:
        yield compare(example.program, example.base, observe(example.prepared, eager=True, opener=opener))
    finally:
        for image in images:
            image.close()


def tiers(example: Example) -> Iterator[Comparison]:
    """What is translated does what is interpreted, to the last unit of fuel."""
    for threshold in TIERS:
        yield compare(example.program, example.base, observe(example.prepared, tier=threshold))


def loaders(example: Example) -> Iterator[Comparison]:
    """Each loader does what the reference does."""
    for name, adapter in example.loaders.items():
        got = through(adapter, example.prepared, example.base)
        yield replace(compare(example.program, example.base, got), loader=name)


def internal_error(example: Example) -> Iterator[Comparison]:
    """A program of good files and good code comes to outcomes that the spec has for such, and to no exception."""
    yield _allowed("link", example.base.link, _OF_LINK)
    for number, call in enumerate(example.base.calls, 1):
        yield _allowed(f"call {number}", call, _OF_CALLS)


def _allowed(where: str, seen: Seen, outcomes: frozenset[str]) -> Comparison:
    if seen.outcome in outcomes:
        return EQUAL
    expected = f"one of {', '.join(sorted(outcomes))}"
    return different(f"{where}: {seen.said}", expected, seen.outcome, seen.rule, seen.opcode)
