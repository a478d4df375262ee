"""Targets for Atheris: coverage of the reference leads from one input to the next.

    python -m packfile_fuzz.guided.atheris_target programs [CORPUS...] [-max_total_time=SECONDS]

Assumes nothing of the bytes; Atheris is needed only where this is run as a program. Promises that a target returns
if nothing is wrong, and raises `Finding` if an oracle says that something is.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Final
from zlib import crc32

from packfile_fuzz.malformed import Broken, judge, mutate
from packfile_fuzz.malformed.bases import bases
from packfile_fuzz.oracles import ORACLES, examine
from packfile_fuzz.oracles.broken import examine_file
from packfile_fuzz.oracles.judging import Judgement

_MISSING: Final = 2


class Finding(AssertionError):
    """An oracle is not content with an input; the text says what it expected and what came."""


def programs(data: bytes) -> None:
    """Bytes for the generator, judged by the oracles; those that cost much by a share of inputs, as in campaigns."""
    number = crc32(data)
    _raise(examine(data, [oracle for oracle in ORACLES.values() if number % oracle.every == 0]))


def malformed(data: bytes) -> None:
    """The first byte chooses a valid file, and the rest what is done to it."""
    base, order = bases()[data[0] % len(bases())] if data else bases()[0]
    broken: Broken = mutate(base, order, data[1:])
    problems = [f"{problem.check}: {problem.message}" for problem in judge(broken)]
    if problems:
        raise Finding("; ".join(problems))


def files(data: bytes) -> None:
    """A whole file."""
    _raise(examine_file(data))


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    target.__name__: target for target in (programs, malformed, files)
}
"""The targets by name; each takes an input as `TestOneInput` of Atheris and of libFuzzer does."""


def _raise(judgement: Judgement) -> None:
    found = [f"{signature.oracle}: {message}" for signature, message in judgement.differences]
    if found:
        raise Finding("; ".join(found))


def instrument(atheris: Any) -> int:  # noqa: ANN401 - a module that need not be there
    """Have the functions of the reference watched, and no others; gives their number."""
    found = [it for it in gc.get_objects() if isinstance(it, FunctionType)]
    functions = [it for it in found if str(it.__module__).split(".")[0] == "packfile"]
    for function in functions:
        atheris.instrument_func(function)
    return len(functions)


def main(arguments: list[str]) -> int:
    """Fuzz; libFuzzer's code ends the program. Gives the exit status of a command line or machine that cannot do it."""
    if len(arguments) < 2 or arguments[1] not in TARGETS:
        sys.stderr.write(f"usage: {arguments[0]} {{{'|'.join(TARGETS)}}} [CORPUS...] [-OPTION=VALUE...]\n")
        return _MISSING
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        sys.stderr.write("atheris is not installed: pip install atheris\n")
        return _MISSING
    instrument(atheris)
    atheris.Setup([arguments[0], *arguments[2:]], TARGETS[arguments[1]])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
