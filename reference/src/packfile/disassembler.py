"""Disassembling: a module as text.

Assumes a module that the writer accepts. Promises text that assembles to an equal module, whatever its code holds:
words that are no instruction come out as `.word`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packfile.asm_code import MAX_REPEATED
from packfile.asm_lexer import is_plain_name, quoted, quoted_name
from packfile.asm_names import Names, constant_text, plain_slot
from packfile.asm_registers import least_registers
from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode, Operand
from packfile.layout import ImportKind, Segment
from packfile.model import Function, Module, Signature

_BYTES_PER_LINE = 16
_TEXT_PER_LINE = 64
_TARGETS_PER_LINE = 8
_RUNS = re.compile(rb"\x00{16,}|[\x20-\x7e\n\t]{4,}\x00?")
"""Bytes that are more readable as `.zero` or as a string."""


def disassemble(module: Module) -> str:
    """Assembly text of a module."""
    names = Names.of(module)
    blocks = [
        _head(module, names),
        _imports(module, names),
        _constants(module, names),
        _segment(".rodata", module.rodata, names.labels[Segment.RODATA]),
        _segment(".data", module.data, names.labels[Segment.DATA]),
        _data_exports(module, names),
        *(_Listing(module, index, names).lines() for index in range(len(module.functions))),
        _sections(module),
    ]
    return "\n".join("".join(f"{line}\n" for line in lines) for block in blocks if (lines := list(block)))


def _head(module: Module, names: Names) -> Iterator[str]:
    if module.unit_log2 != 12:
        yield f".unit {1 << module.unit_log2}"
    if module.bss_size:
        yield f".bss {module.bss_size}"
    if module.entry is not None:
        yield f".entry {names.functions[module.entry]}"


def _imports(module: Module, names: Names) -> Iterator[str]:
    for index, row in enumerate(module.imports):
        kind = "func" if row.kind is ImportKind.FUNCTION else "data"
        requirement = str(row.signature) if row.kind is ImportKind.FUNCTION else str(row.requirement)
        name = plain_slot(row) or f"{_in_quotes(row.module)}.{_in_quotes(row.name)}"
        alias = "" if names.slots[index] == name else f" as {names.slots[index]}"
        yield f".import {row.binding.name.lower()} {kind} {name} {requirement}{alias} ; @{index}"


def _in_quotes(name: str) -> str:
    return f'"{name}"' if is_plain_name(name) else quoted_name(name)


def _constants(module: Module, names: Names) -> Iterator[str]:
    for index, bits in enumerate(module.constants):
        yield f".const c{index} = {constant_text(bits, as_float=index in names.float_constants)}"


def _data_exports(module: Module, names: Names) -> Iterator[str]:
    for export in module.exports:
        if export.kind is ImportKind.DATA:
            label = names.labels.get(export.segment, {}).get(export.position)
            alias = "" if label == export.name else f" as {quoted_name(export.name)}"
            yield f".export data {label or f'bss+{export.position}'}{alias} {export.size}"


def _segment(directive: str, content: bytes, labels: Mapping[int, str]) -> Iterator[str]:
    if not content and not labels:
        return
    yield directive
    places = sorted({0, *labels})
    for start, end in zip(places, [*places[1:], len(content)], strict=True):
        if start in labels:
            yield f"{labels[start]}:"
        for item in _items(content[start:end]):
            yield f"  {item}"


def _items(content: bytes) -> Iterator[str]:
    at = 0
    for run in _RUNS.finditer(content):
        yield from _byte_lines(content[at : run.start()])
        found = run.group()
        if found[0] == 0:
            yield f".zero {len(found)}"
        else:
            yield from _string_lines(found)
        at = run.end()
    yield from _byte_lines(content[at:])


def _byte_lines(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), _BYTES_PER_LINE):
        yield f".byte {', '.join(map(hex, content[start : start + _BYTES_PER_LINE]))}"


def _string_lines(content: bytes) -> Iterator[str]:
    terminated = content.endswith(b"\0")
    text = content.removesuffix(b"\0")
    for start in range(0, len(text), _TEXT_PER_LINE):
        last = start + _TEXT_PER_LINE >= len(text)
        yield f"{'.stringz' if terminated and last else '.string'} {quoted(text[start : start + _TEXT_PER_LINE])}"


def _sections(module: Module) -> Iterator[str]:
    if module.digests:
        yield ".digests"
    for section in module.skippable:
        for start in range(0, len(section.content), _TEXT_PER_LINE):
            yield f".section {section.kind:#x} {quoted(section.content[start : start + _TEXT_PER_LINE])}"


class _Listing:
    """One function."""

    def __init__(self, module: Module, index: int, names: Names) -> None:
        self.module = module
        self.index = index
        self.names = names
        self.function: Function = module.functions[index]
        self.code = self.function.code
        self.rows = dict(_instructions(self.code))
        """Instruction at each word that one starts at; None where the word is none."""
        self.targets = frozenset(self._targets())
        """Words that branches name by a label."""

    def lines(self) -> Iterator[str]:
        """Everything from its `.func` on."""
        name, signature = self.names.functions[self.index], self.function.signature
        exported = self.names.exports[self.index]
        if exported:
            yield f".export func {name} {signature} ; @{self.index}"
        else:
            yield f".func {name} {signature} ; @{self.index}"
        for alias in exported[1:]:
            yield f".export func {name} as {quoted_name(alias)}"
        yield from self._registers()
        shown = 0
        for at, row in self.rows.items():
            if at < shown:
                continue
            if at in self.targets:
                yield f"L{at}:"
            if row is not None and row.opcode == Opcode.JMP_TABLE and (table := self._table(at)):
                shown = at + 1 + len(table)
                yield from _table_lines(f"  {row.mnemonic} i{self.code[at] >> 8 & 0xFF}, ", table)
            elif row is None:
                shown = at + self._equal_words(at)
                yield f"  .word {self.code[at]:#x}" + (f" * {shown - at}" if shown - at > 1 else "")
            else:
                yield f"  {self._instruction(at, row)}"
        if len(self.code) in self.targets:
            yield f"L{len(self.code)}:"

    def _registers(self) -> Iterator[str]:
        def function(index: int) -> Signature | None:
            return self.module.functions[index].signature if index < len(self.module.functions) else None

        def slot(index: int) -> Signature | None:
            found = self.module.imports[index] if index < len(self.module.imports) else None
            return found.signature if found and found.kind is ImportKind.FUNCTION else None

        least = least_registers(self.code, self.function.signature, function, slot)
        stated = (self.function.i_registers, self.function.n_registers)
        banks = [f"{bank} {size}" for bank, size, guess in zip("in", stated, least, strict=True) if size != guess]
        if banks:
            yield f"  .registers {' '.join(banks)}"

    def _targets(self) -> Iterator[int]:
        for at, row in self.rows.items():
            if row is not None and row.operands and row.operands[-1].field is FieldKind.BRANCH:
                target = at + _field(self.code, at, row.operands[-1])
                if target in self.rows or target == len(self.code):
                    yield target

    def _table(self, at: int) -> list[str]:
        """Targets of the jumps that follow a `jmp_table`; none if they cannot be written as its list."""
        count = (self.code[at] >> 16) + 1
        jumps = range(at + 1, at + 1 + count)
        for place in jumps:
            row = self.rows.get(place)
            if row is None or row.opcode != Opcode.JMP or place in self.targets:
                return []
        return [self._branch(place, INSTRUCTIONS[Opcode.JMP].operands[0]) for place in jumps]

    def _equal_words(self, at: int) -> int:
        """How many words that are no instruction can be shown as one repeated."""
        end = at + 1
        while (
            end in self.rows
            and self.rows[end] is None
            and self.code[end] == self.code[at]
            and end not in self.targets
            and end - at < MAX_REPEATED
        ):
            end += 1
        return end - at

    def _instruction(self, at: int, row: Instruction) -> str:
        operands = list(row.operands)
        windows = [operand for operand in operands if operand.field is FieldKind.WINDOW]
        if windows and not any(_field(self.code, at, operand) for operand in windows):
            operands = operands[len(windows) :]
        if operands and operands[-1].name == "disp8" and not _field(self.code, at, operands[-1]):
            operands.pop()
        return f"{row.mnemonic} {', '.join(self._operand(at, row, operand) for operand in operands)}".rstrip()

    def _operand(self, at: int, row: Instruction, operand: Operand) -> str:
        value = _field(self.code, at, operand)
        if operand.bank is not None:
            return f"{operand.bank}{value}"
        match operand.name:
            case "function":
                return _named(self.names.functions, value)
            case "slot" | "function_slot":
                return _named(self.names.slots, value)
            case "constant":
                return f"c{value}" if value < len(self.module.constants) else f"@{value}"
            case "signature":
                return str(Signature.from_word(value))
        if operand.field is FieldKind.BRANCH:
            return self._branch(at, operand)
        return self.names.addresses.get(row.opcode, {}).get(value, str(value))

    def _branch(self, at: int, operand: Operand) -> str:
        distance = _field(self.code, at, operand)
        return f"L{at + distance}" if at + distance in self.targets else f"{distance:+}"


def _named(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"@{index}"


def _table_lines(head: str, targets: list[str]) -> Iterator[str]:
    if len(targets) <= _TARGETS_PER_LINE:
        yield f"{head}[{', '.join(targets)}]"
        return
    yield f"{head}["
    for start in range(0, len(targets), _TARGETS_PER_LINE):
        comma = "," if start + _TARGETS_PER_LINE < len(targets) else ""
        yield f"    {', '.join(targets[start : start + _TARGETS_PER_LINE])}{comma}"
    yield "  ]"


def _instructions(code: Sequence[int]) -> Iterable[tuple[int, Instruction | None]]:
    """Every word that an instruction starts at, from the first word on; a word that starts none stands alone."""
    at = 0
    while at < len(code):
        word = code[at]
        row = _ROWS.get(word & 0xFF)
        if row is not None and (word & _UNUSED[row.opcode] or at + row.words > len(code)):
            row = None
        yield at, row
        at += row.words if row else 1


def _field(code: Sequence[int], at: int, operand: Operand) -> int:
    """The value of an operand; signed where its text is."""
    size = 8 * operand.size
    value = code[at + 1] if operand.field is FieldKind.LITERAL else code[at] >> 8 * operand.position & (1 << size) - 1
    signed = operand.field in (FieldKind.SIGNED, FieldKind.BRANCH) or operand.name == "imm32"
    return value - (1 << size) if signed and value >> size - 1 else value


_ROWS = {int(op): row for op, row in INSTRUCTIONS.items()}
_UNUSED = {op: sum(0xFF << 8 * position for position in row.unused) for op, row in INSTRUCTIONS.items()}
