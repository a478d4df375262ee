"""The cases of the conformance suite, read for the site.

Assumes YAML files of cases. Promises each case with its place and its own text; a file that cannot be read is a
warning, which fails a build with `-W`, and the rest are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import yaml
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from .repository import ROOT

DIRECTORY: Final = ROOT / "conformance" / "cases"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Case:
    """One case."""

    id: str
    rules: tuple[str, ...]
    summary: str
    features: tuple[str, ...]
    file: Path
    line: int
    """Its first line in the file, from 1."""
    text: str
    """Its lines in the file."""


def files() -> list[Path]:
    """The files of cases, sorted."""
    return sorted(DIRECTORY.rglob("*.yaml"))


def by_rule(env: BuildEnvironment) -> Mapping[str, tuple[Case, ...]]:
    """The cases of each rule that has any, which the page that is being read then depends on."""
    for file in files():
        env.note_dependency(str(file))
    return _by_rule()


@cache
def read(file: Path) -> tuple[Case, ...]:
    """The cases of a file, in its order."""
    try:
        return tuple(_cases(file))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        kind = type(error).__name__
        _logger.warning("cases cannot be read: %s: %s", kind, error, location=str(file), type="packfile")
        return ()


@cache
def _by_rule() -> Mapping[str, tuple[Case, ...]]:
    found: dict[str, list[Case]] = {}
    for file in files():
        for case in read(file):
            for rule in case.rules:
                found.setdefault(rule, []).append(case)
    return {rule: tuple(cases) for rule, cases in found.items()}


def _cases(file: Path) -> Iterator[Case]:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        values = [loader.construct_document(node) for node in root.value] if root else []
    finally:
        loader.dispose()
    for node, fields in zip(root.value if root else [], values, strict=True):
        start, end = node.start_mark.line, node.end_mark.line
        own = lines[start : end + 1] if node.end_mark.column else lines[start:end]
        # The dash of the list gives way to two blanks, so that the case's fields stand in one column.
        own[0] = own[0].replace("-", " ", 1)
        while own and (not own[-1].strip() or own[-1].startswith("#")):
            own.pop()
        yield Case(
            id=fields["id"],
            rules=tuple(fields["rules"]),
            summary=fields["summary"],
            features=tuple(fields.get("features", ())),
            file=file,
            line=start + 1,
            text=dedent("\n".join(own)) + "\n",
        )
