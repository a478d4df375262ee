"""Cases of jumps, whose comparisons and tables WebAssembly has too, and of the instruction that traps."""

from __future__ import annotations

from collections.abc import Sequence

import wasmtime

from oracle_lib import integers, operands, recipes
from oracle_lib.cases import Arguments, Calls, Function, Recipe, Signature
from oracle_lib.operands import MAX, MIN, PATTERNS

FUSED = {
    **{f"jmp_{name}": f"i64.{name}" for name in ("eq", "ne", "lt_s", "lt_u", "le_s", "le_u")},
    "jmp_if": "i64.ne",
    "jmp_unless": "i64.eqz",
}
"""Jumps by the comparison that decides them."""


def jumps(_: wasmtime.Engine) -> list[Recipe]:
    """Jumps that compare."""
    tested = operands.singles([*integers.CONDITIONS, *PATTERNS])
    pairs = integers.comparable()
    return [_jump(name, wasm, tested if name in ("jmp_if", "jmp_unless") else pairs) for name, wasm in FUSED.items()]


def others(_: wasmtime.Engine) -> list[Recipe]:
    """jmp_table and unreachable."""
    table = Function(
        "f",
        Signature(i_params=1, i_results=1),
        [
            *("jmp_table i0, 2", "jmp zero", "jmp one", "jmp last"),
            *("last:", "i_imm i0, 12", "ret", "zero:", "i_imm i0, 10", "ret", "one:", "i_imm i0, 11", "ret"),
        ],
        # An index of WebAssembly has 32 bits; every greater one is the default's.
        "(block $last (block $one (block $zero\n"
        "(br_table $zero $one $last (i32.wrap_i64 (select (local.get $i0) (i64.const -1)"
        " (i64.lt_u (local.get $i0) (i64.const 0x100000000)))))\n"
        ") (return (i64.const 10))) (return (i64.const 11))) (i64.const 12)",
    )
    indexes = [0, 1, 2, 3, 4, 255, 256, 257, 65536, 65537, 1 << 31, 1 << 32, (1 << 32) + 1, -1, -2, MAX, MIN, MIN + 1]
    stops = Function(
        "f",
        Signature(i_params=1),
        ["jmp_if i0, past", "unreachable", "past:", "ret"],
        "(if (i64.eqz (local.get $i0)) (then unreachable))",
    )
    return [
        Recipe(
            id="exe-jmp_table-edges",
            rules=[recipes.row("jmp_table").rule],
            summary="jmp_table goes on at the jump of its index, and at the last for every greater index",
            oracle="br_table",
            calls=[Calls(table, operands.singles(indexes))],
        ),
        Recipe(
            id="exe-unreachable-unreachable",
            rules=[recipes.row("unreachable").rule, "PF-EXE-015"],
            summary="unreachable traps if it is reached, and after each trap the function works again",
            oracle="unreachable",
            calls=[Calls(stops, [(0,), (1,), (0,), (0,), (1,)])],
            trap="unreachable",
        ),
    ]


def _jump(name: str, wasm: str, rows: Sequence[Arguments]) -> Recipe:
    arity = len(rows[0])
    registers = [f"i{k}" for k in range(arity)]
    return Recipe(
        id=f"exe-{name}-edges",
        rules=[recipes.row(name).rule],
        summary=f"{name} forwards, and back with its registers in reverse order",
        oracle=wasm,
        calls=[
            Calls(
                Function(
                    "f",
                    Signature(i_params=arity, i_results=1),
                    [
                        *(f"{name} {', '.join(registers)}, taken", "i_imm i0, 0", "ret"),
                        *("taken:", "i_imm i0, 1", "ret"),
                    ],
                    _compared(wasm, range(arity)),
                ),
                rows,
            ),
            Calls(
                Function(
                    "g",
                    Signature(i_params=arity, i_results=1),
                    [
                        *("jmp start", "taken:", "i_imm i0, 1", "ret"),
                        *("start:", f"{name} {', '.join(reversed(registers))}, taken", "i_imm i0, 0", "ret"),
                    ],
                    _compared(wasm, range(arity - 1, -1, -1)),
                ),
                recipes.spread(rows, 8),
            ),
        ],
    )


def _compared(wasm: str, parameters: Sequence[int]) -> str:
    values = [f"(local.get $i{k})" for k in parameters]
    if wasm == "i64.ne" and len(values) == 1:
        values.append("(i64.const 0)")
    return f"(i64.extend_i32_u ({wasm} {' '.join(values)}))"
