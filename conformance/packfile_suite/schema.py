"""JSON Schema, compiled: a quick yes or no for every message and case; `jsonschema` explains a no.

A loader answers thousands of calls a second and the suite holds thousands of table rows, where `jsonschema` takes
milliseconds each. So a schema becomes nested functions that only decide. A keyword that this compiler does not know
is refused rather than ignored; the runner's tests compare both on good and bad values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from .paths import spec_file

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Check = Callable[[Any], bool]

_ANNOTATIONS = {"$schema", "$id", "$comment", "$defs", "title", "description", "default"}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


_TYPES: dict[str, Check] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "null": lambda value: value is None,
}


class _Compiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = root.get("$defs", {})
        self._compiled: dict[str, Check] = {}

    def compile(self, schema: Mapping[str, Any]) -> Check:
        """A function that says whether a value satisfies the schema."""
        checks = list(self._checks(dict(schema)))
        if len(checks) == 1:
            return checks[0]
        return lambda value: all(check(value) for check in checks)

    def _checks(self, schema: dict[str, Any]) -> Iterator[Check]:
        for keyword in _ANNOTATIONS:
            schema.pop(keyword, None)
        if (kind := schema.pop("type", None)) is not None:
            yield _TYPES[kind]
        if (reference := schema.pop("$ref", None)) is not None:
            yield self._reference(reference.removeprefix("#/$defs/"))
        if (values := schema.pop("enum", None)) is not None:
            yield lambda value: isinstance(value, str) and value in values
        if "const" in schema:
            constant = schema.pop("const")
            yield lambda value: value == constant and isinstance(value, bool) == isinstance(constant, bool)
        yield from self._scalars(schema)
        yield from self._objects(schema)
        yield from self._arrays(schema)
        yield from self._combinations(schema)
        if schema:
            message = f"schema keywords not known to the suite: {', '.join(sorted(schema))}"
            raise NotImplementedError(message)

    def _reference(self, name: str) -> Check:
        if name not in self._compiled:
            # A definition may name itself, so calls go through the table.
            self._compiled[name] = lambda value: self._compiled[name](value)  # noqa: PLW0108 - it is replaced below
            self._compiled[name] = self.compile(self._definitions[name])
        return self._compiled[name]

    def _scalars(self, schema: dict[str, Any]) -> Iterator[Check]:
        if (pattern := schema.pop("pattern", None)) is not None:
            # `$` of JSON Schema is the very end, where Python's also matches before a last newline.
            search = re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern).search
            yield lambda value: not isinstance(value, str) or search(value) is not None
        if (shortest := schema.pop("minLength", None)) is not None:
            yield lambda value: not isinstance(value, str) or len(value) >= shortest
        if (longest := schema.pop("maxLength", None)) is not None:
            yield lambda value: not isinstance(value, str) or len(value) <= longest
        if (least := schema.pop("minimum", None)) is not None:
            yield lambda value: not _is_number(value) or value >= least
        if (most := schema.pop("maximum", None)) is not None:
            yield lambda value: not _is_number(value) or value <= most
        if (bound := schema.pop("exclusiveMaximum", None)) is not None:
            yield lambda value: not _is_number(value) or value < bound

    def _objects(self, schema: dict[str, Any]) -> Iterator[Check]:
        if required := schema.pop("required", ()):
            yield lambda value: not isinstance(value, dict) or all(name in value for name in required)
        if (fewest := schema.pop("minProperties", None)) is not None:
            yield lambda value: not isinstance(value, dict) or len(value) >= fewest
        if (most := schema.pop("maxProperties", None)) is not None:
            yield lambda value: not isinstance(value, dict) or len(value) <= most
        properties = {name: self.compile(sub) for name, sub in schema.pop("properties", {}).items()}
        others = schema.pop("additionalProperties", True)
        if not properties and others is True:
            return
        other = (lambda _: others) if isinstance(others, bool) else self.compile(others)

        def check(value: object) -> bool:
            if not isinstance(value, dict):
                return True
            return all(properties.get(name, other)(item) for name, item in value.items())

        yield check

    def _arrays(self, schema: dict[str, Any]) -> Iterator[Check]:
        if (fewest := schema.pop("minItems", None)) is not None:
            yield lambda value: not isinstance(value, list) or len(value) >= fewest
        if schema.pop("uniqueItems", False):
            yield lambda value: not isinstance(value, list) or len({json.dumps(x) for x in value}) == len(value)
        if (items := schema.pop("items", None)) is not None:
            each = self.compile(items)
            yield lambda value: not isinstance(value, list) or all(map(each, value))

    def _combinations(self, schema: dict[str, Any]) -> Iterator[Check]:
        if (one_of := schema.pop("oneOf", None)) is not None:
            alternatives = [self.compile(sub) for sub in one_of]
            yield lambda value: sum(alternative(value) for alternative in alternatives) == 1
        if (all_of := schema.pop("allOf", None)) is not None:
            parts = [self.compile(sub) for sub in all_of]
            yield lambda value: all(part(value) for part in parts)
        if (negated := schema.pop("not", None)) is not None:
            refused = self.compile(negated)
            yield lambda value: not refused(value)
        if (condition := schema.pop("if", None)) is not None:
            applies = self.compile(condition)
            then = self.compile(schema.pop("then", {}))
            otherwise = self.compile(schema.pop("else", {}))
            yield lambda value: then(value) if applies(value) else otherwise(value)


class Schema:
    """One of the suite's schemas."""

    def __init__(self, file_name: str) -> None:
        self.root: dict[str, Any] = json.loads(spec_file(file_name).read_text("utf-8"))
        self._compiler = _Compiler(self.root)

    @cache  # noqa: B019 - schemas live as long as the process
    def check(self, definition: str) -> Check:
        """A function that says whether a value satisfies the definition; `""` is the schema itself."""
        return self._compiler.compile({"$ref": f"#/$defs/{definition}"} if definition else self.root)

    def explain(self, definition: str, value: object) -> tuple[tuple[str | int, ...], str]:
        """Why the value does not satisfy the definition: where in it, and the reason in words."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to import and seldom needed
        from jsonschema.exceptions import best_match  # noqa: PLC0415

        target = {"$defs": self.root.get("$defs", {}), "$ref": f"#/$defs/{definition}"} if definition else self.root
        error: ValidationError | None = best_match(Draft202012Validator(target).iter_errors(value))
        if error is None:
            return (), "it does not fit its schema"
        while (inner := _meant(error)) is not None:
            error = inner
        return tuple(error.absolute_path), _reason(error.message, error.validator, error.instance)


def _meant(error: ValidationError) -> ValidationError | None:
    """Of several forms that are allowed, the complaint of the one that was meant, since all its fields are there."""
    if error.validator not in {"oneOf", "anyOf"}:
        return None
    forms: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        forms.setdefault(inner.schema_path[0], []).append(inner)
    for errors in forms.values():
        if all(inner.path for inner in errors):
            return errors[0]
    return None


def _reason(message: str, keyword: object, instance: object) -> str:
    if keyword in {"oneOf", "anyOf"}:
        keys: Sequence[str] = sorted(map(str, instance)) if isinstance(instance, dict) else ()
        what = f"the fields {', '.join(keys)}" if keys else shorten(repr(instance), 120)
        return f"no form that is allowed here has {what}"
    return shorten(message, 300)


def shorten(text: str, limit: int) -> str:
    """The text, its middle left out where it is longer than the limit."""
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


@cache
def case_schema() -> Schema:
    """The schema of case files."""
    return Schema("case.schema.json")


@cache
def adapter_schema() -> Schema:
    """The schema of the messages between suite and adapter."""
    return Schema("adapter.schema.json")


@cache
def manifest_schema() -> Schema:
    """The schema of the manifest of an export."""
    return Schema("manifest.schema.json")
