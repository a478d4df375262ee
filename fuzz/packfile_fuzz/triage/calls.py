"""Passes on calls: fewer of them, directly of what goes wrong, and from the midst of it.

Assumes a program that fails in its last call, or before. Promises candidates alone; the search decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from packfile.instructions import Opcode
from packfile.layout import ImportKind, Segment
from packfile.model import Export, Module
from packfile_fuzz.triage.lines import Line, line, put_first, read, write
from packfile_fuzz.triage.search import Search, thin
from packfile_fuzz.triage.specimen import Specimen
from packfile_fuzz.triage.watch import Step, watch

_MASK = (1 << 64) - 1
_MOST = 48
"""Places that are tried to begin at."""


def fewer(search: Search) -> None:
    """Leave out calls."""
    whole = search.best
    calls = whole.program.calls

    def attempt(left: Sequence[int]) -> bool:
        some = tuple(calls[at] for at in left)
        return search.attempt(replace(whole, program=replace(whole.program, calls=some)))

    thin(len(calls), attempt)


def little_fuel(search: Search) -> None:
    """Give calls no more fuel and depth than other programs have, so that no candidate takes long."""
    whole = search.best
    calls = tuple(replace(call, fuel=min(call.fuel, 1000), depth=min(call.depth, 50)) for call in whole.program.calls)
    search.attempt(replace(whole, program=replace(whole.program, calls=calls)))


def nearer(search: Search) -> None:
    """Call functions directly that were called by others, the last call first."""
    for number in numbers(search):
        whole = search.best
        entries = [step for step in steps_of(whole, number) if step.word == 0 and step.depth > 1]
        search.first(_direct(whole, number, step) for step in list(dict.fromkeys(reversed(entries)))[:_MOST])


def numbers(search: Search) -> range:
    """Numbers of the calls, the last first."""
    return range(len(search.best.program.calls) - 1, -1, -1)


def steps_of(whole: Specimen, number: int) -> list[Step]:
    """Steps of one of the calls, as far as it has any."""
    return watch(replace(whole.program, calls=whole.program.calls[: number + 1]))


def _direct(whole: Specimen, number: int, step: Step) -> Specimen | None:
    made = _exported(whole, step)
    if made is None:
        return None
    specimen, name = made
    entry = specimen.program.entries[step.position]
    assert entry.module is not None
    signature = entry.module.functions[step.function].signature
    calls = list(specimen.program.calls)
    i, n = step.i[: signature.i_params], step.n[: signature.n_params]
    calls[number] = replace(calls[number], module=entry.name, function=name, i=i, n=n)
    return replace(specimen, program=replace(specimen.program, calls=tuple(calls)))


def _exported(whole: Specimen, step: Step) -> tuple[Specimen, str] | None:
    """A specimen that exports a function, and the name; None for a host function."""
    module = whole.program.entries[step.position].module if step.position < len(whole.program.entries) else None
    if module is None:
        return None
    for export in module.exports:
        if export.kind is ImportKind.FUNCTION and export.position == step.function:
            return whole, export.name
    name = next(name for number in range(256) if (name := f"f{number}") not in {it.name for it in module.exports})
    export = Export(name, ImportKind.FUNCTION, Segment.NONE, step.function, 0)
    return whole.with_module(step.position, replace(module, exports=(*module.exports, export))), name


def later(search: Search) -> None:
    """Begin functions in their midst, with what registers held there, the last call first."""
    for number in numbers(search):
        whole = search.best
        steps = [step for step in steps_of(whole, number) if step.depth == 1]
        # The last of them that will do leaves out the most; of many only some are tried, the last the most densely.
        places = range(len(steps) - 1, 0, -1)
        chosen = [*places[:_MOST], *(at for power in range(6, 15) for at in places[1 << power : (1 << power) + 4])]
        search.first(_from(whole, steps[at]) for at in chosen if steps[at].word)


def _from(whole: Specimen, step: Step) -> Specimen | None:
    module = whole.program.entries[step.position].module
    assert module is not None
    function = module.functions[step.function]
    lines = read(function.code)
    if lines is None:
        return None
    constants = list(module.constants)
    first = [*loads(step.i, step.n, constants), line(Opcode.JMP)._replace(target=starts(lines).index(step.word))]
    words = write(put_first(lines, first))
    if words is None:
        return None
    functions = list(module.functions)
    functions[step.function] = replace(function, code=words)
    made = replace(module, functions=tuple(functions), constants=tuple(constants))
    return whole.with_module(step.position, made)


def starts(lines: Sequence[Line]) -> list[int]:
    """Words at which lines begin."""
    return list(accumulate((each.row.words for each in lines[:-1]), initial=0))


def loads(i: Sequence[int], n: Sequence[int], constants: list[int], first: tuple[int, int] = (0, 0)) -> Iterator[Line]:
    """What loads values into registers, also where they hold 0: they may have been parameters.

    Args:
        i: Integers, signed.
        n: Floats, as bits.
        constants: Those of the module, to which others are added.
        first: The first register of either bank.
    """
    for register, value in enumerate(i, first[0]):
        if -(1 << 15) <= value < 1 << 15:
            yield line(Opcode.I_IMM, register, value)
        else:
            yield line(Opcode.I_CONST, register, _constant(constants, value & _MASK))
    for register, bits in enumerate(n, first[1]):
        yield line(Opcode.N_CONST, register, _constant(constants, bits))


def _constant(constants: list[int], bits: int) -> int:
    if bits not in constants:
        constants.append(bits)
    return constants.index(bits)


def signatures(search: Search) -> None:
    """Take parameters and results from functions, and from whatever calls or imports them by name."""
    for position, entry in enumerate(search.best.program.entries):
        for index in range(len(entry.module.functions) if entry.module else 0):
            for name in ("i_params", "n_params", "i_results", "n_results"):
                while search.first(_without(search.best, position, index, name, rest) for rest in (False, True)):
                    pass


def _without(whole: Specimen, position: int, index: int, name: str, one: bool) -> Specimen | None:
    entry = whole.program.entries[position]
    assert entry.module is not None
    function = entry.module.functions[index]
    old = getattr(function.signature, name)
    if not old:
        return None
    signature = replace(function.signature, **{name: old - 1 if one else 0})
    functions = list(entry.module.functions)
    functions[index] = replace(function, signature=signature)
    made = whole.with_module(position, replace(entry.module, functions=tuple(functions)))
    names = {it.name for it in entry.module.exports if it.kind is ImportKind.FUNCTION and it.position == index}
    for at, other in enumerate(made.program.entries):
        if other.module is not None:
            made = made.with_module(at, _importing(other.module, entry.name, names, signature.word))
    calls = tuple(
        replace(call, i=call.i[: signature.i_params], n=call.n[: signature.n_params])
        if call.module == entry.name and (call.function in names or call.function is None)
        else call
        for call in made.program.calls
    )
    return replace(made, program=replace(made.program, calls=calls))


def _importing(module: Module, name: str, names: set[str], word: int) -> Module:
    imports = tuple(
        replace(row, requirement=word)
        if row.kind is ImportKind.FUNCTION and row.module == name and row.name in names
        else row
        for row in module.imports
    )
    return replace(module, imports=imports)
