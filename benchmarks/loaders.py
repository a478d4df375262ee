"""The group `loaders`: each loader beside Lua 5.4, LuaJIT's interpreter, CPython and WebAssembly."""

import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import packfile
from benchmarks.counts import Work, work
from benchmarks.facts import facts
from benchmarks.group import Group, NotMeasured
from benchmarks.lineup import CLAIMED, LUA, Contender, Lineup, Loader
from benchmarks.loaders_report import Report, Result, Row, Taker, Verdict
from benchmarks.loaders_text import quantities, text
from benchmarks.measure import Spread, interleaved, seconds
from benchmarks.programs import EMPTY, FOLDER, PROGRAMS, Answer, Program
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

ROUNDS = 7
QUICK_ROUNDS = 2
CALLS = "fib"
"""The program that is made of calls."""
INTEGERS = ("fib", "sieve", "loop")
"""The programs by which a loader is judged beside Lua 5.4."""


class Effort(NamedTuple):
    """How much is run."""

    at_least: float
    """CPU seconds of a sample; a run that takes longer is a sample by itself."""
    empty_at_least: float
    """The same of a sample of empty calls, each of which takes far longer by the clock than it takes of the CPU."""
    limit: float
    """CPU seconds that a run with the large argument may take; what is slower is measured with the small one."""
    probe: float
    """CPU seconds within which the least time of a run with the small argument is sought."""


EFFORT = Effort(0.1, 0.02, 0.5, 0.1)
QUICK_EFFORT = Effort(0.002, 0.001, 0.05, 0.01)


class _Key(NamedTuple):
    program: str
    argument: int
    contender: str


class _Counter:
    """Traced runs of the reference, each made once."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._processes = {}
        for program in PROGRAMS:
            image = stack.enter_context(packfile.open(folder / f"{program.name}.pkf"))
            self._processes[program.name] = stack.enter_context(packfile.link([("main", image)]))
        self._known: dict[tuple[str, int], Work] = {}

    def work(self, program: str, argument: int) -> Work:
        if (program, argument) not in self._known:
            self._known[program, argument] = work(self._processes[program], argument)
        return self._known[program, argument]


def measure(*, quick: bool = False, rounds: int | None = None, added: Sequence[Loader] = ()) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: small arguments and short samples, whose figures say nothing.
        rounds: How often to measure.
        added: Loaders beside, or instead of, those that are known.

    Raises:
        NotMeasured: The contenders disagree, or one of them fails.
    """
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    effort = QUICK_EFFORT if quick else EFFORT
    with ExitStack() as stack:
        files = _files(stack)
        lineup = Lineup(stack, files, added)
        counter = _Counter(stack, files[ByteOrder.LITTLE])
        samples: dict[_Key, Callable[[], float]] = {}
        for program in PROGRAMS:
            samples |= _samples(program, lineup.contenders, counter, quick, effort)
        for contender in lineup.contenders:
            if contender.empty is not None:
                key = _Key(EMPTY.stem, 0, contender.name)
                samples[key] = partial(seconds, contender.empty, effort.empty_at_least, contender.child.cpu)
        before = facts()
        taken = interleaved(samples, rounds)
    results = _results(taken, counter, {c.name for c in lineup.contenders if c.empty is not None})
    return Report(
        facts=before,
        clocks=sorted({contender.child.clock for contender in lineup.contenders}),
        contenders=[Taker(contender.name, contender.version) for contender in lineup.contenders],
        left_out=lineup.left_out,
        rounds=rounds,
        quick=quick,
        results=results,
        empty_calls={key.contender: values for key, values in taken.items() if key.program == EMPTY.stem},
        verdicts=list(_verdicts(results)),
    )


def _files(stack: ExitStack) -> Mapping[ByteOrder, Path]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    sources = [*(FOLDER / f"{program.name}.pka" for program in PROGRAMS), EMPTY]
    for order in ByteOrder:
        (folder / order.name).mkdir()
        for source in sources:
            module = assemble(source.read_text(encoding="utf-8"), source.name)
            (folder / order.name / f"{source.stem}.pkf").write_bytes(encode(module, order))
    return {order: folder / order.name for order in ByteOrder}


def _samples(
    program: Program, contenders: Sequence[Contender], counter: _Counter, quick: bool, effort: Effort
) -> dict[_Key, Callable[[], float]]:
    """What measures a program: with the large argument what can take it, with the small one the rest; Lua with both."""
    small, large = program.argument, program.large_argument
    if quick:
        small, large = program.quick_argument, program.argument
    by_argument: dict[int, list[Contender]] = {large: [], small: []}
    for contender in contenders:
        expected = _taken(contender, program.name, small, counter, effort.probe)
        expected *= counter.work(program.name, large).instructions / counter.work(program.name, small).instructions
        by_argument[large if expected <= effort.limit else small].append(contender)
    if by_argument[small]:
        by_argument[small] += [contender for contender in by_argument[large] if contender.name == LUA]
    samples: dict[_Key, Callable[[], float]] = {}
    for argument, takers in by_argument.items():
        for contender in takers:
            run = partial(_checked, contender, program.name, argument, counter.work(program.name, argument).answer)
            run()
            key = _Key(program.name, argument, contender.name)
            samples[key] = partial(seconds, run, effort.at_least, contender.child.cpu)
    return samples


def _taken(contender: Contender, program: str, argument: int, counter: _Counter, probe: float) -> float:
    """The least time of some runs, of which the first verify and compile."""
    run = partial(_checked, contender, program, argument, counter.work(program, argument).answer)
    begin = contender.child.cpu()
    least = seconds(run, 0.0, contender.child.cpu)
    while contender.child.cpu() - begin < probe:
        least = min(least, seconds(run, 0.0, contender.child.cpu))
    return least


def _checked(contender: Contender, program: str, argument: int, expected: Answer) -> None:
    answer = contender.run(program, argument)
    if not _same(answer, expected):
        raise NotMeasured(
            f"the contenders disagree: {program}({argument}): {contender.name} answers {answer!r}, "
            f"the traced reference {expected!r}"
        )


def _same(one: Answer, other: Answer) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    return type(one) is type(other) and one == other


def _results(taken: Mapping[_Key, list[float]], counter: _Counter, loaders: set[str]) -> list[Result]:
    results = []
    for program, argument in dict.fromkeys((key.program, key.argument) for key in taken if key.program != EMPTY.stem):
        counted = counter.work(program, argument)
        base = taken.get(_Key(program, argument, LUA), [])
        rows = [
            Row(
                contender=key.contender,
                seconds=values,
                per_lua=[value / other for value, other in zip(values, base, strict=True)] if base else [],
                rates=[counted.instructions / value for value in values] if key.contender in loaders else [],
                calls=[counted.calls / value for value in values] if program == CALLS else [],
            )
            for key, values in taken.items()
            if (key.program, key.argument) == (program, argument)
        ]
        results.append(Result(program, argument, counted.answer, counted.instructions, counted.calls, rows))
    return results


def _verdicts(results: Sequence[Result]) -> Iterator[Verdict]:
    for result in results:
        for row in result.rows:
            if result.program in INTEGERS and row.per_lua and row.contender.rpartition(", ")[0] == CLAIMED:
                yield Verdict(result.program, result.argument, row.contender, Spread.of(row.per_lua))


GROUP = Group(
    name="loaders",
    help="every loader beside Lua 5.4, LuaJIT's interpreter, CPython, pywasm and wasmtime",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
    takes_loaders=True,
)
