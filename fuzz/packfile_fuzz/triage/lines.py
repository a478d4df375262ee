"""Code as lines: instructions whose branches name other lines, so that some can be left out and others put in.

Assumes words that are instructions from the first to the last. Promises that what is written after a change still goes
to the same lines, or to those that followed one which is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode, Operand

ROWS: dict[int, Instruction] = {int(op): row for op, row in INSTRUCTIONS.items()}
"""The table by number."""


class Line(NamedTuple):
    """One instruction."""

    word: int
    """Its first word; what it says of a branch's distance is not looked at."""
    literal: int | None = None
    """Its literal."""
    target: int | None = None
    """Line that it branches to."""

    @property
    def row(self) -> Instruction:
        """Its row of the table."""
        return ROWS[self.word & 0xFF]

    def value(self, operand: Operand) -> int:
        """What one of its bytes says, unsigned."""
        return self.word >> 8 * operand.position & (1 << 8 * operand.size) - 1

    def with_value(self, operand: Operand, value: int) -> Line:
        """The same with another value in those bytes."""
        mask = (1 << 8 * operand.size) - 1 << 8 * operand.position
        return self._replace(word=self.word & ~mask | value << 8 * operand.position & mask)


def read(code: Sequence[int]) -> list[Line] | None:
    """The lines of a function; None if a word of it is no instruction, or a branch goes to none."""
    starts: dict[int, int] = {}
    at = 0
    while at < len(code):
        row = ROWS.get(code[at] & 0xFF)
        if row is None or at + row.words > len(code):
            return None
        starts[at] = len(starts)
        at += row.words
    lines = []
    for at in starts:
        line = Line(code[at], code[at + 1] if ROWS[code[at] & 0xFF].words > 1 else None)
        branch = branch_of(line.row)
        if branch is not None:
            distance = line.value(branch)
            distance -= (distance >> 8 * branch.size - 1) << 8 * branch.size
            if at + distance not in starts:
                return None
            line = line._replace(target=starts[at + distance])
        lines.append(line)
    return lines


def write(lines: Sequence[Line]) -> tuple[int, ...] | None:
    """The words of lines; None if a branch goes too far."""
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += line.row.words
    words: list[int] = []
    for start, line in zip(starts, lines, strict=True):
        branch = branch_of(line.row)
        if branch is not None:
            if line.target is None or line.target >= len(lines):
                return None
            distance = starts[line.target] - start
            if not -1 << 8 * branch.size - 1 <= distance < 1 << 8 * branch.size - 1:
                return None
            line = line.with_value(branch, distance)  # noqa: PLW2901 - the same line, with its distance
        words.append(line.word)
        if line.literal is not None:
            words.append(line.literal)
    return tuple(words)


def kept(lines: Sequence[Line], which: Iterable[int]) -> list[Line]:
    """Some of the lines; what went to one that is gone goes to the next that is left."""
    left = sorted(which)
    places: list[int] = []
    new = 0
    for old in range(len(lines)):
        places.append(new)
        new += new < len(left) and left[new] == old
    return [_moved(lines[old], lambda target: places[target]) for old in left]


def put_before(lines: Sequence[Line], new: Line, at: int) -> list[Line]:
    """Lines with another before one of them, which whatever went to that one now comes to; its own target is as new."""
    old = [_moved(each, lambda target: target + (target > at)) for each in lines]
    return [*old[:at], new, *old[at:]]


def put_first(lines: Sequence[Line], new: Sequence[Line]) -> list[Line]:
    """Lines after others; what went to the first goes to where that is now, and targets of the new ones are as old."""
    return [_moved(each, lambda target: target + len(new)) for each in (*new, *lines)]


def put_instead(lines: Sequence[Line], at: int, new: Sequence[Line]) -> list[Line]:
    """Lines with others in place of one; targets of the new ones count from the first of them."""
    more = len(new) - 1
    old = [_moved(each, lambda target: target + more * (target > at)) for each in lines]
    return [*old[:at], *(_moved(each, lambda target: target + at) for each in new), *old[at + 1 :]]


def unrolled(lines: Sequence[Line], at: int) -> list[Line]:
    """Lines with what a branch goes back to, up to it, once more in its place; whatever went to it goes to that."""
    target = lines[at].target
    assert target is not None
    assert target <= at
    more = at - target

    def old(to: int) -> int:
        return to + more - 1 if to > at else to

    def again(to: int) -> int:
        return to + more if target <= to <= at else old(to)

    copy = [_moved(each, again) for each in lines[target:at]]
    return [*(_moved(each, old) for each in lines[:at]), *copy, *(_moved(each, old) for each in lines[at + 1 :])]


def _moved(line: Line, to: Callable[[int], int]) -> Line:
    return line if line.target is None else line._replace(target=to(line.target))


def branch_of(row: Instruction) -> Operand | None:
    """The operand of an instruction that is a distance."""
    last = row.operands[-1] if row.operands else None
    return last if last is not None and last.field is FieldKind.BRANCH else None


def line(op: Opcode, *operands: int) -> Line:
    """A line from its operands, but for a branch's, in the order of the table."""
    made = Line(int(op))
    for operand, value in zip(INSTRUCTIONS[op].operands, operands, strict=False):
        if operand.field is FieldKind.LITERAL:
            made = made._replace(literal=value & 0xFFFFFFFF)
        else:
            made = made.with_value(operand, value)
    return made
