"""The function that `run` or `map` is to call, and the texts of its arguments as values.

Promises that what looks at the image changes none of its counters and checks no digest, so that `--stats` shows what
the loader did, and damage is reported when the program meets it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import click

from packfile.cli.commands import counted
from packfile.cli.listing import exports_of, name_text
from packfile.cli.sources import UsageFailure
from packfile.image import Image
from packfile.layout import ImportKind
from packfile.machine.state import LEAST, MASK, wrap
from packfile.model import Signature

_INTEGER = re.compile(r"[+-]?(0[xX][0-9A-Fa-f_]+|0[bB][01_]+|[0-9][0-9_]*)", re.ASCII)
_MAX_DIGITS = 100
_NAN = re.compile(r"nan:([0-9A-Fa-f]{16})", re.ASCII)


@dataclass(frozen=True)
class Target:
    """What is to be called."""

    image: Image
    name: str | None
    """Name of the export; None for the entry function."""
    signature: Signature | None
    """None if there is no such function, which the loader will report."""

    def exported(self) -> list[str]:
        """What the module exports, for whoever asked for something else."""
        exports = exports_of(self.image.unchecked())
        return [name_text(name) for row, name in exports if row.kind == ImportKind.FUNCTION]


def target_of(image: Image, name: str | None) -> Target:
    """The entry function, or the export of that name."""
    seen = image.unchecked()
    index = seen.entry if name is None else _exported(seen, name.encode("utf-8", "surrogateescape"))
    if index is None or index >= seen.function_count:
        return Target(image, name, None)
    return Target(image, name, Signature.from_word(seen.function_row(index).signature))


def _exported(image: Image, name: bytes) -> int | None:
    return next(
        (row.position for row, found in exports_of(image) if found == name and row.kind == ImportKind.FUNCTION), None
    )


def values_of(texts: Sequence[str], target: Target) -> tuple[list[int], list[float]]:
    """The arguments by bank.

    Raises:
        UsageFailure: They do not fit the signature, or a text is no number.
    """
    signature = target.signature
    for text in texts:
        if text.startswith("--"):
            asked = click.get_current_context().command_path
            raise UsageFailure(f"there is no option {text}; see {asked} --help")
    if signature is None:
        return [], []
    wanted = signature.i_params + signature.n_params
    if len(texts) != wanted:
        parts = [counted(signature.i_params, "integer")] if signature.i_params else []
        parts += [counted(signature.n_params, "float")] if signature.n_params else []
        takes = f"takes {' and then '.join(parts) or 'no arguments'}"
        what = "the entry function" if target.name is None else f"the function {target.name}"
        raise UsageFailure(f"{what} is {signature}: it {takes}; got {len(texts)}")
    integers = [_integer(text) for text in texts[: signature.i_params]]
    return integers, [_float(text) for text in texts[signature.i_params :]]


def _integer(text: str) -> int:
    value = None
    if _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS:
        try:
            value = int(text, 0 if text.lstrip("+-")[:2].lower() in ("0x", "0b") else 10)
        except ValueError:
            value = None
    if value is None:
        raise UsageFailure(f"expected an integer, got {text!a}")
    if not LEAST <= value <= MASK:
        raise UsageFailure(f"{text} is not of -2^63 to 2^64 - 1")
    return wrap(value)


def _float(text: str) -> float:
    bits = _NAN.fullmatch(text)
    if bits:
        value: float = struct.unpack(">d", bytes.fromhex(bits[1]))[0]
        return value
    try:
        hexadecimal = text.lstrip("+-")[:2].lower() == "0x"
        return float.fromhex(text) if hexadecimal else float(text)
    except (ValueError, OverflowError):
        raise UsageFailure(f"expected a float, got {text!a}") from None
