"""Evaluating an `-effect` (spec/effects.md).

Strict where the page is: arithmetic is on integers, logic on truth values, an integer register takes only a signed
64-bit integer and a float register only a float. An effect that forgets `wrap` or mixes banks fails here and does not
pass by luck.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from spec_machine import floats, integers, table
from spec_machine.floats import Float
from spec_machine.memory import SEGMENT_NUMBERS, Memory, Trap

# An integer, a Float, a truth value, or the name of a trap code or segment.
Value: TypeAlias = Any
Primitive: TypeAlias = Callable[..., Value]


class EffectError(Exception):
    """The effect is not written in the language, or means nothing for these operands: a fault of the specification."""


PURE: Mapping[str, Primitive] = {
    primitive.__name__: primitive
    for primitive in (
        *(integers.wrap, integers.u, integers.truth, integers.select, integers.min_u, integers.sign_extend),
        *(integers.zero_extend, integers.quotient, integers.remainder, integers.clz, integers.ctz, integers.popcnt),
        *(floats.bits, floats.from_bits, floats.promote, floats.demote, floats.f_add, floats.f_sub, floats.f_mul),
        *(floats.f_div, floats.f_sqrt, floats.f_min, floats.f_max, floats.f_ceil, floats.f_floor, floats.f_trunc),
        *(floats.f_nearest, floats.f_eq, floats.f_lt, floats.f_le, floats.is_nan, floats.fits_s, floats.fits_u),
        *(floats.truncate, floats.saturate_s, floats.saturate_u, floats.nearest_float),
    )
}
"""Primitives whose value depends on their arguments alone."""

_CONDITIONAL = frozenset({"truth", "select", "trap_if", "jump_if"})
"""Primitives whose first argument is a condition; no other argument is one."""

_ARITHMETIC: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_COMPARISON: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass
class State:
    """What instructions act on: one frame, and the module's memory and constants."""

    i: list[int] = field(default_factory=list)
    n: list[Float] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    constants: Sequence[int] = ()


@dataclass
class Step:
    """What became of one instruction."""

    next: int | None
    """The word to go on at, counted from the instruction's first; None if it returned."""
    windows: tuple[int, int] = (0, 0)
    """Where results begin, if it returned."""
    fuel: int = 0
    """Units of fuel that it charged (PF-EXE-013)."""


def step(row: table.Row, operands: Mapping[str, int], state: State) -> Step:
    """Execute one instruction.

    Args:
        row: The instruction.
        operands: Its values by the names that effects use: `a`, `b`, `c`, `imm`, `lit`, ...
        state: What it acts on.

    Raises:
        Trap: It trapped.
        EffectError: The effect breaks the rules of the language.
    """
    evaluation = _Evaluation(row, operands, state)
    for statement in _parse(row.effect):
        evaluation.execute(statement)
    return evaluation.result


@functools.cache
def _parse(effect: str) -> Sequence[ast.stmt]:
    return ast.parse(effect).body


@functools.cache
def _symbols() -> Mapping[str, str]:
    """Names of trap codes and segments, which effects give to primitives."""
    return {**table.read().traps, **{segment: segment for segment in SEGMENT_NUMBERS}}


class _Evaluation:
    def __init__(self, row: table.Row, operands: Mapping[str, int], state: State) -> None:
        self.row, self.operands, self.state = row, operands, state
        self.result = Step(row.words)
        memory = state.memory
        self.primitives: Mapping[str, Primitive] = {
            **PURE,
            "base": memory.base,
            "address": memory.address,
            "load": memory.load,
            "store": memory.store,
            "copy": memory.copy,
            "fill": memory.fill,
            "constant": lambda index: self.state.constants[index],
            "trap": self.trap,
            "trap_if": lambda condition, code: self.trap(code) if condition else None,
            "jump": self.jump,
            "jump_if": lambda condition, distance: self.jump(distance) if condition else None,
            "skip": self.skip,
            "leave": self.leave,
        }

    def error(self, problem: str) -> EffectError:
        return EffectError(f"{self.row.id}: {self.row.effect!r}: {problem}")

    def execute(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=bank), slice=ast.Name(id=letter))], value=value):
                self.assign(bank, self.operands[letter], self.value(value))
            case ast.Expr(value=ast.Call() as call):
                if self.value(call) is not None:
                    raise self.error("a value that nothing takes")
            case _:
                raise self.error(f"{ast.unparse(statement)!r} is no statement")

    def assign(self, bank: str, register: int, value: Value) -> None:
        if bank == "i":
            if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
                raise self.error(f"{value!r} is not a signed 64-bit integer")
            self.state.i[register] = value
        elif bank == "n" and isinstance(value, Float):
            self.state.n[register] = value
        else:
            raise self.error(f"{value!r} does not fit bank {bank}")

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() as constant) if type(constant) is int:
                return constant
            case ast.Name(id=name):
                return self.operands[name] if name in self.operands else _symbols()[name]
            case ast.Subscript(value=ast.Name(id=bank), slice=ast.Name(id=letter)):
                register = self.operands[letter]
                return self.state.i[register] if bank == "i" else self.state.n[register]
            case ast.BinOp(left=left, op=op, right=right):
                return _ARITHMETIC[type(op)](self.integer(left), self.integer(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.integer(operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.condition(operand)
            case ast.BoolOp(op=ast.And(), values=values):
                return all(self.condition(value) for value in values)
            case ast.BoolOp(op=ast.Or(), values=values):
                return any(self.condition(value) for value in values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _COMPARISON[type(op)](self.integer(left), self.integer(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, [self.value(argument) for argument in arguments])
        raise self.error(f"{ast.unparse(node)!r} is not in the language")

    def integer(self, node: ast.expr) -> int:
        value = self.value(node)
        if type(value) is not int:
            raise self.error(f"{ast.unparse(node)!r} is no integer but {value!r}")
        return value

    def condition(self, node: ast.expr) -> bool:
        value = self.value(node)
        if type(value) is not bool:
            raise self.error(f"{ast.unparse(node)!r} is no condition but {value!r}")
        return value

    def call(self, name: str, arguments: list[Value]) -> Value:
        if name not in self.primitives:
            raise self.error(f"`{name}` needs other functions or modules, which this machine has not")
        for position, argument in enumerate(arguments):
            if (type(argument) is bool) != (name in _CONDITIONAL and position == 0):
                raise self.error(f"argument {position + 1} of `{name}` is {argument!r}")
        try:
            return self.primitives[name](*arguments)
        except (TypeError, ValueError, AttributeError, ZeroDivisionError) as fault:
            raise self.error(f"{name}{tuple(arguments)}: {fault}") from fault

    def trap(self, code: str) -> None:
        raise Trap(code)

    def jump(self, distance: int) -> None:
        self.result.next = distance
        self.result.fuel += distance <= 0

    def skip(self, words: int) -> None:
        self.result.next = words

    def leave(self, i_window: int, n_window: int) -> None:
        self.result.next, self.result.windows = None, (i_window, n_window)
