"""The group `run`: instructions a second of both tiers, beside CPython and pywasm with the same algorithms."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks import report as common
from benchmarks.contenders import CPYTHON, FIRST, PYWASM, SECOND, Contender, contenders
from benchmarks.facts import Facts, facts
from benchmarks.group import Group, NotMeasured
from benchmarks.measure import Spread, interleaved, seconds
from benchmarks.programs import PROGRAMS, Answer, Program
from benchmarks.verdicts import Verdict, at_least, at_most, quotients

FASTER = 4.0
"""How many times as fast as the first tier the second is, by the median of the programs."""
SLOWER = 4.5
"""How many times as slow as CPython it is at most."""
PEER_SLOWER = 20.0
"""How many times as slow as the first tier pywasm is."""
ROUNDS = 7
QUICK_ROUNDS = 2
_AT_LEAST = 0.1
"""CPU seconds of a sample; a run that takes longer is a sample by itself."""
_QUICK_AT_LEAST = 0.002


class DifferentAnswers(NotMeasured):
    """Raised when contenders disagree, so that their times mean nothing."""


@dataclass(frozen=True)
class Row:
    """What one contender took for one program."""

    contender: str
    seconds: Sequence[float]
    """CPU seconds of a run, by round."""
    per_cpython: Sequence[float]
    """The same as a multiple of CPython's in that round."""
    rates: Sequence[float]
    """Instructions a second, by round; none of those that do not run Packfile's instructions."""


@dataclass(frozen=True)
class Result:
    """What came out for one program."""

    program: str
    argument: int
    answer: Answer
    instructions: int
    """Packfile instructions that a run executes, counted."""
    rows: Sequence[Row]


@dataclass(frozen=True)
class Report:
    """What a run of this group found."""

    facts: Facts
    rounds: int
    quick: bool
    results: Sequence[Result]

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """What is claimed of the tiers."""
        return list(judge(self.results))


