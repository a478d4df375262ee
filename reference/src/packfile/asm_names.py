"""Names for what a module only numbers, so that its text can be read.

Assumes a module that the writer accepts. Promises names that differ within their kind, and that the assembler reads
back to the same things.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packfile.asm_lexer import is_plain_name, quoted_name
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import ImportKind, Segment
from packfile.model import Import, Module

_CANONICAL_NAN = 0x7FF8000000000000
_SMALL = 1 << 32
_SEGMENT_OF = {Opcode.LRODATA: Segment.RODATA, Opcode.LDATA: Segment.DATA}
_RESERVED = frozenset({"rodata", "data", "bss"})


@dataclass(frozen=True)
class Names:
    """Names of one module, ready to be written."""

    functions: tuple[str, ...]
    """By index; of an exported function its first export name."""
    exports: tuple[tuple[str, ...], ...]
    """Names that each function is exported under, by its index; as they are, not quoted."""
    slots: tuple[str, ...]
    """By index."""
    labels: Mapping[Segment, Mapping[int, str]]
    """Of places in rodata and data that code loads or that are exported."""
    float_constants: frozenset[int]
    """Constants that are only used as floats."""

    @property
    def addresses(self) -> Mapping[Opcode, Mapping[int, str]]:
        """Labels by the instruction that loads them."""
        return {opcode: self.labels[segment] for opcode, segment in _SEGMENT_OF.items()}

    @classmethod
    def of(cls, module: Module) -> Names:
        """Choose the names of a module."""
        exports: list[list[str]] = [[] for _ in module.functions]
        for export in module.exports:
            if export.kind is ImportKind.FUNCTION:
                exports[export.position].append(export.name)
        literals = list(_literals(module))
        as_integer = {value for opcode, value in literals if opcode is Opcode.I_CONST}
        as_float = {value for opcode, value in literals if opcode is Opcode.N_CONST}
        return cls(
            functions=tuple(_functions(exports)),
            exports=tuple(map(tuple, exports)),
            slots=tuple(_slots(module)),
            labels=_labels(module, literals),
            float_constants=frozenset(as_float - as_integer),
        )


def constant_text(bits: int, *, as_float: bool) -> str:
    """A constant as it is written: a float, a decimal integer, or a hexadecimal one if it is large."""
    if as_float:
        value = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
        is_nan = value != value  # noqa: PLR0124 - what only a NaN does
        return (f"nan:{bits:016x}" if bits != _CANONICAL_NAN else "nan") if is_nan else repr(value)
    signed = bits - (1 << 64) if bits >> 63 else bits
    return str(signed) if -_SMALL < signed < _SMALL else f"{bits:#x}"


def plain_slot(row: Import) -> str | None:
    """The name of a slot that needs neither quotes nor an alias; None where it needs some."""
    parts = (row.module, row.name)
    return ".".join(parts) if all(is_plain_name(part) and "." not in part for part in parts) else None


def _functions(exports: list[list[str]]) -> Iterator[str]:
    taken = {names[0] for names in exports if names}
    for index, names in enumerate(exports):
        yield quoted_name(names[0]) if names else _free(f"f{index}", taken)


def _slots(module: Module) -> Iterator[str]:
    plain = [plain_slot(row) for row in module.imports]
    taken = {name for name in plain if name}
    seen: set[str] = set()
    for index, name in enumerate(plain):
        if name and name not in seen:
            seen.add(name)
            yield name
        else:
            yield _free(f"slot{index}", taken)


def _labels(module: Module, literals: list[tuple[Opcode, int]]) -> Mapping[Segment, Mapping[int, str]]:
    taken: set[str] = set(_RESERVED)
    labels: dict[Segment, dict[int, str]] = {Segment.RODATA: {}, Segment.DATA: {}}
    for export in module.exports:
        named = labels.get(export.segment)
        if (
            named is not None
            and export.position not in named
            and is_plain_name(export.name)
            and export.name not in taken
        ):
            named[export.position] = export.name
            taken.add(export.name)
    places = [(export.segment, export.position) for export in module.exports if export.segment in labels]
    places += [(_SEGMENT_OF[opcode], value) for opcode, value in literals if opcode in _SEGMENT_OF]
    for segment, position in places:
        if 0 <= position <= module.segment_size(segment) and position not in labels[segment]:
            labels[segment][position] = _free(f"{segment.name.lower()}_{position}", taken)
    return labels


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _literals(module: Module) -> Iterator[tuple[Opcode, int]]:
    """Literals of the instructions that load constants and addresses; a guess where code is not valid."""
    for function in module.functions:
        at = 0
        while at < len(function.code) - 1:
            row = _ROWS.get(function.code[at] & 0xFF)
            if row is not None and row.opcode in _LOADS:
                yield row.opcode, function.code[at + 1]
            at += row.words if row else 1


_LOADS = frozenset({Opcode.I_CONST, Opcode.N_CONST, *_SEGMENT_OF})
_ROWS = {int(op): row for op, row in INSTRUCTIONS.items()}
