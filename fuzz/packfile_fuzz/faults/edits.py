"""Edits: a fault as somebody might write it, a few words of one function's source.

Assumes that the reference's sources are at hand. Promises that a function which is edited behaves as if its source said
so, wherever it was imported to, and that undoing leaves every function with the code object that it had. Functions are
not replaced: only what they execute is, so tables of handlers and names in other modules need no care.
"""

from __future__ import annotations
import __future__

import ast
import functools
import importlib
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType

KEPT = "_kept_by_fault"
"""Global of an edited function's module: a dict that lives as long as the fault does, for what keeps something."""


class EditError(Exception):
    """Raised if the reference no longer has what an edit would change: the catalogue is to be brought up to date."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to one function of the reference."""

    place: str
    """Module and qualified name below `packfile`, such as `machine.integers:i_shl`."""
    old: str
    """Text of the function."""
    new: str
    """What stands there instead; lines after the first are indented as they are in a function that is not."""
    times: int = 1
    """How often the old text stands there; all are replaced."""

    def resolve(self) -> FunctionType:
        """The function; of a property its getter.

        Raises:
            EditError: There is none.
        """
        module, _, path = self.place.partition(":")
        found: object = importlib.import_module(f"packfile.{module}")
        for name in path.split("."):
            if name not in vars(found):
                raise EditError(f"{self.place}: the reference has no {name}")
            found = vars(found)[name]
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, classmethod | staticmethod):
            found = found.__func__
        if not isinstance(found, FunctionType):
            raise EditError(f"{self.place}: expected a function, got {type(found).__name__}")
        return found


@contextmanager
def applied(edits: Sequence[Edit]) -> Iterator[None]:
    """Have the functions execute what the edits say, until the end of the block, in all threads of this process.

    Raises:
        EditError: An edit does not fit the reference.
    """
    changes = _changes(tuple(edits))
    before = [(function, function.__code__, function.__globals__.get(KEPT)) for function, _ in changes]
    kept: dict[object, object] = {}
    try:
        for function, code in changes:
            function.__globals__[KEPT] = kept
            function.__code__ = code
        yield
    finally:
        for function, code, outer in before:
            function.__code__ = code
            if outer is None:
                function.__globals__.pop(KEPT, None)
            else:
                function.__globals__[KEPT] = outer


@functools.cache
def _changes(edits: tuple[Edit, ...]) -> list[tuple[FunctionType, CodeType]]:
    """What each function is to execute; compiled once, since campaigns switch a fault on for each example."""
    changes: list[tuple[FunctionType, CodeType]] = []
    for place in dict.fromkeys(edit.place for edit in edits):
        here = [edit for edit in edits if edit.place == place]
        function = here[0].resolve()
        source = textwrap.dedent(inspect.getsource(function))
        for edit in here:
            if source.count(edit.old) != edit.times:
                raise EditError(f"{place}: expected {edit.old!r} {edit.times} time(s), got {source.count(edit.old)}")
            source = source.replace(edit.old, edit.new)
        changes.append((function, _compiled(source, function)))
    return changes


def _compiled(source: str, function: FunctionType) -> CodeType:
    tree = ast.parse(source)
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list.clear()
    code = function.__code__
    ast.increment_lineno(tree, code.co_firstlineno - 1)
    flags = code.co_flags & __future__.annotations.compiler_flag
    whole = compile(tree, code.co_filename, "exec", flags=flags, dont_inherit=True)
    made = next(constant for constant in whole.co_consts if isinstance(constant, CodeType))
    if made.co_freevars != code.co_freevars:
        raise EditError(f"{function.__qualname__}: a function with variables of its surroundings cannot be edited")
    return made.replace(co_qualname=code.co_qualname)
