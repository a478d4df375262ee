"""Reading spec/ as it stands: parsed YAML and plain text, before anything is made of it.

Promises that every YAML mapping has unique keys, which PyYAML alone would not notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

# What a YAML or JSON file holds; the readers find out what it is.
Parsed: TypeAlias = Any


class SpecError(Exception):
    """The specification contradicts itself or leaves something out; nothing is generated."""


class _UniqueKeyLoader(yaml.SafeLoader):
    pass


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            mark = key_node.start_mark
            raise SpecError(f"{mark.name}:{mark.line + 1}: the key {key!r} stands here twice")
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def parse_yaml(text: str, name: str) -> Mapping[str, Any]:
    """Parse one .ksy; `name` is what an error calls it."""
    loader = _UniqueKeyLoader(text)
    loader.name = name
    try:
        parsed = loader.get_single_data()
    except yaml.YAMLError as error:
        raise SpecError(f"{name}: not YAML: {error}") from error
    if not isinstance(parsed, dict):
        raise SpecError(f"{name}: not a mapping")
    return parsed


@dataclass(frozen=True)
class Source:
    """The text of spec/, read once."""

    root: Path
    packfile: Mapping[str, Any]
    instructions: Mapping[str, Any]
    rules: Mapping[str, str]
    """Text of each rule file by its path from the root."""
    effects: str | None
    stages: str | None
    adapter: str | None
    schemas: Mapping[str, Any]
    """Parsed JSON of each schema by its path from the root."""


def load(root: Path) -> Source:
    """Read everything under `root/spec` that the generator knows of."""
    spec = root / "spec"

    def text(path: Path) -> str | None:
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def ksy(name: str) -> Mapping[str, Any]:
        content = text(spec / name)
        if content is None:
            raise SpecError(f"spec/{name}: missing")
        return parse_yaml(content, f"spec/{name}")

    schemas = {}
    for path in sorted(spec.glob("*.schema.json")):
        try:
            schemas[f"spec/{path.name}"] = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise SpecError(f"spec/{path.name}: not JSON: {error}") from error
    return Source(
        root=root,
        packfile=ksy("packfile.ksy"),
        instructions=ksy("instructions.ksy"),
        rules={f"spec/rules/{path.name}": path.read_text(encoding="utf-8") for path in sorted(spec.glob("rules/*.md"))},
        effects=text(spec / "effects.md"),
        stages=text(spec / "stages.md"),
        adapter=text(spec / "adapter.md"),
        schemas=schemas,
    )


def one_line(text: str) -> str:
    """A doc text with its line breaks and runs of spaces made single spaces."""
    return " ".join(text.split())


def required(row: Mapping[str, Any], key: str, where: str) -> Parsed:
    """`row[key]`, or a refusal that says where it is missing."""
    if row.get(key) is None or row[key] == "":
        raise SpecError(f"{where}: missing `{key}`")
    return row[key]


def refuse_unknown_keys(row: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """Refuse a misspelt key, which ksc would ignore because it begins with a dash."""
    unknown = sorted(str(key) for key in row if str(key).startswith("-") and key not in known)
    if unknown:
        raise SpecError(f"{where}: unknown key {', '.join(unknown)}")


def table_names(text: str | None, heading: str) -> tuple[str, ...]:
    """First cells of the table under `## heading`, where a row begins "| `name` |"."""
    if text is None:
        return ()
    section = re.search(rf"^## {re.escape(heading)}\s*$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return tuple(re.findall(r"^\| *`([^`]+)` *\|", section[1], re.MULTILINE)) if section else ()
