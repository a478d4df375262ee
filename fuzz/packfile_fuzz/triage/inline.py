"""Passes on calls of functions: what is called stands in the place of the call, or its results alone do.

Assumes nothing of the specimen. Promises candidates alone, and the search decides: a candidate does what the call did
if that is made once, for the registers of what is called are taken to be 0 as in a new frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from packfile.instructions import FieldKind, Opcode
from packfile.layout import ImportKind
from packfile.model import Function, Module, Signature
from packfile_fuzz.program import Call
from packfile_fuzz.triage.calls import loads, numbers, starts, steps_of
from packfile_fuzz.triage.lines import Line, line, put_first, put_instead, read, write
from packfile_fuzz.triage.parts import Parts
from packfile_fuzz.triage.specimen import Specimen
from packfile_fuzz.triage.watch import Step

_MOST_REGISTERS = 255
_LONGEST = 40
"""Instructions of a function that is put in, and of one whose calls are looked at."""
_CALLS = (Opcode.CALL, Opcode.CALLI, Opcode.CALLR)


class Inline(Parts):
    """The passes."""

    def calls(self, size: Callable[[Specimen], int], *after: Callable[[], object]) -> None:
        """Put what it does in place of each call, or what it gave, the last call first, if less of all is left then.

        Args:
            size: Of a specimen.
            after: What makes the candidates smaller, with as many modules.
        """
        for at in self.places():
            for index in range(len(self.module(at).functions)):
                for number in range(len(self._lines(at, index)) - 1, -1, -1):
                    self.search.tentatively([partial(self._replace, at, index, number, after)], size)

    def joined(self, size: Callable[[Specimen], int], *after: Callable[[], object]) -> None:
        """Have a call begin with what the call before it does, the last call first, if less of all is left then.

        Args:
            size: Of a specimen.
            after: What makes the candidates smaller, with as many modules.
        """
        for number in range(len(self.search.best.program.calls) - 1, 0, -1):
            self.search.tentatively([partial(self._join, number, after)], size)

    def told(self, size: Callable[[Specimen], int], *after: Callable[[], object]) -> None:
        """Have functions return what they tell the host module, or what an instruction gave, if less is left then.

        Args:
            size: Of a specimen.
            after: As above.
        """
        for at in self.places():
            for index in range(len(self.module(at).functions)):
                for number in range(len(self._lines(at, index)) - 1, -1, -1):
                    self.search.tentatively([partial(self._return, at, index, number, after)], size)

    def _return(self, at: int, index: int, number: int, after: Sequence[Callable[[], object]]) -> None:
        if index < len(self.module(at).functions) and self.attempt(at, partial(_returning, index=index, number=number)):
            for each in after:
                each()

    def _lines(self, at: int, index: int) -> list[Line]:
        functions = self.module(at).functions
        lines = read(functions[index].code) if index < len(functions) else None
        return lines if lines is not None and len(lines) <= _LONGEST else []

    def _replace(self, at: int, index: int, number: int, after: Sequence[Callable[[], object]]) -> None:
        lines = self._lines(at, index)
        if number >= len(lines) or lines[number].row.opcode not in _CALLS:
            return
        module = self.module(at)
        ways = [*self._given(at, index, number, lines), *_bodies(module, index, number, lines)]
        if any(self.replaced(at, way) for way in ways):
            for each in after:
                each()

    def _given(self, at: int, index: int, number: int, lines: Sequence[Line]) -> Iterator[Module | None]:
        """A module that loads what a call gave when it was made first."""
        word = starts(lines)[number]
        for each in numbers(self.search):
            steps = steps_of(self.search.best, each)
            made = next((it for it, step in enumerate(steps) if step[:3] == (at, index, word)), None)
            if made is None:
                continue
            back = next((step for step in steps[made + 1 :] if step.depth <= steps[made].depth), None)
            if back is not None and back[:2] == (at, index):
                yield _loading(self.module(at), index, number, lines, (steps[made], back))
            return

    def _join(self, number: int, after: Sequence[Callable[[], object]]) -> None:
        whole = self.search.best
        if number >= len(whole.program.calls):
            return
        first, second = (_called(whole, call) for call in whole.program.calls[number - 1 : number + 1])
        if first is None or second is None or first[0] != second[0]:
            return
        at = first[0]
        module = beginning_with(self.module(at), second[1], first[1], whole.program.calls[number - 1])
        if module is None:
            return
        calls = whole.program.calls[: number - 1] + whole.program.calls[number:]
        made = whole.with_module(at, module)
        if self.search.attempt(replace(made, program=replace(made.program, calls=calls))):
            for each in after:
                each()


def _returning(module: Module, index: int, number: int) -> Module | None:
    """A module of which a function ends at a line with one result.

    That is what it gives to what it calls through a slot, in place of the call, or what the line's first register holds
    after it.
    """
    function = module.functions[index]
    lines = read(function.code) or []
    if number >= len(lines):
        return None
    it = lines[number]
    if it.row.opcode is Opcode.CALLI:
        row = module.imports[it.literal or 0]
        given, new = row.signature if row.kind is ImportKind.FUNCTION else Signature(), []
        i, n = (it.value(operand) for operand in it.row.operands[:2])
    elif it.row.operands and it.row.operands[0].field is FieldKind.REGISTER:
        bank, i, new = it.row.operands[0].bank, it.value(it.row.operands[0]), [it]
        given, i, n = (Signature(1), i, 0) if bank == "i" else (Signature(0, 1), 0, i)
    else:
        return None
    if given.i_params + given.n_params != 1:
        return None
    signature = replace(function.signature, i_results=given.i_params, n_results=given.n_params)
    functions = list(module.functions)
    functions[index] = replace(function, signature=signature)
    made = replace(module, functions=tuple(functions))
    return _with_code(made, index, put_instead(lines, number, [*new, line(Opcode.RET, i, n)]))


def _called(whole: Specimen, call: Call) -> tuple[int, int] | None:
    """Position and index of the function that the embedder calls; None if there is none."""
    for at, entry in enumerate(whole.program.entries):
        if entry.name != call.module or entry.module is None:
            continue
        if call.function is None:
            return None if entry.module.entry is None else (at, entry.module.entry)
        rows = entry.module.exports
        found = (row.position for row in rows if (row.kind, row.name) == (ImportKind.FUNCTION, call.function))
        return next(((at, index) for index in found), None)
    return None


def _loading(module: Module, index: int, number: int, lines: Sequence[Line], steps: tuple[Step, Step]) -> Module | None:
    """A module that loads what registers held after a call, in place of it, as far as they were others before."""
    constants = list(module.constants)
    before, after = steps
    new = [
        *(each for at, each in enumerate(loads(after.i, (), constants)) if after.i[at] != before.i[at]),
        *(each for at, each in enumerate(loads((), after.n, constants)) if after.n[at] != before.n[at]),
    ]
    return _with_code(replace(module, constants=tuple(constants)), index, put_instead(lines, number, new))


def _bodies(module: Module, index: int, number: int, lines: Sequence[Line]) -> Iterator[Module | None]:
    """Modules with what a call calls in its place: in the registers of the call's window, then in others."""
    it = lines[number]
    if it.row.opcode is not Opcode.CALL or it.literal is None or it.literal >= len(module.functions):
        return
    i, n = (it.value(operand) for operand in it.row.operands[:2])
    callee, caller = module.functions[it.literal], module.functions[index]
    yield _with_body(module, index, number, lines, callee, ((i, n), (i, n), ()))
    given = [line(Opcode.I_MOV, caller.i_registers + at, i + at) for at in range(callee.signature.i_params)]
    given += [line(Opcode.N_MOV, caller.n_registers + at, n + at) for at in range(callee.signature.n_params)]
    yield _with_body(module, index, number, lines, callee, ((caller.i_registers, caller.n_registers), (i, n), given))


