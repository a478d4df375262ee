"""Names that a case can write and a reader likes: `main`, `b`, `f`, in place of whatever the generator chose.

Assumes a program. Promises one in which modules and functions are still found by those that named them; and, where
names matter to a failure, that those which do not are plain and the others as short as can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from packfile_fuzz.program import Entry, Program
from packfile_fuzz.triage.search import Search

_MODULES = ("main", "b", "c", "d")
_EXPORTS = ("f", "g", "h", "k", "l", "m", "p", "q", "r", "s")
_HOST = "host"
_MISSING = "absent"
Names = Mapping[tuple[str, str], str]
"""New names of what modules export or are asked for, by the module's old name and their own."""


def renamed(program: Program) -> Program:
    """The program with plain names; those of host functions stay."""
    return with_names(program, _module_names(program), _export_names(program))


def plainer(search: Search) -> None:
    """Give everything a plain name; if that cannot be, what can have one, and the rest a short one."""
    whole = search.best
    if search.attempt(replace(whole, program=renamed(whole.program))):
        return
    for old, new in _module_names(whole.program).items():
        names = {entry.name for entry in search.best.program.entries}
        if new not in names:
            _attempt(search, {old: new}, {})
    for (module, old), new in _export_names(search.best.program).items():
        if (module, new) in _export_names(search.best.program) or not _attempt(search, {}, {(module, old): new}):
            _shorten(search, module, old)


def with_names(program: Program, modules: Mapping[str, str], names: Names) -> Program:
    """The program with other names.

    Args:
        program: The program.
        modules: New names of modules by old; others stay.
        names: New names of what they export; others stay.
    """

    def entry(old: Entry) -> Entry:
        new = replace(old, name=modules.get(old.name, old.name))
        if old.module is None:
            return new
        exports = [replace(row, name=names.get((old.name, row.name), row.name)) for row in old.module.exports]
        exports.sort(key=lambda row: row.name.encode())
        imports = tuple(
            replace(row, module=modules.get(row.module, row.module), name=names.get((row.module, row.name), row.name))
            for row in old.module.imports
        )
        return replace(new, module=replace(old.module, exports=tuple(exports), imports=imports))

    calls = tuple(
        replace(
            call,
            module=modules.get(call.module, call.module),
            function=None if call.function is None else names.get((call.module, call.function), call.function),
        )
        for call in program.calls
    )
    return Program(tuple(map(entry, program.entries)), calls)


def _module_names(program: Program) -> dict[str, str]:
    free = iter(_MODULES)
    names: dict[str, str] = {}
    for entry in program.entries:
        if entry.module is not None:
            names.setdefault(entry.name, next(free, entry.name))
        elif _HOST not in names.values():
            names.setdefault(entry.name, _HOST)
    for entry in program.entries:
        for row in entry.module.imports if entry.module is not None else ():
            names.setdefault(row.module, _MISSING)
    for call in program.calls:
        names.setdefault(call.module, _MISSING)
    return names


def _export_names(program: Program) -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    for entry in program.entries:
        free = iter(_EXPORTS)
        for row in entry.module.exports if entry.module is not None else ():
            names.setdefault((entry.name, row.name), next(free, row.name))
    hosts = {entry.name for entry in program.entries if entry.module is None}
    for entry in program.entries:
        for asked in entry.module.imports if entry.module is not None else ():
            if asked.module not in hosts:
                names.setdefault((asked.module, asked.name), _MISSING)
    for call in program.calls:
        if call.function is not None and call.module not in hosts:
            names.setdefault((call.module, call.function), _MISSING)
    return names


def _attempt(search: Search, modules: Mapping[str, str], names: Names) -> bool:
    whole = search.best
    return search.attempt(replace(whole, program=with_names(whole.program, modules, names)))


def _shorten(search: Search, module: str, name: str) -> None:
    """Cut a name at its end, then at its front, to the fewest characters that will do."""
    for is_end in (True, False):
        low, high, old = 1, len(name), name
        while low < high:
            middle = (low + high) // 2
            new = old[:middle] if is_end else old[-middle:]
            if _attempt(search, {}, {(module, name): new}):
                high, name = middle, new
            else:
                low = middle + 1
