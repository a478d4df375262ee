"""Host modules: Python functions that packfiles import."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

HostCallable = Callable[..., "int | float | tuple[int | float, ...] | None"]
_F = TypeVar("_F", bound=HostCallable)


class HostFailure(Exception):
    """Raised by a host function to make its caller trap with `host` (PF-EXE-024).

    Any other exception is the host's own defect and passes through to the embedder.
    """


@dataclass(frozen=True)
class HostFunction:
    """A function of a host module."""

    name: str
    """Name under which it is exported."""
    signature: int
    """Its signature word."""
    call: HostCallable
    """Takes the integer arguments (signed 64-bit), then the floats; returns the results in the same order."""


class HostModule:
    """Functions of the embedder, exported to the modules that it is linked with.

    Indexes, and so references, follow the order in which functions are added.
    """

    def __init__(self) -> None:
        self.functions: list[HostFunction] = []
        self._indexes: dict[bytes, int] = {}

    def function(self, signature: str, name: str | None = None) -> Callable[[_F], _F]:
        """Decorator that adds a function.

        Args:
            signature: Such as `(i, n) -> (i)`: 64-bit integers and floats.
            name: Name of the export; the function's own by default.

        Raises:
            ValueError: The signature cannot be read, or the name is taken.
        """

        def add(call: _F) -> _F:
            self.add(name or call.__name__, signature, call)
            return call

        return add

    def add(self, name: str, signature: str, call: HostCallable) -> None:
        """Add a function; see `function`."""
        key = name.encode()
        if key in self._indexes:
            raise ValueError(f"a host function {name!r} was added before")
        self._indexes[key] = len(self.functions)
        self.functions.append(HostFunction(name, parse_signature(signature), call))

    def index_of(self, name: bytes) -> int | None:
        """Index of the function of that name, or None."""
        return self._indexes.get(name)


def parse_signature(text: str) -> int:
    """Signature word of a text such as `(i, i, n) -> (i)`.

    Raises:
        ValueError: The text is not of that form, or a bank has more than 255.
    """
    match = re.fullmatch(r"\s*\(([in,\s]*)\)\s*->\s*\(([in,\s]*)\)\s*", text)
    if not match:
        raise ValueError(f"expected a signature such as '(i, n) -> (i)', got {text!r}")
    word = 0
    for side, shift in ((match[1], 0), (match[2], 16)):
        names = [part.strip() for part in side.split(",")] if side.strip() else []
        if any(part not in ("i", "n") for part in names):
            raise ValueError(f"expected i or n between commas, got {side!r}")
        if names.count("i") > 255 or names.count("n") > 255:
            raise ValueError("a signature has at most 255 of a kind")
        word |= names.count("i") << shift | names.count("n") << shift + 8
    return word
