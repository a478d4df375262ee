"""Witnesses: the smallest bytes that show a seeded bug.

Assumes faults of the reference (`packfile_fuzz.faults`). Promises that a witness shows its fault by what the
specification fixes, and shows nothing where the fault is off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st

from packfile_fuzz.faults import FAULTS, activate
from packfile_fuzz.malformed import Broken, judge
from packfile_fuzz.program import Program
from packfile_fuzz.run import Verdict, compare, observe
from packfile_fuzz.strategies.content import spelled
from packfile_fuzz.strategies.values import broken_of, import_graph_of, program_of

Make = Callable[[bytes | str], Program | Broken]
MAKERS: Mapping[str, tuple[Make, int]] = {
    "programs": (program_of, 512),
    "import_graphs": (import_graph_of, 512),
    "malformed": (broken_of, 320),
}
"""Strategies by name: what makes their examples, and of how many bytes."""


def shows(fault: str, value: Program | Broken) -> bool:
    """Whether an example shows a fault.

    Raises:
        KeyError: There is no such fault.
    """
    if isinstance(value, Broken):
        with activate(fault):
            return bool(judge(value))
    good = observe(value)
    with activate(fault):
        return compare(value, good, observe(value, tier=FAULTS[fault].translate_after)).verdict is Verdict.DIFFERENT


def witness(fault: str, strategy: str, examples: int) -> str:
    """The smallest example that shows a fault, as the call that makes it.

    Args:
        fault: Its name.
        strategy: One of `MAKERS`.
        examples: How many are tried.

    Raises:
        KeyError: There is no such fault or strategy.
        hypothesis.errors.NoSuchExample: None of them shows it.
    """
    make, size = MAKERS[strategy]
    how = settings(database=None, deadline=None, max_examples=examples, suppress_health_check=list(HealthCheck))
    least = find(st.binary(min_size=size, max_size=size), partial(_shows_made, fault, make), settings=how)
    return f'{getattr(make, "__name__", strategy)}("{spelled(least)}")'


def _shows_made(fault: str, make: Make, content: Any) -> bool:  # noqa: ANN401 - bytes, but `find` does not say so
    return shows(fault, make(content))
