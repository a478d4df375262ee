"""Parsing: header and directory, by the parser that is generated from spec/packfile.ksy.

The one place where the parser's errors become ours: a failed check leads by its path to the rule that it stands for,
and the end of the file to the rule that asks for more of it.
"""

import mmap
import re
from io import BytesIO
from typing import Any

from kaitaistruct import EndOfStreamError, KaitaiStream, ValidationFailedError

from packfile import layout
from packfile._kaitai.packfile import Packfile as Parser
from packfile.errors import Malformed, PackfileError, Unsupported
from packfile.layout import ByteOrder, Check, Field, SectionKind

Buffer = mmap.mmap | bytes

_OUTCOMES: dict[str, type[PackfileError]] = {"malformed": Malformed, "unsupported": Unsupported}


def parse(buffer: Buffer, name: str) -> tuple[ByteOrder, Any]:
    """Read header and directory, and nothing else.

    Args:
        buffer: The whole file.
        name: Its name, for messages.

    Returns:
        The byte order, and the generated parser's object for `body` of the .ksy.

    Raises:
        Malformed: A check of the .ksy fails, or the file is too short for its header or directory.
        Unsupported: The version, a required feature or a required section kind is unknown.
    """
    stream = buffer if isinstance(buffer, mmap.mmap) else BytesIO(buffer)
    stream.seek(0)
    io = KaitaiStream(stream)
    try:
        parsed = Parser(io)
    except ValidationFailedError as error:
        raise _failure(buffer, name, error.src_path, io.pos()) from None
    except EndOfStreamError:
        raise _too_short(buffer, name) from None
    finally:
        # The parser's objects refer to each other, so they linger until they are collected; the mapping must not.
        io._io = None  # noqa: SLF001
    return ByteOrder(parsed.byte_order), parsed.body


def _too_short(buffer: Buffer, name: str) -> Malformed:
    in_header = len(buffer) < layout.HEADER_SIZE
    rule = layout.TOO_SHORT["body" if in_header else "section"]
    expected = f"a header of {layout.HEADER_SIZE} bytes" if in_header else "the whole directory"
    got = f"{len(buffer)} bytes"
    return Malformed(rule, "the file is too short", at=len(buffer), expected=expected, got=got, file=name)


def _failure(buffer: Buffer, name: str, path: str, pos: int) -> PackfileError:
    """The error of a failed check, with the offset and value of the field that it is on.

    `pos` is where the parser stopped, which is after the field; a check of size 0 stands after the field that it is
    about.
    """
    check = layout.CHECKS[path]
    # A file may end with a magic that is another one.
    order = ByteOrder.BIG if bytes(buffer[8:9]) == bytes([ByteOrder.BIG]) else ByteOrder.LITTLE
    explain = _in_section if "/section/" in path else _in_header
    message, at, got, expected = explain(buffer, order, check, pos)
    return _OUTCOMES[check.outcome](check.rule, message, at=at, expected=expected, got=got, file=name)


def _in_header(buffer: Buffer, order: ByteOrder, check: Check, _pos: int) -> tuple[str, int, str, str]:
    fields = layout.FIELDS["header"]
    name = "file_length" if check.attribute == "check_end" else check.attribute.removeprefix("check_")
    field = next(f for f in fields if f.name == name)
    expected = str(len(buffer)) if check.attribute == "file_length" else _sentence(check)
    message = f"header field {field.name}"
    if field.type == "bytes":
        return message, field.offset, buffer[field.offset : field.offset + field.size].hex(" "), expected
    return message, field.offset, str(_value(buffer, order, field, 0)), expected


def _in_section(buffer: Buffer, order: ByteOrder, check: Check, pos: int) -> tuple[str, int, str, str]:
    size = layout.DIRECTORY_ENTRY[order].size
    index = (pos - 1 - layout.HEADER_SIZE) // size
    entry = layout.HEADER_SIZE + index * size
    fields = {f.name: f for f in layout.FIELDS["section"]}
    field = next(f for f in reversed(fields.values()) if entry + f.offset < pos)
    kind = _value(buffer, order, fields["kind_id"], entry)
    expected = _sentence(check)
    if check.attribute == "offset":
        if index:
            previous = entry - size
            end = _value(buffer, order, fields["offset"], previous) + _value(buffer, order, fields["length"], previous)
        else:
            count = next(f for f in layout.FIELDS["header"] if f.name == "section_count")
            end = layout.HEADER_SIZE + size * _value(buffer, order, count, 0)
        unit = next(f for f in layout.FIELDS["header"] if f.name == "unit_log2")
        aligned = kind in layout.SECTIONS and layout.SECTIONS[SectionKind(kind)].unit_aligned
        alignment = 1 << _value(buffer, order, unit, 0) if aligned else 8
        expected = f"{-(-end // alignment) * alignment:#x}"
    message = f"{field.name} of directory entry {index} (kind {kind:#x})"
    return message, entry + field.offset, hex(_value(buffer, order, field, entry)), expected


def _value(buffer: Buffer, order: ByteOrder, field: Field, base: int) -> int:
    start = base + field.offset
    return int.from_bytes(buffer[start : start + field.size], "little" if order is ByteOrder.LITTLE else "big")


def _sentence(check: Check) -> str:
    """The first clause of a rule, to stand after "expected"."""
    clause = re.split(r"[.;:] |\.$", check.text.replace("`", ""), maxsplit=1)[0]
    return f"that {clause[0].lower()}{clause[1:]}"
