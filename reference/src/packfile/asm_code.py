"""The code of an assembly text: instructions as words.

Assumes statements. Promises the words of each function, complete but for what names something that may come later in
the text; each such operand is kept as a `Pending`, which `asm_resolve.py` fills in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from packfile.asm_lexer import Cursor, Token, TokenKind, described, did_you_mean
from packfile.asm_values import constant_bits, integer, signature, starts_number
from packfile.instructions import BY_MNEMONIC, INSTRUCTIONS, FieldKind, Instruction, Opcode, Operand
from packfile.model import Signature

U4 = 0xFFFFFFFF
MAX_REPEATED = 1 << 20
"""Times that `.word` may repeat a word: more than a function may have words, so that too long ones can be written."""
_REGISTER = re.compile(r"([in])([0-9]{1,3})", re.ASCII)
_BANKS = {"i": "an integer register such as `i0`", "n": "a float register such as `n0`"}
_LAST_REGISTER = 255
_DISPLACEMENT = "disp8"
_IMM32 = "imm32"
ADDRESSES = frozenset({Opcode.LRODATA, Opcode.LDATA, Opcode.LBSS})
"""Instructions whose literal is an offset in a segment."""
_HINTS = {
    "i_imm": "`i_imm32` takes 32 bits, and `i_const i0, =1234567890123` any constant",
    "i_imm32": "`i_const i0, =1234567890123` loads any constant",
    "i_add_imm": "load the number with `i_imm` and use `i_add`",
}


class Refers(Enum):
    """What a pending operand names."""

    BRANCH = "a label of the function"
    FUNCTION = "a function"
    SLOT = "an import"
    CONSTANT = "a constant"
    ADDRESS = "a label of data"
    SIZE = "a label of data whose size is meant"


_REFERS = {
    "function": Refers.FUNCTION,
    "slot": Refers.SLOT,
    "function_slot": Refers.SLOT,
    "constant": Refers.CONSTANT,
}


@dataclass
class FunctionText:
    """A function while it is read."""

    name: str
    token: Token
    signature: Signature
    words: list[int] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    """Stated sizes of banks."""


@dataclass(frozen=True)
class Pending:
    """An operand that names something."""

    refers: Refers
    name: str
    addend: int
    token: Token
    function: FunctionText
    at: int
    """Its instruction's first word."""
    row: Instruction
    operand: Operand
    cursor: Cursor

    def put(self, value: int, *, within: bool = True) -> None:
        """Fill it in, if it fits or need not."""
        low, high = bounds(self.operand)
        if within and not low <= value <= high:
            raise self.cursor.error(self.token, self._too_large(value), hint_for(self.row, self.operand))
        put(self.function.words, self.at, self.operand, value)

    def _too_large(self, value: int) -> str:
        if self.refers is Refers.BRANCH:
            low, high = bounds(self.operand)
            reach = f"`{self.row.mnemonic}`, which reaches {low} to +{high}"
            return f"`{self.name}` is {value:+} words away, too far for {reach}"
        return f"{value} does not fit the operand of `{self.row.mnemonic}`"


class _Named(NamedTuple):
    """The part of a `Pending` that the operand's text gives."""

    refers: Refers
    name: str
    addend: int
    token: Token


class Constants:
    """Constants by index in the order of the text, named ones and literals alike."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self.names: dict[str, int] = {}
        self._pooled: dict[int, int] = {}

    def define(self, name: str, bits: int) -> None:
        """A constant of its own, whatever its value."""
        self.names[name] = len(self.values)
        self.values.append(bits)

    def pooled(self, bits: int) -> int:
        """Index of an unnamed constant, one for each value."""
        if bits not in self._pooled:
            self._pooled[bits] = len(self.values)
            self.values.append(bits)
        return self._pooled[bits]


def bounds(operand: Operand) -> tuple[int, int]:
    """Least and greatest value that an operand can hold."""
    bits = 8 * operand.size
    if operand.field in (FieldKind.SIGNED, FieldKind.BRANCH) or operand.name == _IMM32:
        return -(1 << bits - 1), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1


def put(words: list[int], at: int, operand: Operand, value: int) -> None:
    """Write an operand's value into the instruction that starts at a word."""
    if operand.field is FieldKind.LITERAL:
        words[at + 1] = value & U4
    else:
        words[at] |= (value & (1 << 8 * operand.size) - 1) << 8 * operand.position


def hint_for(row: Instruction, operand: Operand) -> str | None:
    """What may help where a value does not fit an operand."""
    if operand.field is FieldKind.BRANCH:
        if operand.size == 1:
            return "compare into a register, as `i_lt_s` does, and use `jmp_if`, which reaches 32,767 words"
        return "jump on the opposite condition over a `jmp`, which reaches the whole function"
    if operand.name == _DISPLACEMENT:
        return "it counts units of the access's size; add what is more to the address with `i_add_imm` or `i_add`"
    return _HINTS.get(row.mnemonic)


def usage(row: Instruction) -> str:
    """How an instruction is written."""
    return f"{row.mnemonic} {', '.join(operand.name for operand in row.operands)}".rstrip()


