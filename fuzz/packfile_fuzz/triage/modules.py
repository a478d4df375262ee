"""Passes on modules: fewer of them, and fewer and simpler parts of each.

Assumes nothing of the specimen. Promises candidates alone; the search decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from packfile.instructions import Opcode
from packfile.layout import ByteOrder
from packfile.model import Module
from packfile_fuzz.triage import remove
from packfile_fuzz.triage.addresses import moved
from packfile_fuzz.triage.lines import Line, kept, read, unrolled
from packfile_fuzz.triage.parts import Parts
from packfile_fuzz.triage.search import thin
from packfile_fuzz.triage.specimen import Specimen

_LONGEST = 30
"""Instructions of a loop that may be written twice."""
_LOW = 12
"""Registers that are tried in place of another."""


class Modules(Parts):
    """The passes."""

    def entries(self) -> None:
        """Leave out modules, but for one: a case has to have some."""
        whole = self.search.best

        def attempt(left: Sequence[int]) -> bool:
            entries = tuple(whole.program.entries[at] for at in left)
            if all(entry.module is None for entry in entries):
                return False
            fewer = replace(whole.program, entries=entries)
            programs = (fewer, moved(fewer, left))
            return self.search.first(replace(whole, program=program) for program in programs)

        thin(len(whole.program.entries), attempt)

    def orders(self) -> None:
        """Write files in little order: all of them, or as many as may be."""
        whole = self.search.best
        entries = tuple(replace(entry, order=ByteOrder.LITTLE) for entry in whole.program.entries)
        if self.search.attempt(replace(whole, program=replace(whole.program, entries=entries))):
            return
        for at in range(len(entries)):
            now = list(self.search.best.program.entries)
            now[at] = entries[at]
            self.search.attempt(replace(whole, program=replace(self.search.best.program, entries=tuple(now))))

    def parts(self) -> None:
        """Leave out functions, imports, exports and constants."""
        for at in self.places():
            self.thin(at, lambda it: len(it.functions), remove.with_functions)
            self.thin(at, lambda it: len(it.exports), _with_exports)
            self.thin(at, lambda it: len(it.imports), remove.with_imports)
            self.attempt(at, _without_unused)
            self.thin(at, lambda it: len(it.constants), remove.with_constants)

    def code(self) -> None:
        """Leave out instructions, of the last functions first."""
        for at in self.places():
            for index in range(len(self.module(at).functions) - 1, -1, -1):
                lines = read(self.module(at).functions[index].code)
                if lines is not None:
                    thin(len(lines), self._leaving(at, index))
            for index in range(len(self.module(at).functions)):
                self._tables(at, index)

    def loops(self, size: Callable[[Specimen], int]) -> None:
        """Have what a loop repeats stand there twice, the last loop first, where the loop takes more instructions."""
        for at in self.places():
            for index in range(len(self.module(at).functions)):
                lines = read(self.module(at).functions[index].code) or []
                for number in range(len(lines) - 1, -1, -1):
                    self.search.tentatively([partial(self._unroll, at, index, number)], size)

    def frills(self) -> None:
        """Leave out what few failures need: sections, digests, entry, large units, registers."""
        for at in self.places():
            self.attempt(at, lambda it: replace(it, skippable=()))
            self.attempt(at, lambda it: replace(it, digests=False))
            self.attempt(at, lambda it: replace(it, entry=None))
            self.attempt(at, lambda it: replace(it, unit_log2=12))
            self.attempt(at, remove.with_least_registers)

    def registers(self) -> None:
        """Use low registers, and one for several things where that can be."""
        for at in self.places():
            for index in range(len(self.module(at).functions)):
                for bank in ("i", "n"):
                    self._close_gaps(at, index, bank)
                    used = _registers(read(self.module(at).functions[index].code) or [], bank)
                    for old in sorted(used, reverse=True):
                        for new in range(min(old, _LOW)):
                            if self.attempt(at, partial(_renamed, index=index, bank=bank, places={old: new})):
                                break

    def _close_gaps(self, at: int, index: int, bank: str) -> None:
        """Move all registers that follow on unused ones, so that windows stay whole."""
        used = sorted(_registers(read(self.module(at).functions[index].code) or [], bank))
        for low, high in reversed([*pairwise((-1, *used))]):
            if high - low > 1:
                places = {old: old - (high - low - 1) for old in used if old >= high}
                self.attempt(at, partial(_renamed, index=index, bank=bank, places=places))

    def _unroll(self, at: int, index: int, number: int) -> None:
        lines = read(self.module(at).functions[index].code) or []
        target = lines[number].target if number < len(lines) else None
        if target is None or not 0 <= number - target <= _LONGEST:
            return
        if self.attempt(at, partial(remove.edited, change=partial(unrolled, at=number), which=[index])):
            self.code()

    def _leaving(self, at: int, index: int) -> Callable[[list[int]], bool]:
        """What tries to have just some lines of a function."""
        module = self.module(at)
        return lambda left: self.replaced(at, remove.edited(module, lambda lines: kept(lines, left), [index]))

    def _tables(self, at: int, index: int) -> None:
        """Take jumps from the ends of jump tables."""
        lines = read(self.module(at).functions[index].code) or []
        for number in range(len(lines) - 1, -1, -1):
            if lines[number].row.opcode is Opcode.JMP_TABLE:
                change = partial(remove.edited, change=_shorter_table(number), which=[index])
                while self.attempt(at, change):
                    pass


def _with_exports(module: Module, left: Sequence[int]) -> Module:
    return replace(module, exports=tuple(module.exports[at] for at in left))


def _without_unused(module: Module) -> Module | None:
    return remove.with_constants(module, sorted(remove.used(module, "constant") & set(range(len(module.constants)))))


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


def _renamed(module: Module, index: int, bank: str, places: Mapping[int, int]) -> Module | None:
    """A module of which one function uses other registers, wherever an operand or window begins."""

    def change(lines: list[Line]) -> list[Line]:
        changed = []
        for each in lines:
            it = each
            for operand in each.row.operands:
                if operand.bank == bank:
                    old = each.value(operand)
                    it = it.with_value(operand, places.get(old, old))
            changed.append(it)
        return changed

    return remove.edited(module, change, [index])


def _registers(lines: Sequence[Line], bank: str) -> set[int]:
    return {each.value(operand) for each in lines for operand in each.row.operands if operand.bank == bank}
