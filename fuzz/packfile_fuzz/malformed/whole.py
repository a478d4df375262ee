"""Whole files: mutations of length, of the set of sections, and of the digest tree; and its repair.

Assumes a file that opens. Promises that what is laid out anew is laid out as the suite's cases do it.
"""

from __future__ import annotations

from packfile import layout
from packfile.instructions import Opcode
from packfile.layout import SectionKind
from packfile_suite.patch import PatchedFile
from packfile_suite.sparse import SparseBytes
from packfile_suite.tree import levels

from .changes import Add, Change, Cut, Write
from .choices import Choices
from .fields import Draft, byte, field
from .places import ROOT, File

_LENGTH = next(each for each in layout.FIELDS["header"] if each.name == "file_length")


def length(file: File, choices: Choices) -> Draft:
    """The file is shorter or longer than it was."""
    return choices.pick((_truncated, _extended))(file, choices)


def _truncated(file: File, choices: Choices) -> Draft:
    """The file ends early: anywhere, in the header, in the directory, or at the end of a section."""
    ends = [entry.offset + entry.length for entry in file.entries[:-1]]
    length = choices.pick(
        (
            len(file.content) - 1,
            choices.below(layout.HEADER_SIZE),
            layout.HEADER_SIZE + choices.below(12 * len(file.entries) + 1),
            choices.pick(ends or [0]),
            choices.below(len(file.content)),
        )
    )
    changes: list[Change] = [Cut(length)]
    what = "truncated"
    if length >= layout.HEADER_SIZE and choices.below(2):
        what = "truncated and says so"
        changes += file.write(file.tables[0], 0, _LENGTH, length)
    return Draft("header.file_length", what, changes)


def _extended(file: File, choices: Choices) -> Draft:
    """Bytes follow the last section."""
    tail = choices.number(1).to_bytes(1, "little") * (1 + choices.below(256))
    changes: list[Change] = [Add(tail)]
    what = "extended"
    if choices.below(2):
        what = "extended and says so"
        changes += file.write(file.tables[0], 0, _LENGTH, len(file.content) + len(tail))
    return Draft("header.file_length", what, changes)


def sections(file: File, choices: Choices) -> Draft:
    """A section is left out, added, or made one unit of its rows longer or shorter, and the file laid out anew."""
    names = [table.name for table in file.tables[2:] if table.name not in {"byte", "digests"}]
    kinds = {entry.kind_id for entry in file.entries}
    missing = [kind for kind in SectionKind if kind not in kinds and kind < layout.FIRST_SKIPPABLE_KIND]
    what = choices.pick(("dropped", "added", "unknown kind", "skippable kind", "stretched", "stretched", *_OTHERS))
    if what in _OTHERS:
        return _OTHERS[what](file, choices)
    if (what in {"dropped", "stretched"} and not names) or (what == "added" and not missing):
        return field(file, choices)
    patched = PatchedFile(SparseBytes(file.content), file.order)
    if what in {"dropped", "stretched"}:
        path = choices.pick(names)
        stretch = {"stretch": path, "length": _length(file, path) + choices.below(40)}
        patched.apply({"drop_section": path} if what == "dropped" else stretch)
    else:
        kind = {
            "added": int(choices.pick(missing or [SectionKind.DATA])),
            "unknown kind": SectionKind.DATA + 1 + choices.number(3),
            "skippable kind": layout.FIRST_SKIPPABLE_KIND + choices.number(3),
        }[what]
        path = f"section {kind:#x}"
        patched.apply({"add_section": {"kind": kind, "hex": bytes(1 + choices.below(48)).hex()}})
    return Draft(path, what, (), patched.content.read(0, patched.content.length))


def _length(file: File, name: str) -> int:
    """Bytes of the section of that name, which may end within a row."""
    return next(entry.length for entry in file.entries if entry.kind_id == SectionKind[name.upper()])


def _row_added(file: File, choices: Choices) -> Draft:
    """A row stands there twice, one after the other; now and then a function is too long instead."""
    tables = [table for table in file.tables[2:] if len(table.fields) > 1]
    if not tables:
        return field(file, choices)
    if not choices.below(32):
        return _long(file, choices)
    table = choices.pick(tables)
    row = choices.below(table.rows)
    patched = PatchedFile(SparseBytes(file.content), file.order)
    patched.apply({"stretch": table.name, "length": _length(file, table.name) + table.row_size})
    begin = table.at + row * table.row_size
    # All rows from that one on, moved by one.
    put(patched, f"{table.name}[{row + 1}].{table.fields[0].name}", file.content[begin : table.end])
    return Draft(table.path(row, ""), "row twice", (), patched.content.read(0, patched.content.length))


