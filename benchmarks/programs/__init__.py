"""The programs that are measured, each written three times: in assembly, in Python and as WebAssembly text.

The three follow the same steps, so that they give the same answer, floats to the last bit. Each has one function,
`run`, which takes an integer and may be called again and again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import fib, loop, mandelbrot, nbody, sieve

Answer = int | float


@dataclass(frozen=True)
class Program:
    """A program and how much of it to run."""

    name: str
    argument: int
    """Large enough that the first tier runs for some ten milliseconds."""
    quick_argument: int
    """What is enough to see that it works."""
    python: Callable[[int], Answer]
    """The same in Python."""

    @property
    def assembly(self) -> str:
        """The same in assembly."""
        return self._text("pka")

    @property
    def webassembly(self) -> str:
        """The same as WebAssembly text."""
        return self._text("wat")

    def _text(self, suffix: str) -> str:
        return Path(__file__).with_name(f"{self.name}.{suffix}").read_text(encoding="utf-8")


PROGRAMS = (
    Program("fib", 18, 9, fib.run),
    Program("sieve", 10_000, 200, sieve.run),
    Program("loop", 20_000, 200, loop.run),
    Program("nbody", 60, 1, nbody.run),
    Program("mandelbrot", 24, 4, mandelbrot.run),
)
