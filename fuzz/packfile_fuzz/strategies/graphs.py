"""Import graphs: programs whose modules surely import from each other.

Assumes a program of the generator with at least two modules. Promises that each module imports from the next, and the
last from the first, with every binding; that these slots are looked at and called; and that calls still end, since
what is added here is called by the embedder alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from packfile.instructions import Opcode
from packfile.layout import Binding, ImportKind, Segment
from packfile.model import Export, Function, Import, Module, Signature
from packfile_fuzz.generator.shape import MOST
from packfile_fuzz.program import Call, Entry, Program

LINKS = "links"
"""Name of the export that is added to each module: it uses the added slots, in their order."""
CHOICES_AT, _CHOICES = 200, 24
"""The bytes that decide on the added slots: those that the generator has for a fourth call, which few programs make."""
_BINDINGS = (Binding.EAGER, Binding.LAZY, Binding.WEAK)
_MORE = len(_BINDINGS)
_ROWS = _MORE + 2
"""Rows that are added to each module."""
_SIGNATURE = Signature(0, 0, 2 * _ROWS, 0)
_WINDOW = 2 * _ROWS
"""First register for calls, after those of the results."""
_OTHER = 1 << 24
"""Another count of float results, or another size."""
_ABSENT = 0xE0
"""From here on a lazy or weak import asks for what is not there."""


class _Graph(NamedTuple):
    """A program's modules in their order, without the host."""

    entries: Sequence[Entry]
    choices: bytes

    def rows(self, position: int) -> Iterator[Import]:
        """What is added to a module's imports: one row a binding for the next module, then two for any."""
        for number in range(_ROWS):
            choice = self.choices[(position * _ROWS + number) % len(self.choices)]
            step = 1 if number < _MORE else 2 + choice
            target = self.entries[(position + step) % len(self.entries)]
            yield _row(target, _BINDINGS[number % _MORE], choice)


def connected(program: Program, content: bytes) -> Program:
    """The program with imports added.

    Args:
        program: The program.
        content: The bytes that it was made of, which decide on these as well.
    """
    mine = [entry for entry in program.entries if entry.module is not None]
    graph = _Graph(mine, content[CHOICES_AT : CHOICES_AT + _CHOICES].ljust(_CHOICES, b"\0"))
    entries = [
        entry
        if entry.module is None
        else replace(entry, module=_linked(entry.module, [*graph.rows(mine.index(entry))]))
        for entry in program.entries
    ]
    return Program(tuple(entries), (*program.calls, *(Call(entry.name, LINKS) for entry in mine)))


def _row(target: Entry, binding: Binding, choice: int) -> Import:
    module = target.module
    assert module is not None
    export = module.exports[choice % len(module.exports)]
    requirement = module.functions[export.position].signature.word if export.segment is Segment.NONE else export.size
    name = export.name
    if choice >= _ABSENT and binding is not Binding.EAGER:
        if choice & 1:
            name = "absent"
        elif binding is Binding.LAZY:
            requirement ^= _OTHER
    return Import(export.kind, binding, target.name, name, requirement)


def _linked(module: Module, rows: Sequence[Import]) -> Module:
    first = len(module.imports)
    code = [word for number, row in enumerate(rows) for word in _use(row, number, first + number)]
    function = Function(_SIGNATURE, _WINDOW + MOST, MOST + 1, (*code, Opcode.RET))
    export = Export(LINKS, ImportKind.FUNCTION, Segment.NONE, len(module.functions), 0)
    return replace(
        module,
        functions=(*module.functions, function),
        imports=(*module.imports, *rows),
        exports=tuple(sorted((*module.exports, export), key=lambda export: export.name.encode())),
    )


def _use(row: Import, number: int, slot: int) -> Iterator[int]:
    """Whether the slot is bound, what it holds, and what comes of calling it, which leaves those two alone."""
    yield from (Opcode.BOUND | 2 * number << 8, slot)
    yield from (Opcode.LDSLOT | 2 * number + 1 << 8, slot)
    if row.kind is ImportKind.FUNCTION:
        yield from (Opcode.CALLI | _WINDOW << 8, slot)
