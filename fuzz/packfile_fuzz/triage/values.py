"""Passes on numbers: operands, constants, arguments and rows, each as near to 0 as it can be.

Assumes nothing of the specimen. Promises candidates alone; the search decides. No number is tried that is less simple
than the one that stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from packfile.instructions import FieldKind, Opcode, Operand
from packfile.layout import Binding, ImportKind, Segment
from packfile.model import Export, Function, Module
from packfile_fuzz.triage import remove
from packfile_fuzz.triage.lines import Line, branch_of, line, read
from packfile_fuzz.triage.parts import Parts
from packfile_fuzz.triage.search import Search
from packfile_fuzz.triage.specimen import Specimen

_SIMPLE = (0, 1, -1)
_SIMPLE_FLOATS = tuple(word << 48 for word in (0, 0x3FF0, 0xBFF0, 0x8000, 0x7FF8, 0x7FF0, 0xFFF0))
"""0, 1, -1, -0, NaN and the infinities."""
_FRACTION_BITS = 52
_IMMEDIATE = range(-(1 << 15), 1 << 15)
_ADDRESSES = {Segment.RODATA: Opcode.LRODATA, Segment.DATA: Opcode.LDATA, Segment.BSS: Opcode.LBSS}
"""Instructions that give addresses of the module's own segments."""


def least(value: int, attempt: Callable[[int], bool], simple: Sequence[int] = _SIMPLE) -> None:
    """Try numbers that are simpler than one: some first of all, then itself with fewer bits, from the highest on.

    Args:
        value: What stands there.
        attempt: Tries another number, and says whether it may stay.
        simple: Numbers that are simpler than all others, the simplest first.
    """
    for each in simple:
        if each == value or attempt(each):
            return
    sign = -1 if value < 0 else 1
    left = abs(value)
    for bit in range(left.bit_length() - 1, -1, -1):
        fewer = left & ~(1 << bit)
        if fewer != left and sign * fewer not in simple and attempt(sign * fewer):
            left = fewer


def least_float(bits: int, attempt: Callable[[int], bool]) -> None:
    """Try floats that are simpler than one: some first of all, then itself with a shorter fraction.

    Args:
        bits: What stands there.
        attempt: Tries the bits of another, and says whether it may stay.
    """
    for each in _SIMPLE_FLOATS:
        if each == bits or attempt(each):
            return
    for kept in (0, 1, 2, 4, 8, 16, 32):
        shorter = bits >> _FRACTION_BITS - kept << _FRACTION_BITS - kept
        if shorter not in _SIMPLE_FLOATS and (shorter == bits or attempt(shorter)):
            return