def measure(*, quick: bool = False, rounds: int | None = None) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: small arguments and short samples, whose figures say nothing.
        rounds: How often to measure.

    Raises:
        DifferentAnswers: The contenders disagree.
    """
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    with ExitStack() as stack:
        entries = {}
        for program in PROGRAMS:
            argument = program.quick_argument if quick else program.argument
            for contender in contenders(program, argument, stack):
                entries[program.name, contender.name] = contender
        # Of the first run nothing is measured: it verifies, fills caches, and lets CPython specialise its code.
        answers = {key: contender.run() for key, contender in entries.items()}
        before = facts()
        at_least = _QUICK_AT_LEAST if quick else _AT_LEAST
        samples = {key: partial(seconds, contender.run, at_least) for key, contender in entries.items()}
        taken = interleaved(samples, rounds)
        results = [_result(program, quick, entries, answers, taken) for program in PROGRAMS]
    return Report(before, rounds, quick, results)


def _result(
    program: Program,
    quick: bool,
    entries: dict[tuple[str, str], Contender],
    answers: dict[tuple[str, str], Answer],
    taken: dict[tuple[str, str], list[float]],
) -> Result:
    names = [name for program_name, name in entries if program_name == program.name]
    found = {name: answers[program.name, name] for name in names}
    counts = {entries[program.name, name].instructions for name in names} - {None}
    if len(set(found.values())) != 1 or len(counts) != 1:
        raise DifferentAnswers(f"the contenders disagree: {program.name}: answers {found}, instructions {counts}")
    (instructions,) = (count for count in counts if count is not None)
    base = taken[program.name, CPYTHON]
    rows = []
    for name in names:
        seconds = taken[program.name, name]
        is_packfile = entries[program.name, name].instructions is not None
        rates = [instructions / value for value in seconds] if is_packfile else []
        per_cpython = [value / other for value, other in zip(seconds, base, strict=True)]
        rows.append(Row(name, seconds, per_cpython, rates))
    argument = program.quick_argument if quick else program.argument
    return Result(program.name, argument, found[CPYTHON], instructions, rows)


def text(report: Report) -> str:
    """A report as people read it."""
    known = ", ".join(f"{name} {value}" for name, value in report.facts.items() if value is not None)
    head = f"CPU time, {report.rounds} rounds: least, median and greatest"
    lines = [known, head + ("; quick, so the figures say nothing" if report.quick else ""), ""]
    lines.append(f"{'':22}{'ms a run':^30}{'M instructions/s':^24}{'times CPython':^27}".rstrip())
    for result in report.results:
        lines.append(f"{result.program}({result.argument}) = {result.answer}, {result.instructions:,} instructions")
        for row in result.rows:
            cells = [f"  {row.contender:20}", _cells([1000 * value for value in row.seconds], 10, 3)]
            cells.append(_cells([rate / 1e6 for rate in row.rates], 8, 2) if row.rates else " " * 24)
            cells.append(_cells(row.per_cpython, 9, 1))
            lines.append("".join(cells))
        lines += _beside_each_other(result)
    if report.facts["pywasm"] is None:
        lines += ["", "pywasm is not installed: pip install 'packfile[bench]'"]
    lines += ["", *(verdict.line for verdict in report.verdicts)]
    return "\n".join(lines)


def _beside_each_other(result: Result) -> Iterator[str]:
    taken = {row.contender: row.seconds for row in result.rows}
    first, second = (next(name for name in taken if name.startswith(tier)) for tier in (FIRST, SECOND))
    yield f"  {first} takes {_ratio(taken[first], taken[second])} times as long as {second}"
    yield f"  {second} takes {_ratio(taken[second], taken[CPYTHON])} times as long as {CPYTHON}"
    if PYWASM in taken:
        yield f"  {PYWASM} takes {_ratio(taken[PYWASM], taken[first])} times as long as {first}"


def judge(results: Sequence[Result]) -> Iterator[Verdict]:
    """Whether the tiers are as fast as is claimed, with files in little byte order."""
    tiers = _ratios(results, FIRST, SECOND)
    if tiers:
        medians = [Spread.of(ratios).median for ratios in tiers.values()]
        median = Spread.of(medians).median
        yield at_least(
            f"by the median of the programs, the first tier takes at least {FASTER:g} times as long as the second",
            [median],
            FASTER,
            " times",
        )
    for program, ratios in _ratios(results, SECOND, CPYTHON).items():
        claim = f"{program}: the second tier takes at most {SLOWER} times as long as {CPYTHON}"
        yield at_most(claim, ratios, SLOWER, " times")
    for program, ratios in _ratios(results, PYWASM, FIRST).items():
        claim = f"{program}: {PYWASM} takes at least {PEER_SLOWER:g} times as long as the first tier"
        yield at_least(claim, ratios, PEER_SLOWER, " times")


def _ratios(results: Sequence[Result], slow: str, fast: str) -> dict[str, list[float]]:
    """By program, how many times as long one contender took as another, round by round."""
    found = {}
    for result in results:
        taken = {row.contender.partition(",")[0]: row.seconds for row in reversed(result.rows)}
        if slow in taken and fast in taken:
            found[result.program] = quotients(taken[slow], taken[fast])
    return found


def _ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    ratio = Spread.of(one / other for one, other in zip(slow, fast, strict=True))
    return f"{ratio.median:.1f} ({ratio.least:.1f} to {ratio.greatest:.1f})"


def _cells(values: Sequence[float], width: int, digits: int) -> str:
    return "".join(f"{value:{width}.{digits}f}" for value in Spread.of(values))


def quantities(found: Report) -> list[common.Quantity]:
    """What of a report is drawn: the times beside CPython's."""
    return [
        common.Quantity(
            key="time",
            title="Time of a run beside CPython's",
            unit=f"multiples of {CPYTHON}",
            peer=CPYTHON,
            rows=[common.Row(row.contender, 1, row.per_cpython, row.per_cpython) for row in result.rows],
            panel=result.program,
        )
        for result in found.results
    ]


GROUP = Group(
    name="run",
    help="instructions a second of both tiers, beside CPython and pywasm",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
)
