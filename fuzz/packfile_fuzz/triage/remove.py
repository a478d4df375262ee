"""Modules without some of their parts, with all that named the others still naming them.

Assumes modules whose code can be read as lines. Promises None where it cannot; an instruction that named what is gone
goes as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from packfile.asm_registers import least_registers
from packfile.instructions import Opcode
from packfile.layout import ImportKind
from packfile.model import Function, Module, Signature
from packfile_fuzz.triage.lines import Line, kept, read, write

_NAMED = {
    "function": frozenset({Opcode.CALL, Opcode.LFN}),
    "slot": frozenset({Opcode.CALLI, Opcode.LDSLOT, Opcode.BOUND}),
    "constant": frozenset({Opcode.I_CONST, Opcode.N_CONST}),
}
"""Instructions whose literal is an index, by what it is an index of."""


def with_functions(module: Module, left: Sequence[int]) -> Module | None:
    """A module with some of its functions only; exports and entry of the others go too."""
    places = {old: new for new, old in enumerate(left)}
    functions = tuple(module.functions[index] for index in left)
    exports = tuple(
        replace(export, position=places[export.position]) if export.kind is ImportKind.FUNCTION else export
        for export in module.exports
        if export.kind is not ImportKind.FUNCTION or export.position in places
    )
    entry = places.get(module.entry) if module.entry is not None else None
    made = replace(module, functions=functions, exports=exports, entry=entry)
    return _renumbered(made, "function", places)


def with_imports(module: Module, left: Sequence[int]) -> Module | None:
    """A module with some of its imports only."""
    imports = tuple(module.imports[index] for index in left)
    return _renumbered(replace(module, imports=imports), "slot", {old: new for new, old in enumerate(left)})


def with_constants(module: Module, left: Sequence[int]) -> Module | None:
    """A module with some of its constants only."""
    constants = tuple(module.constants[index] for index in left)
    return _renumbered(replace(module, constants=constants), "constant", {old: new for new, old in enumerate(left)})


def used(module: Module, what: str) -> set[int]:
    """Indexes that code names."""
    found: set[int] = set()
    for function in module.functions:
        for line in read(function.code) or ():
            if line.row.opcode in _NAMED[what] and line.literal is not None:
                found.add(line.literal)
    return found


def _renumbered(module: Module, what: str, places: Mapping[int, int]) -> Module | None:
    return edited(module, lambda lines: _lines(lines, what, places))


def _lines(lines: list[Line], what: str, places: Mapping[int, int]) -> list[Line]:
    names = _NAMED[what]
    left = [at for at, line in enumerate(lines) if line.row.opcode not in names or line.literal in places]
    return [
        line._replace(literal=places[line.literal]) if line.row.opcode in names and line.literal is not None else line
        for line in kept(lines, left)
    ]


def edited(
    module: Module, change: Callable[[list[Line]], list[Line]], which: Iterable[int] | None = None
) -> Module | None:
    """A module with the lines of its functions, or of some of them, changed."""
    chosen = range(len(module.functions)) if which is None else set(which)
    functions = list(module.functions)
    for index in chosen:
        lines = read(functions[index].code)
        words = write(change(lines)) if lines is not None else None
        if words is None or not words:
            return None
        functions[index] = replace(functions[index], code=words)
    return replace(module, functions=tuple(functions))


def with_least_registers(module: Module) -> Module:
    """A module whose functions have no more registers than they name."""

    def function(index: int) -> Signature | None:
        return module.functions[index].signature if index < len(module.functions) else None

    def slot(index: int) -> Signature | None:
        found = module.imports[index] if index < len(module.imports) else None
        return found.signature if found and found.kind is ImportKind.FUNCTION else None

    functions: list[Function] = []
    for each in module.functions:
        i, n = least_registers(each.code, each.signature, function, slot)
        functions.append(replace(each, i_registers=min(i, 255), n_registers=min(n, 255)))
    return replace(module, functions=tuple(functions))


def count(modules: Iterable[Module | None]) -> int:
    """Instructions of modules; a word that is none counts as one."""
    total = 0
    for module in modules:
        for function in module.functions if module is not None else ():
            lines = read(function.code)
            total += len(function.code) if lines is None else len(lines)
    return total