class Values(Parts):
    """The passes on modules."""

    def operands(self) -> None:
        """Make operands and constants small, and load immediately or by segment what is constant."""
        for at in self.places():
            for index in range(len(self.module(at).functions)):
                for number in range(len(read(self.module(at).functions[index].code) or [])):
                    self._simplify(at, index, number)
            for number in range(len(self.module(at).constants)):
                self._constant(at, number)

    def banks(self) -> None:
        """Give functions few registers, if more than they name."""
        for at in self.places():
            for index, function in enumerate(self.module(at).functions):
                least(function.i_registers, partial(self._bank, at, index, _with_i_registers), (0,))
                least(function.n_registers, partial(self._bank, at, index, _with_n_registers), (0,))

    def _bank(self, at: int, index: int, change: Callable[[Function, int], Function], count: int) -> bool:
        functions = list(self.module(at).functions)
        functions[index] = change(functions[index], count)
        return self.attempt(at, lambda module: replace(module, functions=tuple(functions)))

    def rows(self) -> None:
        """Make small what exports give and imports ask for, and imports eager."""
        for at in self.places():
            for number, export in enumerate(self.module(at).exports):
                if export.kind is ImportKind.DATA:
                    least(export.position, partial(self._export, at, number, _with_position), (0,))
                    least(export.size, partial(self._export, at, number, _with_size), (0,))
            for number, row in enumerate(self.module(at).imports):
                least(row.requirement, partial(self._import, at, number), (0,))
                self._binding(at, number)

    def _export(self, at: int, number: int, change: Callable[[Export, int], Export], value: int) -> bool:
        rows = list(self.module(at).exports)
        rows[number] = change(rows[number], value)
        return self.attempt(at, lambda module: replace(module, exports=tuple(rows)))

    def _import(self, at: int, number: int, value: int) -> bool:
        rows = list(self.module(at).imports)
        rows[number] = replace(rows[number], requirement=value)
        return self.attempt(at, lambda module: replace(module, imports=tuple(rows)))

    def _binding(self, at: int, number: int) -> None:
        rows = list(self.module(at).imports)
        rows[number] = replace(rows[number], binding=Binding.EAGER)
        self.attempt(at, lambda module: replace(module, imports=tuple(rows)))

    def _line(self, at: int, index: int, number: int, new: Callable[[Line], Line]) -> bool:
        def change(lines: list[Line]) -> list[Line]:
            return [*lines[:number], new(lines[number]), *lines[number + 1 :]]

        return self.attempt(at, lambda it: remove.edited(it, change, [index]))

    def _simplify(self, at: int, index: int, number: int) -> None:
        lines = read(self.module(at).functions[index].code)
        if lines is None or number >= len(lines):
            return
        it = lines[number]
        changed = partial(self._line, at, index, number)
        if it.row.opcode in (Opcode.I_CONST, Opcode.I_IMM32) and self._load(at, it, changed):
            return
        for operand in it.row.operands:
            if operand.field is FieldKind.LITERAL:
                if it.row.opcode not in (Opcode.I_CONST, Opcode.N_CONST):
                    least(it.literal or 0, lambda value: changed(partial(_with_literal, value)), (0,))
            elif operand != branch_of(it.row) and it.row.opcode is not Opcode.JMP_TABLE:
                self._operand(it, operand, changed)

    def _operand(self, it: Line, operand: Operand, changed: Callable[[Callable[[Line], Line]], bool]) -> None:
        value = it.value(operand)
        if operand.field is FieldKind.SIGNED:
            value -= (value >> 8 * operand.size - 1) << 8 * operand.size
        if operand.bank:
            if value:
                changed(partial(_with_operand, operand, 0))
            return
        least(value, lambda other: changed(partial(_with_operand, operand, other)), _SIMPLE if value < 0 else (0, 1))

    def _load(self, at: int, it: Line, changed: Callable[[Callable[[Line], Line]], bool]) -> bool:
        """Load an integer in a simpler way, if that can be."""
        register = it.value(it.row.operands[0])
        loads = [line(Opcode.I_IMM, register, value) for value in _SIMPLE]
        value = self._loaded(at, it)
        if value in _IMMEDIATE:
            loads.append(line(Opcode.I_IMM, register, value))
        elif value >> 32 in range(3 * at + 1, 3 * at + 4):
            address = _ADDRESSES[Segment((value >> 32) - 3 * at)]
            loads.append(line(address, register, value & 0xFFFFFFFF))
        return any(changed(partial(_instead, load)) for load in loads)

    def _loaded(self, at: int, it: Line) -> int:
        literal = it.literal or 0
        if it.row.opcode is Opcode.I_IMM32:
            return signed(literal, 32)
        constants = self.module(at).constants
        return signed(constants[literal], 64) if literal < len(constants) else 0

    def _constant(self, at: int, number: int) -> None:
        def attempt(value: int) -> bool:
            def change(module: Module) -> Module:
                constants = list(module.constants)
                constants[number] = value & (1 << 64) - 1
                return replace(module, constants=tuple(constants))

            return self.attempt(at, change)

        value = self.module(at).constants[number]
        if number in _floats(self.module(at)):
            least_float(value, attempt)
        else:
            least(signed(value, 64), attempt)


def arguments(search: Search) -> None:
    """Make the arguments of calls simple."""
    for number, call in enumerate(search.best.program.calls):
        for at, value in enumerate(call.i):
            least(value, partial(_argument, search, number, "i", at))
        for at, value in enumerate(call.n):
            least_float(value, partial(_argument, search, number, "n", at))


def signed(value: int, bits: int) -> int:
    """A word's value as a two's complement number."""
    return value - ((value >> bits - 1) << bits)


def _argument(search: Search, number: int, bank: str, at: int, value: int) -> bool:
    whole: Specimen = search.best
    calls = list(whole.program.calls)
    given = list(getattr(calls[number], bank))
    given[at] = value
    i, n = (tuple(given), calls[number].n) if bank == "i" else (calls[number].i, tuple(given))
    calls[number] = replace(calls[number], i=i, n=n)
    return search.attempt(replace(whole, program=replace(whole.program, calls=tuple(calls))))


def _floats(module: Module) -> set[int]:
    """Constants that are loaded as floats, and not as integers."""
    found: dict[Opcode, set[int]] = {Opcode.I_CONST: set(), Opcode.N_CONST: set()}
    for function in module.functions:
        for each in read(function.code) or ():
            if each.row.opcode in found and each.literal is not None:
                found[each.row.opcode].add(each.literal)
    return found[Opcode.N_CONST] - found[Opcode.I_CONST]


def _with_i_registers(function: Function, count: int) -> Function:
    return replace(function, i_registers=count)


def _with_n_registers(function: Function, count: int) -> Function:
    return replace(function, n_registers=count)


def _with_position(row: Export, value: int) -> Export:
    return replace(row, position=value)


def _with_size(row: Export, value: int) -> Export:
    return replace(row, size=value)


def _with_literal(value: int, old: Line) -> Line:
    return old._replace(literal=value)


def _with_operand(operand: Operand, value: int, old: Line) -> Line:
    return old.with_value(operand, value)


def _instead(new: Line, _old: Line) -> Line:
    return new
