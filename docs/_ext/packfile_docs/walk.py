"""Every byte of a real file explained, in both byte orders.

The file is made by the reference when the page is read, so the walk cannot differ from what the writer writes. Promises
that the rows cover the file without a gap or an overlap, and that both files hold the same values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

import packfile
from packfile import layout
from packfile.assembler import assemble
from packfile.host import HostModule
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode
from packfile.layout import ByteOrder, SectionKind
from packfile.model import Signature
from packfile.writer import decode, encode

SOURCE: Final = """\
.import eager func host.log_n (n) -> ()
.const pi = 3.141592653589793

.export func area (n) -> (n)
  n_mul n0, n0, n0
  n_const n1, pi
  n_mul n0, n0, n1
  calli i0, n0, host.log_n
  ret i0, n0
"""
_RADIUS = 2.0
_INT = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True)
class _Row:
    """A run of bytes and what it means."""

    at: int
    size: int
    field: str
    meaning: str


@dataclass(frozen=True)
class _Part:
    """A run of rows under a title."""

    title: str
    rows: tuple[_Row, ...]


def source(env: BuildEnvironment) -> str:
    """The example's assembly text, and what it gives."""
    del env
    result = _run()
    return f"```text\n{SOURCE}```\n\nCalled with {_RADIUS}, it logs {result!r} and returns it.\n"


def render(env: BuildEnvironment) -> str:
    """The walk as tables, one for each part of the file."""
    del env
    module = assemble(SOURCE)
    little, big = encode(module, ByteOrder.LITTLE), encode(module, ByteOrder.BIG)
    if decode(little) != module or decode(big) != module:
        raise ExtensionError("the example's files do not hold the example")
    images = Image(little, "little"), Image(big, "big")
    parts = list(_parts(images[0]))
    if list(_parts(images[1])) != parts:
        raise ExtensionError("the files of the example in the two byte orders do not hold the same values")
    at = 0
    for row in (row for part in parts for row in part.rows):
        if row.at != at:
            raise ExtensionError(f"the example's byte {at:#x} is explained {'twice' if row.at < at else 'nowhere'}")
        at += row.size
    if at != len(little) or at != len(big):
        raise ExtensionError(f"the example's bytes from {at:#x} on are not explained")
    return "\n".join(line for part in parts for line in _table(part, little, big))


def _run() -> float:
    host = HostModule()
    logged: list[float] = []
    host.add("log_n", "(n) -> ()", logged.append)
    with (
        Image(encode(assemble(SOURCE), ByteOrder.BIG), "area.pkf") as image,
        packfile.link([("host", host), ("main", image)]) as process,
    ):
        results = process.call("main", "area", _RADIUS)
    if list(results) != logged:
        raise ExtensionError(f"the example logged {logged} and returned {results}")
    return logged[0]


def _table(part: _Part, little: bytes, big: bytes) -> Iterator[str]:
    yield from [f"### {part.title}", "", ":::{table}", ":class: bytes", ""]
    yield from ["| At | Little | Big | Field | Means |", "| --- | --- | --- | --- | --- |"]
    for row in part.rows:
        shown = [_hex(file[row.at : row.at + row.size]) for file in (little, big)]
        yield f"| {row.at:04x} | {shown[0]} | {shown[1]} | {row.field} | {row.meaning} |"
    yield from ["", ":::", ""]


def _hex(data: bytes) -> str:
    if len(data) > 8 and not any(data):
        return f"{len(data)} times `00`"
    return f"`{data.hex(' ')}`"


def _parts(image: Image) -> Iterator[_Part]:
    """The parts of a file in the order of their bytes."""
    yield _Part("Header", tuple(_fields(image, "header", 0, _HEADER)))
    at = layout.HEADER_SIZE
    entries: list[_Row] = []
    for _ in image.sections:
        entries += _fields(image, "section", at, _ENTRY)
        at += layout.DIRECTORY_ENTRY[image.order].size
    yield _Part("Directory", tuple(entries))
    for kind, (offset, length) in image.sections.items():
        name = SectionKind(kind).name.lower()
        rows = [*([_gap(at, offset, name)] if at < offset else []), *_section(image, SectionKind(kind), offset, length)]
        yield _Part(f"Section `{name}`", tuple(rows))
        at = offset + length


def _gap(at: int, end: int, name: str) -> _Row:
    unit = name in ("code", "rodata", "data")
    return _Row(at, end - at, "gap", f"zeros up to a multiple of {'the unit' if unit else '8'}, where `{name}` starts")


def _section(image: Image, kind: SectionKind, at: int, length: int) -> Iterator[_Row]:
    if kind is SectionKind.CODE:
        yield from _code(image)
    elif kind is SectionKind.STRINGS:
        yield from _names(image, at)
    else:
        row, size = layout.SECTIONS[kind].row, layout.SECTIONS[kind].row_size
        if row is None:
            raise ExtensionError(f"the walk does not know how to explain the section {kind.name.lower()}")
        for start in range(at, at + length, size):
            yield from _fields(image, row, start, _ROWS[row])


