"""Names that a case can write and a reader likes: `main`, `b`, `f`, in place of whatever the generator chose.

Assumes a program. Promises one in which modules and functions are still found by those that named them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from packfile.model import Module
from packfile_fuzz.program import Entry, Program

_MODULES = ("main", "b", "c", "d")
_EXPORTS = ("f", "g", "h", "k", "l", "m", "p", "q", "r", "s")
_HOST = "host"
_MISSING = "absent"


def renamed(program: Program) -> Program:
    """The program with plain names; those of host functions stay."""
    modules = _module_names(program)
    exports = {entry.name: _export_names(entry.module) for entry in program.entries if entry.module is not None}
    hosts = {entry.name for entry in program.entries if entry.module is None}
    entries = tuple(_entry(entry, modules, exports, hosts) for entry in program.entries)
    calls = tuple(
        replace(
            call,
            module=modules.get(call.module, call.module),
            function=None if call.function is None else exports.get(call.module, {}).get(call.function, call.function),
        )
        for call in program.calls
    )
    return Program(entries, calls)


def _module_names(program: Program) -> dict[str, str]:
    free = iter(_MODULES)
    names: dict[str, str] = {}
    for entry in program.entries:
        if entry.module is not None:
            names.setdefault(entry.name, next(free, entry.name))
        elif _HOST not in names.values():
            names.setdefault(entry.name, _HOST)
    return names


def _export_names(module: Module) -> dict[str, str]:
    free = iter(_EXPORTS)
    return {export.name: next(free, export.name) for export in module.exports}


def _entry(
    entry: Entry, modules: Mapping[str, str], exports: Mapping[str, Mapping[str, str]], hosts: set[str]
) -> Entry:
    if entry.module is None:
        return replace(entry, name=modules.get(entry.name, entry.name))
    mine = exports[entry.name]
    rows = [replace(export, name=mine[export.name]) for export in entry.module.exports]
    rows.sort(key=lambda export: export.name.encode())
    imports = tuple(
        replace(
            row,
            module=modules.get(row.module, row.module if row.module in hosts else _MISSING),
            name=row.name if row.module in hosts else exports.get(row.module, {}).get(row.name, _MISSING),
        )
        for row in entry.module.imports
    )
    module = replace(entry.module, exports=tuple(rows), imports=imports)
    return replace(entry, name=modules[entry.name], module=module)
