"""What is made smaller: a program, or one module with changes to its file.

Assumes what the generators make. Promises plain values, and that the file of a specimen that was not changed is the
file that failed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from packfile.errors import PackfileError
from packfile.image import Image
from packfile.layout import ByteOrder, SectionKind
from packfile.model import ModelError, Module
from packfile.verify import verify
from packfile.writer import encode
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.malformed import Broken, Fault, expect
from packfile_fuzz.malformed.places import File
from packfile_fuzz.oracles.broken import broken_from_seed
from packfile_fuzz.oracles.ranges import MALFORMED, PROGRAM
from packfile_fuzz.program import Entry, Program
from packfile_fuzz.triage.edits import Edit, patched


class NotMinimisable(Exception):
    """The file cannot be said as a module with changes; the text says why."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """An example, and what is done to its file."""

    program: Program
    """The program; of a broken file its one module, and no calls."""
    edits: tuple[Edit, ...] | None = None
    """Changes to the file; None for a program."""

    @property
    def kind(self) -> str:
        """As a failure says it."""
        return PROGRAM if self.edits is None else MALFORMED

    def with_module(self, index: int, module: Module) -> Specimen:
        """The same with another module in one place."""
        entries = list(self.program.entries)
        entries[index] = replace(entries[index], module=module)
        return replace(self, program=replace(self.program, entries=tuple(entries)))


def from_failure(seed: int, kind: str) -> Specimen:
    """The example of a seed.

    Raises:
        NotMinimisable: What was done to its file cannot be said in the form of a case.
        ValueError: There is no such kind.
    """
    if kind == PROGRAM:
        return Specimen(build(from_seed(seed)))
    if kind != MALFORMED:
        raise ValueError(f"kind is {kind!r}; it must be {PROGRAM} or {MALFORMED}")
    entry, broken = broken_from_seed(seed)
    assert entry.module is not None
    file = encode(entry.module, entry.order)
    for module, edits in _said(entry.module, file, broken):
        if patched(encode(module, entry.order), entry.order, edits) == broken.content:
            return Specimen(Program((replace(entry, name="main", module=module),), ()), tuple(edits))
    raise NotMinimisable("what was done to the file cannot be said as changes to one that is good")


def _said(module: Module, file: bytes, broken: Broken) -> list[tuple[Module, list[Edit]]]:
    """Ways in which a case might say what was done, the best first."""
    ways: list[tuple[Module, list[Edit]]] = []
    first: list[Edit] = []
    if broken.patch is None:
        anew = _layout_edit(file, broken)
        if anew is None:
            return ways
        first.append(anew)
    numbers = {id(change): at for at, fault in enumerate(broken.faults) for change in fault.changes}
    edits = first + [
        Edit.of_case(change.as_case(), numbers[id(change)]) for fault in broken.faults for change in fault.changes
    ]
    edits.sort(key=lambda edit: (_RANK.get(edit.verb, 0), -edit.value if edit.verb == "truncate" else 0))
    if module.digests and broken.repairs:
        ways.append((replace(module, digests=False), [*edits, Edit("add_digests")]))
    repairs = [Edit.of_case(change.as_case(), 0) for change in broken.repairs]
    ways.append((module, [*edits, *repairs]))
    return ways


_RANK = {"set": 1, "truncate": 2, "append": 3}


def _layout_edit(file: bytes, broken: Broken) -> Edit | None:
    """The change that laid a file out anew, found by the sections before and after."""
    try:
        before, after = File(file, broken.order), File(broken.content, broken.order)
        old, new = ({entry.kind_id: entry for entry in each.entries} for each in (before, after))
    except struct.error:
        return None
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    if len(gone) == 1 and not come:
        return Edit("drop_section", _name(gone.pop()))
    if len(come) == 1 and not gone:
        kind = come.pop()
        entry = new[kind]
        return Edit("add_section", value=kind, data=broken.content[entry.offset : entry.offset + entry.length])
    longer = [kind for kind in old if kind in new and new[kind].length > old[kind].length]
    if len(longer) == 1 and not gone and not come:
        (kind,) = longer
        return Edit("stretch", _name(kind), new[kind].length)
    return None


def _name(kind: int) -> str:
    return SectionKind(kind).name.lower() if kind in set(map(int, SectionKind)) else f"{kind:#x}"


def is_valid(program: Program) -> bool:
    """Whether its modules can be written, open, and have nothing but good functions."""
    try:
        for entry in program.entries:
            if entry.module is not None:
                with Image(encode(entry.module, ByteOrder.LITTLE), entry.name) as image:
                    for index in range(image.function_count):
                        verify(image, index)
    except (ModelError, PackfileError):
        return False
    return True


def broken_of(specimen: Specimen) -> tuple[Entry, Broken] | None:
    """The broken file of a specimen; None if its changes cannot be made, or change nothing."""
    assert specimen.edits is not None
    (entry,) = specimen.program.entries
    assert entry.module is not None
    try:
        base = encode(entry.module, entry.order)
    except ModelError:
        return None
    content = patched(base, entry.order, specimen.edits)
    if content is None or content == base:
        return None
    expected = expect(content)
    numbers = sorted({edit.fault for edit in specimen.edits if edit.verb != "add_digests"})
    time, rules = expected.first
    faults = [_fault(specimen.edits, number, time, rules) for number in numbers]
    return entry, Broken(content, entry.order, tuple(faults), expected)


def _fault(edits: Sequence[Edit], number: int, time: str, rules: frozenset[str]) -> Fault:
    first = next(edit for edit in edits if edit.fault == number)
    return Fault(first.path or "the file", first.verb, (), rules, time)
