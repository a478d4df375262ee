"""Changes: what a mutation does to the bytes of a file, in the terms of a case's `patch`.

Assumes a file that is laid out as the base was. Promises that `as_case`, applied by the suite, makes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from packfile.layout import ByteOrder

_NAMES: dict[ByteOrder, Literal["little", "big"]] = {ByteOrder.LITTLE: "little", ByteOrder.BIG: "big"}


@dataclass(frozen=True, slots=True)
class Write:
    """A field is given another value."""

    path: str
    """Of the field, as cases write it."""
    offset: int
    """First byte, in the file."""
    size: int
    """Bytes of the field."""
    value: int
    """The new value, unsigned."""

    def apply(self, file: bytearray, order: ByteOrder) -> None:
        """Make the change, as far as the file still has the bytes."""
        new = self.value.to_bytes(self.size, _NAMES[order])[: max(0, len(file) - self.offset)]
        file[self.offset : self.offset + len(new)] = new

    def as_case(self) -> dict[str, Any]:
        """The change as an item of a case's `patch`."""
        return {"set": self.path, "value": self.value}


@dataclass(frozen=True, slots=True)
class Cut:
    """The file is cut short."""

    length: int
    """Bytes that are left."""

    def apply(self, file: bytearray, _order: ByteOrder) -> None:
        """Make the change."""
        del file[self.length :]

    def as_case(self) -> dict[str, Any]:
        """The change as an item of a case's `patch`."""
        return {"truncate": self.length}


@dataclass(frozen=True, slots=True)
class Add:
    """Bytes are added at the end."""

    tail: bytes
    """The bytes."""

    def apply(self, file: bytearray, _order: ByteOrder) -> None:
        """Make the change."""
        file += self.tail

    def as_case(self) -> dict[str, Any]:
        """The change as an item of a case's `patch`."""
        return {"append": self.tail.hex()}


Change = Write | Cut | Add
"""Any of them."""