def beginning_with(module: Module, index: int, other: int, call: Call) -> Module | None:
    """A module in which a function does first what another does; None if it cannot be made.

    Args:
        module: The module.
        index: Of the function.
        other: Index of the other, whose results go nowhere.
        call: What gives the other its arguments.
    """
    function, callee = module.functions[index], module.functions[other]
    lines = read(function.code)
    if lines is None or len(lines) > _LONGEST:
        return None
    constants = list(module.constants)
    base = function.i_registers, function.n_registers
    given = list(loads(call.i, call.n, constants, base))
    made = replace(module, constants=tuple(constants))
    stand_in = put_first(lines, [line(Opcode.CALL)])
    return _with_body(made, index, 0, stand_in, callee, (base, None, given))


_Registers = tuple[tuple[int, int], tuple[int, int] | None, Sequence[Line]]
"""First registers of either bank that a body uses; those that its results go to, if any; what is done before it."""


def _with_body(
    module: Module, index: int, number: int, lines: Sequence[Line], callee: Function, registers: _Registers
) -> Module | None:
    """A module with the body of a function in place of a line of another; None if it cannot be made."""
    body, function = read(callee.code), module.functions[index]
    (i, n), to, first = registers
    if body is None or len(body) > _LONGEST:
        return None
    i_needed, n_needed = (
        max(function.i_registers, i + callee.i_registers),
        max(function.n_registers, n + callee.n_registers),
    )
    if max(i_needed, n_needed) > _MOST_REGISTERS:
        return None
    parts = [
        list(first),
        *(_returned(each, callee, to, len(body)) for each in (_higher(it, i, n) for it in body)),
    ]
    places = [sum(map(len, parts[: at + 1])) for at in range(len(parts))]
    new = [
        each if each.target is None else each._replace(target=places[each.target]) for part in parts for each in part
    ]
    functions = list(module.functions)
    functions[index] = replace(function, i_registers=i_needed, n_registers=n_needed)
    return _with_code(replace(module, functions=tuple(functions)), index, put_instead(lines, number, new))


def _higher(it: Line, i: int, n: int) -> Line:
    """An instruction on other registers."""
    for operand in it.row.operands:
        if operand.bank:
            it = it.with_value(operand, it.value(operand) + (i if operand.bank == "i" else n))
    return it


def _returned(it: Line, callee: Function, to: tuple[int, int] | None, end: int) -> list[Line]:
    """A line of a body; of a return, what moves its results, and a jump to the end."""
    if it.row.opcode is not Opcode.RET:
        return [it]
    moves = []
    if to is not None:
        i, n = (it.value(operand) for operand in it.row.operands)
        results = callee.signature
        moves += [(Opcode.I_MOV, to[0] + at, i + at) for at in range(results.i_results)]
        moves += [(Opcode.N_MOV, to[1] + at, n + at) for at in range(results.n_results)]
    return [*(line(op, a, b) for op, a, b in moves if a != b), line(Opcode.JMP)._replace(target=end)]


def _with_code(module: Module, index: int, lines: Sequence[Line]) -> Module | None:
    words = write(lines)
    if not words:
        return None
    functions = list(module.functions)
    functions[index] = replace(functions[index], code=words)
    return replace(module, functions=tuple(functions))
