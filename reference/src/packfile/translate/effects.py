"""Effects as Python: every primitive of spec/effects.md that has a value, as an expression.

An instruction is translated by its `-effect`, so one that is written with these primitives needs nothing more.

Assumes that an effect is well-formed, which the generator checks. Promises text whose value is that of the effect, and
bounds of every integer, so that what cannot leave 64 bits is not brought back.
"""

from __future__ import annotations

import ast
import math
import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from packfile.machine.state import GREATEST, LEAST, MASK

FULL = (LEAST, GREATEST)
"""Bounds of what an integer register can hold."""


class Untranslatable(Exception):
    """The effect uses a primitive that has no translation."""


class Never(Exception):
    """The instruction always traps, or cannot be executed here: the first tier is to do it."""


class Value(NamedTuple):
    """An expression of Python."""

    text: str
    low: int = 0
    """Least value, of an integer."""
    high: int = 0
    """Greatest value, of an integer."""
    is_loose: bool = False
    """Whether it can be a NaN that is not canonical, where it must be."""

    @property
    def is_constant(self) -> bool:
        """Whether it is one integer."""
        return self.low == self.high and self.text == str(self.low)


def constant(x: int) -> Value:
    """An integer."""
    return Value(str(x), x, x)


class Context(Protocol):
    """What the translation of an instruction depends on."""

    def register(self, bank: str, letter: str) -> Value:
        """The register that a field names."""

    def operand(self, name: str) -> int | None:
        """The value of an operand that is no register."""

    def static(self, name: str, arguments: list[ast.expr]) -> Value:
        """The value of a primitive on the module, its functions and slots, which is known before anything runs."""

    def element(self, code: str, address: ast.expr) -> str:
        """What stands for an element of memory, of a format."""


def _between(x: int, y: int) -> tuple[int, int]:
    """The least range of all numbers of some count of bits that holds both."""
    size = max(x.bit_length(), y.bit_length(), (~x).bit_length(), (~y).bit_length())
    return (-(1 << size) if x < 0 or y < 0 else 0), (1 << size) - 1


def _bounds(op: ast.operator, x: Value, y: Value) -> tuple[int, int]:
    match op:
        case ast.Add():
            return x.low + y.low, x.high + y.high
        case ast.Sub():
            return x.low - y.high, x.high - y.low
        case ast.BitAnd() if x.low >= 0 or y.low >= 0:
            return 0, min(value.high for value in (x, y) if value.low >= 0)
        case ast.BitAnd() | ast.BitOr() | ast.BitXor():
            return _between(min(x.low, y.low), max(x.high, y.high))
        case ast.Mult():
            ends = [one * other for one in (x.low, x.high) for other in (y.low, y.high)]
        case ast.LShift():
            ends = [one << by for one in (x.low, x.high) for by in (y.low, y.high)]
        case ast.RShift():
            ends = [one >> by for one in (x.low, x.high) for by in (y.low, y.high)]
        case _:
            raise Untranslatable(ast.unparse(op))
    return min(ends), max(ends)


_SIGNS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<",
    ast.RShift: ">>", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.And: " and ", ast.Or: " or ",
}  # fmt: skip

_LOADS: Mapping[tuple[str, int], tuple[str, tuple[int, int]]] = {
    ("wrap", 64): ("q", FULL),
    ("from_bits", 64): ("d", (0, 0)),
    ("promote", 32): ("f", (0, 0)),
    **{
        ("sign_extend", size): (code, (-1 << size - 1, (1 << size - 1) - 1))
        for code, size in zip("bhi", (8, 16, 32), strict=True)
    },
    **{("zero_extend", size): (code, (0, (1 << size) - 1)) for code, size in zip("BHI", (8, 16, 32), strict=True)},
}
"""Format and bounds of what is loaded, by the primitive around the load and its bits."""

_IDIOMS: Mapping[str, str] = {
    "from_bits(bits(n[b]) ^ 1 << 63)": "-{b}",
    "from_bits(bits(n[b]) & (1 << 63) - 1)": "copysign({b}, 1.0)",
    "from_bits(bits(n[b]) & (1 << 63) - 1 | bits(n[c]) & 1 << 63)": "copysign({b}, {c})",
}
"""Effects on the bits of a float that Python has as such."""

