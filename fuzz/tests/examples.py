"""Examples that failed once, by the bytes to which hypothesis made them small.

`test_fuzz.py` judges each again, whatever else it looks at; `test_examples.py` shows that each still fails for what it
was committed for. To add one, paste the call that hypothesis printed, and say what was wrong. Bytes mean what the
generator's `VERSION` says: when that goes up, `python -m packfile_fuzz.strategies FAULT` finds them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from hypothesis import example

from packfile_fuzz.malformed import Broken
from packfile_fuzz.program import Program
from packfile_fuzz.strategies import broken_of, import_graph_of, program_of

T = TypeVar("T", bound=Callable[..., Any])


class Failed(NamedTuple):
    """An example, and the seeded bug that it shows."""

    why: str
    """What it does, and what went wrong."""
    fault: str
    value: Program | Broken


PROGRAMS = (
    Failed(
        "the least integer is divided by -1 and must trap",
        "least-divided-without-trap",
        program_of("1:3e 224:c6000001c8010010"),
    ),
    Failed("a NaN that is rounded up must be the canonical one", "nan-payload-kept", program_of("224:36 228:20000060")),
    Failed(
        "a shift by 64 or more must be one by its low six bits",
        "shift-count-not-masked",
        program_of("224:18 229:010060"),
    ),
    Failed("a call after an exhausted one must be exhausted", "exhausted-goes-on", program_of("4:01 131:f8")),
    Failed("a call of one frame must have that frame", "depth-off-by-one", program_of("4:02 179:e9")),
    Failed("a call after a trap must be made", "trapped-does-not-go-on", program_of("4:01 240:69")),
    Failed(
        "a branch back without fuel must not be taken",
        "fuel-charged-after-the-branch",
        program_of("4:01 8:01 153:a100fa20 343:017a 349:02"),
    ),
    Failed(
        "what a big file's program stores must be little-endian",
        "store-in-file-order",
        program_of("10:01 14:01 240:29 248:76"),
    ),
    Failed(
        "a literal of a big file must be read in its order",
        "literal-in-host-order",
        program_of("14:01 224:490800000c0c0c10"),
    ),
)
GRAPHS = (
    Failed("a weak import that is missing must not be bound", "weak-missing-is-bound", import_graph_of("17:01 202:e1")),
    Failed(
        "a lazy import of another signature must trap as mismatched",
        "mismatched-lazy-is-unbound",
        import_graph_of("209:e0"),
    ),
)
BROKEN = (
    Failed("a section must begin where the one before it ends", "gap-between-sections-accepted", broken_of("3:010001")),
)
EVERY = (*PROGRAMS, *GRAPHS, *BROKEN)


def committed(name: str, failed: tuple[Failed, ...]) -> Callable[[T], T]:
    """Has a test look at these first, each as by `@example`, under the name of an argument."""

    def decorate(test: T) -> T:
        for one in failed:
            test = example(**{name: one.value}).via(one.why)(test)
        return test

    return decorate
