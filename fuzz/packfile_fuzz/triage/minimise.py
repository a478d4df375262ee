"""Minimisation: the passes in their order, until none of them makes the specimen smaller.

Assumes a failure that is found again each time. Promises the same specimen for the same failure if there is time
enough; else the smallest that was found in the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from packfile.instructions import Opcode
from packfile.layout import ImportKind, Segment
from packfile.model import Export, Function, Module, Signature
from packfile_fuzz.program import Call
from packfile_fuzz.run import Comparison
from packfile_fuzz.run.observation import EXHAUSTED
from packfile_fuzz.triage import broken, calls
from packfile_fuzz.triage.divergence import first_divergence
from packfile_fuzz.triage.inline import Inline
from packfile_fuzz.triage.judge import Judge
from packfile_fuzz.triage.lines import line, write
from packfile_fuzz.triage.modules import Modules
from packfile_fuzz.triage.names import plainer
from packfile_fuzz.triage.remove import count
from packfile_fuzz.triage.search import Search, Spent
from packfile_fuzz.triage.segments import Segments
from packfile_fuzz.triage.specimen import Specimen, broken_of
from packfile_fuzz.triage.values import Values, arguments, least

RUNS = 20_000
"""Candidates that are tried at most."""
_CASE_FUEL, _CASE_DEPTH = 10_000_000, 1_000
"""What a case gives a call that does not say."""


@dataclass(frozen=True, slots=True)
class Minimal:
    """What is left of an example."""

    specimen: Specimen
    """The smallest that still fails."""
    found: Comparison
    """How it fails."""
    complete: bool
    """Whether nothing more could be left out; False if time or runs were used up."""


def minimise(start: Specimen, judge: Judge, seconds: float, runs: int = RUNS) -> Minimal | None:
    """The smallest specimen that fails as a judge's signature says; None if even the whole one does not.

    Args:
        start: The example.
        judge: What it is judged by. Its signature becomes that of the smallest form, where the same is shown to be
            wrong in another way: where memory differs, by a function that reads it.
        seconds: How long it may take.
        runs: How many candidates may be tried.
    """
    found = judge.difference(start)
    if found is None:
        return None
    if found.place is not None:
        start = _shown(start, judge, found) or start
    search = Search(start, judge.fails, seconds, runs)
    complete = True
    try:
        passes = _passes(search)
        _rounds(search, passes)
        if judge.is_of_answers:
            _otherwise(search, judge, passes)
        goes_round = EXHAUSTED in judge.signature.outcomes
        _tidy(search, goes_round=goes_round)
        if goes_round:
            # With less fuel, less of it may do.
            _rounds(search, passes)
            _tidy(search, goes_round=goes_round)
    except Spent:
        complete = False
    last = judge.difference(search.best)
    return Minimal(search.best, last or found, complete)


def size(specimen: Specimen) -> int:
    """Instructions of a specimen."""
    return count(entry.module for entry in specimen.program.entries)


def bulk(specimen: Specimen) -> int:
    """Instructions, and what else there is to read: calls, modules, functions and imports."""
    program = specimen.program
    modules = [entry.module for entry in program.entries if entry.module is not None]
    rows = sum(len(module.functions) + len(module.imports) for module in modules)
    return size(specimen) + rows + len(program.entries) + len(program.calls)


def _rounds(search: Search, passes: Sequence[Callable[[], None]]) -> None:
    while True:
        before = search.best
        for each in passes:
            each()
        if search.best == before:
            return


def _passes(search: Search) -> list[Callable[[], None]]:
    if search.best.edits is not None:
        parts, values = Modules(search, broken.followed), Values(search, broken.followed)
        segments = Segments(search, broken.followed)
        return [
            lambda: broken.edits(search),
            parts.parts,
            parts.code,
            lambda: calls.signatures(search),
            parts.frills,
            segments.shorter,
            values.operands,
            values.rows,
            parts.registers,
            values.banks,
            parts.orders,
        ]
    parts, values, within = Modules(search), Values(search), Inline(search)
    segments = Segments(search)
    return [
        lambda: calls.little_fuel(search),
        lambda: calls.fewer(search),
        lambda: calls.nearer(search),
        lambda: search.tentatively((lambda: calls.later(search), parts.code), size),
        parts.entries,
        parts.parts,
        parts.code,
        lambda: parts.loops(size),
        lambda: within.calls(bulk, parts.parts, parts.code),
        lambda: within.joined(bulk, parts.parts, parts.code),
        parts.frills,
        lambda: calls.signatures(search),
        lambda: arguments(search),
        segments.shorter,
        values.operands,
        values.rows,
        parts.registers,
        values.banks,
        parts.orders,
    ]


def _otherwise(search: Search, judge: Judge, passes: Sequence[Callable[[], None]]) -> None:
    """Make smaller what shows the same to be wrong in another way, such as by a result, or by no failure at all.

    The same is the instruction at the first divergence of a program, and the rules that a file breaks.
    """
    before = search.best
    named = _wrong(before, judge)
    if not named:
        return

    def fails(candidate: Specimen) -> bool:
        return judge.fails(candidate) and (candidate.edits is None or _wrong(candidate, judge) == named)

    judge.is_strict = False
    search.again(fails)
    parts, within = Modules(search), Inline(search)
    told = [] if before.edits is not None else [lambda: within.told(bulk, parts.parts, parts.code)]
    try:
        _rounds(search, [*told, *passes])
    finally:
        found = judge.difference(search.best)
        if found is None or bulk(search.best) >= bulk(before) or _wrong(search.best, judge) != named:
            search.best = before
        else:
            judge.retarget(found)
        judge.is_strict = True
        search.again(judge.fails)


def _wrong(specimen: Specimen, judge: Judge) -> object:
    """What a specimen shows to be wrong; an empty value where that is not known."""
    if specimen.edits is None:
        return judge.is_of_runs and first_divergence(specimen.program, lambda it: bool(judge.differences(it)))
    made = broken_of(specimen)
    return made[1].expected.rules if made is not None else frozenset()


def _tidy(search: Search, *, goes_round: bool) -> None:
    """What makes a case easier to read and nothing smaller; what goes round for ever gets no more fuel."""
    plainer(search)
    for number in range(len(search.best.program.calls) if search.best.edits is None else 0):
        _given(search, number, depth=_CASE_DEPTH)
        if goes_round or not _given(search, number, fuel=_CASE_FUEL):
            least(search.best.program.calls[number].fuel, partial(_with_fuel, search, number))


def _with_fuel(search: Search, number: int, fuel: int) -> bool:
    return _given(search, number, fuel=fuel)


def _given(search: Search, number: int, *, fuel: int | None = None, depth: int | None = None) -> bool:
    """Try another limit of a call."""
    whole = search.best
    calls = list(whole.program.calls)
    old = calls[number]
    calls[number] = replace(old, fuel=old.fuel if fuel is None else fuel, depth=old.depth if depth is None else depth)
    return search.attempt(replace(whole, program=replace(whole.program, calls=tuple(calls))))


def _shown(start: Specimen, judge: Judge, found: Comparison) -> Specimen | None:
    """A specimen with one more call, of a function that reads what differs in memory; None if that differs no more."""
    assert found.place is not None
    name, segment, offset = found.place
    program = start.program
    at = next(index for index, entry in enumerate(program.entries) if entry.name == name)
    module = program.entries[at].module
    assert module is not None
    function = Function(Signature(i_results=1), 1, 0, _reading(Segment[segment.upper()], offset))
    export = next(text for number in range(256) if (text := f"look{number}") not in {it.name for it in module.exports})
    row = Export(export, ImportKind.FUNCTION, Segment.NONE, len(module.functions), 0)
    looking: Module = replace(module, functions=(*module.functions, function), exports=(*module.exports, row))
    made = start.with_module(at, looking)
    made = replace(made, program=replace(made.program, calls=(*program.calls, Call(name, export))))
    differences = judge.differences(made.program)
    if not differences or EXHAUSTED in differences[0].outcomes:
        return None
    judge.retarget(differences[0])
    return made


def _reading(segment: Segment, offset: int) -> tuple[int, ...]:
    address = Opcode.LDATA if segment is Segment.DATA else Opcode.LBSS
    words = write([line(address, 0, offset), line(Opcode.I_LOAD8_U, 0, 0, 0), line(Opcode.RET, 0, 0)])
    assert words is not None
    return words