_FLOATS: Mapping[str, tuple[str, bool]] = {
    "f_add": ("({0} + {1})", True),
    "f_sub": ("({0} - {1})", True),
    "f_mul": ("({0} * {1})", True),
    "f_div": ("({0} / {1} if {1} else f_div({0}, {1}))", True),
    "f_sqrt": ("(sqrt({0}) if {0} >= 0.0 else NAN)", False),
    "f_eq": ("{0} == {1}", False),
    "f_lt": ("{0} < {1}", False),
    "f_le": ("{0} <= {1}", False),
    "is_nan": ("{0} != {0}", False),
    "fits_s": ("-9223372036854775808.0 <= {0} < 9223372036854775808.0", False),
    "fits_u": ("-1.0 < {0} < 18446744073709551616.0", False),
    "nearest_float": ("float({0})", False),
    **{name: (f"{name}({{0}}, {{1}})", False) for name in ("f_min", "f_max")},
    **{
        name: (f"{name}({{0}})", False)
        for name in ("f_ceil", "f_floor", "f_trunc", "f_nearest", "from_bits", "promote")
    },
}
"""Primitives that give a float or a condition: the text, and whether it can be a NaN that is not canonical."""

_INTEGERS: Mapping[str, tuple[str, int, int]] = {
    "clz": ("(64 - ({0}).bit_length())", 0, 64),
    "ctz": ("ctz({0})", 0, 64),
    "popcnt": ("({0}).bit_count()", 0, 64),
    "bits": ("bits({0})", 0, MASK),
    "demote": ("demote({0})", 0, (1 << 32) - 1),
    "truncate": ("int({0})", LEAST, MASK),
    "saturate_s": ("saturate_s({0})", LEAST, GREATEST),
    "saturate_u": ("saturate_u({0})", 0, MASK),
}
"""Primitives that give an integer: the text and its bounds."""

_STATIC = frozenset({"constant", "base", "reference", "resolve", "is_bound"})


