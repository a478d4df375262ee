"""What `spec/adapter.md` asks of an adapter whatever its loader can do: a check for each promise.

`packfile-suite run` has the checks of `protocol` for whole loaders; these here are for adapters that begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .case import OPTIONAL_FEATURES, describe_float
from .messages import check_reply
from .probe import UNKNOWN_HANDLE, Message, NotChecked, Probe, Wrong, dump, show_message, shown

_LONG = 1 << 20
_NESTED = 100_000
_UNKNOWN = "no-such-command"
_NO_IDS: tuple[object, ...] = ("1", -1, 1 << 31, 1.5, True, None, [1])
_NO_VALUES = (
    b"01",
    b"1.",
    b".5",
    b"+1",
    b"1e",
    b"tru",
    b"'x'",
    b'"\\x"',
    b'"\\u12g4"',
    b'"\x01"',
    b"[1,]",
    b"[1 2]",
    b"",
)
_NO_UTF8 = (b"\xff", b"\x80", b"\xc3", b"\xe2\x82 ", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")
"""Cut short, too long, a surrogate, and past the last character."""
_INTEGERS = ("0", "-1", "9007199254740993", "-9223372036854775808", "9223372036854775807")
_FLOATS = ("8000000000000000", "7ff0000000000001", "fff8000000000123", "0000000000000001", "400921fb54442d18")
_CALL: Mapping[str, object] = {"module": "main", "function": "main", "i": [], "n": [], "fuel": "1000", "depth": "100"}


@dataclass(frozen=True, slots=True)
class Check:
    """A promise of the protocol, and how it is tried."""

    name: str
    promise: str
    section: str
    """The heading in spec/adapter.md below which the promise stands."""
    run: Callable[[Probe], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a check."""

    check: Check
    result: Literal["ok", "failed", "not checked"]
    reason: str = ""
    wrong: Wrong | None = None


def _starts(probe: Probe) -> None:
    del probe  # that it said hello is all


def _hello(probe: Probe) -> None:
    request: Message = {"id": 1, "command": "hello"}
    reason = check_reply(request, probe.hello)
    if reason:
        wanted = "name, version, protocol 1 and a list of known features, as adapter.schema.json says"
        raise Wrong(shown(dump(request)), f"{show_message(probe.hello)}: it {reason}", wanted)


def _one_reply(probe: Probe) -> None:
    for number in (7, 0, UNKNOWN_HANDLE, 7):
        line = dump({"id": number, "command": "hello"})
        reply = probe.greets(line, number)
        if reply != {**probe.hello, "id": number}:
            raise Wrong(shown(line), show_message(reply), f"the same as at first: {show_message(probe.hello)}")
        probe.pause()


def _in_order(probe: Probe) -> None:
    requests = [probe.message("hello" if at % 3 else _UNKNOWN) for at in range(12)]
    data = b"".join(map(dump, requests))
    numbers = ", ".join(str(request["id"]) for request in requests)
    sent = f"{len(requests)} requests at once, with the ids {numbers}"
    for request, reply in zip(requests, probe.replies(data, len(requests), "a reply to each", sent), strict=True):
        probe.admit(request, reply, sent, f"the replies in the order of the requests, here to id {request['id']}")


def _in_pieces(probe: Probe) -> None:
    request = probe.message("hello")
    line = dump(request)
    for piece in (line[:9], line[9:-1]):
        probe.put(piece)
        probe.pause()
    expected = "one reply, after the LF"
    reply = next(probe.replies(line[-1:], 1, expected, f"{shown(line)} in three pieces"))
    probe.admit(request, reply, f"{shown(line)} in three pieces", expected)


