"""The rows of spec/instructions.ksy as this machine reads them.

Reads the file itself, and not what is generated from it, so that it judges the generated table too.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

SPEC = Path(__file__).resolve().parents[2] / "spec"
FIELDS = "abc"


@dataclass(frozen=True)
class Operand:
    """An operand, and what an effect calls its value."""

    type: str
    kind: str
    """The `-field` of its type: register, window, signed, unsigned, branch or literal."""
    bank: str | None
    name: str
    """`a`, `b` or `c` for a register or window (i[a], n[b]); else `imm`, `disp`, `count`, `off` or `lit`."""
    size: int
    """Bytes that it takes."""

    @property
    def role(self) -> str:
        """`dst`, `src` or `var` for a register."""
        return self.type.rpartition("_")[2]


@dataclass(frozen=True)
class Row:
    """An instruction."""

    opcode: int
    id: str
    mnemonic: str
    operands: tuple[Operand, ...]
    effect: str
    traps: tuple[str, ...]
    rule: str

    @property
    def words(self) -> int:
        """Words that it takes."""
        return 2 if any(operand.kind == "literal" for operand in self.operands) else 1

    def sources(self) -> list[Operand]:
        """The registers that it reads, in order."""
        return [operand for operand in self.operands if operand.kind == "register" and operand.role in ("src", "var")]

    def destination(self) -> Operand | None:
        """The register that it writes."""
        return next((o for o in self.operands if o.kind == "register" and o.role in ("dst", "var")), None)


@dataclass(frozen=True)
class Table:
    """The instructions by mnemonic, and the trap codes as effects write them."""

    rows: Mapping[str, Row]
    traps: Mapping[str, str]
    """Hyphenated names by the form that effects use."""


@functools.cache
def read(path: Path = SPEC / "instructions.ksy") -> Table:
    """Read the table."""
    enums = yaml.safe_load(path.read_text(encoding="utf-8"))["enums"]
    types = {entry["id"]: entry for entry in enums["operand"].values()}
    rows = {}
    for opcode, entry in enums["opcode"].items():
        mnemonic = entry.get("-mnemonic", entry["id"])
        rows[mnemonic] = Row(
            opcode=opcode,
            id=entry["id"],
            mnemonic=mnemonic,
            operands=_operands([types[name] for name in entry["-operands"]]),
            effect=entry["-effect"],
            traps=tuple(entry["-traps"]),
            rule=entry["-rule"],
        )
    traps = {entry["id"]: entry["-name"] for entry in enums["trap_code"].values()}
    return Table(rows, traps)


def _operands(types: list[dict[str, str | int]]) -> tuple[Operand, ...]:
    """Operands take the fields a, b, c in order, a literal none (spec/instructions.md)."""
    operands, position = [], 0
    for entry in types:
        kind, name = str(entry["-field"]), str(entry["id"])
        size = int(entry.get("-bytes", 1))
        if kind in ("register", "window"):
            value = FIELDS[position]
        elif kind == "literal":
            value = "lit"
        else:
            value = {"signed": "imm", "branch": "off"}.get(kind) or name.rstrip("0123456789")
        bank = entry.get("-bank")
        operands.append(Operand(name, kind, None if bank is None else str(bank), value, size))
        position += 0 if kind == "literal" else size
    return tuple(operands)
