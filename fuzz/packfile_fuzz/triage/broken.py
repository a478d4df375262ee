"""Passes on what is done to a file, and how that follows a base that gets smaller.

Assumes edits that fit the base. Promises candidates alone; the search decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from packfile.layout import ByteOrder
from packfile.model import ModelError, Module
from packfile.writer import encode
from packfile_fuzz.triage.edits import Edit, field_value
from packfile_fuzz.triage.search import Search, thin
from packfile_fuzz.triage.specimen import Specimen
from packfile_fuzz.triage.values import least

_INDEXED = re.compile(r"([a-z_]+)\[(\d+)\](.*)", re.DOTALL)


def followed(whole: Specimen, position: int, module: Module) -> Iterator[Specimen]:
    """Candidates with another base: with the same edits, with indexes and values moved by as much as the base has lost.

    Args:
        whole: The specimen before.
        position: Of the module.
        module: The new base.
    """
    entry = whole.program.entries[position]
    assert entry.module is not None
    assert whole.edits is not None
    changed = whole.with_module(position, module)
    try:
        old, new = encode(entry.module, entry.order), encode(module, entry.order)
    except ModelError:
        return
    lost = {name: count - _rows(module)[name] for name, count in _rows(entry.module).items()}
    lost["byte"] = len(old) - len(new)
    lost["sections"] = (
        old[20 if entry.order is ByteOrder.LITTLE else 23] - new[20 if entry.order is ByteOrder.LITTLE else 23]
    )
    for shift in (False, True):
        for relative in (False, True):
            edits = [_moved(edit, old, new, entry.order, lost, shift=shift, relative=relative) for edit in whole.edits]
            candidate = replace(changed, edits=tuple(edit for edit in edits if edit is not None))
            if None not in edits:
                yield candidate


def _rows(module: Module) -> dict[str, int]:
    return {
        "functions": len(module.functions),
        "imports": len(module.imports),
        "exports": len(module.exports),
        "constants": len(module.constants),
        "code": sum(len(function.code) for function in module.functions),
        "rodata": len(module.rodata),
        "data": len(module.data),
    }


def _moved(
    edit: Edit, old: bytes, new: bytes, order: ByteOrder, lost: dict[str, int], *, shift: bool, relative: bool
) -> Edit | None:
    """An edit for a base that has lost something; None if it has no such place."""
    if edit.verb == "truncate":
        return edit._replace(value=edit.value - lost["byte"]) if relative and edit.value > lost["byte"] else edit
    if edit.verb != "set":
        return edit
    found = _INDEXED.fullmatch(edit.path)
    path = edit.path
    if shift and found is not None:
        index = int(found[2]) - lost.get(found[1], 0)
        if index < 0:
            return None
        path = f"{found[1]}[{index}]{found[3]}"
    before, after = field_value(old, order, edit.path), field_value(new, order, path)
    if before is None or after is None:
        return None
    value = edit.value
    if relative:
        value = (after[0] + edit.value - before[0]) % (1 << 8 * after[1])
    return edit._replace(path=path, value=value)


def edits(search: Search) -> None:
    """Leave out changes; shorten and simplify those that stay."""
    whole = search.best
    assert whole.edits is not None
    before = whole.edits

    thin(len(before), lambda left: search.attempt(replace(whole, edits=tuple(before[at] for at in left))))
    for at in range(len(search.best.edits or ())):
        for candidate in _simpler(search.best, at):
            search.attempt(candidate)
        edit = search.best.edits[at] if search.best.edits else before[at]
        if edit.verb == "set":
            least(edit.value, partial(_set, search, at), (0, 1))
        _append_less(search, at)


def _set(search: Search, at: int, value: int) -> bool:
    whole = search.best
    assert whole.edits is not None
    edit = whole.edits[at]._replace(value=value)
    return search.attempt(replace(whole, edits=(*whole.edits[:at], edit, *whole.edits[at + 1 :])))


def _append_less(search: Search, at: int) -> None:
    """Append fewer bytes, and have a length that is set say so."""
    whole = search.best
    assert whole.edits is not None
    length = len(whole.edits[at].data) if whole.edits[at].verb == "append" else 0
    for size in {length // 2, 1} if length > 1 else ():
        edits = [_with_length(edit, length - size) for edit in whole.edits]
        edits[at] = whole.edits[at]._replace(data=whole.edits[at].data[:size])
        if search.attempt(replace(whole, edits=tuple(edits))):
            _append_less(search, at)
            return


def _with_length(edit: Edit, less: int) -> Edit:
    return edit._replace(value=edit.value - less) if edit.path == "header.file_length" and edit.value > less else edit


def _simpler(whole: Specimen, at: int) -> Iterator[Specimen]:
    """Candidates with one edit simplified, from the simplest on."""
    assert whole.edits is not None
    edit = whole.edits[at]
    simpler: list[Edit] = []
    if edit.data:
        simpler += [edit._replace(data=data) for data in (edit.data[:1], bytes(len(edit.data)), b"\0", b"\1")]
    if edit.verb == "set":
        found = _INDEXED.fullmatch(edit.path)
        if found is not None and found[2] != "0":
            simpler.append(edit._replace(path=f"{found[1]}[0]{found[3]}"))
        named = _named(whole, edit)
        simpler += [named] if named is not None else []
        simpler.append(edit._replace(value=1 << edit.value.bit_length() >> 1))
    for each in simpler:
        if each != edit:
            yield replace(whole, edits=(*whole.edits[:at], each, *whole.edits[at + 1 :]))


def _named(whole: Specimen, edit: Edit) -> Edit | None:
    """A change of a section by the kind in place of its number."""
    found = _INDEXED.fullmatch(edit.path)
    if found is None or found[1] != "sections":
        return None
    (entry,) = whole.program.entries
    assert entry.module is not None
    content = encode(entry.module, entry.order)
    for name in ("functions", "imports", "exports", "constants", "strings", "code", "rodata", "data", "digests"):
        path = f"sections.{name}{found[3]}"
        here = field_value(content, entry.order, path)
        kind = field_value(content, entry.order, f"sections[{found[2]}].kind")
        if here is not None and kind == field_value(content, entry.order, f"sections.{name}.kind"):
            return edit._replace(path=path)
    return None
