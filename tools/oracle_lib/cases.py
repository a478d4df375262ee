"""A case before it is text: code for both machines, and the operands to call it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import wasmtime

from oracle_lib.operands import signed
from oracle_lib.wasm import Instance, Trap

Arguments = tuple[int, ...]
"""Integer arguments, then float arguments as bits."""


@dataclass(frozen=True)
class Signature:
    """Counts of parameters and results of each bank."""

    i_params: int = 0
    n_params: int = 0
    i_results: int = 0
    n_results: int = 0

    def __str__(self) -> str:
        given = ["i"] * self.i_params + ["n"] * self.n_params
        taken = ["i"] * self.i_results + ["n"] * self.n_results
        return f"({', '.join(given)}) -> ({', '.join(taken)})"


@dataclass(frozen=True)
class Function:
    """One function, written twice."""

    name: str
    signature: Signature
    packfile: Sequence[str]
    """Lines of assembly; one that ends with a colon is a label."""
    wasm: str
    """Body whose parameters are $i0.. and $n0.. of type i64; leaves results of type i64, integers first."""

    def assembly(self) -> list[str]:
        """The function in Packfile's assembly."""
        return [
            f".export func {self.name} {self.signature}",
            *(line if line.endswith(":") else f"  {line}" for line in self.packfile),
        ]

    def wat(self) -> str:
        """The function in WebAssembly's text format."""
        s = self.signature
        names = [f"$i{k}" for k in range(s.i_params)] + [f"$n{k}" for k in range(s.n_params)]
        parameters = "".join(f" (param {name} i64)" for name in names)
        results = " (result i64)" * (s.i_results + s.n_results)
        return f'(func (export "{self.name}"){parameters}{results}\n{self.wasm})'


@dataclass(frozen=True)
class Calls:
    """Calls of one function, in order."""

    function: Function
    rows: Sequence[Arguments]


@dataclass(frozen=True)
class Recipe:
    """A case whose results are not known yet."""

    id: str
    rules: Sequence[str]
    summary: str
    oracle: str
    """The WebAssembly instructions that decide."""
    calls: Sequence[Calls]
    data: Sequence[str] = ()
    """Directives that make the segments of the Packfile module."""
    memory: bytes | None = None
    """The memory of the WebAssembly module, byte for byte the segment that the functions use."""
    trap: str | None = None
    """The trap that the case is about; no other may happen."""

    def functions(self) -> list[Function]:
        """Its functions, each once."""
        return list({calls.function.name: calls.function for calls in self.calls}.values())

    def assembly(self) -> str:
        """The Packfile module."""
        blocks = [list(self.data)] if self.data else []
        blocks += [function.assembly() for function in self.functions()]
        return "\n\n".join("\n".join(block) for block in blocks) + "\n"

    def wat(self) -> str:
        """The WebAssembly module."""
        memory = ""
        if self.memory is not None:
            content = "".join(f"\\{byte:02x}" for byte in self.memory)
            memory = f'(memory {len(self.memory)} (pagesize 1)) (data (i32.const 0) "{content}")\n'
        functions = "\n".join(function.wat() for function in self.functions())
        return f"(module\n{memory}{functions})"


@dataclass(frozen=True)
class Row:
    """One call and what WebAssembly made of it."""

    i: tuple[int, ...]
    n: tuple[int, ...]
    i_results: tuple[int, ...] = ()
    n_results: tuple[int, ...] = ()
    trap: str | None = None


@dataclass(frozen=True)
class Step:
    """The calls of one function, with results."""

    function: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Case:
    """A case that is ready to be written."""

    recipe: Recipe
    steps: Sequence[Step] = field(default_factory=list)

    def row_count(self) -> int:
        """Calls that it makes."""
        return sum(len(step.rows) for step in self.steps)


class OracleError(Exception):
    """A recipe does what it does not announce."""


def solve(recipe: Recipe, engine: wasmtime.Engine) -> Case:
    """Run a recipe on WebAssembly.

    Raises:
        OracleError: It trapped otherwise than announced, or did not trap at all though it is about a trap.
    """
    instance = Instance(engine, recipe.wat())
    steps = [Step(c.function.name, [_row(instance, c.function, row) for row in c.rows]) for c in recipe.calls]
    traps = {row.trap for step in steps for row in step.rows if row.trap}
    if traps != ({recipe.trap} if recipe.trap else set()):
        raise OracleError(f"{recipe.id}: announces {recipe.trap}, raises {sorted(traps)}")
    return Case(recipe, steps)


def _row(instance: Instance, function: Function, arguments: Arguments) -> Row:
    s = function.signature
    if len(arguments) != s.i_params + s.n_params:
        raise OracleError(f"{function.name} {s} is given {len(arguments)} arguments")
    i, n = arguments[: s.i_params], arguments[s.i_params :]
    try:
        results = instance.call(function.name, arguments)
    except Trap as trap:
        return Row(i, n, trap=trap.code)
    return Row(i, n, tuple(map(signed, results[: s.i_results])), tuple(results[s.i_results :]))
