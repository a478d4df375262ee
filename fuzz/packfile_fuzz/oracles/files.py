"""Oracles of what turns models into files and texts, and back.

Assumes modules that the writer can write. Promises to compare whole models and whole files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

from kaitaistruct import KaitaiStream, KaitaiStructError

from packfile._kaitai.packfile import Packfile as Parser
from packfile.assembler import assemble
from packfile.disassembler import disassemble
from packfile.image import Image
from packfile.layout import ByteOrder
from packfile.model import Module
from packfile.writer import convert, decode
from packfile_fuzz.oracles.base import OTHER, Example
from packfile_fuzz.run import Comparison
from packfile_fuzz.run.observation import EQUAL, different


def write_decode(example: Example) -> Iterator[Comparison]:
    """What is written and read is the module, and what is read and written is the file."""
    for index, module, order in _modules(example):
        file = example.prepared.file(index, order)
        # That of a file which is not canonical would be refused: `decode` writes what it read, and compares.
        yield _same(f"module {index}, written and decoded", _sorted(module), decode(file))


def disassembly(example: Example) -> Iterator[Comparison]:
    """The assembly of a module's disassembly is the module."""
    for index, module, _ in _modules(example):
        canonical = _sorted(module)
        yield _same(f"module {index}, disassembled and assembled", canonical, assemble(disassemble(canonical)))


def conversion(example: Example) -> Iterator[Comparison]:
    """A file converted twice is the same file, and converted once that of the module in the other order."""
    for index, _, order in _modules(example):
        file, other = example.prepared.file(index, order), OTHER[order]
        converted = convert(file, other)
        yield _same_bytes(f"module {index}, converted", example.prepared.file(index, other), converted)
        yield _same_bytes(f"module {index}, converted twice", file, convert(converted, order))


def kaitai(example: Example) -> Iterator[Comparison]:
    """The whole parser that is generated from the .ksy reads what the reference opens, and reads the module in it."""
    for index, module, order in _modules(example):
        file = example.prepared.file(index, order)
        try:
            parsed = Parser(KaitaiStream(BytesIO(file)))
            sections = {section.kind_id: section for section in parsed.body.sections}
            differing = [name for name, expected, got in _parts(module, sections, parsed.body) if expected != got]
        except (KaitaiStructError, EOFError) as error:
            yield different(f"module {index}: {error}", "parsed", type(error).__name__)
            continue
        with Image(file, "kaitai") as image:
            if list(image.sections) != list(sections):
                differing.append("directory")
        message = f"module {index}: {', '.join(differing)} parsed as something else"
        yield different(message, "parsed", "parsed as something else", differing[0]) if differing else EQUAL


def _parts(module: Module, sections: dict[int, Any], body: Any) -> Iterator[tuple[str, object, object]]:  # noqa: ANN401 - the generated parser's
    """What the model says and what the parser read, by section."""
    module = _sorted(module)

    def rows(kind: str) -> list[Any]:
        section = sections.get(int(Parser.SectionKind[kind]))
        return [] if section is None else getattr(section, kind)

    def raw(kind: str) -> bytes:
        section = sections.get(int(Parser.SectionKind[kind]))
        return b"" if section is None else bytes(section.bytes)

    strings = raw("strings")

    def name(reference: Any) -> str:  # noqa: ANN401 - the generated parser's
        return strings[reference.offset : reference.offset + reference.length].decode()

    yield "bss", module.bss_size, body.bss_size
    yield "code", [word for f in module.functions for word in f.code], [row.word for row in rows("code")]
    yield "constants", list(module.constants), [row.bits for row in rows("constants")]
    yield (
        "functions",
        [(f.signature.word, f.i_registers, f.n_registers) for f in module.functions],
        [(row.signature, row.i_registers, row.n_registers) for row in rows("functions")],
    )
    yield (
        "imports",
        [(int(row.kind), int(row.binding), row.module, row.name, row.requirement) for row in module.imports],
        [
            (int(row.kind), int(row.binding), name(row.module), name(row.name), row.requirement)
            for row in rows("imports")
        ],
    )
    yield (
        "exports",
        [(row.name, int(row.kind), int(row.segment), row.position, row.size) for row in module.exports],
        [(name(row.name), int(row.kind), int(row.segment), row.position, row.size) for row in rows("exports")],
    )
    yield "rodata", module.rodata, raw("rodata")
    yield "data", module.data, raw("data")


def _modules(example: Example) -> Iterator[tuple[int, Module, ByteOrder]]:
    for index, entry in enumerate(example.program.entries):
        if entry.module is not None:
            yield index, entry.module, entry.order


def _sorted(module: Module) -> Module:
    """The module with its exports as they come out of a file."""
    return replace(module, exports=tuple(sorted(module.exports, key=lambda export: export.name.encode())))


def _same(what: str, expected: Module, got: Module) -> Comparison:
    if expected == got:
        return EQUAL
    fields = [name for name in Module.__slots__ if getattr(expected, name) != getattr(got, name)]
    message = "; ".join(f"{name}: expected {getattr(expected, name)}, got {getattr(got, name)}" for name in fields)
    return different(f"{what}: {message}"[:600], "the same module", "another", fields[0])


def _same_bytes(what: str, expected: bytes, got: bytes) -> Comparison:
    if expected == got:
        return EQUAL
    at = next((i for i, (x, y) in enumerate(zip(expected, got, strict=False)) if x != y), min(len(expected), len(got)))
    message = f"{what}: differs at {at:#x}: expected {expected[at : at + 8].hex()}, got {got[at : at + 8].hex()}"
    return different(message, "the same file", "another")