def _long_lines(probe: Probe) -> None:
    for long in ("x" * _LONG, [0] * (_LONG // 3), "\\\n" * (_LONG // 4)):
        request = probe.message("hello", unknown=long)
        probe.greets(dump(request), request["id"])


def _any_writer(probe: Probe) -> None:
    probe.greets(b'{"command":"hello","id":31}\n', 31)
    probe.greets(b' { "id" :\t32 , "command" : "hello" } \r\n', 32)
    probe.greets(b'{"id":33,"\\u0063omm\\u0061nd":"h\\u0065ll\\u006F"}\n', 33)
    probe.refused(
        "unsupported-command", 34, '{"id": 34, "command": "hello\\n\\"\\\\\\/ \\ud83d\\ude00 ü😀"}\n'.encode()
    )


def _unknown_fields(probe: Probe) -> None:
    extra = {"x": None, "path": 1, "deep": {"id": [1, {"id": 2, "command": "open"}], "command": "open"}, "é": -1.5e-7}
    request = {**extra, **probe.message("hello")}
    probe.greets(dump(request), request["id"])
    request = {**probe.message("hello"), **extra, "empty": [[], {}, ""], "yes": True, "no": False}
    probe.greets(dump(request), request["id"])


def _unknown_command(probe: Probe) -> None:
    for command in (_UNKNOWN, "", "Hello", "hello "):
        request = probe.message(command)
        probe.refused("unsupported-command", request["id"], dump(request))


def _undeclared(probe: Probe) -> None:
    lacking = {feature: command for feature, command in OPTIONAL_FEATURES.items() if feature not in _features(probe)}
    if not lacking:
        raise NotChecked(f"the adapter declares {', '.join(OPTIONAL_FEATURES)}")
    for command in lacking.values():
        request = probe.message(command, image=_image_if_any(probe))
        probe.refused("unsupported-command", request["id"], dump(request))


def _broken_lines(probe: Probe) -> None:
    lines = (b"hello", b"", b"  ", b"[1, 2]", b"1", b'"hello"', b"null", b'{"id": 1, "command": "hello"')
    more = (b'{"id": 1, "command": "hello",}', b'{"id": 1, "command": "hello"} {}', b"{'id': 1, 'command': 'hello'}")
    for line in (*lines, *more, b"[" * _NESTED):
        probe.refused("bad-request", 0, line + b"\n")
    for value in (*_NO_VALUES, *(b'"' + text + b'"' for text in _NO_UTF8)):
        probe.refused("bad-request", 0, b'{"id": 1, "command": "hello", "x": ' + value + b"}\n")


def _no_id(probe: Probe) -> None:
    probe.refused("bad-request", 0, dump({"command": "hello"}))
    for number in _NO_IDS:
        probe.refused("bad-request", 0, dump({"id": number, "command": "hello"}))


def _no_command(probe: Probe) -> None:
    for fields in ({}, {"command": 1}, {"command": None}, {"command": ["hello"]}):
        probe.refused("bad-request", 41, dump({"id": 41, **fields}))


def _forms_of_open(probe: Probe) -> None:
    _refuses_forms(probe, "open", {"path": probe.file()}, [{}, {"path": 1}, {"path": None}, {"path": ["x"]}])


def _forms_of_link(probe: Probe) -> None:
    entries: tuple[object, ...] = ({}, {"host": True}, {"name": "m"}, {"name": 1, "host": True}, "m", [], None)
    bad: list[Message] = [{}, {"modules": {}}, {"modules": "m"}, {"modules": None}]
    bad += [{"modules": [entry]} for entry in entries]
    bad += [{"modules": [{"name": "m", "image": handle}]} for handle in ("1", -1, 1 << 31, 1.5)]
    _refuses_forms(probe, "link", {"modules": []}, bad)


def _forms_of_call(probe: Probe) -> None:
    good = {**_CALL, "process": _process_if_any(probe)}
    bad = [{key: value for key, value in good.items() if key != left_out} for left_out in good]
    others: Mapping[str, Sequence[object]] = {
        "process": ("1", -1, 1.5, None),
        "module": (1, None),
        "function": (1, None, []),
        "i": ("1", None, {}, [1], ["x"], ["1.0"], ["+1"], ["01"], [""], ["9223372036854775808"], [["1"]]),
        "n": ("0000000000000000", None, [1.5], ["1.5"], ["3FF0000000000000"], ["0x3ff00000000000"], ["3ff00000"]),
        "fuel": (1000, "-1", "x", "", None),
        "depth": (100, "-1", "x", "", None),
    }
    bad += [{**good, key: value} for key, values in others.items() for value in values]
    _refuses_forms(probe, "call", good, bad)


def _forms_of_close(probe: Probe) -> None:
    good = {"image": _image_if_any(probe)}
    bad: list[Message] = [{}, {"image": "1"}, {"image": None}, {"image": 1.5}, {"process": "1"}, {"process": [1]}]
    _refuses_forms(probe, "close", good, bad)


def _forms_of_audit(probe: Probe) -> None:
    if "audit" not in _features(probe):
        raise NotChecked("the adapter does not declare audit")
    _refuses_forms(probe, "audit", {"image": _image_if_any(probe)}, [{}, {"image": "1"}, {"image": None}])


def _unknown_handles(probe: Probe) -> None:
    unknown = UNKNOWN_HANDLE
    requests: list[tuple[str, Message]] = [
        ("link", {"modules": [{"name": "m", "image": unknown}]}),
        ("call", {**_CALL, "process": unknown}),
        ("close", {"image": unknown}),
        ("close", {"process": unknown}),
    ]
    refused = [command for command, fields in requests if not _refuses(probe, command, fields)]
    if refused:
        raise NotChecked(f"the adapter refuses {', '.join(dict.fromkeys(refused))}")


def _half_surrogates(probe: Probe) -> None:
    half = "\ud800"
    call = {**_CALL, "process": _process_if_any(probe)}
    requests: list[tuple[str, Message]] = [
        ("open", {"path": half}),
        ("link", {"modules": [{"name": half, "host": True}]}),
        ("call", {**call, "module": half}),
        ("call", {**call, "function": half}),
    ]
    refused = [command for command, fields in requests if not _refuses(probe, command, fields)]
    if refused:
        raise NotChecked(f"the adapter refuses {', '.join(dict.fromkeys(refused))}")


def _no_such_path(probe: Probe) -> None:
    file = probe.file()
    for path in (f"{file}.missing", "", str(Path(file).parent)):
        if not _refuses(probe, "open", {"path": path}):
            raise NotChecked("the adapter refuses open")


def _handles(probe: Probe) -> None:
    first, second = probe.image(), probe.image()
    path = f"open of {probe.file()}, twice"
    if first == second:
        raise Wrong(path, f"the handle {first} for both", "two handles")
    probe.close(image=first)
    request = probe.message("close", image=first)
    probe.refused("bad-request", request["id"], dump(request))
    probe.close(image=second)


def _integers(probe: Probe) -> None:
    _keeps(probe, "i", _INTEGERS)


def _floats(probe: Probe) -> None:
    _keeps(probe, "n", _FLOATS)


def _keeps(probe: Probe, bank: str, values: Sequence[str]) -> None:
    """Passes values through a function that returns them and through the log of the host."""
    process = probe.process()
    for value in values:
        i, n = ([value], ["0000000000000000"]) if bank == "i" else (["0"], [value])
        sent = f"call of same and log with i = {i}, n = {n}"
        reply = probe.call(process, "same", i, n)
        text = value if bank == "i" else describe_float(value)
        if (reply["i"], reply["n"]) != (i, n):
            raise Wrong(sent, show_message(reply), f"{text} as the result in {bank}")
        reply = probe.call(process, "log", i, n)
        if reply["log"] != [{"i": i[0]}, {"n": n[0]}]:
            raise Wrong(sent, show_message(reply), f"{text} in the log")


def _goes_on(probe: Probe) -> None:
    lines = [b"x\n", dump({"command": "hello"}), dump({"id": 51}), dump({"id": 52, "command": _UNKNOWN})]
    lines.append(dump({"id": 53, "command": "hello"}))
    wanted = [(0, "bad-request"), (0, "bad-request"), (51, "bad-request"), (52, "unsupported-command"), (53, None)]
    sent, expected = "four bad lines and a hello, at once", "four errors and the reply to hello"
    got = [(reply.get("id"), reply.get("error")) for reply in probe.replies(b"".join(lines), 5, expected, sent)]
    if got != wanted:
        raise Wrong(sent, str(got), f"ids and errors {wanted}")


def _ends(probe: Probe) -> None:
    problem = probe.finish()
    if problem:
        raise Wrong("the end of standard input", f"the adapter {problem}", "exit status 0")


def _refuses_forms(probe: Probe, command: str, good: Message, bad: Sequence[Message]) -> None:
    supported = probe.ask(command, **good).get("error") != "unsupported-command"
    for fields in bad:
        if not _refuses(probe, command, fields, supported=supported):
            raise NotChecked(f"the adapter refuses {command}")


def _refuses(probe: Probe, command: str, fields: Message, *, supported: bool = False) -> bool:
    """Has a request answered with bad-request; False if the adapter refuses the whole command."""
    request = probe.message(command, **fields)
    instead = None if supported else "unsupported-command"
    reply = probe.refused("bad-request", request["id"], dump(request), instead)
    return bool(reply["error"] == "bad-request")


def _features(probe: Probe) -> list[object]:
    features = probe.hello.get("features")
    return features if isinstance(features, list) else []


def _image_if_any(probe: Probe) -> int:
    try:
        return probe.image()
    except NotChecked:
        return 1


def _process_if_any(probe: Probe) -> int:
    try:
        return probe.process()
    except NotChecked:
        return 1


_LINES, _NUMBERS, _REQUESTS, _ERRORS = "Lines", "Numbers", "Requests and replies", "Errors"
CHECKS = (
    Check("start", "it starts and answers hello", _REQUESTS, _starts),
    Check("hello", "hello gives name, version, protocol 1 and known features", _REQUESTS, _hello),
    Check("one-reply", "a request gets one reply, with its id, and nothing else is written", _LINES, _one_reply),
    Check("order", "requests written at once are answered in their order", _REQUESTS, _in_order),
    Check("pieces", "a line that comes in pieces is one request", _LINES, _in_pieces),
    Check("long-line", "a line of a megabyte is read", _LINES, _long_lines),
    Check("any-writer", "order of fields, white space and escapes mean nothing", _LINES, _any_writer),
    Check("unknown-fields", "unknown fields are ignored", _ERRORS, _unknown_fields),
    Check("unknown-command", "an unknown command gets unsupported-command", _ERRORS, _unknown_command),
    Check("undeclared-feature", "a feature that hello does not name is refused", "Features", _undeclared),
    Check("broken-line", "a line that is no JSON object gets bad-request with id 0", _ERRORS, _broken_lines),
    Check("id", "a request without a good id gets bad-request with id 0", _ERRORS, _no_id),
    Check("command", "a request without a command gets bad-request", _ERRORS, _no_command),
    Check("open-fields", "open with a missing or wrong field gets bad-request", _ERRORS, _forms_of_open),
    Check("link-fields", "link with a missing or wrong field gets bad-request", _ERRORS, _forms_of_link),
    Check("call-fields", "call with a missing or wrong field gets bad-request", _ERRORS, _forms_of_call),
    Check("close-fields", "close with a missing or wrong field gets bad-request", _ERRORS, _forms_of_close),
    Check("audit-fields", "audit with a missing or wrong field gets bad-request", _ERRORS, _forms_of_audit),
    Check("unknown-handle", "a handle that was never given gets bad-request", _ERRORS, _unknown_handles),
    Check("surrogate", "half a surrogate pair gets bad-request", _ERRORS, _half_surrogates),
    Check("path", "a path that cannot be opened gets bad-request", _ERRORS, _no_such_path),
    Check("handles", "each open gives a handle of its own, until it is closed", _REQUESTS, _handles),
    Check("integers", "64-bit integers pass as decimal strings", _NUMBERS, _integers),
    Check("floats", "floats pass as 16 hexadecimal digits, all bits kept", _NUMBERS, _floats),
    Check("goes-on", "after errors it goes on with the next line", _ERRORS, _goes_on),
    Check("end", "at the end of standard input it exits with status 0", _LINES, _ends),
)
"""Every check, in the order in which they are made; the last one ends the adapter."""


def run_checks(probe: Probe) -> Iterator[Finding]:
    """What comes of each check. If the adapter does not even start, nothing else is checked."""
    usable = True
    for check in CHECKS:
        if not usable:
            yield Finding(check, "not checked", "the adapter cannot be used")
            continue
        try:
            probe.begin()
            check.run(probe)
        except Wrong as wrong:
            probe.end()
            usable = check.name != "start"
            yield Finding(check, "failed", wrong=wrong)
        except NotChecked as reason:
            yield Finding(check, "not checked", str(reason))
        else:
            yield Finding(check, "ok")
    probe.end()