class Translator:
    """Translates expressions of one effect."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def value(self, node: ast.expr) -> Value:
        """An expression that is no condition.

        Raises:
            Untranslatable: It uses what has no translation.
            Never: It has no value here.
        """
        match node:
            case ast.Constant(value=int(x)):
                return constant(x)
            case ast.Name(id=name) if (known := self.context.operand(name)) is not None:
                return constant(known)
            case ast.Subscript(value=ast.Name(id=bank), slice=ast.Name(id=letter)):
                return self.context.register(bank, letter)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._binary(ast.Sub(), constant(0), self.value(operand))
            case ast.BinOp(left=ast.Call(func=ast.Name(id="u"), args=[left]), op=ast.BitAnd(), right=right):
                # A mask that is no wider than u's makes it needless.
                mask = self.value(right)
                whole = self.value(left) if 0 <= mask.low <= mask.high <= MASK else self._unsigned(left)
                return self._binary(ast.BitAnd(), whole, mask)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments, node)
        raise Untranslatable(ast.unparse(node))

    def reaching(self, node: ast.expr) -> Value:
        """As `value`, but what is to be brought back to 64 bits is not yet, as the bounds show."""
        match node:
            case ast.Call(func=ast.Name(id="wrap"), args=[inner]) if not _is_load(inner):
                x = self.value(inner)
                return self._wrap(inner) if x.is_constant else x
        return self.value(node)

    def condition(self, node: ast.expr, *, negated: bool = False) -> str:
        """A condition, as text that can stand after `if`."""
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[ast.Constant(value=0)]):
                text = self.value(left).text
                return text if isinstance(op, ast.NotEq) != negated else f"not {text}"
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                text = f"{self.value(left).text} {_SIGNS[type(op)]} {self.value(right).text}"
            case ast.BoolOp(op=op, values=values):
                text = _SIGNS[type(op)].join(f"({self.condition(value)})" for value in values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.condition(operand, negated=not negated)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                text = self._call(name, arguments, node).text
            case _:
                raise Untranslatable(ast.unparse(node))
        return f"not ({text})" if negated else text

    def _binary(self, op: ast.operator, x: Value, y: Value) -> Value:
        low, high = _bounds(op, x, y)
        if x.is_constant and y.is_constant and low == high:
            return constant(low)
        if isinstance(op, ast.BitAnd) and y.is_constant and 0 <= x.low <= x.high <= y.low and y.low & y.low + 1 == 0:
            return x
        return Value(f"({_negative(x.text)} {_SIGNS[type(op)]} {_negative(y.text)})", low, high)

    def _unsigned(self, node: ast.expr) -> Value:
        x = self.value(node)
        if 0 <= x.low <= x.high <= MASK:
            return x
        return constant(x.low & MASK) if x.is_constant else Value(f"({_negative(x.text)} & {MASK})", 0, MASK)

    def _call(self, name: str, arguments: list[ast.expr], node: ast.expr) -> Value:
        if name == "from_bits" and (idiom := _IDIOMS.get(ast.unparse(node))):
            letters = {letter: self.context.register("n", letter).text for letter in "bc" if f"{{{letter}}}" in idiom}
            return Value(idiom.format(**letters))
        match arguments:
            case [ast.Call(func=ast.Name(id="load"), args=[address, ast.Constant(value=int(size))]), *_]:
                if (name, size) not in _LOADS:
                    raise Untranslatable(ast.unparse(node))
                code, (low, high) = _LOADS[name, size]
                return Value(self.context.element(code, address), low, high, is_loose=name == "promote")
        if name in _STATIC:
            return self.context.static(name, arguments)
        if name == "from_bits" and (x := self.value(arguments[0])).is_constant:
            known: float = struct.unpack("<d", x.low.to_bytes(8, "little"))[0]
            if math.isfinite(known):
                return Value(repr(known))
        if name in _FLOATS:
            text, is_loose = _FLOATS[name]
            return Value(text.format(*(self.value(argument).text for argument in arguments)), is_loose=is_loose)
        if name in _INTEGERS:
            text, low, high = _INTEGERS[name]
            values = [self.value(argument) for argument in arguments]
            if name == "bits" and values[0].is_loose:
                raise Untranslatable(ast.unparse(node))
            return Value(text.format(*(value.text for value in values)), low, high)
        methods: Mapping[str, Callable[..., Value]] = {
            "wrap": self._wrap,
            "u": self._unsigned,
            "truth": self._truth,
            "select": self._select,
            "min_u": self._min_u,
            "zero_extend": self._zero_extend,
            "sign_extend": self._sign_extend,
            "quotient": self._quotient,
            "remainder": self._remainder,
        }
        if name not in methods:
            raise Untranslatable(ast.unparse(node))
        return methods[name](*arguments)

    def _wrap(self, node: ast.expr) -> Value:
        x = self.value(node)
        if LEAST <= x.low <= x.high <= GREATEST:
            return x
        if x.is_constant:
            return constant((x.low - LEAST & MASK) + LEAST)
        return Value(f"wrap({x.text})", *FULL)

    def _truth(self, node: ast.expr) -> Value:
        match node:
            case ast.Call(func=ast.Name(id="is_bound"), args=arguments):
                return self.context.static("is_bound", arguments)
        return Value(f"(1 if {self.condition(node)} else 0)", 0, 1)

    def _select(self, condition: ast.expr, one: ast.expr, other: ast.expr) -> Value:
        x, y = self.value(one), self.value(other)
        text = f"{x.text} if {self.condition(condition)} else {y.text}"
        return Value(text, min(x.low, y.low), max(x.high, y.high))

    def _min_u(self, one: ast.expr, other: ast.expr) -> Value:
        x, y = self.value(one), self.value(other)
        return Value(f"min({x.text}, {y.text})", min(x.low, y.low), min(x.high, y.high))

    def _zero_extend(self, node: ast.expr, size: ast.expr) -> Value:
        mask = (1 << self.value(size).low) - 1
        return self._binary(ast.BitAnd(), self.value(node), constant(mask))

    def _sign_extend(self, node: ast.expr, size: ast.expr) -> Value:
        half = 1 << self.value(size).low - 1
        low = self._zero_extend(node, size)
        return Value(f"(({low.text} ^ {half}) - {half})", -half, half - 1)

    def _quotient(self, one: ast.expr, other: ast.expr) -> Value:
        x, y = self.value(one), self.value(other)
        most = max(abs(x.low), abs(x.high))
        if x.low >= 0 and y.low >= 0:
            return Value(f"({x.text} // {y.text})", 0, most)
        return Value(
            f"({x.text} // {y.text} if {x.text} >= 0 < {y.text} else quotient({x.text}, {y.text}))", -most, most
        )

    def _remainder(self, one: ast.expr, other: ast.expr) -> Value:
        x, y = self.value(one), self.value(other)
        low, high = min(0, x.low), max(0, x.high)
        if x.low >= 0 and y.low >= 0:
            return Value(f"({x.text} % {y.text})", low, high)
        return Value(f"({x.text} % {y.text} if {x.text} >= 0 < {y.text} else remainder({x.text}, {y.text}))", low, high)


def _is_load(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load"


def _negative(text: str) -> str:
    """A text that may begin with a minus, so that it can be an operand."""
    return f"({text})" if text.startswith("-") else text
