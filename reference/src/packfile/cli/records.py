"""A file as a sequence of records: every run of bytes with its name, its value and its meaning.

Assumes nothing of the bytes. Promises that every byte of the file is in some record, and that a note says where the
rest cannot be made sense of. Fields, their order and their descriptions are those of the specification.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from packfile import layout
from packfile.cli.listing import KINDS, Names, line_at, section_name
from packfile.cli.meanings import Meanings, Words, quoted_bytes
from packfile.cli.terminal import Json
from packfile.digests import level_counts
from packfile.layout import FIELDS, SECTIONS, ByteOrder, Field, SectionKind

_PER_LINE = 16
_CHUNK = 1 << 20
_ENTRY_SIZE = layout.DIRECTORY_ENTRY[ByteOrder.LITTLE].size
_CODE_ROW = "code_word"


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section, or a row of one."""

    section: str
    text: str
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the file that no field says."""

    offset: int
    section: str
    text: str
    stops: bool = True
    """Whether bytes cannot be shown for what they are."""


@dataclass(frozen=True, slots=True)
class Record:
    """A run of bytes."""

    offset: int
    size: int
    content: bytes
    """The bytes; empty where they are too many and all alike."""
    section: str
    field: str
    value: str
    meaning: str = ""
    doc: str = ""
    """What the specification says of the field."""
    row: int | None = None
    """Of a row its index, of an instruction that of its function."""
    word: int | None = None
    """Of an instruction its word in its function."""

    def json(self) -> Json:
        """The record for scripts. Its keys are always the same."""
        return {
            "offset": self.offset,
            "size": self.size,
            "section": self.section,
            "row": self.row,
            "word": self.word,
            "field": self.field,
            "bytes": self.content.hex(),
            "value": self.value,
            "meaning": self.meaning,
            "doc": self.doc,
        }


Item = Heading | Note | Record


class Walk:
    """A walk over a file, from its first byte to its last."""

    def __init__(self, view: memoryview, wanted: frozenset[str] = frozenset()) -> None:
        """Begin a walk.

        Args:
            view: The file.
            wanted: Names of the sections to show; none for all.
        """
        self.view = view
        self.wanted = wanted
        self.seen: set[str] = set()
        """Names of the sections that the file has, as far as it was walked."""
        self.stopped = False
        """Whether something could not be shown for what it is. Only of use when the walk has ended."""
        self._meanings: Meanings | None = None

    def items(self) -> Iterator[Item]:
        """What is wanted, in the order of the directory, and each note that something is not what it should be."""
        for item in self._items():
            stops = isinstance(item, Note) and item.stops
            self.stopped |= stops
            self.seen.add(item.section)
            if stops or self._wants(item.section):
                yield item

    def _wants(self, section: str) -> bool:
        return not self.wanted or section in self.wanted

    def _items(self) -> Iterator[Item]:
        end = yield from self._header()
        if self._meanings is None:
            yield from self._rest(end)
            return
        end = yield from self._directory(self._meanings)
        for kind, offset, length in self._meanings.entries:
            name = section_name(kind)
            yield from self._gap(end, min(offset, len(self.view)))
            yield Heading(name, f"{name}: {_section_doc(kind)} {length} bytes at {offset:#x}.")
            if offset < end:
                yield Note(offset, name, f"this section overlaps what precedes it, which ends at {end:#x}", stops=False)
            if offset + length > len(self.view):
                yield Note(len(self.view), name, "the section leaves the file (PF-DIR-007); what is there is shown")
            start, stop = min(offset, len(self.view)), min(offset + length, len(self.view))
            if self._wants(name):
                yield from self._section(self._meanings, kind, name, start, stop)
            end = max(end, stop)
        yield from self._rest(end)

    def _header(self) -> Generator[Item, None, int]:
        """The header's fields. Gives where it ends."""
        yield Heading("header", "header: The fixed part at the start of a file.")
        view = self.view
        order_at = next(field.offset for field in FIELDS["header"] if field.name == "byte_order")
        known = len(view) > order_at and view[order_at] in set(ByteOrder)
        order = ByteOrder(view[order_at]) if known else ByteOrder.LITTLE
        meanings = Meanings(view, order)
        for field in FIELDS["header"]:
            if field.offset + field.size > len(view):
                text = f"the file ends within the header, of {layout.HEADER_SIZE} bytes (PF-HDR-001)"
                yield Note(len(view), "header", text)
                return field.offset
            if field.size > 1 and field.type != "bytes" and not known:
                text = "the byte order is unknown (PF-HDR-003), so nothing more can be read"
                yield Note(field.offset, "header", text)
                return field.offset
            yield self._record("header", "header", field, 0, None, meanings)
        self._meanings = meanings
        return layout.HEADER_SIZE

    def _directory(self, meanings: Meanings) -> Generator[Item, None, int]:
        """The directory's entries. Gives where it ends."""
        count = meanings.header.section_count
        if not count:
            return layout.HEADER_SIZE
        yield Heading("directory", f"directory: {count} entries of {_ENTRY_SIZE} bytes.")
        for index, (kind, _, _) in enumerate(meanings.entries):
            at = layout.HEADER_SIZE + index * _ENTRY_SIZE
            yield Heading("directory", f"entry {index}: {section_name(kind)}", is_row=True)
            for field in FIELDS["section"]:
                yield self._record("directory", "section", field, at, index, meanings)
        shown = len(meanings.entries)
        end = layout.HEADER_SIZE + shown * _ENTRY_SIZE
        if shown < count:
            is_long = shown == layout.MAX_SECTIONS
            reason = "has more than 64 entries (PF-LIM-002)" if is_long else "leaves the file (PF-DIR-001)"
            yield Note(end, "directory", f"the directory {reason}; the first {shown} are shown")
        return end

    def _section(self, meanings: Meanings, kind: int, name: str, start: int, stop: int) -> Iterator[Item]:
        section = SECTIONS[KINDS[kind]] if kind in KINDS else None
        if kind == SectionKind.STRINGS:
            yield from self._strings(meanings, name, start, stop)
            return
        if kind == SectionKind.DIGESTS:
            yield from self._digests(name, start, stop)
            return
        if section is None or section.row is None:
            yield from self._bytes(name, start, stop)
            return
        rows = (stop - start) // section.row_size
        if section.row == _CODE_ROW:
            yield from self._code(meanings, name, start, rows)
        else:
            for index in range(rows):
                at = start + index * section.row_size
                title = meanings.row_title(section.row, index, at)
                if title:
                    yield Heading(name, title, is_row=True)
                for field in FIELDS[section.row]:
                    yield self._record(name, section.row, field, at, index, meanings)
        left = start + rows * section.row_size
        if left < stop:
            yield Note(left, name, f"less than a row of {section.row_size} bytes is left (PF-DIR-006)")
            yield from self._bytes(name, left, stop)

    def _record(
        self, section: str, row_type: str, field: Field, at: int, row: int | None, meanings: Meanings
    ) -> Record:
        offset = at + field.offset
        content = bytes(self.view[offset : offset + field.size])
        value, meaning = meanings.of(row_type, field, content, at, row)
        doc = " ".join(field.doc.split())
        return Record(offset, field.size, content, section, field.name, value, meaning, doc, row)

    def _strings(self, meanings: Meanings, name: str, start: int, stop: int) -> Iterator[Item]:
        end = start
        for offset, length in meanings.name_ranges():
            at = start + offset
            if at + length > stop:
                continue
            if at > end:
                yield Note(end, name, "no row refers to these bytes (PF-SEC-006)", stops=False)
                yield from self._bytes(name, end, at)
            content = bytes(self.view[at : at + length])
            yield Record(at, length, content, name, "name", quoted_bytes(content))
            end = max(end, at + length)
        if end < stop:
            yield Note(end, name, "no row refers to these bytes (PF-SEC-006)", stops=False)
            yield from self._bytes(name, end, stop)

    def _digests(self, name: str, start: int, stop: int) -> Iterator[Item]:
        at = start
        for level, count in enumerate(level_counts(start)):
            covered = "block" if level == 0 else f"node of level {level - 1}:"
            yield Heading(name, f"level {level}: {count} digests", is_row=True)
            for index in range(min(count, (stop - at) // layout.DIGEST_LENGTH)):
                content = bytes(self.view[at : at + layout.DIGEST_LENGTH])
                yield Record(at, len(content), content, name, "digest", f"{covered} {index}", row=index)
                at += len(content)
        if at < stop:
            yield Note(at, name, "the tree is longer than it should be (PF-INT-002)")
            yield from self._bytes(name, at, stop)

    def _code(self, meanings: Meanings, name: str, start: int, count: int) -> Iterator[Item]:
        names = Names(meanings.function_name, meanings.slot_name, "@{}".format)
        at = 0
        for index, end in enumerate(meanings.code_ends()):
            if not at < end <= count:
                text = f"function {index} begins at word {at} and ends at word {end} of {count}"
                yield Note(start + 4 * at, name, f"{text}; from here on there are no functions")
                break
            yield Heading(name, meanings.row_title("function_row", index, meanings.function_row_at(index)), is_row=True)
            yield from self._instructions(meanings, names, name, start, (at, end), index)
            at = end
        if at < count:
            yield from self._instructions(meanings, names, name, start, (at, count), None)

    def _instructions(
        self, meanings: Meanings, names: Names, name: str, start: int, words: tuple[int, int], function: int | None
    ) -> Iterator[Item]:
        first, end = words
        code = Words(self.view, meanings.order, start + 4 * first, end - first)
        word = 0
        while word < len(code):
            line = line_at(code, word, names)
            at, size = start + 4 * (first + word), 4 * line.words
            content = bytes(self.view[at : at + size])
            doc = line.row.doc if line.row else ""
            meaning = line.note if line.row else "no instruction"
            if line.row and line.row.literal and line.row.literal.name == "constant":
                meaning = meanings.constant(code[word + 1])
            yield Record(at, size, content, name, "instruction", line.text, meaning, doc, function, word)
            word += line.words

    def _bytes(self, section: str, start: int, stop: int) -> Iterator[Item]:
        """Lines of bytes; where the same line repeats, one record stands for the rest."""
        at = start
        while at < stop:
            content = bytes(self.view[at : min(at + _PER_LINE, stop)])
            yield Record(at, len(content), content, section, "bytes", _readable(content))
            at += len(content)
            same = self._same(content, at, stop)
            if same > at:
                yield Record(at, same - at, b"", section, "repeated", f"{same - at} more bytes of the same")
                at = same

    def _same(self, line: bytes, start: int, stop: int) -> int:
        """Where the lines that repeat a line end."""
        at, chunk = start, line * (_CHUNK // _PER_LINE)
        while at + _CHUNK <= stop and self.view[at : at + _CHUNK].tobytes() == chunk:
            at += _CHUNK
        while at + _PER_LINE <= stop and self.view[at : at + _PER_LINE] == line:
            at += _PER_LINE
        return at

    def _gap(self, start: int, stop: int) -> Iterator[Item]:
        if start >= stop:
            return
        yield Heading("gaps", f"gap: {stop - start} bytes at {start:#x}.")
        if all(not any(self.view[at : min(at + _CHUNK, stop)]) for at in range(start, stop, _CHUNK)):
            yield Record(start, stop - start, b"", "gaps", "gap", f"{stop - start} zero bytes")
        else:
            yield Note(start, "gaps", "this gap is not zero (PF-DIR-009)", stops=False)
            yield from self._bytes("gaps", start, stop)

    def _rest(self, start: int) -> Iterator[Item]:
        if start < len(self.view):
            yield Heading("rest", f"rest: {len(self.view) - start} bytes at {start:#x}.")
            yield Note(start, "rest", "nothing says what these bytes are")
            yield from self._bytes("rest", start, len(self.view))


def _section_doc(kind: int) -> str:
    if kind in KINDS:
        return SECTIONS[KINDS[kind]].doc
    return "Unknown, to be skipped." if kind >= layout.FIRST_SKIPPABLE_KIND else "Unknown."


def _readable(content: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in content)
