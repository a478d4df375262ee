"""The binary layout: what packfile.ksy says, flattened to rows of plain fields.

Assumes parsed YAML. Promises that every constraint carries its rule, and that offsets and sizes are those that the
generated parser uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.source import SpecError, one_line, refuse_unknown_keys, required

SIZES = {"u1": 1, "u2": 2, "u4": 4, "u8": 8}
CHECK_KEYS = frozenset({"-rule", "-time", "-outcome"})
TYPE_KEYS = frozenset({"-too-short"})
INSTANCE_KEYS = frozenset({"-unit", "-rule"})
BODY = "/types/body"


@dataclass(frozen=True)
class Member:
    """One value of an enum."""

    value: int
    id: str
    doc: str
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """A constraint that the .ksy states on one attribute."""

    path: str
    attribute: str
    rule: str
    time: str
    outcome: str
    text: str
    allowed: tuple[int, ...] | None
    """The values that pass, where the constraint is a constant, a list or an enum."""


@dataclass(frozen=True)
class Field:
    """A run of bytes of a row."""

    name: str
    offset: int
    size: int
    type: str
    enum: str | None
    doc: str


@dataclass(frozen=True)
class Row:
    """A type of fixed size."""

    name: str
    doc: str
    fields: tuple[Field, ...]

    @property
    def size(self) -> int:
        """Bytes of one row."""
        return sum(field.size for field in self.fields)


@dataclass(frozen=True)
class Value:
    """A constant or a limit."""

    name: str
    value: int
    unit: str | None
    rule: str | None
    doc: str


@dataclass(frozen=True)
class Derived:
    """A value that follows from the fields of a row."""

    name: str
    expression: str
    doc: str


@dataclass(frozen=True)
class Layout:
    """All of packfile.ksy that generated code restates."""

    title: str
    doc: str
    magic: bytes
    values: tuple[Value, ...]
    enums: Mapping[str, tuple[Member, ...]]
    rows: Mapping[str, Row]
    checks: tuple[Check, ...]
    too_short: Mapping[str, str]
    section_rows: Mapping[str, str]
    """Row type of each section kind that has one, by the ids of both."""
    derived: Mapping[str, tuple[Derived, ...]]

    def checks_of(self, row: str) -> tuple[Check, ...]:
        """The checks on one row type; the header is the file's own fields and the body's."""
        ends = ("", BODY) if row == "header" else (f"{BODY}/types/{row}",)
        return tuple(check for check in self.checks if check.path.rpartition("/seq/")[0] in ends)


def read_enum(ksy: Mapping[str, Any], name: str, keys: frozenset[str], where: str) -> tuple[Member, ...]:
    """The members of one enum, in the order of their values."""
    members = []
    for value, row in ksy["enums"][name].items():
        place = f"{where}: enums/{name}/{value}"
        if not isinstance(value, int):
            raise SpecError(f"{place}: the value is not an integer")
        refuse_unknown_keys(row, keys, place)
        id_ = required(row, "id", place)
        members.append(Member(value, id_, one_line(required(row, "doc", f"{where}: {id_}")), row))
    ids = [member.id for member in members]
    for twice in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        raise SpecError(f"{where}: enums/{name}: the id `{twice}` stands there twice")
    return tuple(sorted(members, key=lambda member: member.value))


def types(ksy: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every type as (name, path as ksc writes it, description), the file itself first."""
    yield ksy["meta"]["id"], "", ksy
    pending = [("", ksy)]
    while pending:
        path, outer = pending.pop(0)
        for name, inner in outer.get("types", {}).items():
            yield name, f"{path}/types/{name}", inner
            pending.append((f"{path}/types/{name}", inner))


