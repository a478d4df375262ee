"""The messages of the adapter protocol, from its JSON Schema, with examples that the reference really gives.

Assumes the keywords of JSON Schema that the adapter's uses; any other stops the build rather than being left out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from packfile.adapter import Adapter, reply_to
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

from .repository import read

_Schema = Mapping[str, Any]
_COMMANDS = ("hello", "open", "link", "call", "audit", "close")
_TYPES = ("handle", "integer", "float", "amount", "name", "rule", "feature", "outcome", "trap_code", "module", "log")
_FAILURES = {
    "failure": "An outcome other than `ok`, in reply to any command but `hello` and `close`.",
    "error": "The adapter could not do what was asked.",
}
_TITLES: Final = {"failure": "Any outcome but ok", "error": "Errors of the adapter"}
_PROGRAM = """\
.import weak func host.log_i (i) -> ()
.export func div (i, i) -> (i)
  calli i0, n0, host.log_i
  i_div_s i0, i0, i1
  ret i0, n0
"""


def render(env: BuildEnvironment) -> str:
    """Every message: its fields with their types, and an example."""
    definitions = json.loads(read(env, "spec/adapter.schema.json"))["$defs"]
    shown = {*_COMMANDS, *(f"{command}_reply" for command in _COMMANDS), *_TYPES, *_FAILURES, "request"}
    if shown != set(definitions):
        difference = ", ".join(sorted(shown ^ set(definitions)))
        raise ExtensionError(f"spec/adapter.schema.json and the page of messages differ in: {difference}")
    talk = _talk()
    lines: list[str] = []
    for command in _COMMANDS:
        lines += [f"(adapter-{command})=", f"### {command}", "", "Request:", "", *_fields(definitions[command])]
        lines += ["Reply when `ok`:", "", *_fields(definitions[f"{command}_reply"]), *_dialogue(talk[command])]
    for name, text in _FAILURES.items():
        lines += [f"(adapter-{name})=", f"### {_TITLES[name]}", "", text, "", *_fields(definitions[name])]
        lines += _dialogue(talk[name])
    lines += ["(adapter-types)=", "### Types", "", "| Type | Is |", "| --- | --- |"]
    lines += [f"| `{name}` | {_described(definitions[name])} |" for name in _TYPES]
    return "\n".join([*lines, ""])


def _fields(schema: _Schema) -> Iterator[str]:
    required = schema["required"]
    yield from ["| Field | Required | Type |", "| --- | --- | --- |"]
    for name, field in schema["properties"].items():
        yield f"| `{name}` | {'yes' if name in required else 'no'} | {_type(field)} |"
    yield ""
    if "oneOf" in schema:
        names = [f"`{part['required'][0]}`" for part in schema["oneOf"]]
        yield from [f"Exactly one of {' and '.join(names)} is there.", ""]
    if "if" in schema:
        if schema["else"] != {"not": schema["then"]}:
            raise ExtensionError("the adapter's schema has a condition that is not `if and only if`")
        ((condition, value),) = schema["if"]["properties"].items()
        names = [f"`{name}`" for name in schema["then"]["required"]]
        yield from [f"{' and '.join(names)} is there if and only if `{condition}` is `{value['const']}`.", ""]


def _type(schema: _Schema) -> str:
    """A schema in words."""
    keywords = {key: value for key, value in schema.items() if key not in ("description", "$comment")}
    match keywords:
        case {"$ref": str(target), **rest} if not rest:
            return f"[{target.rsplit('/', 1)[-1]}](#adapter-types)"
        case {"const": value, **rest} if not rest:
            return f"`{json.dumps(value)}`"
        case {"enum": list(values), **rest} if not rest:
            return ", ".join(f"`{json.dumps(value)}`" for value in values)
        case {"type": "array", "items": items, **rest} if set(rest) <= {"uniqueItems"}:
            return f"list of {_type(items)}{', each once' if rest else ''}"
        case {"type": "object", "properties": properties, "required": required, "additionalProperties": False}:
            if set(required) != set(properties):
                raise ExtensionError("an object within a message has a field that is not required")
            fields = [f'`"{name}"`: {_type(field)}' for name, field in properties.items()]
            return f"object of {' and '.join(fields)}"
        case {"oneOf": list(parts), **rest} if not rest:
            return ", or ".join(map(_type, parts))
        case {"allOf": [first, {"not": second}], **rest} if not rest:
            return f"{_type(first)} other than {_type(second)}"
        case {"type": str(name), **rest} if set(rest) <= {"minimum", "exclusiveMaximum", "pattern", "minLength"}:
            limits = [f"from {rest['minimum']}"] if "minimum" in rest else []
            limits += [f"below {rest['exclusiveMaximum']:,}"] if "exclusiveMaximum" in rest else []
            limits += [f"of the form `{rest['pattern']}`"] if "pattern" in rest else []
            limits += ["not empty"] if "minLength" in rest else []
            return ", ".join([name, *limits])
    raise ExtensionError(f"a schema that the page of messages cannot show: {json.dumps(schema)}")


def _described(schema: _Schema) -> str:
    text = schema.get("description", "")
    # A bar ends a cell, also in code.
    return " ".join(filter(None, [f"{_type(schema)}.", text])).replace("|", r"\|")


def _dialogue(lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from ["```json", *(line for pair in lines for line in pair), "```", ""]


def _talk() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Requests and the reference's replies, by what they are an example of."""
    number = 0
    adapter = Adapter()
    with tempfile.TemporaryDirectory() as directory:

        def ask(**request: object) -> tuple[str, str]:
            nonlocal number
            number += 1
            line = json.dumps({"id": number, **request})
            reply = json.dumps(reply_to(adapter, line.encode()))
            return line.replace(directory, "/tmp"), reply.replace(directory, "/tmp")  # noqa: S108 - shown, not used

        file = encode(assemble(_PROGRAM), ByteOrder.BIG)
        Path(directory, "div.pkf").write_bytes(file)
        Path(directory, "cut.pkf").write_bytes(file[:-1])
        call = {"command": "call", "process": 2, "module": "main", "function": "div"}
        budget = {"fuel": "1000000", "depth": "1000"}
        modules = [{"name": "host", "host": True}, {"name": "main", "image": 1}]
        talk = {
            "hello": [ask(command="hello")],
            "open": [ask(command="open", path=f"{directory}/div.pkf")],
            "link": [ask(command="link", modules=modules)],
            "call": [ask(**call, i=["7", "-2"], n=[], **budget)],
            "audit": [ask(command="audit", image=1)],
            "failure": [
                ask(command="open", path=f"{directory}/cut.pkf"),
                ask(**call, i=["7", "0"], n=[], **budget),
            ],
            "error": [ask(command="frobnicate"), ask(command="close", image=99)],
            "close": [ask(command="close", image=1), ask(command="close", process=2)],
        }
    adapter.close()
    return talk
