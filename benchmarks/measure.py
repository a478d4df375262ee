"""Measuring on a machine that does other things as well.

Everything is timed in rounds, and in each round one after the other, so that what slows the machine for a while slows
all of them. CPU time of the process is taken, not the clock's. Of the rounds the least, the median and the greatest are
told: the median is the figure, the other two say how much it is worth.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Self, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Spread(NamedTuple):
    """What came out of some rounds."""

    least: float
    median: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The spread of some values; there must be one."""
        ordered = sorted(values)
        return cls(ordered[0], statistics.median(ordered), ordered[-1])


def number(value: float) -> str:
    """A number with three digits that count, and never with an exponent."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    text = f"{round(value, digits):,.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(run: Callable[[], object], at_least: float, clock: Callable[[], float] = time.process_time) -> float:
    """CPU seconds that one run takes, from as many runs as take `at_least` seconds of the clock together."""
    runs = 0
    begin = clock()
    while True:
        run()
        runs += 1
        taken = clock() - begin
        if taken >= at_least:
            return taken / runs


def interleaved(samples: Mapping[_K, Callable[[], _V]], rounds: int) -> dict[_K, list[_V]]:
    """What each sample gives in each of the rounds; every other round goes backwards."""
    taken: dict[_K, list[_V]] = {key: [] for key in samples}
    for number in range(rounds):
        keys = list(samples) if number % 2 == 0 else list(samples)[::-1]
        for key in keys:
            taken[key].append(samples[key]())
    return taken
