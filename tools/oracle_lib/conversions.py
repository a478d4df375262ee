"""Cases of conversions between integers and floats, and of what loads numbers that the code states."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import wasmtime

from oracle_lib import operands, recipes
from oracle_lib.cases import Arguments, Calls, Function, Recipe, Signature
from oracle_lib.operands import DEMOTIONS, FRACTIONS, INTEGERS, MAX, MIN, NANS, NUMBERS, PATTERNS, SINGLE_BITS

TRUNCATIONS = ("i_trunc_n_s", "i_trunc_n_u")
SATURATING = ("i_trunc_sat_n_s", "i_trunc_sat_n_u")


def to_integer(engine: wasmtime.Engine) -> list[Recipe]:
    """Floats to integers: those that trap and those that saturate."""
    rows = operands.singles([*FRACTIONS, *NANS])
    made = []
    for name in TRUNCATIONS:
        outcomes = recipes.by_outcome(engine, name, [*rows, *operands.drawn(name, 16, 1, operands.draw_float)])
        sound = outcomes.pop(None)
        made.append(_of(name, "edges", sound))
        made += [recipes.trapping(name, trap, bad, sound) for trap, bad in outcomes.items() if trap]
    for name in SATURATING:
        numbers = [*operands.singles(FRACTIONS), *operands.drawn(name, 16, 1, operands.draw_float)]
        made += [_of(name, "edges", numbers), _nan(name, operands.singles(NANS))]
    return made


def to_float(_: wasmtime.Engine) -> list[Recipe]:
    """Integers to floats. Beyond 2^53 they are rounded, ties to even."""
    # From 2^e on, neighbours lie 2^(e - 52) apart and ties half of that away from them.
    ties = [
        sign * ((1 << exponent) + odd * half + aside)
        for exponent, half in ((53, 1), (54, 2), (55, 4), (62, 512))
        for odd in (1, 3)
        for aside in (-1, 0, 1)
        for sign in (1, -1)
    ]
    top = [MAX - step for step in (511, 512, 513, 1023, 1024)] + [MIN + step for step in (511, 512, 513, 1024)]
    # Taken as unsigned these lie at and around ties below 2^64.
    unsigned = [operands.signed((1 << 64) - step) for step in (1024, 1025, 1023, 2048, 3072, 3073)]
    # Half way between two floats and one more, which whoever halves such a number first takes for half way.
    unsigned += [operands.signed((1 << 63) + step) for step in (1024, 1025, 3071, 3072)]
    rows = operands.singles([*INTEGERS, *ties, *top, *unsigned])
    return [
        _of(name, "edges", [*rows, *operands.drawn(name, 16, 1, operands.draw_integer)])
        for name in ("n_convert_i_s", "n_convert_i_u")
    ]


def reinterpretations(_: wasmtime.Engine) -> list[Recipe]:
    """The bits of one bank as a value of the other."""
    floats = [_of("i_reinterpret_n", "edges", operands.singles([*NUMBERS, *map(_unsigned, PATTERNS)]))]
    floats.append(_nan("i_reinterpret_n", operands.singles(NANS)))
    integers = [_of("n_reinterpret_i", "edges", operands.singles([*INTEGERS, *map(operands.signed, NUMBERS)]))]
    integers.append(_nan("n_reinterpret_i", operands.singles(map(operands.signed, NANS))))
    return floats + integers


def binary32(_: wasmtime.Engine) -> list[Recipe]:
    """Between binary64 and the bits of binary32."""
    high = [PATTERNS[2] << 32 & operands.MASK | bits for bits in SINGLE_BITS[:24:3]]
    numbers = [bits for bits in SINGLE_BITS if bits & 0x7FFFFFFF <= 0x7F800000]
    nans = [bits for bits in SINGLE_BITS if bits & 0x7FFFFFFF > 0x7F800000]
    singles = [operands.signed(bits) for bits in (*numbers, *high)]
    drawn = operands.drawn("i_demote_n", 16, 1, operands.draw_float)
    return [
        _of("n_promote_i", "edges", operands.singles(singles)),
        _nan("n_promote_i", operands.singles(nans)),
        _of("i_demote_n", "edges", [*operands.singles(DEMOTIONS), *drawn]),
        _nan("i_demote_n", operands.singles(NANS)),
    ]


def loads_of_constants(_: wasmtime.Engine) -> list[Recipe]:
    """Moves, and numbers that stand in the code or in the constants."""
    halves = [0, 1, -1, 85, 127, 128, 255, 256, -128, -129, 32767, -32768]
    words = [0, 1, -1, 32768, -32769, 65535, 65536, (1 << 31) - 1, -(1 << 31), 0x55555555, -0x55555556]
    numbers = [*NUMBERS[:2], *NUMBERS[6:12], *NUMBERS[-4:], *NANS]
    return [
        _of("i_mov", "edges", operands.singles(INTEGERS)),
        _stated("i_imm", [(str(value), value) for value in halves]),
        _stated("i_imm32", [(str(value), value) for value in words]),
        _stated("i_const", [(f"={value}", value) for value in (0, 1, -1, 1 << 32, MAX, MIN, *PATTERNS)]),
        _stated("n_const", [(f"={_literal(bits)}", bits) for bits in numbers]),
    ]


def _stated(name: str, values: Sequence[tuple[str, int]]) -> Recipe:
    """A case with a function for each value that the code states, as text and as an integer or bits."""
    bank = name[0]
    signature = Signature(i_results=int(bank == "i"), n_results=int(bank == "n"))
    constant = _f64_const if bank == "n" else _i64_const
    functions = [
        Function(f"f{k}", signature, [f"{name} {bank}0, {text}", "ret"], constant(value))
        for k, (text, value) in enumerate(values)
    ]
    rules = [recipes.row(name).rule, *(["PF-EXE-004"] if bank == "n" else [])]
    return Recipe(
        id=f"exe-{name}-edges",
        rules=rules,
        summary=f"{name} of edge values, a function for each",
        oracle="i64.const" if bank == "i" else "f64.const",
        calls=[Calls(function, [()]) for function in functions],
    )


def _literal(bits: int) -> str:
    """A float as assembly writes it."""
    return f"nan:{bits:016x}" if _is_nan(bits) else repr(_number(bits))


def _i64_const(value: int) -> str:
    return f"(i64.const {value})"


def _f64_const(bits: int) -> str:
    if _is_nan(bits):
        text = f"{'-' if bits & operands.SIGN else ''}nan:0x{bits & ((1 << 52) - 1):x}"
    else:
        text = _number(bits).hex()
    return f"(i64.reinterpret_f64 (f64.const {text}))"


def _is_nan(bits: int) -> bool:
    return bits & ~operands.SIGN > operands.INFINITY


def _number(bits: int) -> float:
    number: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return number


def _unsigned(value: int) -> int:
    return value & operands.MASK


def _of(name: str, theme: str, rows: Sequence[Arguments]) -> Recipe:
    return recipes.registers(name, theme, recipes.edge_rules(name), rows, "edge values")


def _nan(name: str, rows: Sequence[Arguments]) -> Recipe:
    return recipes.registers(name, "nan", recipes.nan_rules(name), rows, "NaNs, quiet and signalling, of both signs")
