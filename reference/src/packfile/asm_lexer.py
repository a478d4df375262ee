"""Assembly text as statements of tokens.

Assumes nothing of the text. Promises that each token knows its place, and that whatever is wrong is an `AssemblyError`
that shows it. A statement is one line, or several where brackets `[ ]` stay open.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*\??"
_TOKEN = re.compile(
    rf"""
    (?P<space>[ \t\r\f\v]+)
  | (?P<comment>[;\#].*)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<char>'(?:[^'\\]|\\[^u]|\\u\{{[0-9A-Fa-f]*\}})+')
  | (?P<number>
        nan:[0-9A-Fa-f]+
      | 0[xX][0-9A-Fa-f_]+(?:\.[0-9A-Fa-f]*)?(?:[pP][+-]?[0-9]+)?
      | 0[bB][01_]+
      | [0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?
    )(?![A-Za-z0-9_.])
  | (?P<name>{_NAME})
  | (?P<directive>\.[A-Za-z_][A-Za-z0-9_]*\??)
  | (?P<punct>->|[:,()\[\]=@+\-*.])
    """,
    re.VERBOSE,
)
_PLAIN_NAME = re.compile(_NAME, re.ASCII)
_REGISTER = re.compile(r"[in][0-9]+", re.ASCII)
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]{1,6}\}|[ntr0\\\"'])", re.ASCII)
_SIMPLE_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "'": "'"}
_SHOWN = 120
"""Most characters of a line that an error shows."""
_MAX_CODE_POINT = 0x10FFFF


class AssemblyError(ValueError):
    """Raised by `assemble`: what is wrong, where it stands, and what may help.

    Args:
        message: What is wrong.
        file: Name of the text.
        line: Line, from 1.
        column: Column, from 1.
        text: The offending text.
        source: The whole line.
        hint: What may help.
    """

    def __init__(
        self, message: str, *, file: str, line: int, column: int, text: str, source: str, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.text = text
        self.source = source
        self.hint = hint

    def __str__(self) -> str:
        start = max(0, self.column - 1 - _SHOWN // 2) if len(self.source) > _SHOWN else 0
        shown = self.source[start : start + _SHOWN]
        shown = "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
        before = shown[: self.column - 1 - start]
        indent = "".join("\t" if c == "\t" else " " for c in before) + " " * (self.column - 1 - start - len(before))
        carets = "^" * max(1, min(len(self.text), len(shown) - len(before)))
        lines = [f"{self.file}:{self.line}:{self.column}: {self.message}", f"    {shown}", f"    {indent}{carets}"]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


class TokenKind(Enum):
    """What a token is."""

    NAME = "name"
    DIRECTIVE = "directive"
    NUMBER = "number"
    STRING = "string"
    CHAR = "character"
    PUNCT = "punctuation"
    END = "end of line"


class Token(NamedTuple):
    """A piece of text in its place."""

    kind: TokenKind
    text: str
    """As it stands there."""
    line: int
    """From 1."""
    column: int
    """From 1."""
    value: bytes = b""
    """Bytes of a string or character, escapes replaced."""


@dataclass(frozen=True)
class Source:
    """A text and its name."""

    file: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str, file: str) -> Source:
        """Split a text at line feeds and nothing else."""
        return cls(file, tuple(text.split("\n")))

    def error(self, token: Token, message: str, hint: str | None = None) -> AssemblyError:
        """An error that points at a token."""
        source = self.lines[token.line - 1].rstrip("\r")
        return AssemblyError(
            message, file=self.file, line=token.line, column=token.column, text=token.text, source=source, hint=hint
        )

    def statements(self) -> Iterator[Cursor]:
        """Every statement that has a token."""
        tokens: list[Token] = []
        open_brackets: list[Token] = []
        for number, line in enumerate(self.lines, 1):
            for token in self._tokens(number, line):
                if token.text == "[":
                    open_brackets.append(token)
                elif token.text == "]" and token.kind is TokenKind.PUNCT and open_brackets:
                    open_brackets.pop()
                tokens.append(token)
            if tokens and not open_brackets:
                yield Cursor(self, tokens)
                tokens = []
        if open_brackets:
            raise self.error(open_brackets[-1], "this `[` is never closed")

    def _tokens(self, number: int, line: str) -> Iterator[Token]:
        at = 0
        while at < len(line):
            found = _TOKEN.match(line, at)
            if found is None:
                raise self._unreadable(number, line, at)
            kind, text = str(found.lastgroup), found.group()
            if kind in ("string", "char"):
                made = TokenKind.STRING if kind == "string" else TokenKind.CHAR
                token = Token(made, text, number, at + 1)
                yield token._replace(value=self._unescaped(token))
            elif kind not in ("space", "comment"):
                yield Token(_KINDS[kind], text, number, at + 1)
            at = found.end()

    def _unreadable(self, number: int, line: str, at: int) -> AssemblyError:
        character = line[at]
        if character in "\"'":
            token = Token(TokenKind.STRING, line[at:].rstrip("\r"), number, at + 1)
            return self.error(token, "this quote is never closed", "a string ends on the line that it begins on")
        word = re.compile(r"[0-9][\w.]*").match(line, at)
        if word:
            token = Token(TokenKind.NUMBER, word.group(), number, at + 1)
            return self.error(token, f"`{word.group()}` is not a number", "names of other forms stand in double quotes")
        return self.error(
            Token(TokenKind.PUNCT, character, number, at + 1),
            f"unexpected character {character!a}",
            "names of other than ASCII letters, digits and `_` stand in double quotes",
        )

    def _unescaped(self, token: Token) -> bytes:
        content = token.text[1:-1]
        parts: list[bytes] = []
        at = 0
        while at < len(content):
            end = content.find("\\", at)
            end = len(content) if end < 0 else end
            parts.append(self._encoded(content[at:end], token))
            at = end
            if at == len(content):
                break
            found = _ESCAPE.match(content, at)
            if found is None:
                place = token._replace(text=content[at : at + 2], column=token.column + 1 + at)
                raise self.error(place, "unknown escape", r"escapes are \n \t \r \0 \\ \" \' \xHH \u{H}")
            escape = found.group()
            if escape[1] == "x":
                parts.append(bytes.fromhex(escape[2:]))
            elif escape[1] == "u":
                point = int(escape[3:-1], 16)
                place = token._replace(text=escape, column=token.column + 1 + at)
                if point > _MAX_CODE_POINT:
                    raise self.error(place, "there is no such code point")
                parts.append(self._encoded(chr(point), place))
            else:
                parts.append(_SIMPLE_ESCAPES[escape[1]].encode())
            at = found.end()
        return b"".join(parts)

    def _encoded(self, text: str, token: Token) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise self.error(token, "a surrogate has no UTF-8 form") from None


_KINDS = {
    "number": TokenKind.NUMBER,
    "name": TokenKind.NAME,
    "directive": TokenKind.DIRECTIVE,
    "punct": TokenKind.PUNCT,
}


class Cursor:
    """The tokens of one statement, or of one operand, and how far they were read."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one after it; past the last an END token."""
        if self.at + ahead < len(self.tokens):
            return self.tokens[self.at + ahead]
        last = self.tokens[-1]
        return Token(TokenKind.END, "", last.line, last.column + len(last.text))

    def take(self) -> Token:
        """The next token, which is then read."""
        token = self.peek()
        self.at += 1
        return token

    def error(self, token: Token, message: str, hint: str | None = None) -> AssemblyError:
        """An error that points at a token."""
        return self.source.error(token, message, hint)

    def is_next(self, text: str) -> bool:
        """Whether the next token is that punctuation or that word."""
        token = self.peek()
        return token.text == text and token.kind in (TokenKind.PUNCT, TokenKind.NAME)

    def accept(self, text: str) -> Token | None:
        """The next token if it is that punctuation or that word."""
        return self.take() if self.is_next(text) else None

    def expect(self, text: str, hint: str | None = None) -> Token:
        """The next token, which must be that punctuation or that word."""
        token = self.accept(text)
        if token is None:
            raise self.error(self.peek(), f"expected `{text}`, got {described(self.peek())}", hint)
        return token

    def end(self) -> None:
        """Require that nothing is left."""
        if self.at < len(self.tokens):
            raise self.error(self.peek(), f"expected the end of the line, got {described(self.peek())}")

    def name(self, what: str) -> Token:
        """A plain name."""
        token = self.take()
        if token.kind is not TokenKind.NAME:
            raise self.error(token, f"expected {what}, got {described(token)}")
        return token

    def parts(self, what: str) -> tuple[list[str], Token]:
        """Names and strings joined by dots, such as `host.log_i` or `"odd module".f`; and a token that covers them."""
        first = self.take()
        found = [self._part(first, what)]
        last = first
        while True:
            token = self.peek()
            adjacent = token.line == last.line and token.column == last.column + len(last.text)
            if adjacent and token.kind is TokenKind.DIRECTIVE:
                last = self.take()
                found.append(last.text[1:])
            elif adjacent and token.text == "." and token.kind is TokenKind.PUNCT:
                self.take()
                last = self.take()
                found.append(self._part(last, what))
            else:
                width = last.column + len(last.text) - first.column
                line = self.source.lines[first.line - 1]
                return found, first._replace(text=line[first.column - 1 :][:width])

    def reference(self, what: str) -> tuple[str, Token]:
        """The same as one name."""
        found, token = self.parts(what)
        return ".".join(found), token

    def _part(self, token: Token, what: str) -> str:
        if token.kind is TokenKind.NAME:
            return token.text
        if token.kind is TokenKind.STRING:
            try:
                return token.value.decode()
            except UnicodeDecodeError:
                raise self.error(token, "a name must be UTF-8") from None
        raise self.error(token, f"expected {what}, got {described(token)}")

    def operands(self) -> list[Cursor]:
        """The rest, split at commas that stand in no brackets."""
        parts: list[list[Token]] = [[]]
        depth = 0
        comma = self.peek()
        while self.at < len(self.tokens):
            token = self.take()
            if token.kind is TokenKind.PUNCT:
                depth += (token.text in "([") - (token.text in ")]")
                if token.text == "," and depth == 0:
                    if not parts[-1]:
                        raise self.error(token, "an operand is missing before this comma")
                    comma = token
                    parts.append([])
                    continue
            parts[-1].append(token)
        if not parts[-1]:
            if len(parts) == 1:
                return []
            raise self.error(comma, "an operand is missing after this comma")
        return [Cursor(self.source, tokens) for tokens in parts]


def described(token: Token) -> str:
    """A token for a message."""
    return "the end of the line" if token.kind is TokenKind.END else f"`{token.text}`"


def is_plain_name(name: str) -> bool:
    """Whether a name can stand without quotes everywhere, and is not like a register."""
    return _PLAIN_NAME.fullmatch(name) is not None and _REGISTER.fullmatch(name) is None


def quoted(content: bytes) -> str:
    """A string token for bytes: printable ASCII as it is, all else escaped."""
    named = {0x0A: r"\n", 0x09: r"\t", 0x0D: r"\r", 0x00: r"\0", 0x5C: r"\\", 0x22: r"\""}
    return '"' + "".join(named.get(b) or (chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}") for b in content) + '"'


def quoted_name(name: str) -> str:
    """A name as the assembler reads it: plain, or quoted with what is not printable escaped."""
    if is_plain_name(name):
        return name
    parts = [
        c if c.isprintable() and c not in '"\\' else f"\\{c}" if c in '"\\' else f"\\u{{{ord(c):x}}}" for c in name
    ]
    return '"' + "".join(parts) + '"'


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A hint that offers the nearest candidates."""
    close = difflib.get_close_matches(name, list(candidates), n=2)
    return f"did you mean {' or '.join(f'`{candidate}`' for candidate in close)}?" if close else None
