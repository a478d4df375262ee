"""Instructions as lines of Python, one after the other.

Assumes that registers are the variables `i0`, `i1`, ... and `n0`, `n1`, ..., `f` the fuel that was drawn, and `d` the
frames that calls may still stack up. Promises that a line that raises `Leave`, or a fault of Python's, leaves all of
them as they were before the instruction, so that the first tier can execute it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from packfile.machine.state import GREATEST, LEAST
from packfile.translate.blocks import Step, statements
from packfile.translate.effects import FULL, Never, Translator, Untranslatable, Value, constant
from packfile.translate.primitives import SIZES
from packfile.verify import Code, counts

_DIGIT = (1 << 30) - 1
"""CPython compares numbers up to this one faster than greater ones, and most are."""
_STORES: Mapping[int, str] = {8: "B", 16: "H", 32: "I"}
_OFFSET = 0xFFFFFFFF


class Line(NamedTuple):
    """A line of the text."""

    indent: int
    text: str
    word: int
    """The instruction that it is of."""
    comment: str = ""


class Callee(NamedTuple):
    """What a call names."""

    name: str
    """The expression that gives it."""
    signature: int
    takes_frame: bool
    """Whether it needs depth, as host functions do not."""


class Surroundings(Protocol):
    """What instructions name outside of their function."""

    def static(self, name: str, argument: ast.expr, operands: Mapping[str, int]) -> int:
        """An integer that is known before anything runs; raises `Never` if it is a trap."""

    def callee(self, step: Step, expression: ast.expr, register: str) -> Callee:
        """What a call is to; raises `Never` if it is a trap."""

    def elements(self, code: str) -> str:
        """Name of the segments as elements of a format."""


@dataclass
class Facts:
    """What is known where a line is to stand."""

    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of integer registers that have others here than in the whole function."""
    split: set[str] = field(default_factory=set)
    """Variables that hold the index of an element for the address in a register."""

    def copy(self) -> Facts:
        """The same, to be changed apart."""
        return Facts(dict(self.bounds), set(self.split))

    def forget(self, register: str) -> None:
        """Drop what depends on a register, which is assigned."""
        self.bounds.pop(register, None)
        self.split = {name for name in self.split if not name.endswith(f"_{register}")}


