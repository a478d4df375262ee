"""Passes on modules: fewer of them, and fewer and simpler parts of each.

Assumes nothing of the specimen. Promises candidates alone; the search decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from packfile.instructions import FieldKind, Opcode
from packfile.layout import ByteOrder
from packfile.model import Module
from packfile_fuzz.triage import remove
from packfile_fuzz.triage.lines import Line, branch_of, kept, line, read, unrolled
from packfile_fuzz.triage.search import Search, thin
from packfile_fuzz.triage.specimen import Specimen

Make = Callable[[Specimen, int, Module], Iterator[Specimen]]
"""From a specimen, the place of a module and the module that is to stand there, the candidates for it, best first."""

_LONGEST = 30
"""Instructions of a loop that may be written twice."""


def plain(whole: Specimen, position: int, module: Module) -> Iterator[Specimen]:
    """The one candidate of a program."""
    yield whole.with_module(position, module)


class Modules:
    """The passes, with what makes candidates of a changed module."""

    def __init__(self, search: Search, make: Make = plain) -> None:
        self._search, self._make = search, make

    def entries(self) -> None:
        """Leave out modules, but for one: a case has to have some."""
        whole = self._search.best

        def attempt(left: Sequence[int]) -> bool:
            entries = tuple(whole.program.entries[at] for at in left)
            if all(entry.module is None for entry in entries):
                return False
            return self._search.attempt(replace(whole, program=replace(whole.program, entries=entries)))

        thin(len(whole.program.entries), attempt)

    def orders(self) -> None:
        """Write files in little order: all of them, or as many as may be."""
        whole = self._search.best
        entries = tuple(replace(entry, order=ByteOrder.LITTLE) for entry in whole.program.entries)
        if self._search.attempt(replace(whole, program=replace(whole.program, entries=entries))):
            return
        for at in range(len(entries)):
            now = list(self._search.best.program.entries)
            now[at] = entries[at]
            self._search.attempt(replace(whole, program=replace(self._search.best.program, entries=tuple(now))))

    def parts(self) -> None:
        """Leave out functions, imports, exports and constants."""
        for at in self._places():
            self._thin(at, lambda it: len(it.functions), remove.with_functions)
            self._thin(at, lambda it: len(it.exports), _with_exports)
            self._thin(at, lambda it: len(it.imports), remove.with_imports)
            self._attempt(at, _without_unused)
            self._thin(at, lambda it: len(it.constants), remove.with_constants)

    def code(self) -> None:
        """Leave out instructions, of the last functions first."""
        for at in self._places():
            for index in range(len(self._module(at).functions) - 1, -1, -1):
                lines = read(self._module(at).functions[index].code)
                if lines is not None:
                    thin(len(lines), self._leaving(at, index))
            for index in range(len(self._module(at).functions)):
                self._tables(at, index)

    def loops(self, size: Callable[[Specimen], int]) -> None:
        """Have what a loop repeats stand there twice, the last loop first, where the loop takes more instructions."""
        for at in self._places():
            for index in range(len(self._module(at).functions)):
                lines = read(self._module(at).functions[index].code) or []
                for number in range(len(lines) - 1, -1, -1):
                    self._search.tentatively([partial(self._unroll, at, index, number)], size)

    def frills(self) -> None:
        """Leave out what few failures need: sections, digests, entry, large units, bytes of segments, registers."""
        for at in self._places():
            self._attempt(at, lambda it: replace(it, skippable=()))
            self._attempt(at, lambda it: replace(it, digests=False))
            self._attempt(at, lambda it: replace(it, entry=None))
            self._attempt(at, lambda it: replace(it, unit_log2=12))
            for name in ("rodata", "data", "bss_size"):
                self._shorten(at, name)
            self._attempt(at, remove.with_least_registers)

    def operands(self) -> None:
        """Make operands 0, constants small, and loads of constants immediate."""
        for at in self._places():
            for index in range(len(self._module(at).functions)):
                lines = read(self._module(at).functions[index].code) or []
                for number in range(len(lines)):
                    self._simplify(at, index, number)
            for number in range(len(self._module(at).constants)):
                any(self._attempt(at, _with_constant(number, value)) for value in (0, 1))

    def registers(self) -> None:
        """Use low registers."""
        for at in self._places():
            for index in range(len(self._module(at).functions)):
                for bank in ("i", "n"):
                    used = _registers(read(self._module(at).functions[index].code) or [], bank)
                    for old in sorted(used, reverse=True):
                        free = next(number for number in range(old + 1) if number not in used or number == old)
                        if self._attempt(at, partial(_renamed, index=index, bank=bank, old=old, new=free)):
                            used = used - {old} | {free}

    def _simplify(self, at: int, index: int, number: int) -> None:
        def changed(new: Callable[[Line], Line]) -> bool:
            def change(lines: list[Line]) -> list[Line]:
                return [*lines[:number], new(lines[number]), *lines[number + 1 :]]

            return self._attempt(at, lambda it: remove.edited(it, change, [index]))

        lines = read(self._module(at).functions[index].code)
        if lines is None or number >= len(lines):
            return
        it = lines[number]
        if it.row.opcode in (Opcode.I_CONST, Opcode.I_IMM32):
            register = it.value(it.row.operands[0])
            if any(changed(partial(_immediate, register, value)) for value in (0, 1, -1)):
                return
        for operand in it.row.operands:
            if operand.field is FieldKind.LITERAL:
                if it.literal:
                    changed(partial(Line._replace, literal=0))
            elif operand != branch_of(it.row) and it.value(operand):
                changed(partial(Line.with_value, operand=operand, value=0))

    def _unroll(self, at: int, index: int, number: int) -> None:
        lines = read(self._module(at).functions[index].code) or []
        target = lines[number].target if number < len(lines) else None
        if target is None or not 0 <= number - target <= _LONGEST:
            return
        if self._attempt(at, partial(remove.edited, change=partial(unrolled, at=number), which=[index])):
            self.code()

    def _leaving(self, at: int, index: int) -> Callable[[list[int]], bool]:
        """What tries to have just some lines of a function."""
        module = self._module(at)
        return lambda left: self._try(at, remove.edited(module, lambda lines: kept(lines, left), [index]))

    def _tables(self, at: int, index: int) -> None:
        """Take jumps from the ends of jump tables."""
        lines = read(self._module(at).functions[index].code) or []
        for number in range(len(lines) - 1, -1, -1):
            if lines[number].row.opcode is Opcode.JMP_TABLE:
                change = partial(remove.edited, change=_shorter_table(number), which=[index])
                while self._attempt(at, change):
                    pass

    def _shorten(self, at: int, name: str) -> None:
        """Make a segment as short as it can be; and its bytes 0."""
        old = getattr(self._module(at), name)
        size = old if isinstance(old, int) else len(old)
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            if self._attempt(at, partial(_cut, name=name, size=middle)):
                high = middle
            else:
                low = middle + 1
        if isinstance(old, bytes):
            self._attempt(at, partial(_cleared, name=name))

    def _thin(
        self, at: int, count: Callable[[Module], int], build: Callable[[Module, Sequence[int]], Module | None]
    ) -> None:
        module = self._module(at)
        thin(count(module), lambda left: self._try(at, build(module, left)))

    def _attempt(self, at: int, change: Callable[[Module], Module | None]) -> bool:
        return self._try(at, change(self._module(at)))

    def _try(self, at: int, module: Module | None) -> bool:
        if module is None or module == self._module(at):
            return False
        return self._search.first(self._make(self._search.best, at, module))

    def _module(self, at: int) -> Module:
        module = self._search.best.program.entries[at].module
        assert module is not None
        return module

    def _places(self) -> list[int]:
        return [at for at, entry in enumerate(self._search.best.program.entries) if entry.module is not None]


def _with_exports(module: Module, left: Sequence[int]) -> Module:
    return replace(module, exports=tuple(module.exports[at] for at in left))


def _without_unused(module: Module) -> Module | None:
    return remove.with_constants(module, sorted(remove.used(module, "constant") & set(range(len(module.constants)))))


def _with_constant(number: int, value: int) -> Callable[[Module], Module]:
    def change(module: Module) -> Module:
        constants = list(module.constants)
        constants[number] = min(value, constants[number])
        return replace(module, constants=tuple(constants))

    return change


def _shorter_table(number: int) -> Callable[[list[Line]], list[Line]]:
    def change(lines: list[Line]) -> list[Line]:
        count = lines[number].row.operands[1]
        jumps = lines[number].value(count)
        if not jumps:
            return lines
        left = [at for at in range(len(lines)) if at != number + 1 + jumps]
        shorter = kept(lines, left)
        shorter[number] = shorter[number].with_value(count, jumps - 1)
        return shorter

    return change


def _immediate(register: int, value: int, _old: Line) -> Line:
    return line(Opcode.I_IMM, register, value)


def _cut(module: Module, name: str, size: int) -> Module:
    match name:
        case "rodata":
            return replace(module, rodata=module.rodata[:size])
        case "data":
            return replace(module, data=module.data[:size])
    return replace(module, bss_size=size)


def _cleared(module: Module, name: str) -> Module:
    if name == "data":
        return replace(module, data=bytes(len(module.data)))
    return replace(module, rodata=bytes(len(module.rodata)))


def _renamed(module: Module, index: int, bank: str, old: int, new: int) -> Module | None:
    """A module of which one function uses another register, wherever one operand or window begins."""

    def change(lines: list[Line]) -> list[Line]:
        changed = []
        for each in lines:
            it = each
            for operand in each.row.operands:
                if operand.bank == bank and each.value(operand) == old:
                    it = it.with_value(operand, new)
            changed.append(it)
        return changed

    return remove.edited(module, change, [index])


def _registers(lines: Sequence[Line], bank: str) -> set[int]:
    return {each.value(operand) for each in lines for operand in each.row.operands if operand.bank == bank}
