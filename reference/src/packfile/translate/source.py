"""The text of a translation: a function of Python for a function of a packfile, entered at one of its words.

Assumes verified code. Promises a function that takes the fuel that was drawn, the frames that calls may still stack
up, and registers (the parameters if it is called, all of them if it is entered by a branch), and gives the fuel that is
left and the results. Whatever else happens it leaves to the first tier: see `Leave`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from packfile.instructions import Opcode
from packfile.layout import Segment
from packfile.link import Function, Linkage
from packfile.translate import shape
from packfile.translate.blocks import Block, Step, blocks_from, control, statements
from packfile.translate.effects import Never, Untranslatable
from packfile.translate.shape import Path, Shape
from packfile.translate.steps import Callee, Facts, Line, StepWriter, bounds_of
from packfile.verify import Code

_INDENT = "    "
CALLED = -1
"""The entry of a translation that begins as a call does, with nothing in its registers but arguments."""


@dataclass
class Names:
    """What a translation names, for whoever makes it a function."""

    functions: dict[str, Function] = field(default_factory=dict)
    """Functions that it calls."""
    signatures: dict[str, int] = field(default_factory=dict)
    """Tables of functions by reference, of one signature each."""
    elements: dict[str, str] = field(default_factory=dict)
    """Tables of segments as elements of one format."""


@dataclass(frozen=True)
class Source:
    """A translation as text."""

    text: str
    words: Sequence[int]
    """The instruction that each line is of; the first line is that of index 1."""
    names: Names


def source_of(function: Function, code: Code, linkage: Linkage, entry: int) -> Source:
    """Translate a verified function.

    Args:
        function: The function.
        code: Its code.
        linkage: The set that it belongs to.
        entry: `CALLED`, or the word at which it is entered by a branch.

    Raises:
        Untranslatable: An effect uses a primitive that has no translation.
    """
    names = Names()
    outside = ModuleNames(function, linkage, names)
    whole = blocks_from(code, 0)
    bounds = bounds_of(code, (step for block in whole.values() for step in block.steps), outside)
    blocks = whole if entry == CALLED else blocks_from(code, entry)
    return _Writer(code, blocks, entry, StepWriter(code, outside, bounds, []), names).source()


class ModuleNames:
    """What an instruction names outside of its function."""

    def __init__(self, function: Function, linkage: Linkage, names: Names) -> None:
        self.module = function.module
        self.linkage = linkage
        self.names = names

    def static(self, name: str, argument: ast.expr, operands: Mapping[str, int]) -> int:
        """An integer that is known before anything runs."""
        image, lit = self.module.image, operands["lit"]
        assert image is not None
        match name, argument:
            case "constant", _:
                return image.constant(lit)
            case "base", ast.Name(id=segment):
                return self.module.base(Segment[segment.upper()])
            case "reference", _:
                return (self.module.position + 1 << 32) + lit
            case "resolve", _:
                value = self.linkage.slot(self.module, lit).value
                if value is None:
                    raise Never
                return value
            case "is_bound", _:
                return 0 if self.linkage.slot(self.module, lit).trap else 1
        raise Untranslatable(name)

    def callee(self, step: Step, expression: ast.expr, register: str) -> Callee:
        """What a call is to."""
        lit, name = step.values["lit"], f"c{step.word}"
        match expression:
            case ast.Call(func=ast.Name(id="function")):
                function = self.module.function(lit)
            case ast.Call(func=ast.Name(id="resolve")):
                found = self.linkage.slot(self.module, lit).function
                if found is None:
                    raise Never
                function = found
            case ast.Call(func=ast.Name(id="dereference")):
                signature = lit & 0xFFFFFFFF
                table = f"r{signature:08x}"
                self.names.signatures[table] = signature
                return Callee(f"{table}.get({register}, leave)", signature, takes_frame=True)
            case _:
                raise Untranslatable(ast.unparse(expression))
        self.names.functions[name] = function
        return Callee(name, function.signature, takes_frame=function.module.host is None)

    def elements(self, code: str) -> str:
        """Name of the segments as elements of a format."""
        name = f"S{code}"
        self.names.elements[name] = code
        return name


class _Writer:
    """Writes the control of a function; `StepWriter` writes the rest."""

    def __init__(self, code: Code, blocks: Mapping[int, Block], entry: int, steps: StepWriter, names: Names) -> None:
        self.code = code
        self.blocks = blocks
        self.entry = max(entry, 0)
        self.is_called = entry == CALLED
        self.shape = Shape(blocks, self.entry)
        self.steps = steps
        self.names = names
        self.lines = steps.lines
        self.word = self.entry
        self.exits: list[set[int]] = []
        """Labels for which each of the loops around is left, the innermost last."""

    def source(self) -> Source:
        """The whole text."""
        code = self.code
        i = [f"i{number}" for number in range(code.i_params + len(code.i_zeros))]
        n = [f"n{number}" for number in range(code.n_registers)]
        i_given, n_given = (i[: code.i_params], n[: code.n_params]) if self.is_called else (i, n)
        self._line(0, f"def translated({', '.join(['f', 'd', *i_given, *n_given])}):")
        for registers, zero in ((i[len(i_given) :], "0"), (n[len(n_given) :], "0.0")):
            if registers:
                self._line(1, f"{' = '.join(registers)} = {zero}")
        begin = len(self.lines)
        self._line(1, "try:")
        self._sequence(self.shape.top, (), 2)
        kept = [name for pair in self.steps.segments for name in pair]
        if kept:
            self.lines.insert(begin, Line(1, f"{' = '.join(kept)} = 0", self.entry))
        self._line(1, "except Exception as e:")
        self._line(2, f"unwind(e, SELF, f, {_tuple(i)}, {_tuple(n)})")
        self._line(2, "raise")
        text = "".join(
            f"{_INDENT * line.indent}{line.text}{f'  # {line.comment}' if line.comment else ''}\n"
            for line in self.lines
        )
        return Source(text, [self.entry, *(line.word for line in self.lines)], self.names)

    def _line(self, indent: int, text: str) -> None:
        self.lines.append(Line(indent, text, self.word))

    def _sequence(self, sequence: shape.Sequence, outside: Path, indent: int) -> None:
        for index, item in enumerate(sequence.items):
            path, at = (*outside, (sequence, index)), indent
            if index in sequence.guarded:
                labels = sorted(item.entries) if isinstance(item, shape.Sequence) else [item]
                self._line(at, f"if {' or '.join(f'b == {label}' for label in labels)}:")
                at += 1
            begin = len(self.lines)
            if isinstance(item, shape.Sequence):
                self._loop(item, path, at)
            else:
                self._tree(item, Facts(), path, at)
            self._fill(begin, at)

    def _loop(self, body: shape.Sequence, path: Path, indent: int) -> None:
        self._line(indent, "while True:")
        self.exits.append(set())
        self._sequence(body, path, indent + 1)
        exits = self.exits.pop()
        last = len(path) - 1
        farther = []
        for target in sorted(exits):
            way = self.shape.way(path, target)
            if way.level < last or way.goes_round:
                farther.append(target)
        for target in farther:
            if len(exits) > 1:
                self._line(indent, f"if b == {target}:")
            self._jump(target, path, indent + (len(exits) > 1))

    def _jump(self, target: int, path: Path, indent: int) -> bool:
        """Go to a label. Gives whether the text that follows is reached, and leads there."""
        way = self.shape.way(path, target)
        breaks = way.level < len(path) - 1
        if breaks or way.asks:
            self._line(indent, f"b = {target}")
        if breaks:
            self.exits[-1].add(target)
            self._line(indent, "break")
        elif way.goes_round:
            self._line(indent, "continue")
        return not breaks and not way.goes_round

    def _edge(self, target: int, facts: Facts, path: Path, indent: int, *, is_jump: bool) -> bool:
        """Go from the instruction at `word` to a block, which may stand here."""
        word = self.word
        if is_jump and target <= word:
            self._line(indent, "if f < 1:")
            self._line(indent + 1, "raise Leave")
            self._line(indent, "f -= 1")
        if target in self.shape.labels:
            falls = self._jump(target, path, indent)
        else:
            falls = self._tree(target, facts, path, indent)
        self.word = word
        return falls

    def _tree(self, word: int, facts: Facts, path: Path, indent: int) -> bool:
        """Write a block and those that stand in it. Gives whether the text that follows is reached."""
        block = self.blocks[word]
        *before, last = block.steps
        fused = None
        if before and control(last.row.opcode) == "jump_if" and last.row.opcode in _TESTS:
            found = self.steps.truth(before[-1])
            if found and found[0] == f"i{last.values['a']}":
                fused = before.pop(), found[1]
        for step in before:
            self.word = step.word
            self.steps.write(step, facts, indent)
        self.word = last.word
        name = control(last.row.opcode)
        if name is None:
            self.steps.write(last, facts, indent)
            return self._edge(block.targets[0], facts, path, indent, is_jump=False)
        if fused:
            return self._fused(*fused, last, facts, path, indent)
        self.steps.begin(last, facts, indent)
        match statements(last.row.opcode)[-1]:
            case ast.Expr(value=ast.Call(args=[condition, _])) if name == "jump_if":
                return self._branch(condition, block.targets, facts, path, indent)
            case ast.Expr(value=ast.Call(args=[distance])) if name == "skip":
                x = self.steps.value(distance)
                self.steps.line(f"j = {x.text}")
                return self._table(block.targets, 1, facts, path, indent)
        if name == "jump":
            self.lines.append(Line(indent, f"# {last.word}: {last.text}", last.word))
            return self._edge(block.targets[0], facts, path, indent, is_jump=True)
        self.steps.line(self._return(last) if name == "leave" else "raise Leave")
        return False

    def _return(self, step: Step) -> str:
        a, b, code = step.values["a"], step.values["b"], self.code
        given = [f"i{number}" for number in range(a, a + code.i_results)]
        given += [f"n{number}" for number in range(b, b + code.n_results)]
        return f"return {', '.join(['f', *given])}"

    def _branch(self, condition: ast.expr, targets: Sequence[int], facts: Facts, path: Path, indent: int) -> bool:
        head = len(self.lines)
        self.steps.line(f"if {self.steps.condition(condition)}:")
        negated = f"if {self.steps.condition(condition, negated=True)}:"
        taken, following = targets
        falls = self._edge(taken, facts.copy(), path, indent + 1, is_jump=True)
        if self._is_empty(head + 1):
            # Nothing is to be done where it is taken: only the other way is written.
            del self.lines[head + 1 :]
            self.lines[head] = self.lines[head]._replace(text=negated)
            self._edge(following, facts, path, indent + 1, is_jump=False)
            self._fill(head + 1, indent + 1)
            return True
        return self._otherwise(following, facts, path, indent, falls=falls)

    def _otherwise(self, target: int, facts: Facts, path: Path, indent: int, *, falls: bool) -> bool:
        """Write the second of two branches; `falls` says whether the text after the first is reached."""
        if not falls:
            return self._edge(target, facts, path, indent, is_jump=False)
        begin = len(self.lines)
        self._line(indent, "else:")
        self._edge(target, facts, path, indent + 1, is_jump=False)
        if self._is_empty(begin + 1):
            del self.lines[begin:]
        return True

    def _is_empty(self, begin: int) -> bool:
        return all(line.text.startswith("#") for line in self.lines[begin:])

    def _fill(self, begin: int, indent: int) -> None:
        """Python wants a statement where a line has been indented."""
        if self._is_empty(begin):
            self._line(indent, "pass")

    def _fused(self, test: Step, condition: ast.expr, branch: Step, facts: Facts, path: Path, indent: int) -> bool:
        """A comparison and the branch on what it gave, asked once."""
        register = f"i{branch.values['a']}"
        targets = branch.targets if branch.row.opcode == Opcode.JMP_IF else branch.targets[::-1]
        self.word = test.word
        self.steps.begin(test, facts, indent)
        self.steps.line(f"if {self.steps.condition(condition)}:")
        self.lines.append(Line(indent + 1, f"# {branch.word}: {branch.text}", branch.word))
        falls = True
        for truth, target in ((1, targets[0]), (0, targets[1])):
            at = indent + 1 if truth or falls else indent
            if not truth and falls:
                self._line(indent, "else:")
            self.word = branch.word
            self._line(at, f"{register} = {truth}")
            known = facts.copy()
            known.forget(register)
            known.bounds[register] = truth, truth
            falls_here = self._edge(target, known, path, at, is_jump=target == branch.targets[0])
            falls = falls_here if truth else falls or falls_here
        return falls

    def _table(self, targets: Sequence[int], first: int, facts: Facts, path: Path, indent: int) -> bool:
        """Go to one of several blocks, the one that `j` counts from `first`."""
        if len(targets) == 1:
            return self._edge(targets[0], facts.copy(), path, indent, is_jump=False)
        half = len(targets) // 2
        self._line(indent, f"if j < {first + half}:")
        begin = len(self.lines)
        falls = self._table(targets[:half], first, facts, path, indent + 1)
        self._fill(begin, indent + 1)
        if not falls:
            return self._table(targets[half:], first + half, facts, path, indent)
        self._line(indent, "else:")
        begin = len(self.lines)
        self._table(targets[half:], first + half, facts, path, indent + 1)
        self._fill(begin, indent + 1)
        return True


_TESTS = (Opcode.JMP_IF, Opcode.JMP_UNLESS)
"""Branches on a single register."""


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
