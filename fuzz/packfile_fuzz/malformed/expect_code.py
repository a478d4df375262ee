"""Functions: what rows and code of functions break, by spec/rules/functions.md and code.md.

Assumes a file whose header and directory break nothing. Owes to the reference the generated instruction table alone.
Part of `expectation`.
"""

from __future__ import annotations

from collections.abc import Iterator

from packfile import layout
from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode
from packfile.layout import FunctionRow, ImportKind

from .expect_rows import Rows
from .places import File

_BY_OP = {int(opcode): instruction for opcode, instruction in INSTRUCTIONS.items()}
_NO_RANGE = frozenset({"PF-FUN-002", "PF-FUN-003", "PF-LIM-006"})
_TOO_GREAT = {
    "function": "PF-CODE-008",
    "slot": "PF-CODE-009",
    "function_slot": "PF-CODE-009",
    "constant": "PF-CODE-011",
}


class Functions:
    """What the functions of a file break."""

    def __init__(self, file: File, rows: Rows) -> None:
        self._words = file.words
        self._signatures = [row.signature for _, _, row in file.functions]
        self._imports = rows.imports
        self._counts = {
            "function": len(self._signatures),
            "slot": len(self._imports),
            "function_slot": len(self._imports),
            "constant": file.rows("constants"),
        }
        self.lost = False
        """Whether code could not be read to its end."""
        self.rules = tuple(
            frozenset(self._function(start, end, row)).union(rows.fields.get(("functions", index), ()))
            for index, (start, end, row) in enumerate(file.functions)
        )
        """Rules that each function breaks, by index."""
        ends = bool(file.functions) and file.functions[-1][1] != len(self._words)
        self.end = frozenset({"PF-SEC-013"}) if ends else frozenset[str]()
        """Whether code goes on after the last function, or ends before it."""

    def _function(self, start: int, end: int, row: FunctionRow) -> Iterator[str]:
        params = row.signature & 0xFF, row.signature >> 8 & 0xFF
        if params[0] > row.i_registers or params[1] > row.n_registers:
            yield "PF-FUN-004"
        broken = {
            "PF-FUN-002": end <= start,
            "PF-FUN-003": end > len(self._words),
            "PF-LIM-006": end - start > layout.MAX_FUNCTION_WORDS,
        }
        yield from (rule for rule, is_so in broken.items() if is_so)
        if not any(broken.values()):
            yield from self._code(self._words[start:end], row)

    def _code(self, words: tuple[int, ...], row: FunctionRow) -> Iterator[str]:
        """What code breaks, up to the first instruction that cannot be read."""
        starts: set[int] = set()
        targets: list[int] = []
        at, last = 0, None
        while at < len(words):
            last = _BY_OP.get(words[at] & 0xFF)
            starts.add(at)
            if last is None or at + last.words > len(words):
                self.lost = True
                yield "PF-CODE-001" if last is None else "PF-CODE-004"
                break
            yield from self._instruction(words, at, last, row)
            targets += (at + distance for distance in _branches(words[at], last))
            at += last.words
        if at >= len(words) and (last is None or not last.terminator):
            yield "PF-CODE-007"
        if any(not 0 <= target < len(words) for target in targets):
            yield "PF-CODE-005"
        if any(0 <= target < at and target not in starts for target in targets):
            yield "PF-CODE-006"

    def _instruction(
        self, words: tuple[int, ...], at: int, instruction: Instruction, row: FunctionRow
    ) -> Iterator[str]:
        word = words[at]
        if any(_operand(word, part, 1) for part in instruction.unused):
            yield "PF-CODE-002"
        banks = {"i": row.i_registers, "n": row.n_registers}
        registers = (o for o in instruction.operands if o.field is FieldKind.REGISTER)
        if any(_operand(word, o.position, 1) >= banks[str(o.bank)] for o in registers):
            yield "PF-CODE-003"
        if instruction.literal is not None:
            yield from self._literal(instruction, word, words[at + 1], row)
        if instruction.opcode == Opcode.RET and not _fits(word, row, row.signature >> 16):
            yield "PF-CODE-013"
        if instruction.opcode == Opcode.JMP_TABLE:
            jumps = words[at + 1 : at + 2 + (word >> 16)]
            if len(jumps) <= word >> 16 or any(jump & 0xFF != Opcode.JMP for jump in jumps):
                yield "PF-CODE-014"

    def _literal(self, instruction: Instruction, word: int, literal: int, row: FunctionRow) -> Iterator[str]:
        assert instruction.literal is not None
        kind = instruction.literal.name
        if literal >= self._counts.get(kind, 1 << 32):
            yield _TOO_GREAT[kind]
            return
        signature = literal
        if kind == "function_slot":
            if self._imports[literal].kind != ImportKind.FUNCTION:
                yield "PF-CODE-010"
                return
            signature = self._imports[literal].requirement
        elif kind == "function":
            signature = self._signatures[literal]
        is_call = any(o.field is FieldKind.WINDOW for o in instruction.operands)
        if is_call and not (_fits(word, row, signature) and _fits(word, row, signature >> 16)):
            yield "PF-CODE-012"


def _branches(word: int, instruction: Instruction) -> Iterator[int]:
    """Distances of the branches that an instruction may take, in words."""
    for operand in instruction.operands:
        if operand.field is FieldKind.BRANCH:
            value, bits = _operand(word, operand.position, operand.size), 8 * operand.size
            yield value - (1 << bits) if value >> bits - 1 else value


def _operand(word: int, position: int, size: int) -> int:
    """Bytes of a word, as an unsigned integer."""
    return word >> 8 * position & (1 << 8 * size) - 1


def _fits(word: int, row: FunctionRow, counts: int) -> bool:
    """Whether windows that begin at fields a and b hold the counts of two bytes."""
    i, n = _operand(word, 1, 1) + (counts & 0xFF), _operand(word, 2, 1) + (counts >> 8 & 0xFF)
    return i <= row.i_registers and n <= row.n_registers
