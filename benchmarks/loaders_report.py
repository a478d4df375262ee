"""What the group `loaders` finds, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.facts import Facts
from benchmarks.lineup import LeftOut
from benchmarks.measure import Spread
from benchmarks.programs import Answer


@dataclass(frozen=True)
class Taker:
    """What takes part."""

    name: str
    version: str


@dataclass(frozen=True)
class Row:
    """What one contender took for one program with one argument; all by round."""

    contender: str
    seconds: Sequence[float]
    """CPU seconds of a run."""
    per_lua: Sequence[float]
    """The same as a multiple of Lua 5.4's in that round; none without Lua 5.4."""
    rates: Sequence[float]
    """Packfile instructions a second; none of what is no Packfile loader."""
    calls: Sequence[float]
    """Calls a second; none of programs that are not made of calls."""


@dataclass(frozen=True)
class Result:
    """What came out for one program with one argument."""

    program: str
    argument: int
    answer: Answer
    instructions: int
    """Packfile instructions that a run executes, counted."""
    calls: int
    """Calls among them and the one that begins it, counted."""
    rows: Sequence[Row]


@dataclass(frozen=True)
class Verdict:
    """Whether a loader is at least as fast as Lua 5.4."""

    program: str
    argument: int
    contender: str
    per_lua: Spread
    """Its time as a multiple of Lua 5.4's."""

    @property
    def words(self) -> str:
        """The same as people say it."""
        if self.per_lua.greatest <= 1:
            return "at least as fast in every round"
        if self.per_lua.least > 1:
            return "slower in every round"
        return "at least as fast by the median alone" if self.per_lua.median <= 1 else "slower by the median alone"


@dataclass(frozen=True)
class Report:
    """What a run of this group found."""

    facts: Facts
    clocks: Sequence[str]
    """How CPU time was read."""
    contenders: Sequence[Taker]
    left_out: Sequence[LeftOut]
    rounds: int
    quick: bool
    results: Sequence[Result]
    empty_calls: Mapping[str, Sequence[float]]
    """CPU seconds of a request that calls what does nothing, by contender and round."""
    verdicts: Sequence[Verdict]
