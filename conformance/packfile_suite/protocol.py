"""Checks of the adapter itself, by `spec/adapter.md`: how it refuses, and how it ends.

A loader need not have every feature, but what it lacks it must refuse cleanly, and then go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .build import Builder
from .case import OPTIONAL_FEATURES, Assembly, Case, Expect, Open
from .execute import Loader, describe_reply
from .plan import Variant
from .session import Session

_MODULE = ".export func main () -> ()\n  ret i0, n0\n"
_UNKNOWN_HANDLE = (1 << 31) - 1

_STEPS = (Open("main", Expect()),)
GOOD_CASE = Case(
    "protocol", ("PF-HDR-001",), (), "", "both", None, {"main": Assembly(_MODULE)}, _STEPS, (1,), Path(), 0, {}
)
"""No case of the suite, but a file that every loader opens, as a case."""
GOOD_VARIANT = Variant("little", {"main": "little"})


class ProtocolError(Exception):
    """Raised when the adapter does not do what the protocol asks: what was done, asked and got."""


def _want_error(session: Session, error: str, command: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
    reply = session.request(command, **fields)
    if reply.get("error") != error:
        raise ProtocolError(f"{command}: expected the error {error}, got {describe_reply(reply)}")


def _path(builder: Builder) -> str:
    return str(builder.files(GOOD_CASE, GOOD_VARIANT)["main"].path)


def _still_answers(session: Session, builder: Builder) -> None:
    reply = session.request("open", path=_path(builder))
    if reply.get("outcome") != "ok":
        raise ProtocolError(f"open of a good file after an error: expected ok, got {describe_reply(reply)}")
    closed = session.request("close", image=reply["image"])
    if closed.get("outcome") != "ok":
        raise ProtocolError(f"close: expected ok, got {describe_reply(closed)}")


def refuses_undeclared_features(session: Session, builder: Builder) -> None:
    """A command of a feature that hello does not name gets `unsupported-command`."""
    image = session.request("open", path=_path(builder)).get("image", 0)
    for feature, command in OPTIONAL_FEATURES.items():
        if feature not in session.hello.features:
            _want_error(session, "unsupported-command", command, image=image)
    session.request("close", image=image)
    _still_answers(session, builder)


def refuses_unknown_command(session: Session, builder: Builder) -> None:
    """A command that does not exist gets `unsupported-command`."""
    _want_error(session, "unsupported-command", "no-such-command")
    _still_answers(session, builder)


def refuses_unknown_handles(session: Session, builder: Builder) -> None:
    """Handles that were never given get `bad-request`."""
    _want_error(session, "bad-request", "close", image=_UNKNOWN_HANDLE)
    _want_error(session, "bad-request", "close", process=_UNKNOWN_HANDLE)
    _want_error(session, "bad-request", "link", modules=[{"name": "main", "image": _UNKNOWN_HANDLE}])
    call = {"module": "main", "function": "main", "i": [], "n": [], "fuel": "1", "depth": "1"}
    _want_error(session, "bad-request", "call", process=_UNKNOWN_HANDLE, **call)
    _still_answers(session, builder)


def refuses_missing_fields(session: Session, builder: Builder) -> None:
    """A request without its fields, or with one of the wrong form, gets `bad-request`."""
    _want_error(session, "bad-request", "open")
    _want_error(session, "bad-request", "open", path=1)
    _want_error(session, "bad-request", "link")
    _want_error(session, "bad-request", "close")
    _still_answers(session, builder)


def gives_two_handles(session: Session, builder: Builder) -> None:
    """Opening a path twice gives two handles."""
    first, second = (session.request("open", path=_path(builder)).get("image") for _ in range(2))
    if first is None or first == second:
        raise ProtocolError(f"two opens of one path: expected two handles, got {first} and {second}")
    for image in (first, second):
        session.request("close", image=image)


def ends_with_its_input(session: Session, builder: Builder) -> None:
    """At the end of standard input the adapter exits with status 0."""
    _still_answers(session, builder)
    problem = session.finish()
    if problem:
        raise ProtocolError(f"end of standard input: expected exit status 0, but the loader {problem}")


CHECKS: Mapping[str, Callable[[Session, Builder], None]] = {
    "protocol-undeclared-feature-is-refused": refuses_undeclared_features,
    "protocol-unknown-command-is-refused": refuses_unknown_command,
    "protocol-unknown-handle-is-refused": refuses_unknown_handles,
    "protocol-missing-field-is-refused": refuses_missing_fields,
    "protocol-open-twice-gives-two-handles": gives_two_handles,
    "protocol-end-of-input-ends-it": ends_with_its_input,
}
"""Each check by its name."""


def run_check(name: str, loader: Loader, builder: Builder) -> None:
    """Runs a check. Raises ProtocolError or LoaderFailed."""
    check = CHECKS[name]
    if check is not ends_with_its_input:
        check(loader.session(), builder)
        return
    with loader.start() as session:
        check(session, builder)
