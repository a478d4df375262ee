"""Every rule that a file breaks: layout by `ksy`, header across fields here, digests by `tree`, the rest by an audit.

Header, directory and digests never rest on the reference: what it opens and what this accepts must agree, and the
linter says if not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from packfile.audit import audit
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.layout import NO_ENTRY, SectionKind
from packfile.rules import RULES

from .ksy import Layout
from .sparse import SparseBytes
from .tree import broken

_IN_MEMORY = 1 << 24
_FUNCTION_ROW = 12


class Broken(NamedTuple):
    """What is wrong with a file."""

    rules: frozenset[str]
    disagreement: str | None
    """How the reference's opening differs from the layout's reading; None if it does not."""
    first: str | None = None
    """The rule of the layout that is broken first, in the order of the file."""


def broken_rules(data: SparseBytes) -> Broken:
    """Every rule that the file breaks. Many cases share a module, so each content is judged once."""
    key = data.digest()
    if key not in _JUDGED:
        _JUDGED[key] = _judge(data)
    return _JUDGED[key]


_JUDGED: dict[str, Broken] = {}


def _judge(data: SparseBytes) -> Broken:
    layout = Layout(data)
    rules = {finding.rule for finding in layout.findings}
    first = layout.findings[0].rule if layout.findings else None
    if layout.complete and not rules & _DIRECTORY_RULES:
        rules |= _across(layout)
    opened = set(rules)
    if not opened:
        layout.read_rows()
        rules |= {finding.rule for finding in layout.findings}
    found, damaged = _audit(data)
    refused = [error for error in found if error.rule is not None and _is_open_time(error)]
    disagreement = None
    if opened and not refused:
        disagreement = f"the layout says that it breaks {', '.join(sorted(opened))}, and the reference opens it"
    elif refused and not opened:
        disagreement = f"the reference refuses it with {refused[0].rule}, and the layout has nothing against it"
    elif refused and refused[0].rule not in opened:
        disagreement = (
            f"the reference refuses it with {refused[0].rule}, and the layout with {', '.join(sorted(opened))}"
        )
    if not opened:
        rules |= {error.rule for error in found if error.rule is not None}
        damage = _damage(layout, data)
        rules |= damage
        if bool(damage) != damaged:
            says = f"breaks {', '.join(sorted(damage))}" if damage else "breaks nothing"
            disagreement = disagreement or f"by its own rules the digest tree {says}, and the reference says otherwise"
    return Broken(frozenset(rules), disagreement, first)


_DIRECTORY_RULES = {"PF-DIR-001", "PF-DIR-002", "PF-HDR-001", "PF-LIM-002"}
"""Findings after which a directory cannot be used to judge what crosses its entries."""


def _is_open_time(error: PackfileError) -> bool:
    return error.rule is not None and RULES[error.rule].time == "open"


def _across(layout: Layout) -> set[str]:
    """The rules of time `open` that `packfile.ksy` cannot say."""
    kinds = layout.section_lengths()
    fields = layout.header.fields
    broken: set[str] = set()
    functions = kinds.get(SectionKind.FUNCTIONS, 0) // _FUNCTION_ROW
    if fields["entry"] != NO_ENTRY and fields["entry"] >= functions:
        broken.add("PF-HDR-009")
    if (SectionKind.FUNCTIONS in kinds) != (SectionKind.CODE in kinds):
        broken.add("PF-SEC-001")
    names_things = SectionKind.IMPORTS in kinds or SectionKind.EXPORTS in kinds
    if names_things and SectionKind.STRINGS not in kinds:
        broken.add("PF-SEC-002")
    if (fields["digest_root"] == bytes(32)) != (SectionKind.DIGESTS not in kinds):
        broken.add("PF-INT-001")
    return broken


def _damage(layout: Layout, data: SparseBytes) -> set[str]:
    """The rules of the digest tree that a file breaks which opens without checks of digests."""
    for section in layout.header.fields["sections"]:
        if section.fields["kind_id"] == SectionKind.DIGESTS:
            return broken(data, section.fields["offset"], layout.header.fields["digest_root"])
    return set()


def _audit(data: SparseBytes) -> tuple[list[PackfileError], bool]:
    """What an audit without digests finds, and whether the reference finds damage by the digests."""
    with tempfile.TemporaryDirectory(prefix="packfile-lint-") as directory:
        path = Path(directory) / "file.pkf"
        if data.length > _IN_MEMORY:
            data.save(path)
        else:
            path.write_bytes(data.read(0, data.length))
        try:
            image = Image.open(path, digests=False)
        except PackfileError as error:
            return [error], False
        with image:
            found = list(audit(image))
        try:
            with Image.open(path) as image:
                return found, image.digests is not None and any(True for _ in image.digests.damages())
        except PackfileError:
            return found, True
