"""Docstrings of this project as reStructuredText: the sections `Args`, `Returns` and `Raises` become fields.

Napoleon reads more styles, and with them takes the sentence before a colon in an attribute's docstring for a type.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from typing import Final

from sphinx.application import Sphinx

_SECTIONS: Final = {"Args:": "param", "Returns:": "returns", "Raises:": "raises"}


def process(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Rewrite a docstring in place; connected to `autodoc-process-docstring`."""
    lines[:] = _rewritten(lines)


def without_enum_arguments(
    _app: Sphinx, _what: str, _name: str, value: object, _options: object, _arguments: str, _result: str
) -> tuple[str, str] | None:
    """Hide how an enum is called, which depends on Python's version; connected to `autodoc-process-signature`."""
    return ("", "") if isinstance(value, type) and issubclass(value, enum.Enum) else None


def _rewritten(lines: Sequence[str]) -> Iterator[str]:
    section = None
    for line in map(_plain, lines):
        if line in _SECTIONS:
            section = _SECTIONS[line]
        elif section is None or (line and not line.startswith(" ")):
            section = None
            yield line
        else:
            yield _field(section, line)


def _field(section: str, line: str) -> str:
    """A line of a section: the start of a field, or its continuation."""
    match = re.fullmatch(r" {4}(\S[^:]*): (.+)", line)
    if section == "returns":
        return re.sub(r"^ {4}(?=\S)", ":returns: ", line)
    return f":{section} {match[1]}: {match[2]}" if match else line


def _plain(line: str) -> str:
    """The line with what reStructuredText would take for markup escaped, but for names in backticks."""
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(part if part.startswith("`") else re.sub(r"([*|\\]|_(?!\w))", r"\\\1", part) for part in parts)
