"""The numeric cases as the specification's own machine runs them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from spec_machine.floats import Float
from spec_machine.memory import Trap
from spec_machine.program import Program
from spec_machine.table import Row

DIRECTORY = Path(__file__).resolve().parents[2] / "conformance" / "cases" / "numeric"

NOT_COMPUTED = frozenset(
    "jmp call calli callr ret lfn ldslot bound? lrodata ldata lbss".split()  # noqa: SIM905 - reads as assembly
)
"""Instructions that have no operation in WebAssembly which could say what they give: calls, references, addresses."""


@dataclass(frozen=True)
class Case:
    """A case, and the instruction that it is about."""

    id: str
    instruction: str
    content: Mapping[str, Any]

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Calls: the function, and its arguments with what must come."""
        for step in self.content["steps"]:
            if "call" in step:
                for row in step.get("table", [step]):
                    yield step["call"], row


@functools.cache
def cases() -> tuple[Case, ...]:
    """All of them. The id names the instruction: exe-i_add-edges."""
    files = [path.read_text(encoding="utf-8") for path in sorted(DIRECTORY.glob("*.yaml"))]
    contents = [content for text in files for content in yaml.load(text, Loader=yaml.CSafeLoader)]
    return tuple(Case(content["id"], content["id"].split("-")[1], content) for content in contents)


def differences(case: Case, rows: Mapping[str, Row] | None = None) -> Iterator[str]:
    """Where the specification's text gives something else than the case expects."""
    program = Program(case.content["modules"]["main"], rows)
    for function, row in case.rows():
        try:
            i, n = program.call(function, row.get("i", []), [Float(int(bits, 16)) for bits in row.get("n", [])])
        except Trap as trap:
            given: dict[str, Any] = {"trap": trap.code}
        else:
            results = {"i": i, "n": [f"{value.bits:016x}" for value in n]}
            given = {bank: values for bank, values in results.items() if values}
        expected = {} if row["expect"] == "ok" else row["expect"]
        if given != expected:
            yield f"{case.id}: {function} {row}: the specification gives {given}"
