"""Writing Python source the way `ruff format` would leave it, so that generated code needs no formatter."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 120
STEP = 4


@dataclass(frozen=True)
class Code:
    """An expression that is never broken."""

    text: str


@dataclass(frozen=True)
class Text:
    """A string literal; a long one is broken between words."""

    value: str


@dataclass(frozen=True)
class Call:
    """A call; an argument may have a name."""

    head: str
    arguments: tuple[tuple[str | None, Node], ...]


@dataclass(frozen=True)
class Items:
    """A tuple."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Table:
    """A dict."""

    items: tuple[tuple[Node, Node], ...]


Node = Code | Text | Call | Items | Table


def quoted(text: str) -> str:
    """A string literal in double quotes, as ruff prefers them."""
    literal = repr(text)
    if literal.startswith('"'):
        return literal
    if '"' in text:
        # repr chose single quotes to spare escapes, and so would ruff.
        return literal
    return f'"{literal[1:-1]}"'


def strings(values: Iterable[str]) -> Items:
    """A tuple of string literals."""
    return Items(tuple(Text(value) for value in values))


def numbers(values: Iterable[int]) -> Items:
    """A tuple of integers."""
    return Items(tuple(Code(str(value)) for value in values))


def _flat(node: Node) -> str:
    match node:
        case Code(text):
            return text
        case Text(value):
            return quoted(value)
        case Call(head, arguments):
            return f"{head}({', '.join(_named(name) + _flat(value) for name, value in arguments)})"
        case Items(items):
            return f"({', '.join(_flat(item) for item in items)}{',' if len(items) == 1 else ''})"
        case Table(items):
            return "{" + ", ".join(f"{_flat(key)}: {_flat(value)}" for key, value in items) + "}"


def _named(name: str | None) -> str:
    return "" if name is None else f"{name}="


def expression(node: Node, before: str, indent: int = 0, after: str = "") -> list[str]:
    """Lines of `before` + node + `after`; `before` is the text that the first line begins with, without its indent."""
    pad, deeper = " " * indent, indent + STEP
    line = pad + before + _flat(node) + after
    if len(line) <= WIDTH or isinstance(node, Code):
        return [line]
    match node:
        case Text(value):
            room = WIDTH - deeper - 2
            body = [" " * deeper + quoted(part) for part in _parts(value, room)]
            return [pad + before + "(", *body, pad + ")" + after]
        case Call(head, arguments):
            joined = " " * deeper + ", ".join(_named(name) + _flat(value) for name, value in arguments)
            body = [joined]
            if len(joined) > WIDTH:
                body = [x for name, value in arguments for x in expression(value, _named(name), deeper, ",")]
            return [pad + before + head + "(", *body, pad + ")" + after]
        case Items(items):
            body = [x for item in items for x in expression(item, "", deeper, ",")]
            return [pad + before + "(", *body, pad + ")" + after]
        case Table(items):
            body = [x for key, value in items for x in expression(value, f"{_flat(key)}: ", deeper, ",")]
            return [pad + before + "{", *body, pad + "}" + after]


def _parts(value: str, room: int) -> list[str]:
    """Split after spaces so that each part's literal fits the room."""
    parts, current = [], ""
    for word in re.findall(r"\S+\s*|\s+", value):
        if current and len(quoted(current + word)) > room + 2:
            parts.append(current)
            current = ""
        current += word
    return [*parts, current]


def docstring(text: str, indent: int = 0) -> list[str]:
    """A docstring: on one line if it fits, else its first sentence apart from the rest."""
    pad = " " * indent
    # Quotes three in a row would end the docstring; no doc has them, and a raw backslash is not meant as an escape.
    text = text.replace("\\", "\\\\")
    if len(pad) + len(text) + 6 <= WIDTH and "\n" not in text:
        return [f'{pad}"""{text}"""']
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    summary, _, rest = paragraphs[0].partition(". ")
    if rest and len(pad) + len(summary) + 4 <= WIDTH:
        paragraphs[:1] = [summary + ".", rest]
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        # The first line shares its width with the opening quotes.
        first = pad + ('"""' if number == 0 else "")
        lines += ["", *textwrap.wrap(paragraph, WIDTH, initial_indent=first, subsequent_indent=pad)]
    return [*lines[1:], f'{pad}"""']


def header(comment: str, *sources: str) -> str:
    """The first line of every generated file; `comment` has a `%s` for the text."""
    return comment % f"generated by tools/generate.py from {', '.join(sources)}; do not edit"
