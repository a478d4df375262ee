"""Cases of instructions on integers."""

from __future__ import annotations

from collections.abc import Sequence

import wasmtime

from oracle_lib import operands, recipes
from oracle_lib.cases import Arguments, Calls, Function, Recipe, Signature
from oracle_lib.operands import CORE_INTEGERS, INTEGERS, MAX, MIN, PATTERNS, SHIFT_COUNTS

SUMS = ("i_add", "i_sub", "i_mul")
DIVISIONS = ("i_div_s", "i_div_u", "i_rem_s", "i_rem_u")
LOGIC = ("i_and", "i_or", "i_xor")
SHIFTS = ("i_shl", "i_shr_s", "i_shr_u", "i_rotl", "i_rotr")
BIT_COUNTS = ("i_clz", "i_ctz", "i_popcnt")
EXTENSIONS = ("i_extend8_s", "i_extend16_s", "i_extend32_s", "i_extend32_u")
COMPARISONS = (
    *("i_eq", "i_ne", "i_lt_s", "i_lt_u", "i_gt_s", "i_gt_u"),
    *("i_le_s", "i_le_u", "i_ge_s", "i_ge_u"),
)
IMMEDIATES = (-128, -127, -1, 0, 1, 85, 127)


def arithmetic(engine: wasmtime.Engine) -> list[Recipe]:
    """Sums, products, quotients and remainders."""
    made = [_edges(name, _pairs(name)) for name in SUMS]
    for name in DIVISIONS:
        divisions = [*_pairs(name), *_quotients()]
        # MIN / -1 overflows a quotient and no remainder, so it must be asked of each.
        outcomes = recipes.by_outcome(engine, name, operands.unique([*divisions, *operands.crossed(INTEGERS[:6], [0])]))
        sound = outcomes.pop(None)
        made.append(_edges(name, sound))
        made += [recipes.trapping(name, trap, rows[:16], sound) for trap, rows in outcomes.items() if trap]
    return [*made, _add_immediate()]


def bits(_: wasmtime.Engine) -> list[Recipe]:
    """Logic, shifts, counts of bits and extensions."""
    crossed = operands.crossed(CORE_INTEGERS)
    logic = [_edges(name, [*crossed, *operands.drawn(name, 16, 2, operands.draw_integer)]) for name in LOGIC]
    shifts = [_edges(name, operands.crossed([1, -1, MIN, PATTERNS[2]], SHIFT_COUNTS)) for name in SHIFTS]
    one_bit = [operands.signed(1 << k) for k in range(64)]
    below = [-1 << k for k in (3, 17, 40, 60)] + [(1 << k) - 1 for k in (5, 20, 33, 63)]
    counts = [_edges(name, operands.singles([*INTEGERS, *one_bit, *below])) for name in BIT_COUNTS]
    noisy = [PATTERNS[2] ^ value for value in (0x80, 0xFF, 0x8000, 0xFFFF, 1 << 31, 0xFFFFFFFF)]
    extensions = [_edges(name, operands.singles([*INTEGERS, *noisy])) for name in EXTENSIONS]
    return [*logic, *shifts, *counts, *extensions]


def compare(_: wasmtime.Engine) -> list[Recipe]:
    """Comparisons into a register, and selection."""
    made = [_edges("i_eqz", operands.singles([*INTEGERS, 1 << 32, MIN]))]
    made += [_edges(name, comparable()) for name in COMPARISONS]
    chosen = [(x, y, condition) for x, y in ((1, 2), (MIN, MAX), (-1, 0)) for condition in CONDITIONS]
    return [*made, _edges("i_select", chosen)]


CONDITIONS = (0, 1, -1, 2, 1 << 31, 1 << 32, 1 << 63 >> 1, MIN, MAX)
"""What is zero and what is not, also in its low 8, 16 or 32 bits alone."""


def comparable() -> list[Arguments]:
    """Pairs that differ where an order could be mistaken: by one, by sign, in the high half only."""
    neighbours = [(x, x + step) for x in (0, 1 << 31, 1 << 32, MAX - 1, MIN + 1) for step in (-1, 0, 1)]
    halves = [(1, 1 << 32), (1 << 32, 1), (1 << 32 | 1, 1), (PATTERNS[2], PATTERNS[3]), (PATTERNS[3], PATTERNS[2])]
    edges = [0, 1, -1, MAX, MIN, MIN + 1]
    return operands.unique([*operands.crossed(edges), *neighbours, *halves])


def _edges(name: str, rows: Sequence[Arguments]) -> Recipe:
    return recipes.registers(name, "edges", recipes.edge_rules(name), rows, "edge values")


def _pairs(name: str) -> list[Arguments]:
    """Pairs for an operation of two operands; the last ones differ from instruction to instruction."""
    partners = [(x, y) for k, x in enumerate(INTEGERS) for y in (INTEGERS[-1 - k], x)]
    return operands.unique(
        [*operands.crossed(CORE_INTEGERS), *partners[::3], *operands.drawn(name, 16, 2, operands.draw_integer)]
    )


def _quotients() -> list[Arguments]:
    """Divisions that do not come out even, in all signs, and by numbers that are negative only if signed."""
    return [
        *((p * x, q * y) for x, y in ((7, 2), (7, 7), (6, 7), (1, MAX)) for p in (1, -1) for q in (1, -1)),
        *((x, y) for x in (MIN, MAX, -1) for y in (3, -3, 10, 1 << 32, MIN, MAX, PATTERNS[3])),
    ]


def _add_immediate() -> Recipe:
    """i_add_imm, with a function for each immediate."""
    rows = operands.singles([0, 1, -1, 127, -127, 128, -128, MAX, MAX - 126, MIN, MIN + 127, MIN + 128, *PATTERNS[:2]])
    functions = [
        Function(
            f"f{k}",
            Signature(i_params=1, i_results=1),
            [f"i_add_imm i0, i0, {value}", "ret"],
            f"(i64.add (local.get $i0) (i64.const {value}))",
        )
        for k, value in enumerate(IMMEDIATES)
    ]
    return Recipe(
        id="exe-i_add_imm-edges",
        rules=[recipes.row("i_add_imm").rule],
        summary=f"i_add_imm of each of the immediates {', '.join(map(str, IMMEDIATES))}",
        oracle="i64.add, i64.const",
        calls=[Calls(function, rows) for function in functions],
    )
