"""What tools/oracle.py promises: cases that WebAssembly computed, of every numeric instruction, and no vacuous ones."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from spec_machine import effects, table
from spec_machine.numeric_cases import DIRECTORY, NOT_COMPUTED, cases, differences

ROOT = Path(__file__).resolve().parents[2]
ROWS = table.read().rows
COMPUTED = sorted(set(ROWS) - NOT_COMPUTED)
TRAPS_OF_WASM = {"unreachable", "divide-by-zero", "integer-overflow", "invalid-conversion", "out-of-bounds"}
MOST_ROWS = 9_000


def oracle(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "oracle.py"), *arguments], capture_output=True, text=True, check=False
    )


def test_the_committed_cases_are_what_wasmtime_gives() -> None:
    done = oracle("--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_changed_expectation_is_stale(tmp_path: Path) -> None:
    copied = tmp_path / DIRECTORY.relative_to(ROOT)
    shutil.copytree(DIRECTORY, copied)
    changed = copied / "integer_arithmetic.yaml"
    text = changed.read_text(encoding="utf-8")
    assert "{i: [2, 2], expect: {i: [4]}}" in text
    text = text.replace("{i: [2, 2], expect: {i: [4]}}", "{i: [2, 2], expect: {i: [5]}}", 1)
    changed.write_text(text, encoding="utf-8")
    (copied / "left_over.yaml").write_text("", encoding="utf-8")
    (copied / "jumps.yaml").unlink()
    done = oracle("--check", "--root", str(tmp_path))
    assert done.returncode == 1
    assert [line.rsplit("/", 1)[-1] for line in done.stderr.splitlines()] == [
        "integer_arithmetic.yaml: stale",
        "jumps.yaml: missing",
        "left_over.yaml: nothing generates it any more",
        "oracle.py",
    ]


def test_every_computed_instruction_has_cases_under_its_rule() -> None:
    assert len(COMPUTED) == len(ROWS) - len(NOT_COMPUTED)
    assert {case.instruction for case in cases()} == set(COMPUTED)
    for case in cases():
        assert case.content["rules"][0] == ROWS[case.instruction].rule, case.id


def test_every_trap_that_webassembly_has_too_has_a_case() -> None:
    expected = {(name, trap) for name in COMPUTED for trap in ROWS[name].traps if trap in TRAPS_OF_WASM}
    found = {
        (case.instruction, row["expect"]["trap"])
        for case in cases()
        for _, row in case.rows()
        if isinstance(row["expect"], dict) and "trap" in row["expect"]
    }
    assert found == expected
    assert len(found) > 20


def test_after_every_trap_a_call_of_the_same_function_works() -> None:
    for case in cases():
        last: dict[str, bool] = {}
        trapped = set()
        for function, row in case.rows():
            last[function] = isinstance(row["expect"], dict) and "trap" in row["expect"]
            trapped |= {function} if last[function] else set()
        if trapped and "store" not in case.instruction:
            assert not any(last[function] for function in trapped), case.id


def test_tables_stay_small_enough_to_run_often() -> None:
    assert sum(1 for case in cases() for _ in case.rows()) < MOST_ROWS


@pytest.mark.parametrize("name", COMPUTED)
def test_the_specification_gives_what_webassembly_gives(name: str) -> None:
    own = [case for case in cases() if case.instruction == name]
    assert sum(1 for case in own for _ in case.rows()) > 2
    assert [difference for case in own for difference in differences(case)] == []


def confusable() -> list[tuple[str, str]]:
    """Pairs of instructions with the same operands, so that one could stand in the place of the other."""
    shapes: dict[tuple[str, ...], list[str]] = {}
    for name in COMPUTED:
        shapes.setdefault(tuple(operand.type for operand in ROWS[name].operands), []).append(name)
    return [pair for names in shapes.values() for pair in itertools.permutations(names, 2)]


def test_the_cases_of_an_instruction_fail_any_other() -> None:
    """Rows that would not notice a mistaken instruction would not notice a mistaken loader."""
    pairs = confusable()
    assert len(pairs) > 900
    unnoticed = [(name, other) for name, other in pairs if not notices(name, {name: ROWS[other]})]
    assert unnoticed == []


def notices(name: str, replaced: Mapping[str, table.Row]) -> bool:
    rows = {**ROWS, **replaced}
    for case in cases():
        if case.instruction == name:
            try:
                if next(differences(case, rows), None):
                    return True
            except effects.EffectError:
                return True
    return False


MISTAKES = {
    # A NaN that keeps its payload, or its sign, or is not made canonical.
    "n_promote_i": (
        "n[a] = select((u(i[b]) & 2147483647) > 2139095040,"
        " from_bits(1 << 63 | bits(promote(u(i[b]) & 4294967295))), promote(u(i[b]) & 4294967295))"
    ),
    "n_min": "n[a] = select(is_nan(n[b]), n[b], f_min(n[b], n[c]))",
    "n_neg": "n[a] = f_sub(from_bits(1 << 63), n[b])",
    "n_abs": "n[a] = select(is_nan(n[b]), from_bits(9221120237041090560), from_bits(bits(n[b]) & ((1 << 63) - 1)))",
    "n_mov": "n[a] = f_add(n[b], from_bits(1 << 63))",
    "n_select": "n[a] = select(i[c] & 4294967295 != 0, n[b], n[a])",
    # A count, an index or a condition that is cut to fewer bits.
    "i_shl": "i[a] = wrap(u(i[b]) << min_u(u(i[c]), 63))",
    "i_rotl": "i[a] = wrap(u(i[b]) << (i[c] & 31) | u(i[b]) >> (64 - (i[c] & 31)))",
    "i_select": "i[a] = select(i[c] > 0, i[b], i[a])",
    "i_eqz": "i[a] = truth(i[b] & 4294967295 == 0)",
    "jmp_if": "jump_if(i[a] & 4294967295 != 0, off)",
    "jmp_table": "skip(1 + min_u(u(i[a]) & 4294967295, count))",
    "jmp_lt_u": "jump_if(i[a] < i[b], off)",
    # Rounding twice, by way of a float, the wrong way, or not at all.
    "i_demote_n": "i[a] = demote(select(is_nan(n[b]), n[b], from_bits(bits(n[b]) & -2)))",
    "n_convert_i_s": "n[a] = f_mul(nearest_float(i[b] >> 1), from_bits(4611686018427387904))",
    "n_convert_i_u": "n[a] = f_add(nearest_float(u(i[b]) >> 32 << 32), nearest_float(i[b] & 4294967295 & -2))",
    "n_nearest": "n[a] = f_floor(f_add(n[b], from_bits(4602678819172646912)))",
    "n_sqrt": "n[a] = f_sqrt(from_bits(bits(n[b]) & -2))",
    "n_div": "n[a] = f_mul(n[b], f_div(from_bits(4607182418800017408), n[c]))",
    # Division that rounds down, a remainder with the sign of the divisor, an overflow that wraps.
    "i_div_s": "trap_if(i[c] == 0, divide_by_zero); i[a] = wrap(quotient(i[b], i[c]))",
    "i_rem_s": (
        "trap_if(i[c] == 0, divide_by_zero); trap_if(i[b] == -(1 << 63) and i[c] == -1, integer_overflow);"
        "i[a] = remainder(i[b], i[c])"
    ),
    "i_trunc_n_s": "trap_if(not fits_s(n[b]), integer_overflow); i[a] = wrap(truncate(n[b]))",
    "i_trunc_n_u": (
        "trap_if(is_nan(n[b]), invalid_conversion);"
        "trap_if(not fits_u(n[b]) or f_lt(n[b], from_bits(0)), integer_overflow); i[a] = wrap(truncate(n[b]))"
    ),
    "i_trunc_sat_n_s": "i[a] = wrap(select(is_nan(n[b]), -(1 << 63), saturate_s(n[b])))",
    # Accesses of the wrong size or place.
    "i_load8_s": "i[a] = sign_extend(load(address(i[b], disp), 8), 7)",
    "i_load32_u": "i[a] = sign_extend(load(address(i[b], disp * 4), 32), 32)",
    "i_load64": "i[a] = wrap(load(address(i[b], disp), 64))",
    "n_load32": "n[a] = from_bits(load(address(i[b], disp * 4), 32) << 32)",
    "i_store16": "store(address(i[b], disp * 2), 8, u(i[a]))",
    "i_store32": "store(address(i[b], disp), 32, u(i[a]))",
    "n_store32": "store(address(i[b], disp * 4), 32, bits(n[a]) >> 32)",
    "mem_fill": "fill(i[a], i[b] & 127, u(i[c]))",
    "mem_copy": "fill(i[a], load(i[b], 8), u(i[c]))",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_cases_of_an_instruction_fail_a_mistake_in_it(name: str) -> None:
    mistaken = dataclasses.replace(ROWS[name], effect=MISTAKES[name])
    assert notices(name, {name: mistaken})
    assert not notices(name, {})
