"""What a campaign finds of a fault: seeds in their order, until the faulty loader differs from the good reference.

Assumes a reference without defects of its own. Promises that an example is judged by what the spec fixes (`looks.py`),
and that a search ends within its time, also where the fault makes the reference hang.

Half of the examples are programs as they were generated, and half have one file of theirs broken, which takes as much
time. A fault of the reference is switched on in the process that has the good one, for each example anew, which takes
microseconds; the loader in C is asked through its adapter, once for each example, since that is what takes the time.
"""

from __future__ import annotations

import multiprocessing
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from types import FrameType
from typing import Self

from packfile.layout import ByteOrder
from packfile_fuzz.faults.catalogue import FAULTS, activate
from packfile_fuzz.faults.looks import Files, are_different, in_loader, in_process, is_fixed, sized
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.malformed import DAMAGES, MUTATIONS, Mutations, mutate, mutated
from packfile_fuzz.program import Program
from packfile_fuzz.run import Adapter, Loaders
from packfile_suite.session import LoaderFailed

SEEDS_APART = 1 << 32
"""How far apart campaigns begin, so that none meets another's examples."""
_BREAKING = 2
"""Of two examples one has a broken file."""
_DAMAGED = 16
"""Of sixteen of these one is damaged behind what opening checks; it takes up to five times as long."""
_TURNS, _MAPPED, _TWICE = 4, 0, 1
"""Of four examples one runs out of files that are mapped, which costs system calls, and one is run twice."""
_LONGEST = 5.0
"""Seconds after which an example hangs; they take milliseconds."""
_GRACE = 60.0
"""Seconds that the last example of a search, and the start of a process, may take beyond its limit."""


class _Hangs(Exception):
    """Raised in what takes too long."""


def differs(name: str, seed: int, adapter: Adapter | None = None) -> bool:
    """Whether the example of a seed shows a fault.

    Args:
        name: A fault of the reference; of another loader any name.
        seed: The seed, which also says how the example is run and whether a file of it is broken.
        adapter: The loader that has the fault, if it is not the reference.
    """
    program = build(from_seed(seed))
    if adapter is not None:
        return _differs_in_loader(program, seed, adapter)
    place = _place(program, seed)
    turn = seed // _BREAKING % _TURNS
    with Files(program, {} if place is None else {place: mutated(*_mutation(program, place, seed))}) as files:
        runs, mapped = 1 + (turn == _TWICE), turn == _MAPPED and not files.others
        good = in_process(files, tier=0, runs=runs, mapped=mapped)
        try:
            with activate(name), _time_limit(_LONGEST):
                faulty = in_process(files, tier=FAULTS[name].translate_after, runs=runs, mapped=mapped)
        except _Hangs:
            return True
        return are_different(program, good, faulty)


def _differs_in_loader(program: Program, seed: int, adapter: Adapter) -> bool:
    """As `differs`. The loader owes nothing to the reference, so what the spec leaves open of a broken file may differ.

    What that is takes longer to find than to run the example, and is asked only where something does differ.
    """
    place = _place(program, seed)
    if place is None:
        return _is_seen(program, {}, adapter)
    mutation = _mutation(program, place, seed)
    if not _is_seen(program, {place: mutated(*mutation)}, adapter):
        return False
    broken = mutate(*mutation)
    fixed = is_fixed(program, broken)
    return _is_seen(sized(program, place, broken), {place: broken.content}, adapter, fixed=fixed)


def _is_seen(program: Program, others: dict[int, bytes], adapter: Adapter, *, fixed: bool = True) -> bool:
    with Files(program, others) as files:
        good = in_process(files, tier=0, runs=1, mapped=False)
        try:
            return are_different(program, good, in_loader(files, adapter, good), fixed=fixed)
        except LoaderFailed:
            return True


def _place(program: Program, seed: int) -> int | None:
    """Index of the entry whose file the seed breaks; None if it breaks none."""
    if seed % _BREAKING:
        return None
    places = [index for index, entry in enumerate(program.entries) if entry.module is not None]
    if _is_damaged(seed):
        # What one module has far from its header shows in others that import it.
        rows = [(entry.name, row.module) for entry in program.entries if entry.module for row in entry.module.imports]
        imported = {module for name, module in rows if name != module}
        places = [index for index in places if program.entries[index].name in imported] or places
    return places[seed // _BREAKING // _DAMAGED % len(places)]


def _is_damaged(seed: int) -> bool:
    """Whether the file that the seed breaks is damaged."""
    return seed // _BREAKING % _DAMAGED == 0


def _mutation(program: Program, place: int, seed: int) -> tuple[bytes, ByteOrder, bytes, Mutations]:
    """What `mutate` takes to break the file of an entry."""
    order = program.entries[place].order
    mutations = DAMAGES if _is_damaged(seed) else MUTATIONS
    with Files(program, {}) as whole:
        return whole.file(place, order), order, from_seed(seed)[::-1], mutations


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Have what takes longer raise; in a main thread only, as signals are."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def search(
    name: str,
    seed: int,
    limit: float,
    *,
    loader: str | None = None,
    part: int = 0,
    parts: int = 1,
    found: Callable[[], bool] = lambda: False,
) -> float | None:
    """Seconds until an example shows a fault; None if none did in the time, or `found` says that another search did.

    Args:
        name: The fault.
        seed: Number of the campaign; each has examples of its own.
        limit: Seconds that it may take.
        loader: Command of the loader that has the fault, if it is not the reference.
        part: Which of the examples it takes, from 0.
        parts: By how many searches they are shared.
        found: Asked after each example.
    """
    with ExitStack() as stack:
        adapter = stack.enter_context(Loaders({name: shlex.split(loader)}, _LONGEST))[name] if loader else None
        begun = time.perf_counter()
        at = seed * SEEDS_APART + part
        while time.perf_counter() - begun < limit and not found():
            if differs(name, at, adapter):
                return time.perf_counter() - begun
            at += parts
    return None


_is_found: Event | None = None


def _share(event: Event) -> None:
    global _is_found  # noqa: PLW0603 - an event can be handed to a process at its start only
    _is_found = event
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _search_part(name: str, seed: int, limit: float, loader: str | None, part: int, parts: int) -> float | None:
    assert _is_found is not None
    seconds = search(name, seed, limit, loader=loader, part=part, parts=parts, found=_is_found.is_set)
    if seconds is not None:
        _is_found.set()
    return seconds


class Campaigns:
    """Searches that share their examples among processes. Use it as a context manager."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.workers = workers
        self._found = context.Event()
        self._pool = ProcessPoolExecutor(workers, context, _share, (self._found,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._found.set()
        self._pool.shutdown(cancel_futures=True)

    def search(self, name: str, seed: int, limit: float, loader: str | None = None) -> float | None:
        """As `search`, by all processes together."""
        self._found.clear()
        parts = range(self.workers)
        asked = [self._pool.submit(_search_part, name, seed, limit, loader, part, self.workers) for part in parts]
        times = [part.result(limit + _GRACE) for part in asked]
        return min((seconds for seconds in times if seconds is not None), default=None)

    def times(self, name: str, seeds: Sequence[int], limit: float, loader: str | None = None) -> list[float | None]:
        """Seconds that the campaign of each seed takes; None of one that does not find it in the time."""
        return [self.search(name, seed, limit, loader) for seed in seeds]
