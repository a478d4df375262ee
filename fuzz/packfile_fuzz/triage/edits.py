"""Changes to a file of a case, as values that can be made smaller.

Assumes a base that the writer can write. Promises that `as_case` is an item of a case's `patch`, and that `patched`
gives the bytes that the suite gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from packfile.layout import ByteOrder
from packfile_suite.case import CaseError
from packfile_suite.patch import PatchedFile
from packfile_suite.sparse import SparseBytes

_MOST = 1 << 20
"""Bytes of a file that is still made."""


class Edit(NamedTuple):
    """One change."""

    verb: str
    """As the item's first key: `set`, `truncate`, `append`, `add_section`, `drop_section`, `stretch`, `add_digests`."""
    path: str = ""
    """Of a field, or the name of a section."""
    value: int = 0
    """New value, length or kind."""
    data: bytes = b""
    """Bytes that are added."""
    fault: int = 0
    """Number of the fault that it is part of."""

    def as_case(self) -> dict[str, Any]:
        """The change as an item of a case's `patch`."""
        match self.verb:
            case "set":
                return {"set": self.path, "value": self.value}
            case "truncate":
                return {"truncate": self.value}
            case "append":
                return {"append": self.data.hex()}
            case "add_section":
                return {"add_section": {"kind": self.value, "hex": self.data.hex()}}
            case "stretch":
                return {"stretch": self.path, "length": self.value}
            case "drop_section":
                return {"drop_section": self.path}
        return {self.verb: True}

    @classmethod
    def of_case(cls, item: dict[str, Any], fault: int) -> Edit:
        """The change of an item of a `patch`, one of those that `as_case` gives."""
        verb = next(iter(item))
        match verb:
            case "set":
                return cls(verb, item["set"], item["value"], fault=fault)
            case "append":
                return cls(verb, data=bytes.fromhex(item["append"]), fault=fault)
            case "truncate":
                return cls(verb, value=item["truncate"], fault=fault)
        raise ValueError(f"expected a change of fields or of length, got {item}")


def patched(content: bytes, order: ByteOrder, edits: Sequence[Edit]) -> bytes | None:
    """A file with changes; None if it has not what they change."""
    file = PatchedFile(SparseBytes(content), order)
    try:
        for edit in edits:
            file.apply(edit.as_case())
    except (CaseError, ValueError, IndexError):
        return None
    if file.content.length > _MOST:
        return None
    return file.content.read(0, file.content.length)


def field_value(content: bytes, order: ByteOrder, path: str) -> tuple[int, int] | None:
    """Value and bytes of a field; None if there is none of that path."""
    try:
        place = PatchedFile(SparseBytes(content), order).find(path)
    except (CaseError, ValueError, IndexError):
        return None
    raw = content[place.offset : place.offset + place.size]
    return int.from_bytes(raw, "little" if order is ByteOrder.LITTLE else "big"), place.size
