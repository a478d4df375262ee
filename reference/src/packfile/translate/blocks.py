"""Basic blocks and loops: the shape that a function's code has when it is entered at some word.

Assumes verified code. Promises that every instruction that can be reached from the entry is in exactly one block, and
that loops are nested: a loop is a strongly connected part of the graph, once the edges into the entries of the loops
around it are taken away. Nearly every loop has one entry; what has several is a loop all the same, so no code is too
tangled to be arranged.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode
from packfile.verify import Code

DEEPEST_LOOP = 12
"""Loops that may lie within each other. Python takes no more than 20, or 100 levels of indentation."""


class Step(NamedTuple):
    """An instruction at its word."""

    word: int
    row: Instruction
    values: Mapping[str, int]
    """Its operands, by the names that effects use."""
    targets: tuple[int, ...]
    """Words at which execution may go on, the next instruction's last."""

    @property
    def text(self) -> str:
        """The instruction as in assembly, with indexes and distances as numbers."""
        parts = []
        for operand in self.row.operands:
            value = self.values[_value_name(operand.name, operand.position, operand.field)]
            is_branch = operand.field is FieldKind.BRANCH
            parts.append(f"{operand.bank}{value}" if operand.bank else f"{value:+}" if is_branch else str(value))
        return f"{self.row.mnemonic} {', '.join(parts)}".rstrip()


class Block(NamedTuple):
    """Instructions that are executed one after the other."""

    steps: Sequence[Step]
    targets: tuple[int, ...]
    """First words of the blocks that may follow; the one that follows without a jump is the last."""


@dataclass
class Loop:
    """Blocks of which each can be reached from each."""

    entries: AbstractSet[int]
    """First words of the blocks at which it is entered; edges to them from within go round."""
    items: list[Item] = field(default_factory=list)
    """What it is made of, in an order in which all other edges lead forward."""


Item: TypeAlias = "int | Loop"
"""A block, by its first word, or a loop."""


@functools.cache
def statements(opcode: Opcode) -> Sequence[ast.stmt]:
    """The effect of an instruction, parsed."""
    return ast.parse(INSTRUCTIONS[opcode].effect).body


@functools.cache
def control(opcode: Opcode) -> str | None:
    """The primitive of control with which an effect ends, if it does."""
    match statements(opcode)[-1]:
        case ast.Expr(value=ast.Call(func=ast.Name(id="jump" | "jump_if" | "skip" | "leave" | "trap" as name))):
            return name
    return None


def _value_name(name: str, position: int, kind: FieldKind) -> str:
    if kind is FieldKind.LITERAL:
        return "lit"
    return "abc"[position - 1] if kind in (FieldKind.REGISTER, FieldKind.WINDOW) else name.rstrip("0123456789")


def step_at(code: Code, word: int) -> Step:
    """The instruction at a word that begins one."""
    fields = [view[word] for view in code.fields]
    row = INSTRUCTIONS[Opcode(fields[0])]
    values: dict[str, int] = {}
    for operand in row.operands:
        if operand.field is FieldKind.LITERAL:
            raw = bytes(view[word + 1] for view in code.fields)
        else:
            raw = bytes(fields[operand.position : operand.position + operand.size])
        signed = operand.field in (FieldKind.SIGNED, FieldKind.BRANCH, FieldKind.LITERAL)
        values[_value_name(operand.name, operand.position, operand.field)] = int.from_bytes(
            raw, "little", signed=signed
        )
    following = word + row.words
    match control(row.opcode):
        case "jump":
            targets: tuple[int, ...] = (word + values["off"],)
        case "jump_if":
            targets = (word + values["off"], following)
        case "skip":
            targets = tuple(range(word + 1, word + 2 + values["count"]))
        case "leave" | "trap":
            targets = ()
        case _:
            targets = (following,)
    return Step(word, row, values, targets)


def blocks_from(code: Code, entry: int) -> dict[int, Block]:
    """The blocks that can be reached from an entry, by their first words."""
    steps: dict[int, Step] = {}
    starts = {entry}
    waiting = [entry]
    while waiting:
        word = waiting.pop()
        if word in steps:
            continue
        step = steps[word] = step_at(code, word)
        waiting += step.targets
        if control(step.row.opcode) is not None:
            starts.update(step.targets)
    blocks: dict[int, Block] = {}
    for start in starts:
        inside = [steps[start]]
        while (last := inside[-1]).targets and control(last.row.opcode) is None and last.targets[0] not in starts:
            inside.append(steps[last.targets[0]])
        blocks[start] = Block(inside, inside[-1].targets)
    return blocks


def arrange(blocks: Mapping[int, Block], entry: int) -> list[Item]:
    """Blocks and loops in an order in which all edges lead forward, but for those that go round a loop."""
    return _arrange(blocks, set(blocks), (), [entry], 0)


def _arrange(
    blocks: Mapping[int, Block], inside: AbstractSet[int], entries: Iterable[int], roots: Iterable[int], depth: int
) -> list[Item]:
    """Arrange some of the blocks, without the edges to `entries`."""
    left_out = set(entries)

    def followers(word: int) -> list[int]:
        return [target for target in blocks[word].targets if target in inside and target not in left_out]

    components = _components(roots, followers)
    place = {word: number for number, component in enumerate(components) for word in component}
    entered: dict[int, set[int]] = {}
    for word, here in place.items():
        for target in followers(word):
            if place[target] != here:
                entered.setdefault(place[target], set()).add(target)
    items: list[Item] = []
    for number, component in enumerate(components):
        if len(component) == 1 and component[0] not in followers(component[0]):
            items.append(component[0])
            continue
        heads = entered.get(number, set()) | {root for root in roots if place.get(root) == number}
        if depth == DEEPEST_LOOP:
            heads = set(component)
        items.append(Loop(heads, _arrange(blocks, set(component), heads, sorted(heads), depth + 1)))
    return items


def _components(roots: Iterable[int], followers: Callable[[int], list[int]]) -> list[list[int]]:
    """Strongly connected components, those that lead to others first (Tarjan's algorithm, without recursion)."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in roots:
        if root in number:
            continue
        work = [(root, iter(followers(root)))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            word, rest = work[-1]
            target = next(rest, None)
            if target is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[word])
                if low[word] == number[word]:
                    component = [stack.pop()]
                    while component[-1] != word:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    found.append(component)
            elif target not in number:
                number[target] = low[target] = len(number)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(followers(target))))
            elif target in on_stack:
                low[word] = min(low[word], number[target])
    return found[::-1]
