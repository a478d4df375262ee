"""The programs that are measured, each written four times: in assembly, in Python, in Lua and as WebAssembly text.

The four follow the same steps, so that they give the same answer, floats to the last bit. Each has one function,
`run`, which takes an integer and may be called again and again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import fib, loop, mandelbrot, nbody, sieve

Answer = int | float

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Program:
    """A program and how much of it to run."""

    name: str
    argument: int
    """Large enough that the first tier runs for some ten milliseconds."""
    large_argument: int
    """Large enough for what is compiled, or interpreted by compiled code."""
    quick_argument: int
    """What is enough to see that it works."""
    python: Callable[[int], Answer]
    """The same in Python."""

    @property
    def assembly(self) -> str:
        """The same in assembly."""
        return (FOLDER / f"{self.name}.pka").read_text(encoding="utf-8")


EMPTY = FOLDER / "empty.pka"
"""A module with a function that does nothing."""

PROGRAMS = (
    Program("fib", 18, 27, 9, fib.run),
    Program("sieve", 10_000, 65_536, 200, sieve.run),
    Program("loop", 20_000, 1_000_000, 200, loop.run),
    Program("nbody", 60, 10_000, 1, nbody.run),
    Program("mandelbrot", 24, 150, 4, mandelbrot.run),
)