class _Reader:
    def __init__(self, ksy: Mapping[str, Any]) -> None:
        self.ksy = ksy
        self.where = "spec/packfile.ksy"
        self.types = {name: (path, description) for name, path, description in types(ksy)}
        self.enums = {name: read_enum(ksy, name, frozenset(), self.where) for name in ksy["enums"]}

    def checks(self) -> Iterator[Check]:
        for path, description in self.types.values():
            refuse_unknown_keys(description, TYPE_KEYS, f"{self.where}{path}")
            for index, attribute in enumerate(description.get("seq", [])):
                place = f"{self.where}: {path}/seq/{index} ({attribute['id']})"
                refuse_unknown_keys(attribute, CHECK_KEYS, place)
                states = "valid" in attribute or "contents" in attribute
                if states != ("-rule" in attribute):
                    raise SpecError(f"{place}: a constraint and a `-rule` go together; one of them is missing")
                if states:
                    yield Check(
                        path=f"{path}/seq/{index}",
                        attribute=attribute["id"],
                        rule=attribute["-rule"],
                        time=required(attribute, "-time", place),
                        outcome=required(attribute, "-outcome", place),
                        text=one_line(required(attribute, "doc", place)),
                        allowed=self.allowed(attribute),
                    )

    def allowed(self, attribute: Mapping[str, Any]) -> tuple[int, ...] | None:
        valid = attribute.get("valid")
        if isinstance(valid, int):
            return (valid,)
        if isinstance(valid, dict) and valid.get("in-enum"):
            return tuple(member.value for member in self.enums[attribute["enum"]])
        if isinstance(valid, dict) and all(isinstance(value, int) for value in valid.get("any-of", [None])):
            return tuple(valid["any-of"])
        return None

    def fields(
        self, attributes: list[Mapping[str, Any]], prefix: str = "", offset: int = 0, about: str = ""
    ) -> Iterator[Field]:
        """Flatten attributes; checks of size 0 and the type that only switches the byte order leave no field."""
        for attribute in attributes:
            name = prefix + attribute["id"]
            type_name = attribute.get("type")
            size = attribute.get("size", len(attribute.get("contents", ())))
            doc = about + one_line(required(attribute, "doc", f"{self.where}: {name}"))
            if attribute.get("repeat") or (type_name is None and size == 0):
                continue
            if type_name in SIZES:
                fields = [Field(name, offset, SIZES[type_name], type_name, attribute.get("enum"), doc)]
            elif type_name is None:
                fields = [Field(name, offset, size, "bytes", None, doc)]
            elif type_name in self.types:
                # The body exists only to switch the byte order; its fields are the header's own.
                inner = (f"{name}_", doc + " ") if type_name != "body" else ("", "")
                fields = list(self.fields(self.types[type_name][1]["seq"], inner[0], offset, inner[1]))
            else:
                raise SpecError(f"{self.where}: {name}: the generator does not know the type {type_name}")
            yield from fields
            offset = fields[-1].offset + fields[-1].size

    def row(self, name: str, type_name: str, doc: str) -> Row:
        return Row(name, doc, tuple(self.fields(self.types[type_name][1]["seq"])))

    def values(self) -> Iterator[Value]:
        for name, instance in self.types["body"][1]["instances"].items():
            place = f"{self.where}: {BODY}/instances/{name}"
            refuse_unknown_keys(instance, INSTANCE_KEYS, place)
            value = instance.get("value")
            if not isinstance(value, int):
                raise SpecError(f"{place}: not a constant integer")
            limit = name.startswith(("max_", "min_"))
            if limit:
                required(instance, "-unit", place)
                required(instance, "-rule", place)
            doc = one_line(required(instance, "doc", place))
            yield Value(name, value, instance.get("-unit"), instance.get("-rule"), doc)

    def derived(self, name: str) -> tuple[Derived, ...]:
        instances = self.types[name][1].get("instances", {}) if name in self.types else {}
        return tuple(
            Derived(id_, one_line(str(instance["value"])), one_line(instance.get("doc", "")))
            for id_, instance in instances.items()
            if "value" in instance
        )

    def section_rows(self) -> Mapping[str, str]:
        rows = {}
        for name, instance in self.types["section"][1]["instances"].items():
            if "type" in instance:
                kind = re.fullmatch(r"kind == section_kind::(\w+)", instance.get("if", ""))
                if kind is None:
                    raise SpecError(f"{self.where}: section/instances/{name}: `if` does not name its section kind")
                rows[kind[1]] = instance["type"]
        return rows


def read(ksy: Mapping[str, Any]) -> Layout:
    """Make the layout of a parsed packfile.ksy."""
    reader = _Reader(ksy)
    rows = {"header": reader.row("header", ksy["meta"]["id"], "The fixed part at the start of a file.")}
    section_rows = reader.section_rows()
    for name in ["section", *section_rows.values()]:
        rows[name] = reader.row(name, name, one_line(required(reader.types[name][1], "doc", name)))
    values = tuple(reader.values())
    header_size = next((value.value for value in values if value.name == "header_size"), None)
    if header_size != rows["header"].size:
        raise SpecError(
            f"spec/packfile.ksy: header_size is {header_size}, but its fields take {rows['header'].size} bytes"
        )
    return Layout(
        title=ksy["meta"]["title"],
        doc=one_line(ksy["doc"]),
        magic=bytes(ksy["seq"][0]["contents"]),
        values=values,
        enums=reader.enums,
        rows=rows,
        checks=tuple(reader.checks()),
        too_short={name: item["-too-short"] for name, (_, item) in reader.types.items() if "-too-short" in item},
        section_rows=section_rows,
        derived={name: reader.derived(name) for name in rows},
    )
