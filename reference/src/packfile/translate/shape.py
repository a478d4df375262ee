"""The shape of the text: which blocks stand within others, in which order the rest stands, and what has to be asked.

Assumes blocks and loops (`blocks.py`). A block that is reached from one place only stands there, within the branches of
the one before it. All others are labels: they stand in sequences, the function's and one for each loop, in an order in
which jumps lead forward, or back to the loop's entry. Python has no jumps, so whoever goes to a label lets all
between be passed over: a label that can be passed over is guarded, and a jump past or to a guarded one says where it
goes, in the variable `b`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from packfile.translate.blocks import Block, Item, Loop, arrange

LONGEST_TREE = 20
"""Branches that may stand within each other, before a block is made a label to keep the text within its margins."""


@dataclass
class Sequence:
    """Labels and loops, one after the other."""

    entries: AbstractSet[int] = frozenset()
    """The entries of the loop whose body it is; none of the function's."""
    items: list[int | Sequence] = field(default_factory=list)
    """Labels, by their first words, and bodies of loops."""
    guarded: set[int] = field(default_factory=set)
    """Indexes of those that can be passed over."""

    def asks(self, start: int, end: int) -> bool:
        """Whether a jump from an item to another has to say where it goes."""
        item = self.items[end]
        has_entries = isinstance(item, Sequence) and len(item.entries) > 1
        return has_entries or any(start < place <= end for place in self.guarded)


Path: TypeAlias = "tuple[tuple[Sequence, int], ...]"
"""Sequences, each within an item of the one before it, with the indexes of those items."""


class Way(NamedTuple):
    """How a jump leads to a label."""

    level: int
    """Index in the path of the sequence in which the jump ends: all loops within that are broken out of."""
    goes_round: bool
    """Whether it goes to an entry of the loop that this sequence is the body of."""
    asks: bool
    """Whether it has to say where it goes."""


class Shape:
    """Where everything stands."""

    def __init__(self, blocks: Mapping[int, Block], entry: int) -> None:
        self.blocks = blocks
        arranged = arrange(blocks, entry)
        self.labels = {entry}
        self._find_labels(arranged)
        owners = self._trees()
        self.top = Sequence()
        self.paths: dict[int, Path] = {}
        self._place(self.top, arranged, ())
        for word, owner in owners.items():
            self.paths[word] = self.paths[owner]
        self._guard()

    def way(self, path: Path, target: int) -> Way:
        """How to get to a label from a place."""
        for level in reversed(range(len(path))):
            sequence, index = path[level]
            if target in sequence.entries:
                end = self.paths[target][level][1]
                return Way(level, goes_round=True, asks=sequence.asks(-1, end))
            other = self.paths[target]
            if level < len(other) and other[level][0] is sequence and other[level][1] > index:
                return Way(level, goes_round=False, asks=sequence.asks(index, other[level][1]))
        raise AssertionError(f"no way from {path} to {target}")

    def _find_labels(self, items: list[Item]) -> None:
        arrivals: dict[int, int] = {}
        for block in self.blocks.values():
            for target in block.targets:
                arrivals[target] = arrivals.get(target, 0) + 1
        self.labels.update(word for word, count in arrivals.items() if count > 1)
        waiting = list(items)
        while waiting:
            item = waiting.pop()
            if isinstance(item, Loop):
                self.labels |= item.entries
                waiting += item.items

    def _trees(self) -> dict[int, int]:
        """The label within which each other block stands."""
        owners: dict[int, int] = {}
        waiting = list(self.labels)
        while waiting:
            label = waiting.pop()
            tree = [(label, 0)]
            while tree:
                word, depth = tree.pop()
                targets = self.blocks[word].targets
                depth += (len(targets) - 1).bit_length() if targets else 0
                for target in targets:
                    if target in self.labels:
                        continue
                    if depth > LONGEST_TREE:
                        self.labels.add(target)
                        waiting.append(target)
                    else:
                        owners[target] = label
                        tree.append((target, depth))
        return owners

    def _place(self, sequence: Sequence, items: list[Item], outside: Path) -> None:
        for item in items:
            if not isinstance(item, Loop) and item not in self.labels:
                continue
            path = (*outside, (sequence, len(sequence.items)))
            if isinstance(item, Loop):
                body = Sequence(item.entries)
                sequence.items.append(body)
                self._place(body, item.items, path)
            else:
                sequence.items.append(item)
                self.paths[item] = path

    def _guard(self) -> None:
        jumps: dict[int, dict[int, int]] = {}
        sequences: dict[int, Sequence] = {}

        def note(sequence: Sequence, start: int, end: int) -> None:
            sequences[id(sequence)] = sequence
            farthest = jumps.setdefault(id(sequence), {})
            farthest[start] = max(farthest.get(start, end), end)

        for word, block in self.blocks.items():
            for target in block.targets:
                if target in self.labels:
                    way = self.way(self.paths[word], target)
                    sequence, index = self.paths[word][way.level]
                    note(sequence, -1 if way.goes_round else index, self.paths[target][way.level][1])
        for word, path in self.paths.items():
            sequence, index = path[-1]
            if word in sequence.entries:
                note(sequence, -1, index)
        for key, sequence in sequences.items():
            reach = -1
            for index in range(-1, len(sequence.items)):
                if 0 <= index < reach:
                    sequence.guarded.add(index)
                reach = max(reach, jumps[key].get(index, -1))
