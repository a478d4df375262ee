"""The effect language: is an instruction's `-effect` within it, and does it agree with the instruction's row?

Assumes placed operands. Promises that an effect uses nothing but what spec/effects.md lists, reads and writes
exactly the registers that its operands declare, and can raise exactly the traps that its row names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generator.source import SpecError
from generator.table import WHERE, Instruction, Operand

FIELD_LETTERS = {1: "a", 2: "b", 3: "c"}
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
MISALIGNED = "misaligned"


@dataclass(frozen=True)
class Primitive:
    """A function of the effect language."""

    name: str
    parameters: tuple[str, ...]
    traps: tuple[str, ...]


def read_primitives(text: str, traps: Iterable[str]) -> Mapping[str, Primitive]:
    """The primitives that spec/effects.md declares by headings such as "### `name(x, y)`"."""
    primitives: dict[str, Primitive] = {}
    for block in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
        heading = re.match(r"### +(.*)", block)
        if heading is None:
            continue
        signature = re.fullmatch(r"`(\w+)\(((?:\w+(?:, \w+)*)?)\)`\s*", heading[1])
        if signature is None:
            raise SpecError(f"spec/effects.md: the heading {heading[1]!r} declares no primitive")
        name, parameters = signature[1], tuple(re.findall(r"\w+", signature[2]))
        line = re.search(r"^Traps: *(.*)$", block, re.MULTILINE)
        raised = tuple(re.findall(r"[a-z][a-z-]*", line[1])) if line else ()
        for trap in raised:
            if trap not in traps:
                raise SpecError(f"spec/effects.md: {name}: unknown trap `{trap}`")
        if name in primitives:
            raise SpecError(f"spec/effects.md: {name} is declared twice")
        primitives[name] = Primitive(name, parameters, raised)
    if not primitives:
        raise SpecError("spec/effects.md: declares no primitive")
    return primitives


def value_name(operand: Operand) -> str | None:
    """What an effect calls the value of an operand; None for registers and windows, which are called by their field."""
    kind = operand.type.field
    if kind == "literal":
        return "lit"
    return operand.type.name.rstrip("0123456789") if kind in ("signed", "unsigned", "branch") else None


class _Effect:
    """One pass over one effect, which collects what it uses."""

    def __init__(
        self,
        instruction: Instruction,
        primitives: Mapping[str, Primitive],
        traps: Iterable[str],
        segments: Iterable[str],
    ) -> None:
        self.instruction = instruction
        self.primitives = primitives
        self.trap_ids = {trap.replace("-", "_"): trap for trap in traps}
        self.segments = frozenset(segments)
        self.fields = {
            FIELD_LETTERS[o.position]: o for o in instruction.operands if o.type.field in ("register", "window")
        }
        self.values = {name for operand in instruction.operands if (name := value_name(operand))}
        self.read: set[str] = set()
        self.written: set[str] = set()
        self.used: set[str] = set()
        self.raised: set[str] = set()

    def refuse(self, problem: str) -> SpecError:
        return SpecError(f"{WHERE}: {self.instruction.id}: effect {self.instruction.effect!r}: {problem}")

    def check(self) -> None:
        try:
            statements = ast.parse(self.instruction.effect).body
        except SyntaxError as error:
            raise self.refuse(f"does not parse: {error.msg}") from None
        for statement in statements:
            match statement:
                case ast.Assign(targets=[ast.Subscript() as target], value=value):
                    self.expression(value)
                    self.written.add(self.register(target, ("dst", "var"), "writes"))
                case ast.Expr(value=ast.Call() as call):
                    self.expression(call)
                case _:
                    raise self.refuse("a statement is an assignment to a register or a call")
        self.check_registers()
        self.check_traps()

    def check_registers(self) -> None:
        for letter, operand in self.fields.items():
            role = operand.type.role
            if role in ("src", "var") and letter not in self.read:
                raise self.refuse(f"never reads the register {letter}, an {operand.type.name}")
            if role in ("dst", "var") and letter not in self.written:
                raise self.refuse(f"never writes the register {letter}, an {operand.type.name}")
            if role is None and letter not in self.used:
                raise self.refuse(f"never uses the window {letter}")
        for name in sorted(self.values - self.used):
            raise self.refuse(f"never uses `{name}`")

    def check_traps(self) -> None:
        stated = set(self.instruction.traps)
        if self.raised != stated:
            more, less = sorted(self.raised - stated), sorted(stated - self.raised)
            problem = [f"can raise {', '.join(more)}, which `-traps` lacks"] if more else []
            problem += [f"cannot raise {', '.join(less)}, which `-traps` names"] if less else []
            raise self.refuse("; ".join(problem))

    def register(self, node: ast.Subscript, roles: tuple[str, ...], verb: str) -> str:
        match node:
            case ast.Subscript(value=ast.Name(id="i" | "n" as bank), slice=ast.Name(id=letter)):
                operand = self.fields.get(letter)
                if operand is None or operand.type.bank != bank or operand.type.role not in roles:
                    raise self.refuse(f"{verb} {bank}[{letter}], which no operand declares")
                return letter
        raise self.refuse(f"{ast.unparse(node)!r} is not i[...] or n[...] of a field")

    def expression(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=bool()):
                raise self.refuse(f"{ast.unparse(node)!r} is not in the language")
            case ast.Constant(value=int()):
                pass
            case ast.BinOp(left=left, op=operator, right=right) if isinstance(operator, OPERATORS):
                self.expression(left)
                self.expression(right)
            case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
                self.expression(operand)
            case ast.BoolOp(values=values):
                for value in values:
                    self.expression(value)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if isinstance(operator, COMPARISONS):
                self.expression(left)
                self.expression(right)
            case ast.Subscript():
                self.read.add(self.register(node, ("src", "var"), "reads"))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                self.call(name, arguments)
            case ast.Name(id=name):
                self.name(name)
            case _:
                raise self.refuse(f"{ast.unparse(node)!r} is not in the language")

    def name(self, name: str) -> None:
        window = name in self.fields and self.fields[name].type.field == "window"
        if not window and name not in self.values:
            raise self.refuse(f"`{name}` is not a value of this instruction")
        self.used.add(name)

    def call(self, name: str, arguments: list[ast.expr]) -> None:
        primitive = self.primitives.get(name)
        if primitive is None:
            raise self.refuse(f"`{name}` is not a primitive of spec/effects.md")
        if len(arguments) != len(primitive.parameters):
            raise self.refuse(f"`{name}` takes {len(primitive.parameters)} arguments and is given {len(arguments)}")
        raised = set(primitive.traps)
        for parameter, argument in zip(primitive.parameters, arguments, strict=True):
            match parameter, argument:
                case "code", ast.Name(id=trap) if trap in self.trap_ids:
                    raised.add(self.trap_ids[trap])
                case "code", _:
                    raise self.refuse(f"`{name}` of {ast.unparse(argument)!r}, which is no trap code")
                case "segment", ast.Name(id=segment) if segment in self.segments:
                    pass
                case "bits", ast.Constant(value=8):
                    # An access of one byte cannot be misaligned.
                    raised.discard(MISALIGNED)
                case _:
                    self.expression(argument)
        self.raised |= raised


def check(
    instructions: Iterable[Instruction],
    primitives: Mapping[str, Primitive],
    traps: Iterable[str],
    segments: Iterable[str],
) -> None:
    """Refuse the first instruction whose effect breaks a promise of this module."""
    for instruction in instructions:
        _Effect(instruction, primitives, traps, segments).check()
