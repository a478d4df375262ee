"""The data of an assembly text: rodata, data and bss, and the labels in them.

Assumes statements. Promises the bytes of each segment and, for each label, where it lies and how many bytes belong
to it: those up to the next label, without padding before that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from packfile.asm_lexer import Cursor, Token, TokenKind, described, did_you_mean
from packfile.asm_values import float_bits, integer
from packfile.layout import MAX_BSS_SIZE, MAX_FILE_LENGTH, Segment

_BSS_ALIGNMENT = 8
_MAX_ALIGNMENT = 65536
_INTEGERS = {".byte": 1, ".i16": 2, ".i32": 4, ".i64": 8}
_FLOATS = {".f32": 4, ".f64": 8}
_SEGMENTS = {"rodata": Segment.RODATA, "data": Segment.DATA, "bss": Segment.BSS}
ITEMS = frozenset({".string", ".stringz", ".zero", ".align", *_INTEGERS, *_FLOATS})
"""Directives that make data."""


@dataclass
class Label:
    """A named place in a segment."""

    segment: Segment
    offset: int
    size: int = 0
    """Bytes from here to the end of the last item before the next label."""


@dataclass
class _Contents:
    """A segment with bytes, while it grows."""

    content: bytearray = field(default_factory=bytearray)
    open_labels: list[Label] = field(default_factory=list)

    def append(self, more: bytes) -> None:
        self.content += more
        for label in self.open_labels:
            label.size = len(self.content) - label.offset

    def label(self, segment: Segment) -> Label:
        made = Label(segment, len(self.content))
        # Labels at one place share what follows.
        self.open_labels = [label for label in self.open_labels if label.offset == made.offset]
        self.open_labels.append(made)
        return made


class DataText:
    """The data that a text has stated so far."""

    def __init__(self) -> None:
        self._contents = {Segment.RODATA: _Contents(), Segment.DATA: _Contents()}
        self.bss_size = 0
        self.labels: dict[str, Label] = {}

    def content(self, segment: Segment) -> bytes:
        """Bytes of rodata or data."""
        return bytes(self._contents[segment].content)

    def define(self, cursor: Cursor, token: Token, segment: Segment) -> None:
        """Put a label at the end of rodata or data."""
        self._name(cursor, token, self._contents[segment].label(segment))

    def item(self, cursor: Cursor, directive: Token, segment: Segment) -> None:
        """Append what a directive of ITEMS states."""
        contents = self._contents[segment]
        length = len(contents.content)
        if directive.text == ".align":
            unit = integer(cursor, 1, _MAX_ALIGNMENT, "an alignment")
            if unit & (unit - 1):
                raise cursor.error(cursor.tokens[cursor.at - 1], "an alignment must be a power of two")
            padding = bytes(-length % unit)
            contents.content += padding
        elif directive.text == ".zero":
            contents.append(bytes(integer(cursor, 0, MAX_FILE_LENGTH - length, "a number of bytes")))
        elif directive.text in (".string", ".stringz"):
            self._strings(cursor, contents, b"\0" if directive.text == ".stringz" else b"")
        else:
            contents.append(b"".join(_values(cursor, directive.text)))
        cursor.end()
        if len(contents.content) > MAX_FILE_LENGTH:
            raise cursor.error(directive, "the segment is longer than a file may be")

    def bss(self, cursor: Cursor) -> None:
        """Append bytes to bss: `.bss 1024`, or `.bss buffer: 1024`."""
        token = None
        if cursor.peek().kind is TokenKind.NAME:
            token = cursor.take()
            cursor.expect(":", "`.bss buffer: 1024` names its bytes")
        offset = -(-self.bss_size // _BSS_ALIGNMENT) * _BSS_ALIGNMENT
        size = integer(cursor, 0, max(0, MAX_BSS_SIZE - offset), "a number of bytes")
        cursor.end()
        if token:
            self._name(cursor, token, Label(Segment.BSS, offset, size))
        self.bss_size = offset + size

    def find(self, name: str, token: Token, cursor: Cursor) -> Label:
        """A label of any segment; `rodata`, `data` and `bss` are the segments themselves."""
        if name in self.labels:
            return self.labels[name]
        if name in _SEGMENTS:
            segment = _SEGMENTS[name]
            size = self.bss_size if segment is Segment.BSS else len(self._contents[segment].content)
            return Label(segment, 0, size)
        hint = did_you_mean(name, [*self.labels, *_SEGMENTS])
        raise cursor.error(token, f"no data has the label `{name}`", hint)

    def _name(self, cursor: Cursor, token: Token, label: Label) -> None:
        if token.text in _SEGMENTS:
            raise cursor.error(token, f"`{token.text}` is the name of a segment")
        if token.text in self.labels:
            raise cursor.error(token, f"the label `{token.text}` stands there twice")
        self.labels[token.text] = label

    @staticmethod
    def _strings(cursor: Cursor, contents: _Contents, end: bytes) -> None:
        while True:
            token = cursor.take()
            if token.kind is not TokenKind.STRING:
                raise cursor.error(token, f"expected a string, got {described(token)}")
            contents.append(token.value + end)
            if not cursor.accept(","):
                return


def _values(cursor: Cursor, directive: str) -> list[bytes]:
    values = []
    while True:
        if directive in _FLOATS:
            size = _FLOATS[directive]
            bits = float_bits(cursor, size)
        else:
            size = _INTEGERS[directive]
            bits = integer(cursor, -(1 << 8 * size - 1), (1 << 8 * size) - 1, "a value", "each value must fit its size")
        values.append((bits & (1 << 8 * size) - 1).to_bytes(size, "little"))
        if not cursor.accept(","):
            return values
