"""Cases of instructions on floats."""

from __future__ import annotations

from collections.abc import Sequence

import wasmtime

from oracle_lib import operands, recipes
from oracle_lib.cases import Arguments, Recipe
from oracle_lib.integers import CONDITIONS
from oracle_lib.operands import CORE_FLOATS, FRACTIONS, INFINITY, NANS, NUMBERS, ROUNDING, SIGN, f64

ARITHMETIC = ("n_add", "n_sub", "n_mul", "n_div")
EXTREMES = ("n_min", "n_max")
ROUNDINGS = ("n_ceil", "n_floor", "n_trunc", "n_nearest")
COMPARISONS = ("n_eq", "n_ne", "n_lt", "n_gt", "n_le", "n_ge")
BESIDE_NANS = [0, SIGN, f64(1.0), INFINITY | SIGN]
"""What a NaN meets on the other side."""


def arithmetic(_: wasmtime.Engine) -> list[Recipe]:
    """Sums, products, quotients, roots and extremes."""
    made = []
    for name in ARITHMETIC:
        rounding = [*ROUNDING, *((y, x) for x, y in ROUNDING[:12])]
        drawn = operands.drawn(name, 40, 2, operands.draw_float)
        made += [
            _of(name, "edges", operands.crossed(CORE_FLOATS[:10])),
            _of(name, "rounding", operands.unique([*rounding, *drawn]), "pairs that round"),
            _nan(name, _with_nans()),
        ]
    for name in EXTREMES:
        drawn = operands.drawn(name, 10, 2, operands.draw_float)
        made += [_of(name, "edges", [*operands.crossed(CORE_FLOATS[:10]), *drawn]), _nan(name, _with_nans())]
    squares = [f64(float(x * x)) for x in (2, 3, 1 << 26, (1 << 26) + 1, 94906265)]
    roots = [*NUMBERS, *squares, *(bits + step for bits in squares for step in (1, -1))]
    drawn = [(bits & ~SIGN,) for (bits,) in operands.drawn("n_sqrt", 24, 1, operands.draw_float)]
    made += [_of("n_sqrt", "edges", [*operands.singles(roots), *drawn]), _nan("n_sqrt", operands.singles(NANS))]
    return made


def rounding(_: wasmtime.Engine) -> list[Recipe]:
    """Rounding to an integral float."""
    made = []
    for name in ROUNDINGS:
        rows = [*operands.singles(FRACTIONS), *operands.drawn(name, 16, 1, operands.draw_float)]
        made += [_of(name, "edges", rows), _nan(name, operands.singles(NANS))]
    return made


def bits(_: wasmtime.Engine) -> list[Recipe]:
    """What moves or changes bits and is no arithmetic, so that every NaN keeps its payload."""
    made = []
    for name in ("n_neg", "n_abs", "n_mov"):
        made += [_of(name, "edges", operands.singles(NUMBERS)), _nan(name, operands.singles(NANS))]
    made += [_of("n_copysign", "edges", operands.crossed(CORE_FLOATS[:10])), _nan("n_copysign", _with_nans())]
    pairs = [(f64(1.5), f64(-2.5)), (0, SIGN), (INFINITY, 1)]
    made.append(_of("n_select", "edges", [(k, x, y) for x, y in pairs for k in CONDITIONS]))
    quiet = [(k, x, y) for x, y in ((NANS[2], NANS[3]), (NANS[5], f64(1.0)), (f64(1.0), NANS[6])) for k in (0, 1, -2)]
    made.append(_nan("n_select", quiet))
    return made


def compare(_: wasmtime.Engine) -> list[Recipe]:
    """Comparisons into an integer register."""
    made = []
    neighbours = [(bits, bits + step) for bits in (f64(1.0), f64(-1.0), 1, 0x7FEFFFFFFFFFFFFE) for step in (-1, 0, 1)]
    for name in COMPARISONS:
        made += [
            _of(name, "edges", operands.unique([*operands.crossed(CORE_FLOATS[:8]), *neighbours])),
            _nan(name, operands.unique([*operands.both_ways(NANS[:5], BESIDE_NANS), *operands.crossed(NANS[:3])])),
        ]
    return made


def _with_nans() -> list[Arguments]:
    """A NaN on either side of numbers and of other NaNs."""
    return operands.unique([*operands.both_ways(NANS[:5], BESIDE_NANS[:3]), *operands.crossed(NANS[1:5])])


def _of(name: str, theme: str, rows: Sequence[Arguments], what: str = "edge values") -> Recipe:
    return recipes.registers(name, theme, recipes.edge_rules(name), rows, what)


def _nan(name: str, rows: Sequence[Arguments]) -> Recipe:
    return recipes.registers(name, "nan", recipes.nan_rules(name), rows, "NaNs, quiet and signalling, of both signs")
