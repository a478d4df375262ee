"""What an oracle is, and an example as the oracles share it.

Assumes programs that the writer can write. Promises that what several oracles look at is computed once.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Self

from packfile.image import Image, Stats
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import ByteOrder
from packfile.machine import Frame
from packfile_fuzz.program import Program
from packfile_fuzz.run import Clock, Comparison, Loaders, Observation, Prepared, observe


@dataclass(frozen=True, slots=True)
class Oracle:
    """A promise of the spec that can be checked on any program."""

    name: str
    """By which it is chosen."""
    summary: str
    """The promise."""
    check: Callable[[Example], Iterable[Comparison]]
    """Makes its comparisons; none if it says nothing of this example."""
    every: int = 1
    """Of a range of seeds, it is asked of those that this divides, for what costs more than it finds."""


@dataclass(slots=True)
class Traced:
    """A run out of mapped files that was watched instruction by instruction."""

    seen: Observation
    """What it came to."""
    functions: frozenset[tuple[int, int]]
    """Position and index of each function that was entered."""
    stats: dict[int, Stats] = field(default_factory=dict)
    """What the loader did with the file of each position."""


class Example:
    """A program that is being judged. Use it as a context manager."""

    def __init__(self, program: Program, loaders: Loaders, clock: Clock | None = None) -> None:
        self.program = program
        self.loaders = loaders
        self.clock = clock or Clock()
        self.prepared = Prepared(program, self.clock)
        self.executed: Counter[str] | None = None
        """How often instructions were begun, by mnemonic, once that was watched."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.prepared.close()

    @cached_property
    def base(self) -> Observation:
        """The run that others are compared with: the first tier, in the byte orders that the program declares."""
        return observe(self.prepared)

    @cached_property
    def traced(self) -> Traced:
        """The same out of mapped files, and watched."""
        images: dict[int, Image] = {}

        def opener(index: int, order: ByteOrder) -> Image:
            path = self.loaders.write(f"traced-{index}", self.prepared.file(index, order))
            images[index] = Image.open(path)
            # Images are named as their modules are, so that what trapped can be found again.
            images[index].name = self.program.entries[index].name
            return images[index]

        begun: Counter[tuple[int, int, int]] = Counter()

        def trace(frame: Frame, word: int) -> None:
            function = frame.function
            begun[function.module.position, function.index, frame.code.ops[word]] += 1

        try:
            seen = observe(self.prepared, opener=opener, trace=trace)
            self.executed = Counter()
            for (_, _, op), count in begun.items():
                self.executed[INSTRUCTIONS[Opcode(op)].mnemonic] += count
            functions = frozenset((position, index) for position, index, _ in begun)
            return Traced(seen, functions, {index: image.stats for index, image in images.items()})
        finally:
            for image in images.values():
                image.close()


OTHER = {ByteOrder.LITTLE: ByteOrder.BIG, ByteOrder.BIG: ByteOrder.LITTLE}
"""The order that a file is not in."""
PAGE = mmap.ALLOCATIONGRANULARITY
"""A data section that lies on a multiple of this many bytes is mapped, not copied."""
