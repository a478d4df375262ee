"""Mutation: a valid file and some bytes make a file that has something wrong with it, or may have.

Assumes a file that opens, such as `packfile.writer.encode` gives. Promises a file for all bytes whatever, and the same
one for the same bytes. What is wrong with it is decided by `expectation`, from the file as it then is: a mutation that
happens to leave it good, since it gave a field another legal value, is known as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from packfile.layout import ByteOrder
from packfile.rules import RULES

from . import code, damage, fields, whole
from .changes import Add, Change, Cut, Write
from .choices import Choices
from .expectation import Expectation, expect
from .fields import Draft
from .places import File

MUTATIONS = (
    fields.field,
    fields.row,
    code.code,
    fields.head,
    fields.rows,
    whole.sections,
    whole.digests,
    whole.length,
    fields.overlap,
    fields.gap,
    *[fields.field] * 4,
    *[fields.row] * 5,
    *[code.code] * 7,
    *[fields.head] * 2,
    fields.rows,
    *[whole.sections] * 3,
    damage.wide,
)
"""What can be done to a file; what stands here more than once is done more often."""
DAMAGES = (damage.wide, damage.wide, damage.parted, damage.segments)
"""What few files are long enough for: damage behind the block that opening checks, in what is not looked at by then."""
Mutations = Sequence[Callable[[File, Choices], Draft]]
_SEVERAL = 232
"""First bytes from here on ask for more than one fault."""
_MOST = 4
_ORDER = {Write: 0, Cut: 1, Add: 2}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was done to a file."""

    path: str
    """The field, as cases write it, or what else was changed."""
    what: str
    """What was done to it."""
    changes: tuple[Change, ...]
    """The same in terms of bytes; empty where the file was laid out anew."""
    rules: frozenset[str]
    """Rules of which a loader must name one at `time`, if this is the only fault; empty if it then is none."""
    time: str
    """When it must show: `open`, `link`, `call` (of an export or of the entry) or `audit`; empty if never."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file to which something was done."""

    content: bytes
    """The file."""
    order: ByteOrder
    """That of the base."""
    faults: tuple[Fault, ...]
    """What was done to it; empty if nothing came of it."""
    expected: Expectation
    """What the specification says of it."""
    repairs: tuple[Change, ...] = ()
    """What was done after that to make its digests right."""

    @property
    def patch(self) -> list[dict[str, Any]] | None:
        """The items of a case's `patch` that make it from its base; None if it was laid out anew."""
        if not all(fault.changes for fault in self.faults):
            return None
        changes = _in_order(change for fault in self.faults for change in fault.changes)
        return [change.as_case() for change in (*changes, *self.repairs)]


def mutate(content: bytes, order: ByteOrder, data: bytes, mutations: Mutations = MUTATIONS) -> Broken:
    """A file with one fault or several.

    Args:
        content: A file that opens.
        order: Its byte order.
        data: What decides; any bytes.
        mutations: What can be done to it.
    """
    file, drafts, repairs, repaired, result = _drafted(content, order, data, mutations)
    expected = expect(result)
    alone = [expected] if len(drafts) == 1 else [expect(_alone(file, draft, repaired=repaired)) for draft in drafts]
    return Broken(result, order, tuple(map(_fault, drafts, alone)), expected, repairs)


def mutated(content: bytes, order: ByteOrder, data: bytes, mutations: Mutations = MUTATIONS) -> bytes:
    """The file of `mutate` alone, which takes a fraction of the time."""
    return _drafted(content, order, data, mutations).result


class _Drafted(NamedTuple):
    """What is done to a file."""

    file: File
    """Before it; laid out anew where a draft asks for that."""
    drafts: list[Draft]
    repairs: tuple[Change, ...]
    repaired: bool
    result: bytes


def _drafted(content: bytes, order: ByteOrder, data: bytes, mutations: Mutations) -> _Drafted:
    choices = Choices(data)
    first = choices.number(1)
    count = 1 if first < _SEVERAL else 2 + first % (_MOST - 1)
    repaired = not choices.below(4)
    file = File(content, order)
    drafts: list[Draft] = []
    for _ in range(count):
        draft = choices.pick(mutations)(file, choices)
        if draft.content is not None:
            # Laid out anew, so that what was drafted before no longer lies where it did.
            file, drafts = File(draft.content, order), [draft]
        elif _done(file, [draft]) != file.content:
            drafts.append(draft)
    result = _done(file, drafts)
    repairs = whole.repair(file, result) if repaired and drafts else ()
    return _Drafted(file, drafts, repairs, repaired, _with(result, repairs, order))


def _alone(file: File, draft: Draft, *, repaired: bool) -> bytes:
    result = _done(file, [draft])
    return _with(result, whole.repair(file, result), file.order) if repaired else result


def _done(file: File, drafts: list[Draft]) -> bytes:
    return _with(file.content, _in_order(change for draft in drafts for change in draft.changes), file.order)


def _in_order(changes: Iterable[Change]) -> list[Change]:
    """Fields, then cuts, the deepest last, then additions, so that each is made of what is there."""
    return sorted(changes, key=lambda change: (_ORDER[type(change)], -change.length if isinstance(change, Cut) else 0))


def _with(content: bytes, changes: Sequence[Change], order: ByteOrder) -> bytes:
    if not changes:
        return content
    result = bytearray(content)
    for change in changes:
        change.apply(result, order)
    return bytes(result)


def _fault(draft: Draft, expected: Expectation) -> Fault:
    time, rules = expected.first
    assert all(rule in RULES for rule in rules)
    changes = tuple(draft.changes) if draft.content is None else ()
    return Fault(draft.path, draft.what, changes, rules, time)