def _fields(image: Image, row: str, at: int, meanings: Mapping[str, Callable[[Image, int], str]]) -> Iterator[_Row]:
    for field in layout.FIELDS[row]:
        data = bytes(image.view[at + field.offset : at + field.offset + field.size])
        if field.type == "bytes":
            meaning = meanings[field.name](image, int.from_bytes(data, "big"))
        else:
            value = struct.unpack(f"{'<' if image.order is ByteOrder.LITTLE else '>'}{_INT[field.size]}", data)[0]
            named = f"{value}, {field.enum(value).name.lower()}" if field.enum else str(value)
            meaning = meanings[field.name](image, value) if field.name in meanings else named
        yield _Row(at + field.offset, field.size, f"`{field.name}`", meaning)


def _names(image: Image, at: int) -> Iterator[_Row]:
    imports = [image.import_row(index) for index in range(image.import_count)]
    exports = [image.export_row(index) for index in range(image.export_count)]
    ranges = {(row.name_offset, row.name_length) for row in exports}
    for row in imports:
        ranges |= {(row.module_offset, row.module_length), (row.name_offset, row.name_length)}
    for offset, length in sorted(ranges):
        name = image.name_bytes(offset, length).decode()
        yield _Row(at + offset, length, f"name at {offset}", f"“{name}”, the same bytes in both orders")


def _code(image: Image) -> Iterator[_Row]:
    ops, a, b, c = image.words(0, image.code_words)
    word = 0
    while word < image.code_words:
        instruction = INSTRUCTIONS[Opcode(ops[word])]
        at = image.code_at + 4 * word
        fields = (a[word], b[word], c[word])
        yield _Row(at, 4, f"word {word}", f"{_operation(instruction, fields)}: {_encoding(instruction, fields)}")
        word += 1
        if instruction.literal is not None:
            literal = ops[word] | a[word] << 8 | b[word] << 16 | c[word] << 24
            name = instruction.literal.name.replace("_", " ")
            yield _Row(at + 4, 4, f"word {word}", f"literal of the word before it: {name} {literal}")
            word += 1


def _operation(instruction: Instruction, fields: Sequence[int]) -> str:
    names = [
        f"{operand.bank}{fields[operand.position - 1]}" if operand.bank else operand.name
        for operand in instruction.operands
    ]
    return f"[`{' '.join((instruction.mnemonic, ', '.join(names)))}`](#instruction-{instruction.opcode.name.lower()})"


def _encoding(instruction: Instruction, fields: Sequence[int]) -> str:
    parts = [f"op `{instruction.opcode:02x}`"]
    for operand in instruction.operands:
        if operand.field not in (FieldKind.REGISTER, FieldKind.WINDOW, FieldKind.LITERAL):
            raise ExtensionError(f"the walk does not know how to explain an operand {operand.name}")
        if operand.field is not FieldKind.LITERAL:
            parts.append(f"{'abc'[operand.position - 1]} {fields[operand.position - 1]}")
    unused = ["abc"[position - 1] for position in instruction.unused]
    parts += [f"{' and '.join(unused)} unused, so 0"] if unused else []
    return ", ".join(parts)


def _signature(_image: Image, word: int) -> str:
    return f"`{Signature.from_word(word)}`: one byte for each count, integer parameters lowest"


_HEADER: Final[Mapping[str, Callable[[Image, int], str]]] = {
    "magic": lambda _, __: "the same in every file",
    # The one field that tells the files apart before anything wider than a byte is read.
    "byte_order": lambda _, __: "1 is little, 2 is big",
    "unit_log2": lambda _, value: f"{value}: the alignment unit is {1 << value} bytes",
    "required": lambda _, __: "no feature is required",
    "file_length": lambda _, value: f"{value} bytes",
    "section_count": lambda _, value: f"{value} directory entries",
    "entry": lambda _, value: "no entry function" if value == layout.NO_ENTRY else f"function {value}",
    "bss_size": lambda _, value: "no zero-filled segment" if not value else f"{value} bytes",
    "digest_root": lambda _, __: "no digests",
}
_ENTRY: Final[Mapping[str, Callable[[Image, int], str]]] = {
    "kind_id": lambda _, value: f"**{SectionKind(value).name.lower()}**, kind {value}",
    "offset": lambda _, value: f"{value:#x}: the end of what precedes it, rounded up",
    "length": lambda _, value: f"{value} bytes",
}
_ROWS: Final[Mapping[str, Mapping[str, Callable[[Image, int], str]]]] = {
    "function_row": {
        "code_end": lambda _, value: f"its code ends before word {value}",
        "signature": _signature,
        "i_registers": lambda _, value: f"{value} integer registers",
        "n_registers": lambda _, value: f"{value} float registers",
    },
    "import_row": {
        "module_offset": lambda _, value: f"the module's name starts at byte {value} of `strings`",
        "module_length": lambda _, value: f"and has {value} bytes",
        "name_offset": lambda _, value: f"the export's name starts at byte {value} of `strings`",
        "name_length": lambda _, value: f"and has {value} bytes",
        "requirement": _signature,
    },
    "export_row": {
        "name_offset": lambda _, value: f"the name starts at byte {value} of `strings`",
        "name_length": lambda _, value: f"and has {value} bytes",
        "position": lambda _, value: f"function {value}",
        "size": lambda _, __: "zero for a function",
    },
    "constant": {
        "bits": lambda _, value: f"{struct.unpack('<d', value.to_bytes(8, 'little'))[0]!r} as a binary64",
    },
}
