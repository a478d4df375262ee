"""Ranges of seeds: the unit of work of campaigns.

Assumes nothing of the seeds. Promises that a range comes to the same tally wherever and whenever it is run, but for its
seconds; and that adapters end with the range, or with the `Loaders` that a worker keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from packfile_fuzz.generator import from_seed
from packfile_fuzz.oracles.broken import examine_broken
from packfile_fuzz.oracles.judging import Judgement, examine
from packfile_fuzz.oracles.registry import LOADER, ORACLES
from packfile_fuzz.results import Failure, Tally
from packfile_fuzz.run import TIMEOUT, Clock, Loaders, Verdict

PROGRAM = "program"
MALFORMED = "malformed"
MOST_NOT_COMPARABLE = 0.01
"""Share of an oracle's comparisons past which it says too little."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a range is judged by; it pickles."""

    oracles: tuple[str, ...] = tuple(ORACLES)
    """Names of the oracles. Of broken files only `loader` is one; what else is asked of them is always asked."""
    loaders: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Names of loaders, and the commands that start their adapters."""
    kind: str = PROGRAM
    """`program` or `malformed`: which generator makes the examples."""
    timeout: float = TIMEOUT
    """Seconds that an adapter has for an answer."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.oracles) - set(ORACLES))
        if unknown:
            raise ValueError(f"no oracle {', '.join(unknown)}; there are {', '.join(ORACLES)}")
        if self.kind not in (PROGRAM, MALFORMED):
            raise ValueError(f"kind is {self.kind!r}; it must be {PROGRAM} or {MALFORMED}")

    def start(self) -> Loaders:
        """The loaders, for as many ranges as one likes; it is for the caller to close them."""
        return Loaders(dict(self.loaders), self.timeout)


def run_range(first_seed: int, count: int, options: Options, loaders: Loaders | None = None) -> Tally:
    """What the examples of `count` seeds come to.

    Args:
        first_seed: The first.
        count: How many.
        options: What they are judged by.
        loaders: Adapters that go on after this range; without them, it starts and ends its own.
    """
    if loaders is None:
        with options.start() as own:
            return run_range(first_seed, count, options, own)
    tally, clock = Tally(), Clock()
    for seed in range(first_seed, first_seed + count):
        _count(tally, seed, options.kind, _judge(seed, options, loaders, clock))
    tally.seconds = dict(clock.seconds)
    return tally


def _judge(seed: int, options: Options, loaders: Loaders, clock: Clock) -> Judgement:
    if options.kind == MALFORMED:
        return examine_broken(seed, loaders if LOADER in options.oracles else None, clock)
    oracles = [ORACLES[name] for name in options.oracles]
    # One that was asked for alone is asked always: nothing else would come of the other seeds.
    asked = [oracle for oracle in oracles if len(oracles) == 1 or seed % oracle.every == 0]
    with clock.stage("generate"):
        data = from_seed(seed)
    return examine(data, asked, loaders, clock)


def _count(tally: Tally, seed: int, kind: str, judgement: Judgement) -> None:
    tally.examples += 1
    tally.outcomes += judgement.outcomes
    tally.instructions.update(judgement.instructions)
    tally.rules.update(judgement.rules)
    tally.verdicts.update(f"{oracle} {comparison.verdict}" for oracle, comparison in judgement.comparisons)
    # An oracle that makes several comparisons may find one thing several times.
    found = dict(reversed(judgement.differences))
    tally.failures += sorted(Failure(seed, kind, signature, message) for signature, message in found.items())


def unfair(tally: Tally) -> dict[str, float]:
    """Oracles of which more than 1 % of the comparisons were not comparable, with their shares."""
    shares = {}
    for name in {key.rsplit(" ", 1)[0] for key in tally.verdicts}:
        counts = {verdict: tally.verdicts[f"{name} {verdict}"] for verdict in Verdict}
        share = counts[Verdict.NOT_COMPARABLE] / sum(counts.values())
        if share > MOST_NOT_COMPARABLE:
            shares[name] = share
    return shares
