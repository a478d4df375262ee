"""What runs the programs: both tiers of Packfile from a file of either byte order, CPython, and pywasm.

pywasm is an interpreter of WebAssembly in pure Python, so it has the same task as the first tier. It is left out where
it is not installed.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import packfile
from benchmarks.counts import work
from benchmarks.drivers import python_driver
from benchmarks.facts import version_of
from benchmarks.programs import Answer, Program
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

FIRST, SECOND = "first tier", "second tier"
TIERS = {FIRST: 0, SECOND: 1}
"""The tiers of Packfile, and after how many events each translates: never, and at once."""
CPYTHON = "CPython"
PYWASM = "pywasm"


@dataclass(frozen=True)
class Contender:
    """A way to run a program."""

    name: str
    run: Callable[[], Answer]
    instructions: int | None = None
    """Packfile instructions that a run executes, counted."""


def contenders(program: Program, argument: int, stack: ExitStack) -> Iterator[Contender]:
    """All ways to run a program with an argument; the stack closes what they need."""
    module = assemble(program.assembly, f"{program.name}.pka")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for order in ByteOrder:
        path = folder / f"{order.name}.pkf"
        path.write_bytes(encode(module, order))
        image = stack.enter_context(packfile.open(path))
        for tier, translate_after in TIERS.items():
            process = stack.enter_context(packfile.link([("main", image)], translate_after=translate_after))
            name = f"{tier}, {order.name.lower()}"
            yield Contender(name, partial(_call, process, argument), work(process, argument).instructions)
    yield Contender(CPYTHON, partial(program.python, argument))
    if version_of(PYWASM):
        yield Contender(PYWASM, partial(python_driver.pywasm(program.name), argument))


def _call(process: packfile.Process, argument: int) -> Answer:
    return process.call("main", "run", argument)[0]
