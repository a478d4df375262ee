"""Whether a reply is one of the protocol, for the request that it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .schema import adapter_schema, shorten

PROTOCOL = 1
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})\Z").match
_FLOAT = re.compile(r"[0-9a-f]{16}\Z").match
_CALL_KEYS = {"id", "outcome", "i", "n", "log"}


def check_reply(request: dict[str, Any], reply: dict[str, Any]) -> str | None:
    """What is wrong with the reply; None if it is good."""
    given = reply.get("id")
    if given != request["id"] or isinstance(given, bool | float):
        return f"answered with id {shorten(repr(given), 60)} where {request['id']} was asked"
    if request["command"] == "call":
        if _is_plain_call_reply(reply):
            return None
        if "outcome" in reply and "log" not in reply:
            return "answered a call without its log"
    if "error" not in reply and reply.get("outcome") not in _outcomes():
        given = shorten(repr(reply["outcome"]), 60) if "outcome" in reply else "none"
        return f"answered with an outcome that the protocol does not have, {given}"
    definition = _definition(request["command"], reply)
    if definition not in adapter_schema().root["$defs"]:
        return None  # ok to a command that the protocol does not have; what was wanted is for the asker to say
    if adapter_schema().check(definition)(reply):
        return None
    where, reason = adapter_schema().explain(definition, reply)
    if definition == "hello_reply" and reply.get("protocol") not in (None, PROTOCOL):
        return f"speaks protocol {reply['protocol']!r}, and this suite speaks {PROTOCOL}"
    place = f"{'.'.join(map(str, where))}: " if where else ""
    return f"answered with a message that breaks adapter.schema.json ({definition}): {place}{reason}"


def _outcomes() -> list[str]:
    outcomes: list[str] = adapter_schema().root["$defs"]["outcome"]["enum"]
    return outcomes


def _definition(command: str, reply: dict[str, Any]) -> str:
    if "error" in reply:
        return "error"
    if reply.get("outcome") != "ok" and command not in {"hello", "close"}:
        return "failure"
    return f"{command}_reply"


def _is_plain_call_reply(reply: dict[str, Any]) -> bool:
    """Whether it is a good reply to a call that was ok and logged nothing: nearly all are, so this is quick."""
    return (
        reply.keys() == _CALL_KEYS
        and reply["outcome"] == "ok"
        and reply["log"] == []
        and _all_match(_INTEGER, reply["i"])
        and _all_match(_FLOAT, reply["n"])
    )


def _all_match(match: Callable[[str], object], values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) and match(value) for value in values)
