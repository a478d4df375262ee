"""The compiled schemas and `jsonschema` agree on every message and case."""

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from packfile_suite.load import case_files
from packfile_suite.messages import check_reply
from packfile_suite.paths import cases_directory
from packfile_suite.reader import Document
from packfile_suite.schema import Schema, _Compiler, adapter_schema, case_schema

GOOD: dict[str, list[dict[str, Any]]] = {
    "hello_reply": [{"id": 1, "outcome": "ok", "name": "a", "version": "", "protocol": 1, "features": ["audit"]}],
    "open_reply": [{"id": 1, "outcome": "ok", "image": 0}],
    "call_reply": [
        {"id": 1, "outcome": "ok", "i": ["-1"], "n": ["7ff8000000000000"], "log": [{"i": "1"}, {"n": "0" * 16}]}
    ],
    "failure": [
        {"id": 1, "outcome": "trap", "code": "unreachable", "log": []},
        {"id": 1, "outcome": "malformed", "rule": "PF-HDR-001", "message": "", "offset": 3},
    ],
    "error": [{"id": 1, "error": "bad-request"}],
    "request": [
        {"id": 1, "command": "link", "modules": [{"name": "a", "image": 1}, {"name": "b", "host": True}]},
        {
            "id": 1,
            "command": "call",
            "process": 1,
            "module": "",
            "entry": True,
            "i": [],
            "n": [],
            "fuel": "1",
            "depth": "0",
        },
    ],
}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1 << 31,
    1.0,
    0.5,
    "",
    "x",
    "01",
    "-0",
    "7FF8000000000000",
    "ok",
    [],
    [1],
    {},
]


def mutants(value: Any, rng: random.Random) -> Any:
    """The value with one thing wrong somewhere, usually."""
    value = copy.deepcopy(value)
    node: Any = value
    parent: Any = None
    key: Any = None
    while isinstance(node, dict | list) and node and rng.random() < 0.7:
        parent, key = node, rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node = node[key]
    if parent is None:
        value["unasked"] = 1
    elif rng.random() < 0.3:
        del parent[key]
    else:
        parent[key] = rng.choice(ODD)
    return value


@pytest.mark.parametrize("definition", GOOD)
def test_messages_are_judged_as_jsonschema_does(definition: str) -> None:
    schema = adapter_schema()
    validator = Draft202012Validator({"$defs": schema.root["$defs"], "$ref": f"#/$defs/{definition}"})
    rng = random.Random(definition)  # noqa: S311
    refused = 0
    for value in GOOD[definition]:
        assert schema.check(definition)(value)
        for _ in range(300):
            mutant = mutants(value, rng)
            valid = validator.is_valid(mutant)
            assert schema.check(definition)(mutant) == valid, mutant
            refused += not valid
    assert refused > 100


def test_cases_are_judged_as_jsonschema_does() -> None:
    text = (Path(__file__).parent / "data" / "small.yaml").read_text()
    cases = Document(text, "small.yaml").value()
    validator = Draft202012Validator({"$defs": case_schema().root["$defs"], "$ref": "#/$defs/case"})
    rng = random.Random(1)  # noqa: S311
    for case in cases:
        assert case_schema().check("case")(case)
        for _ in range(60):
            mutant = mutants(case, rng)
            assert case_schema().check("case")(mutant) == validator.is_valid(mutant), mutant


def test_cases_of_every_file_satisfy_jsonschema() -> None:
    validator = Draft202012Validator(case_schema().root)
    for path in case_files([cases_directory()]):
        values = Document(path.read_text(), path.name).value()
        for step in values[0]["steps"]:
            step.update({"table": step["table"][:3]} if "table" in step else {})
        assert validator.is_valid(values[:1]), path


def test_the_end_of_a_pattern_is_the_end() -> None:
    # Python's `$` also matches before a last newline, and so does jsonschema.
    assert not adapter_schema().check("integer")("1\n")


def test_a_keyword_that_the_compiler_does_not_know_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="patternProperties"):
        _Compiler({}).compile({"patternProperties": {}})


def test_the_quick_look_at_replies_takes_nothing_that_the_schema_refuses() -> None:
    request = {"id": 1, "command": "call"}
    rng = random.Random(2)  # noqa: S311
    validator = Draft202012Validator({"$defs": adapter_schema().root["$defs"], "$ref": "#/$defs/call_reply"})
    plain = {"id": 1, "outcome": "ok", "i": ["5", "-3"], "n": ["3ff0000000000000"], "log": []}
    assert check_reply(request, plain) is None
    for _ in range(500):
        mutant = mutants(plain, rng)
        if check_reply(request, mutant) is None and mutant.get("outcome") == "ok":
            assert validator.is_valid(mutant), mutant


@pytest.mark.parametrize(
    ("value", "where", "reason"),
    [
        ({"call": "f", "expect": {"trap": "oops"}}, ("expect", "trap"), "'oops' is not one of"),
        ({"call": "f", "table": [{"i": [1]}]}, ("table", 0), "'expect' is a required property"),
        ({"link": [1]}, ("link", 0), "no form that is allowed here has 1"),
        ({"jump": "f"}, (), "no form that is allowed here has the fields jump"),
    ],
)
def test_reasons_are_those_of_the_form_that_was_meant(value: Any, where: tuple[Any, ...], reason: str) -> None:
    found, text = case_schema().explain("step", value)
    assert (found, reason in text) == (where, True), (found, text)


def test_each_schema_compiles_in_full() -> None:
    for name in ("case.schema.json", "adapter.schema.json", "manifest.schema.json"):
        schema = Schema(name)
        for definition in schema.root["$defs"]:
            schema.check(definition)
