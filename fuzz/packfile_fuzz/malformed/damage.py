"""Damage: files with digests of which a bit behind the first block is the other way.

Opening checks the block of header and directory, and nothing here breaks that one. Assumes a file that opens. Promises
that all else of the file is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packfile import layout
from packfile.instructions import Opcode
from packfile.layout import ByteOrder
from packfile_suite.patch import PatchedFile
from packfile_suite.sparse import SparseBytes

from .choices import Choices
from .fields import Draft, byte
from .places import File
from .whole import put


def wide(file: File, choices: Choices) -> Draft:
    """Tables of more than one block, a digest tree over them, and a bit of them the other way.

    Opening checks the block of header and directory, and nothing here breaks that one.
    """
    functions, code = file.table("functions"), file.table("code")
    if functions is None or code is None or file.functions[-1][1] != code.rows:
        return byte(file, choices.below(len(file.content)), choices)
    patched = PatchedFile(SparseBytes(file.content), file.order)
    first = -(-(layout.DIGEST_BLOCK_LENGTH - functions.at) // functions.row_size) - functions.rows
    last = -(-(2 * layout.DIGEST_BLOCK_LENGTH - functions.at) // functions.row_size) - functions.rows
    names: tuple[str, ...] = _FRONT
    if first > 0:
        within = choices.below(4) != 0
        names = _FRONT[:1] if within else _FRONT
        _add_functions(file, patched, range(first, last) if within else range(last, -1, -1), choices)
    return _damaged(patched, file.order, names, "bit flip in long tables", choices)


_FRONT = ("functions", "functions", "imports", "exports", "constants", "strings")


def parted(file: File, choices: Choices) -> Draft:
    """A table of exports that begins in the block of header and directory and ends in the next, which is damaged.

    A search for a name then meets rows that are corrupt and rows that are not.
    """
    functions, exports = file.table("functions"), file.table("exports")
    if functions is None or exports is None or exports.rows < _PARTED:
        return segments(file, choices)
    before = exports.row_size * (1 + choices.below(exports.rows - 1))
    more = (layout.DIGEST_BLOCK_LENGTH - exports.at - before) // functions.row_size
    patched = PatchedFile(SparseBytes(file.content), file.order)
    if more > 0 and file.functions[-1][1] == file.rows("code"):
        _add_functions(file, patched, range(more - 1, -1, -1), choices)
    return _damaged(patched, file.order, ("exports",), "bit flip in a table in two blocks", choices)


_PARTED = 2


def segments(file: File, choices: Choices) -> Draft:
    """A bit of rodata or data the other way, in a file with digests: it shows where a program uses that block."""
    patched = PatchedFile(SparseBytes(file.content), file.order)
    return _damaged(patched, file.order, ("rodata", "data"), "bit flip in a segment", choices)


def _damaged(patched: PatchedFile, order: ByteOrder, names: Sequence[str], what: str, choices: Choices) -> Draft:
    """Turn a bit of one of some tables, behind the first block, after the digests of all were written."""
    patched.apply({"add_digests": True})
    longer = File(patched.content.read(0, patched.content.length), order)
    tables = [table for name in names if (table := longer.table(name)) is not None]
    if not tables:
        return byte(longer, choices.below(len(longer.content)), choices)._replace(content=longer.content)
    table = choices.pick(tables)
    start = max(table.at, layout.DIGEST_BLOCK_LENGTH)
    draft = byte(longer, start + choices.below(max(1, table.end - start)), choices)
    return draft._replace(what=what, content=longer.content)


def _add_functions(file: File, patched: PatchedFile, places: range, choices: Choices) -> None:
    """Add functions that trap, up to the highest of the places among them.

    What named a function now mostly names the one at the next place, which has the same signature. In the order of
    places, the first is where its row, or the row before it, is in a block of its own.
    """
    functions, code = file.table("functions"), file.table("code")
    assert functions is not None
    assert code is not None
    more = max(places) + 1
    rows = [file.functions[0][2]] * more
    patched.apply({"stretch": "functions", "length": (functions.rows + more) * functions.row_size})
    patched.apply({"stretch": "code", "length": (code.rows + more) * code.row_size})
    for place, (named, path) in zip(places, _named(file), strict=False):
        if choices.below(4):
            rows[place] = file.functions[named][2]
            patched.apply({"set": path, "value": functions.rows + place})
    pack = layout.FUNCTION_ROW[file.order].pack
    added = b"".join(pack(*row._replace(code_end=code.rows + 1 + k)) for k, row in enumerate(rows))
    put(patched, f"functions[{functions.rows}].{functions.fields[0].name}", added)
    put(patched, f"code[{code.rows}].word", layout.CODE_WORD[file.order].pack(Opcode.UNREACHABLE) * more)


def _named(file: File) -> Iterator[tuple[int, str]]:
    """Functions that exports or the header name, and the paths of what names them."""
    exports = file.table("exports")
    for number in range(exports.rows if exports else 0):
        assert exports is not None
        at = exports.at + number * exports.row_size
        row = layout.ExportRow._make(layout.EXPORT_ROW[file.order].unpack_from(file.content, at))
        if row.kind == layout.ImportKind.FUNCTION:
            yield row.position, f"exports[{number}].position"
    if file.header.entry != layout.NO_ENTRY:
        yield file.header.entry, "header.entry"
