"""What differs between two modules.

Assumes modules that `decode` gave. Promises no change exactly if the modules are equal, and otherwise at least one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from packfile.asm_lexer import quoted_name
from packfile.cli.listing import Names, line_at
from packfile.cli.terminal import Json
from packfile.layout import ImportKind
from packfile.model import Export, Function, Import, Module

_LONGEST_COMPARED = 4096
"""Most lines of a function that are matched with those of another; the time for that grows with their square."""
_CONSTANT = 8
_SHOWN = 8
"""Bytes that are shown from the first that differs."""
_NONE = "none"


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    what: str
    """Such as `entry` or `function fib`."""
    first: str | None
    """How it is in the first module; None if it is not there."""
    second: str | None
    lines: tuple[str, ...] = ()
    """Of code: lines that only the first has, with `-`, and those that only the second has, with `+`."""

    def text(self) -> str:
        """The change for people, in one or more lines."""
        if self.first is None:
            head = f"{self.what}: only in the second: {self.second}"
        elif self.second is None:
            head = f"{self.what}: only in the first: {self.first}"
        elif self.first == self.second:
            head = f"{self.what}: {self.first}"
        else:
            head = f"{self.what}: {self.first} | {self.second}"
        return "\n".join([head, *(f"    {line}" for line in self.lines)])

    def json(self) -> Json:
        """The change for scripts. Its keys are always the same."""
        return {"what": self.what, "first": self.first, "second": self.second, "lines": list(self.lines)}


def changes(one: Module, other: Module) -> list[Change]:
    """Every change from one module to another."""
    if one == other:
        return []
    sides = _Side(one), _Side(other)
    found = [
        *_fields(*sides),
        *_mapped("import", sides[0].imports, sides[1].imports),
        *_mapped("export", sides[0].exports, sides[1].exports),
        *_functions(*sides),
        *_bytes("constants", _constants(one), _constants(other), _CONSTANT),
        *_bytes("rodata", one.rodata, other.rodata),
        *_bytes("data", one.data, other.data),
        *_skippable(one, other),
    ]
    return found or [Change("order", "the order of functions", "another")]


class _Side:
    """A module with names in the place of indexes."""

    def __init__(self, module: Module) -> None:
        self.module = module
        exported: dict[int, str] = {}
        for export in module.exports:
            if export.kind is ImportKind.FUNCTION:
                exported.setdefault(export.position, quoted_name(export.name))
        unnamed = iter(range(len(module.functions)))
        self.function_names = [
            exported[index] if index in exported else f"unnamed {next(unnamed)}"
            for index in range(len(module.functions))
        ]
        self.functions = dict(zip(self.function_names, enumerate(module.functions), strict=True))
        self.slot_names = list(_slot_names(module.imports))
        self.imports = {
            name: f"slot {index}, {row.binding.name.lower()} {row.kind.name.lower()}, {_requirement(row)}"
            for index, (name, row) in enumerate(zip(self.slot_names, module.imports, strict=True))
        }
        self.exports = {quoted_name(export.name): self._export(export) for export in module.exports}
        self.names = Names(
            lambda index: _at(self.function_names, index),
            lambda index: _at(self.slot_names, index),
            lambda index: f"={module.constants[index]:#x}" if index < len(module.constants) else f"@{index}",
        )

    @property
    def entry(self) -> str:
        """Name of the entry function."""
        return _NONE if self.module.entry is None else self.function_names[self.module.entry]

    def _export(self, export: Export) -> str:
        if export.kind is ImportKind.FUNCTION:
            return f"function {self.function_names[export.position]}"
        return f"{export.size} bytes at {export.segment.name.lower()}+{export.position}"

    def lines(self, function: Function) -> list[str]:
        """The code of a function, one instruction a line."""
        found = []
        word = 0
        while word < len(function.code):
            line = line_at(function.code, word, self.names)
            found.append(line.text)
            word += line.words
        return found


def _slot_names(imports: Sequence[Import]) -> Iterator[str]:
    """Names of imports; those of the same thing are told apart by a number."""
    seen: Counter[str] = Counter()
    for row in imports:
        name = f"{quoted_name(row.module)}.{quoted_name(row.name)}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def _requirement(row: Import) -> str:
    return str(row.signature) if row.kind is ImportKind.FUNCTION else f"{row.requirement} bytes or more"


def _at(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"@{index}"


def _fields(one: _Side, other: _Side) -> Iterator[Change]:
    for what, first, second in (
        ("alignment unit", f"{1 << one.module.unit_log2} bytes", f"{1 << other.module.unit_log2} bytes"),
        ("entry", one.entry, other.entry),
        ("bss", f"{one.module.bss_size} bytes", f"{other.module.bss_size} bytes"),
        ("digests", *("present" if side.module.digests else _NONE for side in (one, other))),
    ):
        if first != second:
            yield Change(what, first, second)


def _mapped(what: str, one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield Change(f"{what} {name}", one.get(name), other.get(name))


def _functions(one: _Side, other: _Side) -> Iterator[Change]:
    for name in dict.fromkeys([*one.functions, *other.functions]):
        what = f"function {name}"
        if name not in other.functions:
            yield Change(what, _summary(*one.functions[name]), None)
        elif name not in one.functions:
            yield Change(what, None, _summary(*other.functions[name]))
        else:
            (index, function), (other_index, other_function) = one.functions[name], other.functions[name]
            if function == other_function and index == other_index:
                continue
            summaries = _summary(index, function), _summary(other_index, other_function)
            lines = _code(one.lines(function), other.lines(other_function))
            # What differs in indexes alone is told where the things that have them are.
            if lines or summaries[0] != summaries[1]:
                yield Change(what, *summaries, lines)


def _summary(index: int, function: Function) -> str:
    banks = f"{function.i_registers} i and {function.n_registers} n registers"
    return f"function {index}, {function.signature}, {banks}, {len(function.code)} words"


def _code(one: list[str], other: list[str]) -> tuple[str, ...]:
    if one == other:
        return ()
    if max(len(one), len(other)) > _LONGEST_COMPARED:
        at = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
        ends = (*(f"-{x}" for x in one[at : at + 1]), *(f"+{x}" for x in other[at : at + 1]))
        return (f"first difference at instruction {at}", *ends)
    return tuple(line for line in unified_diff(one, other, lineterm="", n=1) if not line.startswith(("---", "+++")))


def _constants(module: Module) -> bytes:
    return b"".join(constant.to_bytes(8, "big") for constant in module.constants)


def _bytes(what: str, one: bytes, other: bytes, unit: int = 1) -> Iterator[Change]:
    """Where runs of units first differ, and how long they are."""
    if one == other:
        return
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if one[low:middle] != other[low:middle] else (middle, high)
    at = low // unit
    yield Change(what, _content(one, at, unit), _content(other, at, unit))


def _content(content: bytes, at: int, unit: int) -> str:
    length = f"{len(content) // unit} {'constants' if unit == _CONSTANT else 'bytes'}"
    found = content[at : at + _SHOWN].hex(" ") if unit == 1 else content[at * unit : (at + 1) * unit].hex()
    return f"{length}, at {at}: {found or 'the end'}"


def _skippable(one: Module, other: Module) -> Iterator[Change]:
    first, second = ({section.kind: section.content for section in module.skippable} for module in (one, other))
    for kind in sorted({*first, *second}):
        if kind not in second:
            yield Change(f"section {kind:#x}", f"{len(first[kind])} bytes", None)
        elif kind not in first:
            yield Change(f"section {kind:#x}", None, f"{len(second[kind])} bytes")
        else:
            yield from _bytes(f"section {kind:#x}", first[kind], second[kind])
