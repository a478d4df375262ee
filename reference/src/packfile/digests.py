"""Digests: the tree that a file may carry, how it is made, and what of it was checked.

Assumes a file whose directory is sound, so that the tree lies where it says. Promises that `Digests.check` returns only
if the bytes are those that the root stands for, and that one check reads at most one node of each level. Remembers what
it checked in memory that grows with the blocks that were used, never with the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from packfile.errors import Corrupt, Malformed
from packfile.layout import DIGEST_BLOCK_LENGTH, DIGEST_LENGTH, DIGEST_NODE_COUNT, FIELDS

ROOT_AT = next(field.offset for field in FIELDS["header"] if field.name == "digest_root")
"""Where the root stands in the header; its bytes count as zeros in the digest of block 0."""
_NODE_LENGTH = DIGEST_NODE_COUNT * DIGEST_LENGTH
_ZEROS = bytes(DIGEST_BLOCK_LENGTH)
_ZERO_DIGEST = hashlib.sha256(_ZEROS).digest()
_SHOWN = 8
"""Bytes of a digest that an error shows."""


def tree_length(covered: int) -> int:
    """Bytes of the tree over that many bytes (PF-INT-002)."""
    return sum(level_counts(covered)) * DIGEST_LENGTH


def make_tree(view: memoryview) -> tuple[bytes, bytes]:
    """The tree over bytes, and its root. Whatever stands in the place of the root in the header does not matter."""
    level = b"".join(_digest_of_block(view, block) for block in range(-(-len(view) // DIGEST_BLOCK_LENGTH)))
    tree = level
    while len(level) > _NODE_LENGTH:
        nodes = (level[at : at + _NODE_LENGTH] for at in range(0, len(level), _NODE_LENGTH))
        level = b"".join(_digest(node) for node in nodes)
        tree += level
    return tree, _digest(level)


def level_counts(covered: int) -> list[int]:
    """Digests of each level, from level 0."""
    counts = [-(-covered // DIGEST_BLOCK_LENGTH)]
    while counts[-1] > DIGEST_NODE_COUNT:
        counts.append(-(-counts[-1] // DIGEST_NODE_COUNT))
    return counts


def _digest(content: bytes | memoryview) -> bytes:
    state = hashlib.sha256(content)
    state.update(_ZEROS[len(content) :])
    return state.digest()


def _digest_of_block(view: memoryview, block: int) -> bytes:
    # Of bytes, since views are compared one item at a time.
    content = bytes(view[block * DIGEST_BLOCK_LENGTH : (block + 1) * DIGEST_BLOCK_LENGTH])
    if block == 0:
        after = ROOT_AT + DIGEST_LENGTH
        content = content[:ROOT_AT] + bytes(DIGEST_LENGTH) + content[after:]
    # A large file is mostly holes, and to compare is faster than to hash.
    return _ZERO_DIGEST if content == _ZEROS else _digest(content)


class Counters(Protocol):
    """What is counted."""

    blocks_checked: int
    nodes_checked: int


@dataclass
class Tally:
    """Counters for who wants nothing else counted."""

    blocks_checked: int = 0
    nodes_checked: int = 0


@dataclass(frozen=True, slots=True)
class _Damage:
    """Why a block or node is corrupt; kept, since it is reported at each use (PF-INT-012)."""

    rule: str
    message: str
    at: int
    expected: bytes
    got: bytes


class Digests:
    """The tree of one file, and which of its blocks and nodes were found good or bad.

    Threads may share it: two that check one block at once both find the same.
    """

    def __init__(
        self,
        view: memoryview,
        root: bytes,
        section: tuple[int, int],
        name: str | None,
        counters: Counters | None = None,
    ) -> None:
        """Look at the length of the tree, and at nothing in it.

        Args:
            view: The file.
            root: `digest_root` of its header.
            section: Offset and length of its digests section.
            name: The file's name, for messages, if it is known.
            counters: Where to count, if that matters.

        Raises:
            Malformed: PF-INT-002 is broken.
        """
        self._counters = counters or Tally()
        self._covered, length = section
        self._view = view
        self._root = root
        self._name = name
        expected = tree_length(self._covered)
        if length != expected:
            message = "the digest tree has another length"
            raise Malformed(
                "PF-INT-002", message, at=self._covered, expected=f"{expected} bytes", got=str(length), file=name
            )
        self._counts = level_counts(self._covered)
        self._starts = [self._covered]
        for count in self._counts:
            self._starts.append(self._starts[-1] + count * DIGEST_LENGTH)
        self._good: dict[int, int] = {}
        """A bit for each block that is good, by the level-0 node that its digest is in."""
        self._good_nodes: set[tuple[int, int]] = set()
        """Level and number of the nodes that are good."""
        self._bad: dict[tuple[int, int], _Damage] = {}
        """Blocks, at level -1, and nodes that are bad."""

    def check(self, at: int, length: int) -> None:
        """Check the blocks of a range of bytes before the tree, unless that was done.

        Raises:
            Corrupt: A block of it, or a node on the way to the root, has another digest.
        """
        if length > 0:
            for block in range(at // DIGEST_BLOCK_LENGTH, (at + length - 1) // DIGEST_BLOCK_LENGTH + 1):
                self.check_block(block)

    def check_block(self, block: int) -> None:
        """Check one block, as `check` does."""
        node, place = divmod(block, DIGEST_NODE_COUNT)
        if self._good.get(node, 0) >> place & 1:
            return
        self._check_node(0, node)
        self._judge(-1, block)
        # Not atomic: of two threads one may undo what the other noted, which costs it one more look.
        self._good[node] = self._good.get(node, 0) | 1 << place

    def damages(self) -> Iterator[Corrupt]:
        """Every node and block that is corrupt, from the root down, each once (PF-INT-013)."""
        for level in reversed(range(len(self._counts))):
            for node in range(-(-self._counts[level] // DIGEST_NODE_COUNT)):
                yield from self._found(level, node)
        for block in range(self._counts[0]):
            yield from self._found(-1, block)

    def _found(self, level: int, number: int) -> Iterator[Corrupt]:
        try:
            self._judge(level, number)
        except Corrupt as error:
            yield error

    def _check_node(self, level: int, node: int) -> None:
        """Check a node and all above it; those that are known to be good end the way up."""
        if (level, node) in self._good_nodes:
            return
        if level + 1 < len(self._counts):
            self._check_node(level + 1, node // DIGEST_NODE_COUNT)
        self._judge(level, node)
        self._good_nodes.add((level, node))

    def _judge(self, level: int, number: int) -> None:
        """Compare a block (level -1) or node with its digest, whatever those above it are."""
        damage = self._bad.get((level, number))
        if damage is None:
            damage = self._compare(level, number)
            if damage is None:
                return
            self._bad[level, number] = damage
        expected, got = (f"{digest[:_SHOWN].hex()}..." for digest in (damage.expected, damage.got))
        raise Corrupt(damage.rule, damage.message, at=damage.at, expected=expected, got=got, file=self._name)

    def _compare(self, level: int, number: int) -> _Damage | None:
        if level < 0:
            self._counters.blocks_checked += 1
            at, rule, message = number * DIGEST_BLOCK_LENGTH, "PF-INT-003", f"block {number} is damaged"
            got = _digest_of_block(self._view[: self._covered], number)
        else:
            self._counters.nodes_checked += 1
            at = self._starts[level] + number * _NODE_LENGTH
            got = _digest(self._view[at : min(at + _NODE_LENGTH, self._starts[level + 1])])
            rule, message = "PF-INT-004", f"node {number} of level {level} of the digest tree is damaged"
        if level + 1 < len(self._counts):
            parent = self._starts[level + 1] + number * DIGEST_LENGTH
            expected = bytes(self._view[parent : parent + DIGEST_LENGTH])
        else:
            rule, message = "PF-INT-005", "the digest tree is not the one that the header's root is of"
            expected = self._root
        return None if got == expected else _Damage(rule, message, at, expected, got)


class Guard:
    """A segment whose blocks are checked before an access, until all of them were."""

    def __init__(self, segment: memoryview, at: int, digests: Digests, done: Callable[[], None]) -> None:
        """Guard a segment.

        Args:
            segment: What programs load from and store to.
            at: Where its bytes lie in the file.
            digests: The file's tree.
            done: Called once every block was checked.
        """
        self.segment = segment
        self._at = at
        self._digests = digests
        self._done = done
        self._left = (at + len(segment) - 1) // DIGEST_BLOCK_LENGTH - at // DIGEST_BLOCK_LENGTH + 1
        self._seen: dict[int, int] = {}
        """A bit for each block that was checked, by the node that its digest is in."""

    def check(self, offset: int, length: int) -> None:
        """Check the blocks of a range within the segment.

        Raises:
            Corrupt: One of them is corrupt.
        """
        if not length:
            return
        at = self._at + offset
        for block in range(at // DIGEST_BLOCK_LENGTH, (at + length - 1) // DIGEST_BLOCK_LENGTH + 1):
            node, place = divmod(block, DIGEST_NODE_COUNT)
            if not self._seen.get(node, 0) >> place & 1:
                self._digests.check_block(block)
                self._seen[node] = self._seen.get(node, 0) | 1 << place
                self._left -= 1
        if not self._left:
            self._done()
