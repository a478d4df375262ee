"""Audit: every rule that a file breaks, as far as that can be told from the file alone.

Assumes a well-formed image. Scans all of it, which no loader needs for safety (spec/stages.md): rows, names and
code of every function, the rules whose time is `audit`, and last every digest, if the image is checked by them.
"""

from collections.abc import Iterator
from itertools import chain, islice

from packfile import layout
from packfile.errors import Malformed, PackfileError
from packfile.image import Image
from packfile.layout import SectionKind
from packfile.link import check_export_row, check_import_row, check_name
from packfile.verify import findings, invalid


def audit_bytes(data: bytes, name: str = "<bytes>") -> list[PackfileError]:
    """Open a file that is in memory and audit it; if it does not open, that is the one finding."""
    try:
        image = Image(data, name)
    except PackfileError as error:
        return [error]
    return audit(image)


def audit(image: Image) -> list[PackfileError]:
    """Every finding on a file, malformed before invalid before corrupt, each in the order of the file.

    Of each part of the file it gives the first MOST_FINDINGS: a hostile file could have millions.
    """
    digests = image.digests
    damages: Iterator[PackfileError] = iter(()) if digests is None else digests.damages()
    if digests is not None:
        image = image.unchecked()  # Other findings come first, also those in damaged blocks (PF-INT-013).
    parts = (
        _gaps(image),
        _imports(image),
        _exports(image),
        _strings(image),
        _code_end(image),
        _functions(image),
        damages,
    )
    return list(chain.from_iterable(islice(part, MOST_FINDINGS) for part in parts))


MOST_FINDINGS = 1_000
"""Findings that an audit gives for one part of a file: gaps, each kind of rows, names, functions, digests."""


def _gaps(image: Image) -> Iterator[PackfileError]:
    end = layout.HEADER_SIZE + len(image.sections) * layout.DIRECTORY_ENTRY[image.order].size
    for offset, length in image.sections.values():
        gap = bytes(image.view[end:offset])
        if gap.strip(b"\0"):
            at = end + len(gap) - len(gap.lstrip(b"\0"))
            got = f"0x{image.view[at]:02x}"
            yield Malformed("PF-DIR-009", "a gap is not zero", at=at, expected="0x00", got=got, file=image.name)
        end = offset + length


def _imports(image: Image) -> Iterator[PackfileError]:
    for index in range(image.import_count):
        yield from check_import_row(image, index)


def _exports(image: Image) -> Iterator[PackfileError]:
    previous: bytes | None = None
    for index in range(image.export_count):
        row, at = image.export_row(index), image.export_row_at(index)
        yield from check_export_row(image, index)
        broken = list(check_name(image, row.name_offset, row.name_length, at))
        yield from broken
        if broken:
            continue
        name = image.name_bytes(row.name_offset, row.name_length)
        if previous is not None and name <= previous:
            expected = f"a name after {_shown(previous)}"
            yield Malformed(
                "PF-SEC-007", "exports are not sorted", at=at, expected=expected, got=_shown(name), file=image.name
            )
        previous = name


def _strings(image: Image) -> Iterator[PackfileError]:
    start, size = image.sections.get(SectionKind.STRINGS, (0, 0))
    imports = [image.import_row(index) for index in range(image.import_count)]
    exports = [image.export_row(index) for index in range(image.export_count)]
    references = {(row.module_offset, row.module_length) for row in imports}
    references |= {(row.name_offset, row.name_length) for row in imports}
    references |= {(row.name_offset, row.name_length) for row in exports}
    ranges = sorted(range_ for range_ in references if image.has_name(*range_))
    for range_ in ranges:
        name = image.name_bytes(*range_)
        try:
            name.decode("utf-8")
        except UnicodeDecodeError as error:
            at = start + range_[0] + error.start
            got = name[error.start : error.end].hex(" ")
            yield Malformed("PF-SEC-005", "a name is not UTF-8", at=at, expected="UTF-8", got=got, file=image.name)
    if len(ranges) < len(references):
        return  # Names that lie nowhere were reported; without them the rest cannot be judged.
    end, previous = 0, b""
    for offset, length in ranges:
        name = image.name_bytes(offset, length)
        if offset != end or name <= previous:
            expected = f"the next name of the sorted ones at {end}"
            got = f"{_shown(name)} at {offset}"
            yield Malformed(
                "PF-SEC-006",
                "strings are not canonical",
                at=start + offset,
                expected=expected,
                got=got,
                file=image.name,
            )
            return
        end, previous = offset + length, name
    if end != size:
        yield Malformed(
            "PF-SEC-006", "strings hold what no row refers to", at=start + end, expected=f"{end} bytes", got=str(size),
            file=image.name,
        )  # fmt: skip


def _code_end(image: Image) -> Iterator[PackfileError]:
    if image.function_count:
        end = image.function_row(image.function_count - 1).code_end
        if end != image.code_words:
            at = image.function_row_at(image.function_count - 1)
            message, expected = "code does not end with the last function", f"a code_end of {image.code_words}"
            yield Malformed("PF-SEC-013", message, at=at, expected=expected, got=str(end), file=image.name)


def _functions(image: Image) -> Iterator[PackfileError]:
    for index in range(image.function_count):
        for finding in findings(image, index):
            yield invalid(image, index, finding)


def _shown(name: bytes) -> str:
    return repr(name.decode("utf-8", "backslashreplace"))
