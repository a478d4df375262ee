"""Faults in what an adapter answers: it goes on, but its line is none of the protocol, or is wrong."""

import json
import sys
from collections.abc import Callable
from typing import Any

from scene import Fault, Scene, say


def says(text: str) -> Fault:
    """Says this, whatever was asked."""
    return lambda _: say(text)


def line(text: str) -> Fault:
    """Says this with the right id in place of ID."""
    return lambda scene: say(text.replace("ID", str(scene.request["id"])) + "\n")


def bytes_of(data: bytes) -> Fault:
    def write(_: Scene) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    return write


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """The right answer, changed."""
    return lambda scene: say(json.dumps(change(dict(scene.reply))) + "\n")


def with_fields(**fields: Any) -> Fault:
    return changed(lambda reply: reply | fields)


def instead(**fields: Any) -> Fault:
    """An answer of these fields and the right id."""
    return changed(lambda reply: {"id": reply["id"], **fields})


def without(*names: str) -> Fault:
    return changed(lambda reply: {name: value for name, value in reply.items() if name not in names})


def ahead(scene: Scene) -> None:
    """The answer to the next request comes first."""
    say(json.dumps(scene.reply | {"id": scene.reply["id"] + 1}) + "\n" + scene.line)


ANSWERS: dict[str, Fault] = {
    "garbage": says("Segmentation fault? \x00\x01\n"),
    "garbage-before": lambda scene: say("debug: here\n" + scene.line),
    "garbage-on-the-line": lambda scene: say("debug: here " + scene.line),
    "garbage-behind": lambda scene: say(scene.line.rstrip("\n") + " ok\n"),
    "not-utf8": bytes_of(b'{"id": 4, "message": "\xff\xfe"}\n'),
    "list": says("[1, 2]\n"),
    "nan": line('{"id": ID, "outcome": NaN}'),
    "nested": says("[" * 100_000 + "\n"),
    "nested-object": says('{"a":' * 100_000 + "\n"),
    "nested-field": line('{"id": ID, "outcome": "ok", "message": ' + "[" * 700 + "]" * 700 + "}"),
    "huge-integer": says('{"id": ' + "9" * 100_000 + "}\n"),
    "big-integer": says('{"id": ' + "9" * 4_000 + "}\n"),
    "surrogate": line('{"id": ID, "outcome": "malformed", "message": "\\ud800", "log": []}'),
    "surrogate-in-a-key": line('{"id": ID, "outcome": "ok", "\\udfff": 1}'),
    "empty": says("\n"),
    "wrong-id": with_fields(id=999),
    "id-as-text": changed(lambda reply: reply | {"id": str(reply["id"])}),
    "id-as-float": changed(lambda reply: reply | {"id": float(reply["id"])}),
    "no-id": without("id"),
    "stale": changed(lambda reply: reply | {"id": reply["id"] - 1}),
    "ahead": ahead,
    "extra": lambda scene: say(scene.line + scene.line),
    "no-outcome": without("outcome"),
    "unknown-outcome": with_fields(outcome="splendid"),
    "unknown-trap": instead(outcome="trap", code="bad-luck", log=[]),
    "trap-without-code": instead(outcome="trap", log=[]),
    "outcome-and-error": with_fields(error="internal"),
    "unknown-error": instead(error="oops"),
    "schema": with_fields(unasked=1),
    "number": with_fields(i=[5]),
    "text-for-list": with_fields(i="5"),
    "null": with_fields(i=None),
    "hexadecimal": with_fields(i=["0x5"]),
    "float-as-decimal": with_fields(i=[], n=["5.0"]),
    "float-as-number": with_fields(i=[], n=[5.0]),
    "too-few": with_fields(i=[]),
    "too-many": with_fields(i=["5", "5"]),
    "other-bank": with_fields(i=[], n=["4014000000000000"]),
    "no-log": without("log"),
    "internal": instead(error="internal", message="oops"),
}
