"""How fast each stage is.

Assumes that the examples of some hundred seeds are typical. Promises rates of the stage alone, without what prepares
it: of this core's processor time, save for adapters, where it is time that passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles.judging import examine
from packfile_fuzz.oracles.registry import LOADER, ORACLES
from packfile_fuzz.program import Program
from packfile_fuzz.run import Adapter, Clock, Loaders, Prepared, observe, through
from packfile_fuzz.run.clock import ADAPTER

SAMPLE = 200
"""Programs that are run over and over."""
_MEASURED = "measured"
_Work = Callable[[int, Program, Clock], None]


def rates(seconds: float, loaders: Loaders | None = None, first_seed: int = 0) -> dict[str, float]:
    """Examples a second, by stage.

    Args:
        seconds: How long each stage is measured, with its preparation.
        loaders: Adapters that are measured as well, each as `adapter` and its name.
        first_seed: The first of the seeds.
    """
    if loaders is None:
        with Loaders({}) as none:
            return rates(seconds, none, first_seed)
    programs = [build(from_seed(seed)) for seed in range(first_seed, first_seed + SAMPLE)]
    stages: dict[str, _Work] = {
        "generate": partial(_generate, first_seed),
        "write": _write,
        "verify": _verify,
        "run": _run,
        "differential": partial(_differential, loaders),
    }
    stages |= {f"adapter {name}": partial(_ask, adapter) for name, adapter in loaders.items()}
    return {name: _rate(seconds, programs, work) for name, work in stages.items()}


def _rate(seconds: float, programs: Sequence[Program], work: _Work) -> float:
    work(0, programs[0], Clock())  # What is done once, such as starting an adapter, is not measured.
    clock, count, end = Clock(), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        work(count, programs[count % len(programs)], clock)
        count += 1
    return count / (clock.seconds.get(_MEASURED, 0.0) + clock.seconds.get(ADAPTER, 0.0))


def _generate(first_seed: int, number: int, _program: Program, clock: Clock) -> None:
    with clock.stage(_MEASURED):
        build(from_seed(first_seed + number))


def _write(_number: int, program: Program, clock: Clock) -> None:
    with Prepared(program) as prepared, clock.stage(_MEASURED):
        _files(prepared)


def _verify(_number: int, program: Program, clock: Clock) -> None:
    with Prepared(program) as prepared:
        _files(prepared)
        with clock.stage(_MEASURED):
            prepared.verify()


def _run(_number: int, program: Program, clock: Clock) -> None:
    with Prepared(program) as prepared:
        _files(prepared)
        prepared.verify()
        with clock.stage(_MEASURED):
            observe(prepared)


def _differential(loaders: Loaders, number: int, program: Program, clock: Clock) -> None:
    asked = [oracle for oracle in ORACLES.values() if oracle.name != LOADER and number % oracle.every == 0]
    with clock.stage(_MEASURED):
        examine(program, asked, loaders)


def _ask(adapter: Adapter, _number: int, program: Program, clock: Clock) -> None:
    with Prepared(program) as prepared:
        _files(prepared)
        expected = observe(prepared)
        prepared.clock = clock
        through(adapter, prepared, expected)


def _files(prepared: Prepared) -> None:
    for index, entry in enumerate(prepared.program.entries):
        if entry.module is not None:
            prepared.file(index, entry.order)
