"""Expectation: what is wrong with a file by the specification, and what a loader may therefore say, and when.

Assumes nothing of the bytes. Promises a verdict that owes nothing to the reference's image, link, verify and audit
layers: this module, `expect_rows` and `expect_code` are a reading of spec/ of their own.

Which oracle decides what:

- header, directory, and each constraint on one field of a row: `spec/packfile.ksy` itself, from the `valid` and `-rule`
  of each attribute (`expect_head`);
- what crosses sections (PF-HDR-009, PF-SEC-001 and 002, PF-INT-001 and 002, PF-DIR-009): the functions here;
- names, exports and strings (PF-SEC-003 to 013, PF-LIM-005): `expect_rows`;
- functions and their code (PF-FUN-*, PF-LIM-006, PF-CODE-*): `expect_code`, which shares with the reference the
  generated instruction table and nothing else;
- digests: the suite's `tree`, by PF-INT-002 to 005.

A file that breaks no rule is expected to be accepted, whatever was done to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from packfile import layout
from packfile.layout import ByteOrder, SectionKind
from packfile.model import Module
from packfile.rules import RULES
from packfile_suite.sparse import SparseBytes
from packfile_suite.tree import broken

from .expect_code import Functions
from .expect_head import ENTRY_SIZE, head_rules, row_findings
from .expect_rows import Exported, Rows
from .places import ROOT, File

NOTHING: frozenset[str] = frozenset()
_ROOT = slice(ROOT.offset, ROOT.offset + ROOT.size)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a loader may say of a file. Of several rules at one time it may name any."""

    opening: frozenset[str] = NOTHING
    """Rules of which opening must name one; empty if the file opens."""
    linking: frozenset[str] = NOTHING
    """Rules of which linking must name one; empty if no import row is wrong."""
    exports: tuple[Exported, ...] = ()
    """What a call by name finds, in the order of the rows; names that no call can give are left out."""
    sorted: bool = True
    """Whether look-ups must find what is there; if not, they may miss."""
    functions: tuple[frozenset[str], ...] = ()
    """Rules that each function breaks, by index: its call is invalid and names one."""
    lost: bool = False
    """Whether code could not be read to its end, so that an audit may name further rules of code."""
    auditing: frozenset[str] = NOTHING
    """Rules of rows, names, strings, gaps and the end of code, of which an audit may name any."""
    damage: frozenset[str] = NOTHING
    """Rules of the digest tree: what uses a damaged block is corrupt, and an audit is."""
    damaged_head: bool = False
    """Whether opening is corrupt, if nothing else is wrong with header and directory."""
    binds: bool = False
    """Whether an import is bound when the set is linked, which then may be unlinkable."""
    data_size: int = 0
    """Bytes of data."""
    bss_size: int = 0
    """Bytes of bss, which may be more than a loader provides."""
    entry: int | None = None
    """Index of the entry function."""
    signatures: tuple[int, ...] = ()
    """Signature word of each function, by index."""

    def sized(self, module: Module) -> Module:
        """A module with segments as long as the file's: so far a program that has the file can be looked at."""
        return replace(module, data=bytes(self.data_size), bss_size=self.bss_size)

    @property
    def rules(self) -> frozenset[str]:
        """Every rule that the file breaks, as far as it can be read."""
        invalid = frozenset().union(*self.functions)
        return self.opening | self.linking | self.auditing | invalid | self.damage

    @property
    def first(self) -> tuple[str, frozenset[str]]:
        """When it must show that the file is wrong, and the rules that may be named then; nothing if it is right."""
        if self.opening:
            return "open", self.opening
        if self.damaged_head:
            return "open", self.damage
        # What is used of a damaged block is corrupt before it is judged.
        if self.linking:
            return "link", self.linking | self.damage
        exported = [each for each in self.exports if self.sorted]
        rows = frozenset().union(*(each.rules for each in exported))
        called = {each.function for each in exported if each.function is not None} | {self.entry}
        invalid = frozenset().union(*(rules for index, rules in enumerate(self.functions) if index in called))
        if rows or invalid:
            return "call", rows | invalid | self.damage
        return ("audit", self.rules) if self.rules else ("", NOTHING)


def outcomes(rules: frozenset[str]) -> frozenset[str]:
    """What a loader may report for these."""
    return frozenset(str(RULES[rule].outcome).split()[0] for rule in rules)


def expect(content: bytes) -> Expectation:
    """What the specification says of a file."""
    head = head_rules(content)
    if head:
        return Expectation(opening=head)
    file = File(content, ByteOrder(content[8]))
    across = _across(file)
    if across:
        return Expectation(opening=across)
    digests = file.table("digests")
    damage = NOTHING if digests is None else frozenset(broken(SparseBytes(content), digests.at, content[_ROOT]))
    if "PF-INT-002" in damage:
        return Expectation(opening=frozenset({"PF-INT-002"}))
    rows = Rows(file, row_findings(file))
    functions = Functions(file, rows)
    return Expectation(
        linking=rows.linking,
        exports=rows.exports,
        sorted=rows.sorted,
        functions=functions.rules,
        lost=functions.lost,
        auditing=rows.auditing | functions.end | _gaps(file),
        damage=damage,
        damaged_head=bool(damage) and digests is not None and _head_is_damaged(content, digests.at),
        binds=rows.binds,
        data_size=file.rows("data"),
        bss_size=file.header.bss_size,
        entry=None if file.header.entry == layout.NO_ENTRY else file.header.entry,
        signatures=tuple(row.signature for _, _, row in file.functions),
    )


def _across(file: File) -> frozenset[str]:
    """The rules of time `open` that cross fields."""
    kinds = {entry.kind_id for entry in file.entries}
    names = {SectionKind.IMPORTS, SectionKind.EXPORTS} & kinds
    checks = {
        "PF-HDR-009": file.header.entry == layout.NO_ENTRY or file.header.entry < file.rows("functions"),
        "PF-SEC-001": (SectionKind.FUNCTIONS in kinds) == (SectionKind.CODE in kinds),
        "PF-SEC-002": not names or SectionKind.STRINGS in kinds,
        "PF-INT-001": (SectionKind.DIGESTS in kinds) == any(file.header.digest_root),
    }
    return frozenset(rule for rule, holds in checks.items() if not holds)


def _gaps(file: File) -> frozenset[str]:
    end = layout.HEADER_SIZE + ENTRY_SIZE * len(file.entries)
    for entry in file.entries:
        if file.content[end : entry.offset].strip(b"\0"):
            return frozenset({"PF-DIR-009"})
        end = entry.offset + entry.length
    return NOTHING


def _head_is_damaged(content: bytes, at: int) -> bool:
    """Whether block 0, or a node between its digest and the root, is not what stands above it."""
    block = bytearray(content[: min(at, layout.DIGEST_BLOCK_LENGTH)])
    block[_ROOT] = bytes(layout.DIGEST_LENGTH)
    digest = _hash(bytes(block))
    count = -(-at // layout.DIGEST_BLOCK_LENGTH)
    while True:
        node = content[at : at + min(count, layout.DIGEST_NODE_COUNT) * layout.DIGEST_LENGTH]
        if not node.startswith(digest):
            return True
        digest = _hash(node)
        if count <= layout.DIGEST_NODE_COUNT:
            return digest != content[_ROOT]
        at += count * layout.DIGEST_LENGTH
        count = -(-count // layout.DIGEST_NODE_COUNT)


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content.ljust(layout.DIGEST_BLOCK_LENGTH, b"\0")).digest()
