"""Writing: a module as the bytes of a file, and back.

Assumes a model. Promises canonical bytes: a module has exactly one file in each byte order, and writing again what was
decoded gives the same file. `encode` refuses what breaks the structure of a file and writes whatever code it is given,
valid or not. `decode` refuses every file that `encode` could not have written; it is for tools, and no loader needs it.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packfile import layout
from packfile.decoder import decode_rows
from packfile.digests import ROOT_AT, make_tree, tree_length
from packfile.errors import Malformed
from packfile.layout import (
    Binding,
    ByteOrder,
    DirectoryEntry,
    ExportRow,
    FunctionRow,
    Header,
    ImportKind,
    ImportRow,
    SectionKind,
    Segment,
)
from packfile.model import Export, Function, Import, ModelError, Module
from packfile.publish import write_file

__all__ = ["ModelError", "check", "convert", "decode", "encode", "write_file"]

_VERSION = 1
_KINDS = frozenset(map(int, ImportKind))
_BINDINGS = frozenset(map(int, Binding))
_NO_DIGEST = bytes(32)
_U1, _U4, _U8 = 0xFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
_HOST_ORDER = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG


@dataclass(frozen=True)
class _Plan:
    """Where everything goes."""

    names: dict[str, tuple[int, int]]
    """Offset and length of each name in the strings section."""
    strings: bytes
    entries: tuple[DirectoryEntry, ...]
    length: int
    """Bytes of the file."""


def check(module: Module) -> None:
    """Refuse a module that no file can hold, without writing it.

    Raises:
        ModelError: Says what and why.
    """
    _plan(module)


def encode(module: Module, byte_order: ByteOrder) -> bytes:
    """The file of a module.

    Raises:
        ModelError: No file can hold the module.
    """
    plan = _plan(module)
    contents = {int(kind): content for kind, content in _contents(module, plan, byte_order)}
    contents |= {section.kind: section.content for section in module.skippable}
    file = bytearray(plan.length)
    header = Header(
        magic=layout.MAGIC,
        byte_order=byte_order,
        version=_VERSION,
        unit_log2=module.unit_log2,
        reserved=0,
        required=0,
        file_length=plan.length,
        section_count=len(plan.entries),
        entry=layout.NO_ENTRY if module.entry is None else module.entry,
        bss_size=module.bss_size,
        digest_root=_NO_DIGEST,
    )
    layout.HEADER[byte_order].pack_into(file, 0, *header)
    at = layout.HEADER_SIZE
    for entry in plan.entries:
        layout.DIRECTORY_ENTRY[byte_order].pack_into(file, at, *entry)
        at += layout.DIRECTORY_ENTRY[byte_order].size
        if entry.kind_id != SectionKind.DIGESTS:
            file[entry.offset : entry.offset + entry.length] = contents[entry.kind_id]
    if module.digests:
        covered = plan.entries[-1].offset
        with memoryview(file) as view:
            tree, root = make_tree(view[:covered].toreadonly())
        file[covered:] = tree
        file[ROOT_AT : ROOT_AT + len(root)] = root
    return bytes(file)


def decode(data: bytes | bytearray | memoryview) -> Module:
    """The module that a file of either byte order holds.

    Code is not verified, so a file may hold functions that no loader would run.

    Raises:
        Malformed, Unsupported, Invalid, Corrupt: The file is not one that `encode` writes; with the broken rule.
    """
    module, order = decode_rows(data)
    try:
        canonical = encode(module, order)
    except ModelError as error:
        # Only names that share bytes, as they may not, can add up to more than a file holds.
        raise Malformed("PF-SEC-006", f"the strings section is not canonical: {error}") from None
    _compare(data, canonical)
    return module


def convert(data: bytes | bytearray | memoryview, byte_order: ByteOrder) -> bytes:
    """The same module in another byte order; sections of bytes are carried over unchanged, digests computed anew.

    Raises:
        Malformed, Unsupported, Invalid, Corrupt: As `decode`.
    """
    return encode(decode(data), byte_order)


def _compare(data: bytes | bytearray | memoryview, expected: bytes) -> None:
    """Refuse a file that differs from the canonical one; rows and directory were found good, so few places are left."""
    found = bytes(data)
    if found == expected:
        return
    at = next(
        (i for i, (x, y) in enumerate(zip(found, expected, strict=False)) if x != y), min(len(found), len(expected))
    )
    order = ByteOrder(found[8])
    count = Header._make(layout.HEADER[order].unpack_from(found)).section_count
    entries = [
        DirectoryEntry._make(entry)
        for entry in layout.DIRECTORY_ENTRY[order].iter_unpack(
            found[layout.HEADER_SIZE : layout.HEADER_SIZE + count * layout.DIRECTORY_ENTRY[order].size]
        )
    ]
    directory_end = layout.HEADER_SIZE + count * layout.DIRECTORY_ENTRY[order].size
    inside = at < directory_end or any(entry.offset <= at < entry.offset + entry.length for entry in entries)
    rule = "PF-SEC-006" if inside else "PF-DIR-009"
    message = "the strings section, or a reference to it, is not canonical" if inside else "a gap is not zero"
    raise Malformed(rule, message, at=at, expected=expected[at : at + 1].hex(), got=found[at : at + 1].hex())


def _plan(module: Module) -> _Plan:
    if module.unit_log2 not in (12, 16):
        raise ModelError(f"unit_log2 is {module.unit_log2}; it must be 12 or 16 (PF-HDR-005)")
    _check_range("bss_size", module.bss_size, layout.MAX_BSS_SIZE, "PF-LIM-003")
    if module.entry is not None:
        _check_range("entry", module.entry, len(module.functions) - 1, "PF-HDR-009")
    words = 0
    for index, function in enumerate(module.functions):
        _check_function(index, function)
        words += len(function.code)
    if module.functions and not words:
        raise ModelError("the functions have no code at all, so a code section would be missing (PF-SEC-001)")
    for index, row in enumerate(module.imports):
        _check_import(index, row)
    for export in module.exports:
        _check_export(export, module)
    if module.constants and not (min(module.constants) >= 0 and max(module.constants) <= _U8):
        raise ModelError("a constant is not of 0 to 2^64 - 1")
    names = _names(module)
    table: dict[str, tuple[int, int]] = {}
    strings = b"".join(names)
    at = 0
    for encoded, name in names.items():
        table[name] = (at, len(encoded))
        at += len(encoded)
    lengths = {
        SectionKind.FUNCTIONS: len(module.functions),
        SectionKind.IMPORTS: len(module.imports),
        SectionKind.EXPORTS: len(module.exports),
        SectionKind.CONSTANTS: len(module.constants),
        SectionKind.STRINGS: len(strings),
        SectionKind.CODE: words,
        SectionKind.RODATA: len(module.rodata),
        SectionKind.DATA: len(module.data),
    }
    return _place(
        module, {kind: rows * layout.SECTIONS[kind].row_size for kind, rows in lengths.items()}, table, strings
    )


def _place(module: Module, lengths: dict[SectionKind, int], names: dict[str, tuple[int, int]], strings: bytes) -> _Plan:
    for kind, length in lengths.items():
        _check_range(f"section {kind.name.lower()}", length, layout.SECTIONS[kind].max_length, "PF-LIM-004")
    sections = [(int(kind), length) for kind, length in lengths.items() if length]
    sections += sorted((section.kind, len(section.content)) for section in module.skippable)
    _check_skippable(module)
    entries, end = lay_out(sections, module.unit_log2, digests=module.digests)
    return _Plan(names, strings, tuple(entries), end)


def lay_out(sections: Sequence[tuple[int, int]], unit_log2: int, *, digests: bool) -> tuple[list[DirectoryEntry], int]:
    """The directory for sections, and the length of their file.

    Args:
        sections: Kind and length of each, but for the digests, in the order of the file.
        unit_log2: Base-2 logarithm of the alignment unit.
        digests: Whether a digest tree follows them.

    Raises:
        ModelError: They are too many or too long.
    """
    count = len(sections) + digests
    _check_range("number of sections", count, layout.MAX_SECTIONS, "PF-LIM-002")
    entries = []
    at = layout.HEADER_SIZE + count * layout.DIRECTORY_ENTRY[ByteOrder.LITTLE].size
    for kind_id, length in (*sections, *([(int(SectionKind.DIGESTS), 0)] if digests else ())):
        known = kind_id in layout.SECTIONS and layout.SECTIONS[SectionKind(kind_id)].unit_aligned
        alignment = 1 << unit_log2 if known else 8
        offset = (at + alignment - 1) // alignment * alignment
        length = tree_length(offset) if kind_id == SectionKind.DIGESTS else length  # noqa: PLW2901 - now it is known
        entries.append(DirectoryEntry(kind_id, offset, length))
        at = offset + length
    _check_range("file length", at, layout.MAX_FILE_LENGTH, "PF-LIM-001")
    return entries, at


def _check_range(what: str, value: int, greatest: int, rule: str) -> None:
    if not 0 <= value <= greatest:
        raise ModelError(f"{what} is {value}; it must be of 0 to {greatest} ({rule})")


def _check_function(index: int, function: Function) -> None:
    what = f"function {index}"
    signature = function.signature
    counts = (signature.i_params, signature.n_params, signature.i_results, signature.n_results)
    if not all(0 <= count <= _U1 for count in (*counts, function.i_registers, function.n_registers)):
        raise ModelError(f"{what}: a count of parameters, results or registers is not of 0 to 255")
    if function.code and not (min(function.code) >= 0 and max(function.code) <= _U4):
        raise ModelError(f"{what}: a word is not of 0 to 2^32 - 1")


def _check_import(index: int, row: Import) -> None:
    what = f"import {index} ({row.module}.{row.name})"
    if row.kind not in _KINDS:
        raise ModelError(f"{what}: kind {row.kind} is not a kind (PF-FIX-001)")
    if row.binding not in _BINDINGS:
        raise ModelError(f"{what}: binding {row.binding} is not a binding (PF-FIX-002)")
    _check_range(f"{what}: requirement", row.requirement, _U4, "u4")


def _check_export(export: Export, module: Module) -> None:
    what = f"export {export.name!r}"
    if export.kind not in _KINDS:
        raise ModelError(f"{what}: kind {export.kind} is not a kind (PF-SEC-008)")
    if export.kind == ImportKind.FUNCTION:
        if export.segment != Segment.NONE or export.size:
            raise ModelError(f"{what}: a function has no segment and no size (PF-SEC-009, PF-SEC-011)")
        _check_range(f"{what}: function", export.position, len(module.functions) - 1, "PF-SEC-011")
        return
    if export.segment not in (Segment.RODATA, Segment.DATA, Segment.BSS):
        raise ModelError(f"{what}: data lies in rodata, data or bss (PF-SEC-009)")
    size = module.segment_size(Segment(export.segment))
    if not (0 <= export.position <= size and 0 <= export.size <= size - export.position):
        raise ModelError(
            f"{what}: {export.size} bytes at {export.position} leave its segment of {size} bytes (PF-SEC-012)"
        )


def _check_skippable(module: Module) -> None:
    kinds: set[int] = set()
    for section in module.skippable:
        if section.kind == SectionKind.DIGESTS:
            raise ModelError("a digests section is computed from the file: set `digests` of the module (PF-INT-003)")
        if not layout.FIRST_SKIPPABLE_KIND <= section.kind <= _U4:
            raise ModelError(f"section kind {section.kind:#x} cannot be skipped: it must be 0x80000000 or above")
        if not section.content:
            raise ModelError(f"section {section.kind:#x} is empty (PF-DIR-005)")
        if section.kind in kinds:
            raise ModelError(f"section kind {section.kind:#x} stands there twice (PF-DIR-002)")
        kinds.add(section.kind)


def _names(module: Module) -> dict[bytes, str]:
    """The distinct names in the order of their bytes."""
    exported: set[str] = set()
    for export in module.exports:
        if export.name in exported:
            raise ModelError(f"the name {export.name!r} is exported twice (PF-SEC-007)")
        exported.add(export.name)
    distinct = exported | {name for row in module.imports for name in (row.module, row.name)}
    encoded = {}
    for name in distinct:
        try:
            content = name.encode()
        except UnicodeEncodeError:
            raise ModelError(f"the name {name!r} has no UTF-8 form (PF-SEC-005)") from None
        if not 1 <= len(content) <= layout.MAX_NAME_LENGTH:
            raise ModelError(
                f"the name {name[:40]!r} has {len(content)} bytes; it must have 1 to {layout.MAX_NAME_LENGTH}"
                " (PF-SEC-004, PF-LIM-005)"
            )
        encoded[content] = name
    return dict(sorted(encoded.items()))


def _contents(module: Module, plan: _Plan, order: ByteOrder) -> Iterator[tuple[SectionKind, bytes]]:
    yield SectionKind.FUNCTIONS, b"".join(_function_rows(module.functions, order))
    pack_import = layout.IMPORT_ROW[order].pack
    yield (
        SectionKind.IMPORTS,
        b"".join(
            pack_import(*ImportRow(x.kind, x.binding, 0, *plan.names[x.module], *plan.names[x.name], x.requirement))
            for x in module.imports
        ),
    )
    pack_export = layout.EXPORT_ROW[order].pack
    yield (
        SectionKind.EXPORTS,
        b"".join(
            pack_export(*ExportRow(*plan.names[x.name], x.kind, x.segment, 0, x.position, x.size))
            for x in sorted(module.exports, key=lambda export: export.name.encode())
        ),
    )
    yield SectionKind.CONSTANTS, _swapped(array("Q", module.constants), order)
    yield SectionKind.STRINGS, plan.strings
    words = array("I")
    for function in module.functions:
        words.extend(function.code)
    yield SectionKind.CODE, _swapped(words, order)
    yield SectionKind.RODATA, module.rodata
    yield SectionKind.DATA, module.data


def _function_rows(functions: Iterable[Function], order: ByteOrder) -> Iterator[bytes]:
    pack = layout.FUNCTION_ROW[order].pack
    end = 0
    for function in functions:
        end += len(function.code)
        yield pack(*FunctionRow(end, function.signature.word, function.i_registers, function.n_registers, 0))


def _swapped(values: array[int], order: ByteOrder) -> bytes:
    """The bytes of many integers at once; the writer may swap, which no loader does."""
    if order != _HOST_ORDER:
        values.byteswap()
    return values.tobytes()
