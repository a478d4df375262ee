"""Modules of the kind that numeric cases are, run by the specification's text alone.

Reads the part of assembly that those cases use: exported functions, labels, numbers in rodata and data, and bss.
Takes instructions as text and never as words, so it owes nothing to the assembler either.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spec_machine import table
from spec_machine.effects import State, step
from spec_machine.floats import Float
from spec_machine.memory import Memory

REGISTERS = 255
MOST_STEPS = 10_000
_EXPORT = re.compile(r"\.export func (\w+) \(([^)]*)\) -> \(([^)]*)\)")
_SIZES = {".byte": 1, ".i16": 2, ".i32": 4, ".i64": 8}


class TextError(Exception):
    """The text is not of the kind that this module reads."""


@dataclass
class Function:
    """A function: its instructions by the word at which each begins."""

    i_params: int
    n_params: int
    i_results: int
    n_results: int
    instructions: dict[int, tuple[table.Row, list[str]]] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    length: int = 0


class Program:
    """A module, and the state that its calls leave behind.

    Args:
        text: Its assembly.
        rows: The instructions by mnemonic, if not those of spec/instructions.ksy.
    """

    def __init__(self, text: str, rows: Mapping[str, table.Row] | None = None) -> None:
        self.functions: dict[str, Function] = {}
        self.constants: list[int] = []
        self.memory = Memory()
        self.fuel = 0
        """Units that the last call charged, if it returned."""
        segment = bytearray()
        rows = table.read().rows if rows is None else rows
        function: Function | None = None
        for line in filter(None, map(str.strip, text.splitlines())):
            word, _, rest = line.partition(" ")
            if exported := _EXPORT.fullmatch(line):
                given, taken = exported[2], exported[3]
                function = Function(given.count("i"), given.count("n"), taken.count("i"), taken.count("n"))
                self.functions[exported[1]] = function
            elif word == ".bss":
                self.memory.segments["bss"] = bytearray(int(rest))
            elif word in (".rodata", ".data"):
                segment = self.memory.segments[word[1:]] = bytearray()
            elif word in _SIZES:
                size = _SIZES[word]
                segment += b"".join(int(value, 0).to_bytes(size, "little") for value in rest.split(","))
            elif function is None:
                raise TextError(line)
            elif line.endswith(":"):
                function.labels[line[:-1]] = function.length
            elif word in rows:
                operands = rest.split(", ") if rest else []
                function.instructions[function.length] = (rows[word], operands)
                function.length += rows[word].words
            else:
                raise TextError(line)

    def call(self, name: str, i: Sequence[int], n: Sequence[Float]) -> tuple[list[int], list[Float]]:
        """Call a function.

        Raises:
            Trap: It trapped.
        """
        function = self.functions[name]
        if (len(i), len(n)) != (function.i_params, function.n_params):
            raise TextError(f"{name} is given {len(i)} and {len(n)} arguments")
        state = State(
            [*i, *[0] * (REGISTERS - len(i))], [*n, *[Float(0)] * (REGISTERS - len(n))], self.memory, self.constants
        )
        at = 0
        # One unit for the call itself (PF-EXE-013).
        self.fuel = 1
        for _ in range(MOST_STEPS):
            row, texts = function.instructions[at]
            done = step(row, self._operands(function, at, row, texts), state)
            self.fuel += done.fuel
            if done.next is None:
                i_window, n_window = done.windows
                return (
                    state.i[i_window : i_window + function.i_results],
                    state.n[n_window : n_window + function.n_results],
                )
            at += done.next
        raise TextError(f"{name} does not end")

    def _operands(self, function: Function, at: int, row: table.Row, texts: list[str]) -> dict[str, int]:
        if row.id == "ret" and not texts:
            texts = ["i0", "n0"]
        if len(texts) != len(row.operands):
            raise TextError(f"{row.mnemonic} {', '.join(texts)}")
        values = {}
        for operand, text in zip(row.operands, texts, strict=True):
            if operand.bank:
                if text[0] != operand.bank:
                    raise TextError(f"{row.mnemonic} {', '.join(texts)}")
                values[operand.name] = int(text[1:])
            elif operand.kind == "branch":
                values[operand.name] = function.labels[text] - at
            elif operand.type == "constant":
                values[operand.name] = self._constant(text.removeprefix("="), is_float=row.id == "n_const")
            else:
                values[operand.name] = int(text)
        return values

    def _constant(self, text: str, *, is_float: bool) -> int:
        if text.startswith("nan:"):
            bits = int(text[4:], 16)
        elif is_float:
            bits = int.from_bytes(struct.pack("<d", float(text)), "little")
        else:
            bits = int(text) % (1 << 64)
        if bits not in self.constants:
            self.constants.append(bits)
        return self.constants.index(bits)
