"""The group `verify`: words a second that a loader verifies, and what verifying adds to a first call."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import openers
from benchmarks.facts import facts
from benchmarks.group import Group
from benchmarks.measure import interleaved, seconds
from benchmarks.modules import FIRST, FIRST_REFERENCE, FUNCTION_WORDS, HEAD, Filled, write_module
from benchmarks.openers import COPYING_C, REFERENCE, WASMTIME, C, Opener, Openers
from benchmarks.peer_files import write_additions
from benchmarks.report import Quantity, Report, quantities, rows
from benchmarks.report_text import text
from packfile.layout import ByteOrder

ROUNDS = 7
QUICK_ROUNDS = 2
SIZE = 1 << 22
QUICK_SIZE = 1 << 16
WORDS = (16, 256, 4096)
"""Words of the functions whose first call is measured."""
CALLED = 65536
"""Words that are verified for one sample of first calls, in as many functions as they make."""
QUICK_CALLED = 4096
LOADERS = (C, REFERENCE)
ORDER = ByteOrder.BIG
FIRST_CALL, SECOND_CALL = "first call", "second call"


class Key(NamedTuple):
    """What a sample is of."""

    kind: str
    what: str
    words: int


def measure(*, quick: bool = False, rounds: int | None = None, known: Openers | None = None) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: short code, whose figures say nothing.
        rounds: How often to measure.
        known: How contenders are started.

    Raises:
        NotMeasured: One of them fails or gives a wrong answer.
    """
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    known = known or Openers()
    openers.BUILD.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verify-", dir=openers.BUILD)))
        started = {
            kind: known.start(kind, kind, stack) for kind in (*LOADERS, COPYING_C, WASMTIME) if kind not in known.lacks
        }
        eager = _eager(started, folder, QUICK_SIZE if quick else SIZE)
        lazy = _lazy(started, folder, QUICK_CALLED if quick else CALLED)
        before = facts()
        rates = interleaved(eager, rounds)
        pairs = interleaved(lazy, rounds)
    quantities = [_rates(rates), *_latencies(pairs)]
    return Report(before, rounds, quick, quantities, [], known.left_out(*LOADERS, COPYING_C, WASMTIME), [_NOTE])


_NOTE = (
    "CPU time. A word is an addition. Copying is reading, copying and swapping the same words without verifying; "
    "wasmtime validates as many additions in WebAssembly, of four instructions each"
)


def _eager(started: Mapping[str, Opener], folder: Path, size: int) -> dict[str, Callable[[], float]]:
    """Words a second, of a file whose functions are all verified; the file is opened and mapped anew each time."""
    file = write_module(folder / "eager.pkf", size, ORDER)
    samples: dict[str, Callable[[], float]] = {}
    for kind, opener in started.items():
        ask = partial(opener.ask, "verify", file.path, file.functions + HEAD, expected=file.words)
        if kind == COPYING_C:
            ask = partial(opener.ask, "open", file.path, 1, expected=FIRST)
        elif kind == WASMTIME:
            path = folder / "eager.wasm"
            write_additions(path, file.functions, file.function_words)
            ask = partial(opener.ask, "verify", path, file.functions, expected=0)
        ask()
        samples[kind] = partial(_rate, opener, ask, file.functions * file.function_words)
    return samples


def _rate(opener: Opener, ask: Callable[[], object], words: int) -> float:
    return words / seconds(ask, 0.0, opener.child.cpu)


def _lazy(started: Mapping[str, Opener], folder: Path, called: int) -> dict[Key, Callable[[], tuple[float, float]]]:
    """CPU seconds of a first call and of a second one, by loader and words of a function."""
    samples: dict[Key, Callable[[], tuple[float, float]]] = {}
    for words in WORDS:
        count = max(1, called // words)
        file = write_module(folder / f"{words}.pkf", (4 * words + 12) * (count + 1) + (1 << 14), ORDER, words)
        for kind in LOADERS:
            if kind in started:
                samples[Key(kind, FIRST_CALL, words)] = partial(_first_and_second, started[kind], file, count)
    return samples


def _first_and_second(opener: Opener, file: Filled, count: int) -> tuple[float, float]:
    opener.ask("open", file.path, 1, expected=FIRST)
    call = partial(opener.ask, "call", "run", FIRST_REFERENCE, count, expected=file.sum_of(count))
    first, second = (seconds(call, 0.0, opener.child.cpu) for _ in range(2))
    return first / count, second / count


def _rates(taken: Mapping[str, Sequence[float]]) -> Quantity:
    values = {(kind, float(FUNCTION_WORDS)): [rate / 1e6 for rate in rates] for kind, rates in taken.items()}
    return Quantity("rate", "Words verified, all functions", "M words/s", COPYING_C, rows(values, COPYING_C))


def _latencies(taken: Mapping[Key, Sequence[tuple[float, float]]]) -> Iterator[Quantity]:
    for kind in dict.fromkeys(key.kind for key in taken):
        values: dict[tuple[str, float], list[float]] = {}
        for key, pairs in taken.items():
            if key.kind == kind:
                values[FIRST_CALL, float(key.words)] = [1e6 * first for first, _ in pairs]
                values[SECOND_CALL, float(key.words)] = [1e6 * second for _, second in pairs]
        yield Quantity(
            "call",
            "Time of a call",
            "microseconds",
            SECOND_CALL,
            rows(values, SECOND_CALL),
            at_title="words of code",
            panel=kind,
        )


GROUP = Group(
    name="verify",
    help="words a second that are verified, and what verifying adds to a first call",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
)
"""What the command line knows of it."""
