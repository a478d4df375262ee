"""Every rule of the layout that a file breaks, by `spec/packfile.ksy` itself and without stopping at the first.

A loader stops at its first finding, so it cannot tell whether a file has one defect or two. This reader goes on: it
notes each constraint that fails and each place where the file ends too soon. It is slow and independent of the
reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import yaml

from .ksy_expression import evaluate
from .paths import spec_file
from .sparse import SparseBytes

_MOST_ROWS = 1 << 12
"""Rows of a section that are read; the rest of a longer one is left to the audit."""


class Finding(NamedTuple):
    """A rule that the file breaks."""

    rule: str
    offset: int
    place: str


class _TooShort(Exception):
    noted = False


@cache
def description() -> dict[str, Any]:
    """The layout as YAML has it."""
    loaded: dict[str, Any] = yaml.load(spec_file("packfile.ksy").read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return loaded


class _Loader(yaml.SafeLoader):
    pass


class _Io:
    def __init__(self, data: SparseBytes) -> None:
        self.data, self.at = data, 0

    def name(self, name: str) -> int:
        if name != "size":
            raise NotImplementedError(f"_io.{name}")
        length: int = self.data.length
        return length

    def read(self, size: int) -> bytes:
        if size > self.data.length - self.at:
            raise _TooShort
        self.at += size
        return self.data.read(self.at - size, size)


class _Object:
    """A value of a user type: its fields, and what names mean inside it."""

    def __init__(
        self, reader: _Reader, spec: Mapping[str, Any], parent: _Object | None, params: Mapping[str, int]
    ) -> None:
        self.reader, self.spec, self.parent = reader, spec, parent
        self.fields: dict[str, Any] = dict(params)
        self.offsets: dict[str, int] = {}
        self.current: Any = None
        self.path = ""

    def name(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        special = {"_": self.current, "_parent": self.parent, "_root": self.reader.root, "_io": self.reader.io}
        if name in special:
            return special[name]
        if name not in self.fields:
            instance = self.spec.get("instances", {}).get(name)
            if instance is None or "value" not in instance:
                raise KeyError(name)
            self.fields[name] = evaluate(instance["value"], self)
        return self.fields[name]

    def enum(self, name: str) -> int:
        return self.reader.enums[name]

    def size_of(self, name: str) -> int:
        return self.reader.size_of(name)


class _Reader:
    def __init__(self, data: SparseBytes) -> None:
        self.io = _Io(data)
        self.findings: list[Finding] = []
        self._types: dict[str, Mapping[str, Any]] = {}
        self._add_types(description())
        self.enums: dict[str, int] = {
            f"{enum}::{row['id'] if isinstance(row, dict) else row}": value
            for enum, rows in description()["enums"].items()
            for value, row in rows.items()
        }
        self._endian: Any = "little"
        self.root = _Object(self, description(), None, {})

    def _add_types(self, spec: Mapping[str, Any]) -> None:
        for name, inner in spec.get("types", {}).items():
            self._types[name] = inner
            self._add_types(inner)

    def size_of(self, name: str) -> int:
        """The bytes of a type whose size is fixed."""
        total = 0
        for attribute in self._types[name]["seq"]:
            kind = attribute.get("type")
            size = attribute["size"] if kind is None else int(kind[1:]) if kind[1:].isdigit() else self.size_of(kind)
            total += int(size)
        return total

    def read(self, target: _Object, path: str, too_short: str | None) -> None:
        """Reads all fields of a type; raises _TooShort, noted, if the file ends within."""
        spec = target.spec
        target.path = path
        too_short = spec.get("-too-short", too_short)
        endian = spec.get("meta", {}).get("endian")
        if isinstance(endian, dict):
            cases = {self.enums[name]: order for name, order in endian["cases"].items()}
            self._endian = {"le": "little", "be": "big", None: None}[cases.get(evaluate(endian["switch-on"], target))]
            if self._endian is None:
                unreadable = _TooShort()
                unreadable.noted = True  # there is no byte order to read on with, and that has its own rule
                raise unreadable
        for attribute in spec["seq"]:
            start = self.io.at
            try:
                self._attribute(target, attribute, path, too_short)
            except _TooShort as error:
                if too_short and not error.noted:
                    self.findings.append(Finding(too_short, start, f"{path}{attribute['id']}"))
                error.noted = True
                raise

    def _attribute(self, target: _Object, attribute: Mapping[str, Any], path: str, too_short: str | None) -> None:
        name = attribute["id"]
        target.offsets[name] = self.io.at
        if "repeat" in attribute:
            items: list[Any] = []
            target.fields[name] = items
            count = evaluate(attribute["repeat-expr"], target)
            for index in range(min(count, _MOST_ROWS)):
                items.append(None)
                items[index] = self._value(target, attribute, f"{path}{name}[{index}].", too_short, index, items)
            return
        value = self._value(target, attribute, f"{path}{name}.", too_short, 0, None)
        target.fields[name] = value
        self._check(target, attribute, value, path)

    def _value(
        self,
        target: _Object,
        attribute: Mapping[str, Any],
        path: str,
        too_short: str | None,
        index: int,
        items: list[Any] | None,
    ) -> Any:  # noqa: ANN401 - whatever the field holds
        kind = attribute.get("type")
        if "contents" in attribute:
            return self.io.read(len(attribute["contents"]))
        if kind is None:
            return self.io.read(evaluate(attribute["size"], target))
        if kind[1:].isdigit():
            return int.from_bytes(self.io.read(int(kind[1:])), self._endian)
        type_name, _, argument = kind.partition("(")
        spec = self._types[type_name]
        params = {param["id"]: index for param in spec.get("params", ())} if argument == "_index)" else {}
        value = _Object(self, spec, target, params)
        if items is not None:
            items[index] = value  # so that rows can look at the one before
        if not items and attribute["id"] not in target.fields:
            target.fields[attribute["id"]] = value
        self.read(value, path, too_short)
        return value

    def _check(self, target: _Object, attribute: Mapping[str, Any], value: object, path: str) -> None:
        rule = attribute.get("-rule")
        if rule is None:
            return
        if not self._holds(target, attribute, value):
            self.findings.append(Finding(rule, target.offsets[attribute["id"]], f"{path}{attribute['id']}"))

    def _holds(self, target: _Object, attribute: Mapping[str, Any], value: Any) -> bool:  # noqa: ANN401
        if "contents" in attribute:
            return bool(value == bytes(attribute["contents"]))
        valid = attribute["valid"]
        if not isinstance(valid, dict):
            return self._quietly(lambda: value == evaluate(valid, target))
        checks = {
            "min": lambda bound: value >= evaluate(bound, target),
            "max": lambda bound: value <= evaluate(bound, target),
            "any-of": lambda values: value in [evaluate(item, target) for item in values],
            "in-enum": lambda _: value in description()["enums"][attribute["enum"]],
            "expr": lambda text: evaluate(text, target),
        }
        target.current = value
        return all(self._quietly(lambda check=checks[key], bound=bound: check(bound)) for key, bound in valid.items())

    @staticmethod
    def _quietly(check: Any) -> bool:  # noqa: ANN401 - a function without arguments
        """Whether a check holds; one that looks at fields which the file no longer has says nothing."""
        try:
            return bool(check())
        except (KeyError, IndexError, ZeroDivisionError, AttributeError):
            return True

    def rows(self, section: _Object) -> None:
        """Reads the rows of a section, if its kind has any."""
        for name, instance in section.spec["instances"].items():
            if "type" not in instance or not any("-rule" in field for field in self._types[instance["type"]]["seq"]):
                continue  # bytes, words and constants are good whatever they hold
            if evaluate(instance["if"], section):
                self.io.at = evaluate(instance["pos"], section)
                count = min(evaluate(instance["repeat-expr"], section), _MOST_ROWS)
                attribute = {"id": name, "type": instance["type"], "repeat": "expr", "repeat-expr": count}
                self._attribute(section, attribute, f"{section.path}", None)


class Layout:
    """A file as the layout reads it: its findings, and the fields that could be read."""

    def __init__(self, data: SparseBytes) -> None:
        self._reader = _Reader(data)
        self.complete = False
        """Whether header and directory could be read to their end."""
        try:
            self._reader.read(self._reader.root, "", None)
            self.complete = True
        except _TooShort:
            pass
        self.findings = self._reader.findings

    @property
    def header(self) -> _Object:
        """The part whose reading depends on the byte order."""
        body: _Object = self._reader.root.fields["body"]
        return body

    def section_lengths(self) -> dict[int, int]:
        """Length of each section by kind."""
        return {section.fields["kind_id"]: section.fields["length"] for section in self.header.fields["sections"]}

    def read_rows(self) -> None:
        """Adds the findings on rows. Only for a file whose header and directory break nothing."""
        for section in self.header.fields["sections"]:
            self._reader.rows(section)
