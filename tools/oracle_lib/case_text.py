"""Cases as YAML: the same text for the same cases, one row a line, floats in words beside their bits."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from oracle_lib.cases import Case, Row, Step

HEAD = """\
# Written by tools/oracle.py, which computed the expected values with wasmtime; do not edit.
# Beside a row stand the numbers that its floats are.
"""
_EXPONENT = 0x7FF0000000000000


def render(cases: Iterable[Case]) -> str:
    """The text of a file."""
    return HEAD + "".join(f"\n{_case(case)}" for case in cases)


def _case(case: Case) -> str:
    recipe = case.recipe
    lines = [
        f"- id: {recipe.id}",
        f"  rules: [{', '.join(recipe.rules)}]",
        f'  summary: "{recipe.summary}"',
        f'  oracle: "wasmtime: {recipe.oracle}"',
        "  byte_order: both",
        "  modules:",
        "    main: |",
        *(f"      {line}" if line else "" for line in recipe.assembly().splitlines()),
        "  steps:",
        "    - link: main",
    ]
    for step in case.steps:
        lines += _step(step)
    return "\n".join(lines) + "\n"


def _step(step: Step) -> list[str]:
    if len(step.rows) == 1:
        fields, comment = _row(step.rows[0])
        return [f"    - {{call: {step.function}, {', '.join(fields)}}}{comment}"]
    lines = [f"    - call: {step.function}", "      table:"]
    for row in step.rows:
        fields, comment = _row(row)
        lines.append(f"        - {{{', '.join(fields)}}}{comment}")
    return lines


def _row(row: Row) -> tuple[list[str], str]:
    fields = _values(row.i, row.n)
    if row.trap:
        expect = f"{{trap: {row.trap}}}"
    else:
        results = _values(row.i_results, row.n_results)
        expect = f"{{{', '.join(results)}}}" if results else "ok"
    comment = ""
    if row.n or row.n_results:
        given, taken = _described(row.n), _described(row.n_results)
        comment = f"  # {given}{' -> ' if given and taken else ''}{taken}"
    return [*fields, f"expect: {expect}"], comment


def _values(i: Sequence[int], n: Sequence[int]) -> list[str]:
    fields = [f"i: [{', '.join(map(str, i))}]"] if i else []
    quoted = [f'"{bits:016x}"' for bits in n]
    return fields + ([f"n: [{', '.join(quoted)}]"] if quoted else [])


def _described(floats: Sequence[int]) -> str:
    return ", ".join(map(_number, floats))


def _number(bits: int) -> str:
    if bits & ~(1 << 63) > _EXPONENT:
        quiet = "nan" if bits >> 51 & 1 else "snan"
        payload = bits & ((1 << 51) - 1)
        return ("-" if bits >> 63 else "") + quiet + (f":{payload:x}" if payload else "")
    return repr(struct.unpack("<d", bits.to_bytes(8, "little"))[0])