class CodeText:
    """The code that a text has stated so far."""

    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self.functions: list[FunctionText] = []
        self.by_name: dict[str, int] = {}
        self.pending: list[Pending] = []

    def begin(self, cursor: Cursor, name: str, token: Token, made: Signature) -> FunctionText:
        """Begin a function."""
        if name in self.by_name:
            raise cursor.error(token, f"the function `{name}` stands there twice")
        self.by_name[name] = len(self.functions)
        function = FunctionText(name, token, made)
        self.functions.append(function)
        return function

    def instruction(self, function: FunctionText, cursor: Cursor) -> None:
        """Append one instruction, or a `jmp_table` and its jumps."""
        token = cursor.name("an instruction")
        row = BY_MNEMONIC.get(token.text)
        if row is None:
            raise cursor.error(token, f"there is no instruction `{token.text}`", did_you_mean(token.text, BY_MNEMONIC))
        at = len(function.words)
        function.words += [int(row.opcode)] + [0] * (row.words - 1)
        for operand, part in _matched(row, cursor.operands(), cursor, token):
            if row.opcode == Opcode.JMP_TABLE and part.is_next("["):
                self._table(function, at, operand, part)
            else:
                self._operand(function, at, row, operand, part)
            part.end()

    def _table(self, function: FunctionText, at: int, operand: Operand, cursor: Cursor) -> None:
        opening = cursor.take()
        inner = Cursor(cursor.source, cursor.tokens[cursor.at : -1])
        cursor.at = len(cursor.tokens) - 1
        cursor.expect("]")
        entries = inner.operands() if inner.tokens else []
        low, high = bounds(operand)
        if not low <= len(entries) - 1 <= high:
            raise cursor.error(opening, f"a table has 1 to {high + 1} labels, the last for every other number")
        put(function.words, at, operand, len(entries) - 1)
        jump = INSTRUCTIONS[Opcode.JMP]
        for entry in entries:
            function.words.append(int(Opcode.JMP))
            self._operand(function, len(function.words) - 1, jump, jump.operands[0], entry)
            entry.end()

    def _operand(self, function: FunctionText, at: int, row: Instruction, operand: Operand, cursor: Cursor) -> None:
        found = self._index(cursor, row, operand) if _is_index(operand) else _number(cursor, row, operand)
        if isinstance(found, int):
            put(function.words, at, operand, found)
        else:
            self.pending.append(Pending(*found, function, at, row, operand, cursor))

    def _index(self, cursor: Cursor, row: Instruction, operand: Operand) -> int | _Named:
        """A function, slot or constant by name or as `@index`; a constant as `=value`; a signature."""
        if operand.name == "signature":
            return signature(cursor).word if cursor.is_next("(") else integer(cursor, 0, U4, "a signature")
        if cursor.accept("@"):
            return integer(cursor, 0, U4, "an index")
        if operand.name == "constant" and cursor.accept("="):
            return self.constants.pooled(constant_bits(cursor, as_float=row.opcode == Opcode.N_CONST))
        refers = _REFERS[operand.name]
        if operand.name == "constant" and starts_number(cursor):
            hint = f"`={cursor.peek().text}` puts it among the constants"
            raise cursor.error(cursor.peek(), f"expected a constant, got {described(cursor.peek())}", hint)
        name, token = cursor.reference(f"{refers.value}, or its index as in `@0`")
        return _Named(refers, name, 0, token)


def _is_index(operand: Operand) -> bool:
    return operand.field is FieldKind.LITERAL and operand.name != _IMM32


def _number(cursor: Cursor, row: Instruction, operand: Operand) -> int | _Named:
    """A register, an integer, or what stands for one: a label, or `sizeof(label)`."""
    if operand.bank is not None:
        return _register(cursor, operand.bank)
    if starts_number(cursor):
        return integer(cursor, *bounds(operand), f"the operand of `{row.mnemonic}`", hint_for(row, operand))
    if operand.field is FieldKind.BRANCH:
        token = cursor.name("a label, or a distance such as `+3`")
        return _Named(Refers.BRANCH, token.text, 0, token)
    if cursor.is_next("sizeof") and cursor.peek(1).text == "(":
        cursor.at += 2
        token = cursor.name("a label of data")
        cursor.expect(")")
        return _Named(Refers.SIZE, token.text, 0, token)
    if row.opcode in ADDRESSES:
        token = cursor.name("a label of data, or an offset")
        is_sum = cursor.is_next("+") or cursor.is_next("-")
        addend = integer(cursor, -U4, U4, "an offset") if is_sum else 0
        return _Named(Refers.ADDRESS, token.text, addend, token)
    raise cursor.error(cursor.peek(), f"expected an integer, got {described(cursor.peek())}")


def _register(cursor: Cursor, bank: str) -> int:
    token = cursor.take()
    found = _REGISTER.fullmatch(token.text) if token.kind is TokenKind.NAME else None
    if found is None or found[1] != bank:
        raise cursor.error(token, f"expected {_BANKS[bank]}, got {described(token)}")
    number = int(found[2])
    if number > _LAST_REGISTER:
        raise cursor.error(token, f"a register's number is at most {_LAST_REGISTER}")
    return number


def _matched(row: Instruction, parts: list[Cursor], cursor: Cursor, token: Token) -> list[tuple[Operand, Cursor]]:
    """Operands with their text; windows that begin at 0 and a displacement of 0 may be left out."""
    operands = list(row.operands)
    if len(parts) == len(operands):
        return list(zip(operands, parts, strict=True))
    if operands and operands[-1].name == _DISPLACEMENT and len(parts) == len(operands) - 1:
        return list(zip(operands, parts, strict=False))
    windows = [operand for operand in operands if operand.field is FieldKind.WINDOW]
    extra = len(parts) - (len(operands) - len(windows))
    if windows and extra in (0, 1):
        stated = windows[:0]
        if extra:
            bank = parts[0].peek().text[:1]
            stated = [operand for operand in windows if operand.bank == bank]
            if not stated:
                _register(parts[0], "i")
        return list(zip(stated + operands[len(windows) :], parts, strict=True))
    count = f"{len(operands)} operand{'s' if len(operands) != 1 else ''}"
    place = parts[len(operands)].peek() if len(parts) > len(operands) else token
    raise cursor.error(place, f"`{row.mnemonic}` takes {count}, got {len(parts)}", f"it is written `{usage(row)}`")
