"""Expressions of `spec/packfile.ksy`: the part of Kaitai's language that the layout uses, evaluated.

This stands apart from Kaitai's compiler and from the reference on purpose: the linter proves cases with it.
Integers are Python's, so nothing is cut to 32 bits. Anything outside the subset is refused.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

Evaluate = Callable[["Scope"], Any]

_TOKEN = re.compile(
    r"\s*(?:(0x[0-9a-fA-F]+|[0-9]+)|(sizeof<[a-z_]+>)|([a-z_][a-z0-9_]*(?:::[a-z_0-9]+)?)|(<<|>>|[=!<>]=|[-+*/%&?:()<>.\[\]]))"
)
_LEVELS: tuple[Mapping[str, Callable[[Any, Any], Any]], ...] = (
    {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    {"&": operator.and_},
    {"<<": operator.lshift, ">>": operator.rshift},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.floordiv, "%": operator.mod},
)


class Scope(Protocol):
    """What names mean where an expression stands."""

    def name(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        """The value of a field, instance, parameter or special name."""

    def enum(self, name: str) -> int:
        """The value of `enum::name`."""

    def size_of(self, name: str) -> int:
        """The bytes of a type."""


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda scope: left(scope) or right(scope)


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda scope: left(scope) and right(scope)


def _combine(function: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda scope: function(left(scope), right(scope))


def _member(value: Evaluate, name: str) -> Evaluate:
    return lambda scope: value(scope).name(name)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise NotImplementedError(f"not in the subset of expressions: {text[at:]} in {text}")
            self._tokens.append(match.group().strip())
            at = match.end()
        self._at = 0

    def parse(self) -> Evaluate:
        result = self._ternary()
        if self._at < len(self._tokens):
            raise NotImplementedError(f"not in the subset of expressions: {' '.join(self._tokens[self._at :])}")
        return result

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str | None:
        if self._peek() in wanted and self._peek():
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _need(self, token: str) -> None:
        if self._take(token) is None:
            raise NotImplementedError(f"expected {token} before {self._peek() or 'the end'}")

    def _ternary(self) -> Evaluate:
        condition = self._or()
        if self._take("?") is None:
            return condition
        then = self._ternary()
        self._need(":")
        otherwise = self._ternary()
        return lambda scope: then(scope) if condition(scope) else otherwise(scope)

    def _or(self) -> Evaluate:
        left = self._and()
        while self._take("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Evaluate:
        left = self._not()
        while self._take("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Evaluate:
        if self._take("not"):
            inner = self._not()
            return lambda scope: not inner(scope)
        return self._binary(0)

    def _binary(self, level: int) -> Evaluate:
        if level == len(_LEVELS):
            return self._postfix()
        left = self._binary(level + 1)
        while (token := self._take(*_LEVELS[level])) is not None:
            function, right = _LEVELS[level][token], self._binary(level + 1)
            left = _combine(function, left, right)
        return left

    def _postfix(self) -> Evaluate:
        value = self._atom()
        while True:
            if self._take("["):
                index = self._ternary()
                self._need("]")
                value = _combine(operator.getitem, value, index)
            elif self._take("."):
                name = self._peek()
                self._at += 1
                if name != "to_i":  # enums are held as integers
                    value = _member(value, name)
            else:
                return value

    def _atom(self) -> Evaluate:
        if self._take("("):
            inner = self._ternary()
            self._need(")")
            return inner
        if self._take("-"):
            negated = self._postfix()
            return lambda scope: -negated(scope)
        token = self._peek()
        self._at += 1
        if token[:1].isdigit():
            number = int(token, 0)
            return lambda _: number
        if token.startswith("sizeof<"):
            return lambda scope: scope.size_of(token[7:-1])
        if "::" in token:
            return lambda scope: scope.enum(token)
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", token):
            raise NotImplementedError(f"not in the subset of expressions: {token or 'the end'}")
        return lambda scope: scope.name(token)


_PARSED: dict[str, Evaluate] = {}


def evaluate(expression: str | float | bool, scope: Scope) -> Any:  # noqa: ANN401 - as YAML has it
    """The value of an expression. One that is no string is its own value."""
    if not isinstance(expression, str):
        return expression
    if expression not in _PARSED:
        _PARSED[expression] = _Parser(expression).parse()
    return _PARSED[expression](scope)