class StepWriter:
    """Writes instructions that are no control."""

    def __init__(
        self, code: Code, surroundings: Surroundings, bounds: Mapping[str, tuple[int, int]], lines: list[Line]
    ) -> None:
        self.code = code
        self.surroundings = surroundings
        self.bounds = bounds
        self.lines = lines
        self.facts = Facts()
        self.segments: dict[tuple[str, str], None] = {}
        """Variables for the base and the length of segments that were accessed; both are 0 at first."""
        self.indent = 0
        self._step: Step | None = None
        self._comment = ""
        self._translator = Translator(self)

    def begin(self, step: Step, facts: Facts, indent: int) -> None:
        """Take up an instruction."""
        self._step, self.facts, self.indent = step, facts, indent
        self._comment = f"{step.word}: {step.text}"

    def line(self, text: str, indent: int | None = None) -> None:
        """Write a line of the instruction; its first has the disassembly."""
        assert self._step is not None
        self.lines.append(Line(self.indent if indent is None else indent, text, self._step.word, self._comment))
        self._comment = ""

    def write(self, step: Step, facts: Facts, indent: int) -> None:
        """Write all of an instruction that is not control."""
        self.begin(step, facts, indent)
        try:
            for statement in statements(step.row.opcode):
                self._statement(statement)
        except Never:
            self.line("raise Leave")

    def condition(self, node: ast.expr, *, negated: bool = False) -> str:
        """A condition of the instruction."""
        return self._translator.condition(node, negated=negated)

    def value(self, node: ast.expr) -> Value:
        """An expression of the instruction."""
        return self._translator.value(node)

    def truth(self, step: Step) -> tuple[str, ast.expr] | None:
        """The register and the condition, of an instruction that does nothing but to assign a truth value."""
        match statements(step.row.opcode):
            case [ast.Assign(targets=[ast.Subscript(slice=ast.Name(id=letter))], value=ast.Call(
                func=ast.Name(id="truth"), args=[ast.Compare() | ast.UnaryOp() as condition]
            ))]:  # fmt: skip
                return f"i{step.values[letter]}", condition
            case [ast.Assign(targets=[ast.Subscript(slice=ast.Name(id=letter))], value=ast.Call(
                func=ast.Name(id="truth"), args=[ast.Call(func=ast.Name(id="f_eq" | "f_lt" | "f_le")) as condition]
            ))]:  # fmt: skip
                return f"i{step.values[letter]}", condition
        return None

    # What translation asks.

    def register(self, bank: str, letter: str) -> Value:
        """The register that a field names."""
        assert self._step is not None
        name = f"{bank}{self._step.values[letter]}"
        if bank == "n":
            return Value(name)
        low, high = self.facts.bounds.get(name) or self.bounds.get(name, FULL)
        return constant(low) if low == high else Value(name, low, high)

    def operand(self, name: str) -> int | None:
        """The value of an operand that is no register."""
        assert self._step is not None
        return self._step.values.get(name)

    def static(self, name: str, arguments: list[ast.expr]) -> Value:
        """The value of a primitive on the module, its functions and slots."""
        assert self._step is not None
        return constant(self.surroundings.static(name, arguments[0], self._step.values))

    def element(self, code: str, address: ast.expr) -> str:
        """What stands for an element of memory: an index into its segment, both kept for accesses nearby."""
        match address:
            case ast.Call(func=ast.Name(id="address"), args=[ast.Subscript(slice=ast.Name(id=letter)), displacement]):
                base, distance = self.register("i", letter), self.value(displacement)
            case _:
                raise Untranslatable(ast.unparse(address))
        size = SIZES[code]
        if not distance.is_constant or distance.low % size:
            raise Untranslatable(ast.unparse(address))
        segments = self.surroundings.elements(code)
        more = distance.low // size
        if base.is_constant:
            if base.low % size:
                raise Never
            return f"{segments}[{base.low >> 32}][1][{(base.low & _OFFSET) // size + more}]"
        kept = f"{code}_{base.text}"
        index = f"k{kept}"
        if index not in self.facts.split:
            # The segment of the access before is tried first: most programs go on where they are.
            self.segments[f"o{kept}", f"l{kept}"] = None
            self.line(f"{index} = {base.text} - o{kept}")
            self.line(f"if not 0 <= {index} < l{kept}:")
            self.line(f"o{kept}, v{kept}, l{kept} = {segments}[{base.text} >> 32]", self.indent + 1)
            self.line(f"{index} = {base.text} - o{kept}", self.indent + 1)
            if size > 1:
                self.line(f"if {index} & {size - 1}:")
                self.line("raise Leave", self.indent + 1)
                self.line(f"{index} >>= {size.bit_length() - 1}")
            self.facts.split.add(index)
        return f"v{kept}[{index} + {more}]" if more else f"v{kept}[{index}]"

    # Statements.

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=bank), slice=ast.Name(id=letter))], value=value):
                assert self._step is not None
                (self._assign_integer if bank == "i" else self._assign_float)(
                    f"{bank}{self._step.values[letter]}", value
                )
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=arguments)):
                match name, arguments:
                    case "trap_if", [condition, _]:
                        self.line(f"if {self.condition(condition)}:")
                        self.line("raise Leave", self.indent + 1)
                    case "store", [address, ast.Constant(value=int(size)), value]:
                        self._store(address, size, value)
                    case (("copy" | "fill"), _):
                        texts = ", ".join(self.value(argument).text for argument in arguments)
                        self.line(f"{name}_bytes(LINKAGE, {texts})")
                    case "enter", [callee, _, _]:
                        self._enter(callee)
                    case _:
                        raise Untranslatable(ast.unparse(statement))
            case _:
                raise Untranslatable(ast.unparse(statement))

    def _assign_integer(self, register: str, node: ast.expr) -> None:
        x = self._translator.reaching(node)
        self.line(f"{register} = {_bare(x.text)}")
        self.facts.forget(register)
        over, under = x.high > GREATEST, x.low < LEAST
        if over and under:
            self.line(f"if not -{_DIGIT} <= {register} <= {_DIGIT} and not {LEAST} <= {register} <= {GREATEST}:")
        elif over:
            # What is near the end of the range only if it overflows is small at most times.
            first = f"{register} > {_DIGIT} and " if x.high <= GREATEST + _DIGIT else ""
            self.line(f"if {first}{register} > {GREATEST}:")
        elif under:
            first = f"{register} < -{_DIGIT} and " if x.low >= LEAST - _DIGIT else ""
            self.line(f"if {first}{register} < {LEAST}:")
        if over or under:
            self.line(f"{register} = wrap({register})", self.indent + 1)
            self.facts.bounds[register] = FULL
        else:
            self.facts.bounds[register] = x.low, x.high

    def _assign_float(self, register: str, node: ast.expr) -> None:
        x = self.value(node)
        self.line(f"{register} = {_bare(x.text)}")
        if x.is_loose:
            self.line(f"if {register} != {register}:")
            self.line(f"{register} = NAN", self.indent + 1)

    def _store(self, address: ast.expr, size: int, node: ast.expr) -> None:
        match size, node:
            case 64, ast.Call(func=ast.Name(id="bits"), args=[value]):
                code, text = "d", self.value(value).text
            case 64, ast.Call(func=ast.Name(id="u"), args=[value]):
                code, text = "q", self.value(value).text
            case _ if size in _STORES:
                mask = ast.Constant((1 << size) - 1)
                code, text = _STORES[size], self.value(ast.BinOp(node, ast.BitAnd(), mask)).text
            case _:
                raise Untranslatable(ast.unparse(node))
        self.line(f"{self.element(code, address)} = {_bare(text)}")

    def _enter(self, expression: ast.expr) -> None:
        step = self._step
        assert step is not None
        callee = self.surroundings.callee(step, expression, f"i{step.values.get('c', 0)}")
        i_params, n_params, i_results, n_results = counts(callee.signature)
        a, b = step.values["a"], step.values["b"]
        given = [*_run("i", a, i_params), *_run("n", b, n_params)]
        taken = [*_run("i", a, i_results), *_run("n", b, n_results)]
        self.line("if f < 1 or d < 1:" if callee.takes_frame else "if f < 1:")
        self.line("raise Leave", self.indent + 1)
        self.line(f"{', '.join(['f', *taken])} = {callee.name}({', '.join(['f - 1', 'd - 1', *given])})")
        for register in taken:
            self.facts.forget(register)
            if register[0] == "i":
                self.facts.bounds[register] = FULL


def bounds_of(code: Code, steps: Iterable[Step], surroundings: Surroundings) -> dict[str, tuple[int, int]]:
    """Bounds of what each integer register ever holds in a function, where they are less than any integer's."""
    registers = [f"i{number}" for number in range(code.i_params + len(code.i_zeros))]
    bounds = {register: FULL if number < code.i_params else (0, 0) for number, register in enumerate(registers)}
    writer = StepWriter(code, surroundings, {}, [])
    for step in steps:
        match statements(step.row.opcode)[-1]:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="i"), slice=ast.Name(id=letter))]):
                written = [f"i{step.values[letter]}"]
            case ast.Expr(value=ast.Call(func=ast.Name(id="enter"))):
                written = registers
            case _:
                continue
        if any(bounds[register] != FULL for register in written):
            writer.write(step, Facts(), 0)
            for register, (low, high) in writer.facts.bounds.items():
                least, greatest = bounds[register]
                bounds[register] = min(low, least), max(high, greatest)
    return {register: ends for register, ends in bounds.items() if ends != FULL}


def _run(bank: str, first: int, count: int) -> list[str]:
    return [f"{bank}{number}" for number in range(first, first + count)]


def _bare(text: str) -> str:
    """A text without the parentheses around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else text
    return text
