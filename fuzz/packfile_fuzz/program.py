"""What an example is: modules under the names that an embedder gives them, and calls to make.

Assumes nothing. Promises plain immutable values, with floats by their bits, so that an example can be compared,
sent to another process, made smaller, and written as a case.
"""

from __future__ import annotations

from dataclasses import dataclass

from packfile.layout import ByteOrder
from packfile.model import Module


@dataclass(frozen=True, slots=True)
class Entry:
    """One module of a set, at the position that its place in the set gives it."""

    name: str
    """Under which it is linked."""
    module: Module | None
    """What the file says; None for the host module of the adapter protocol."""
    order: ByteOrder = ByteOrder.LITTLE
    """That of its file; an oracle may run the set in other orders."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call by the embedder."""

    module: str
    """Name of a module of the set, or of none."""
    function: str | None
    """Name of its export; None calls the entry function."""
    i: tuple[int, ...] = ()
    """Integer arguments, signed 64-bit."""
    n: tuple[int, ...] = ()
    """Float arguments, as the 64 bits of each."""
    fuel: int = 1000
    """Calls and backward branches that it may make."""
    depth: int = 50
    """Frames that it may have at once."""


@dataclass(frozen=True, slots=True)
class Program:
    """A set of modules, linked in their order, and the calls that are made of it, in theirs."""

    entries: tuple[Entry, ...]
    """The set."""
    calls: tuple[Call, ...]
    """The calls, all of one process."""