def _long(file: File, choices: Choices) -> Draft:
    """The last function has one word more than the limit, and all of them are good."""
    if not file.functions:
        return field(file, choices)
    start, end, _ = file.functions[-1]
    last = start + layout.MAX_FUNCTION_WORDS + 1
    if end != len(file.words) or end > last - 1:
        return field(file, choices)
    words = [Opcode.JMP | 1 << 8] * (last - end - 1) + [Opcode.UNREACHABLE]
    patched = PatchedFile(SparseBytes(file.content), file.order)
    patched.apply({"stretch": "code", "length": last * layout.CODE_WORD[file.order].size})
    content = b"".join(map(layout.CODE_WORD[file.order].pack, words))
    put(patched, f"code[{end}].word", content)
    patched.apply({"set": f"functions[{len(file.functions) - 1}].code_end", "value": last})
    return Draft("code", "long function", (), patched.content.read(0, patched.content.length))


def _another_unit(file: File, choices: Choices) -> Draft:
    """The file says that it is aligned to another unit, and is."""
    known = next((each for each in file.tables[2:] if each.name != "byte"), None)
    if known is None:
        return field(file, choices)
    patched = PatchedFile(SparseBytes(file.content), file.order)
    patched.apply({"set": "header.unit_log2", "value": 11 + choices.below(7)})
    # A section of the length that it has, so that all are put where they now belong.
    patched.apply({"stretch": known.name, "length": _length(file, known.name)})
    return Draft("header.unit_log2", "another unit", (), patched.content.read(0, patched.content.length))


def put(patched: PatchedFile, path: str, content: bytes) -> None:
    """Write over what is at a path and behind it."""
    patched.content.write(patched.find(path).offset, content)


def _two_swapped(file: File, choices: Choices) -> Draft:
    """Two directory entries change places, or their kinds do."""
    table = file.tables[1] if len(file.entries) > 1 else None
    if table is None:
        return field(file, choices)
    one = choices.below(table.rows - 1)
    kind = [each for each in table.fields if each.name == "kind_id"]
    changes: list[Change] = []
    for each in choices.pick((table.fields, kind)):
        changes += file.write(table, one, each, file.value(table, one + 1, each))
        changes += file.write(table, one + 1, each, file.value(table, one, each))
    return Draft(table.path(one, ""), "two swapped", changes)


_OTHERS = {"row": _row_added, "swapped": _two_swapped, "unit": _another_unit}


def digests(file: File, choices: Choices) -> Draft:
    """The digest tree: a byte of it, or its length; in a file without one, a root or a section alone."""
    table = file.table("digests")
    if not choices.below(16):
        return _deep(file, choices)
    if table is None:
        if choices.below(2):
            change = file.byte(ROOT.offset + choices.below(ROOT.size), 1)
            return Draft("header.digest_root", "root without digests", (change,))
        patched = PatchedFile(SparseBytes(file.content), file.order)
        patched.apply({"add_section": {"kind": int(SectionKind.DIGESTS), "hex": bytes(layout.DIGEST_LENGTH).hex()}})
        return Draft("section digests", "digests without a root", (), patched.content.read(0, patched.content.length))
    if choices.below(2):
        return byte(file, table.at + choices.below(table.rows), choices)
    by = choices.pick((layout.DIGEST_LENGTH, 1, -layout.DIGEST_LENGTH, -1))
    length = next(each for each in layout.FIELDS["section"] if each.name == "length")
    changes: list[Change] = [Add(bytes(by)) if by > 0 else Cut(len(file.content) + by)]
    changes += file.write(file.tables[0], 0, _LENGTH, len(file.content) + by)
    changes += file.write(file.tables[1], len(file.entries) - 1, length, table.rows + by)
    return Draft(f"sections[{len(file.entries) - 1}].length", "digest tree of another length", changes)


def _deep(file: File, choices: Choices) -> Draft:
    """A tree of two levels over a file that is long enough for one, and a bit of its lower level the other way."""
    rodata = file.table("rodata")
    length = layout.DIGEST_BLOCK_LENGTH * (layout.DIGEST_NODE_COUNT + 1)
    if rodata is None or rodata.end - rodata.at > length:
        return byte(file, choices.below(len(file.content)), choices)
    patched = PatchedFile(SparseBytes(file.content), file.order)
    patched.apply({"stretch": "rodata", "length": length})
    patched.apply({"add_digests": True})
    place = f"digests[{choices.below(layout.DIGEST_NODE_COUNT * layout.DIGEST_LENGTH)}]"
    patched.apply({"flip": place, "bit": choices.below(8)})
    return Draft(place, "bit flip in a deep tree", (), patched.content.read(0, patched.content.length))


def repair(file: File, content: bytes) -> tuple[Write, ...]:
    """The changes that make the digest tree right for what was done to the file.

    Args:
        file: The file before.
        content: The file after.

    Returns:
        Nothing where the place of the tree was lost.
    """
    table = file.table("digests")
    if table is None or len(content) < table.end:
        return ()
    found, root = levels(SparseBytes(content[: table.at]))
    tree = b"".join(level.read(0, level.length) for level in found)
    if len(tree) != table.rows:
        return ()
    wanted = [(table.at + k, f"digests[{k}]", x) for k, x in enumerate(tree)]
    wanted += [(ROOT.offset + k, f"byte[{ROOT.offset + k}]", x) for k, x in enumerate(root)]
    return tuple(Write(path, at, 1, value) for at, path, value in wanted if content[at] != value)
