"""What tools/spec_machine promises: every primitive that needs no second function, exactly, and no leniency."""

from __future__ import annotations

import dataclasses
import math
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_machine import effects, floats, integers, table
from spec_machine.floats import BINARY32, BINARY64, CANONICAL_NAN, Float
from spec_machine.memory import Memory, Trap

OTHERS = {"function", "reference", "slot", "resolve", "is_bound", "dereference", "enter"}
"""Primitives that look at other functions or modules."""

MAGNITUDES = (0, 1, 0xFFFFFFFFFFFFF, 1 << 52, 0x3FF << 52, 0x7FEFFFFFFFFFFFFF, 0x7FF << 52)
bits64 = st.integers(0, (1 << 64) - 1) | st.sampled_from([s | m for s in (0, 1 << 63) for m in MAGNITUDES])
floats64 = st.builds(Float, bits64)
same_size = st.builds(
    lambda sign, exponent, fraction: Float(sign << 63 | exponent << 52 | fraction),
    st.integers(0, 1),
    st.integers(1023 - 4, 1023 + 4),
    st.integers(0, (1 << 52) - 1),
)


def host(x: Float) -> float:
    value: float = struct.unpack("<d", x.bits.to_bytes(8, "little"))[0]
    return value


def of_host(value: float) -> Float:
    bits = int.from_bytes(struct.pack("<d", value), "little")
    return CANONICAL_NAN if math.isnan(value) else Float(bits)


def row(effect: str) -> table.Row:
    return dataclasses.replace(table.read().rows["i_add"], effect=effect)


def step(effect: str, b: int = 0, c: int = 0) -> effects.State:
    state = effects.State([0, b, c], [Float(0)] * 3, Memory({"bss": bytearray(8)}))
    effects.step(row(effect), {"a": 0, "b": 1, "c": 2}, state)
    return state


def test_it_has_every_primitive_that_needs_no_second_function() -> None:
    text = (table.SPEC / "effects.md").read_text(encoding="utf-8")
    declared = dict(re.findall(r"^### `(\w+)\((.*?)\)`$", text, re.MULTILINE))
    implemented = effects._Evaluation(row("i[a] = 0"), {}, effects.State()).primitives
    assert set(implemented) == set(declared) - OTHERS
    assert set(declared) >= OTHERS
    assert len(declared) > 50


@pytest.mark.parametrize("name", sorted(effects.PURE))
def test_pure_primitives_have_the_parameters_of_the_page(name: str) -> None:
    text = (table.SPEC / "effects.md").read_text(encoding="utf-8")
    declared = re.search(rf"^### `{name}\((.*?)\)`$", text, re.MULTILINE)
    assert declared
    code = effects.PURE[name].__code__
    assert ", ".join(code.co_varnames[: code.co_argcount]) == declared[1]


@pytest.mark.parametrize(
    "effect",
    [
        "i[a] = i[b] + i[c]",  # no wrap
        "i[a] = u(i[b])",
        "i[a] = i[b] == i[c]",  # no truth
        "i[a] = from_bits(0)",
        "n[a] = i[b]",
        "n[a] = f_add(i[b], i[c])",
        "i[a] = clz(i[c])",  # no u
        "i[a] = not i[b]",
        "trap_if(i[b], unreachable)",
        "i[a] = truth(i[b])",
        "i[a] = wrap(i[b] < i[c])",
        "i[a] = 1.5",
        "i[a] = True",
        "i[a] = i[b] / i[c]",
        "i[a] = i[b] if i[c] else 0",
        "u(i[b])",
        "enter(function(i[b]), a, b)",
        "i[a] = quotient(i[b], 0)",
    ],
)
def test_an_effect_that_is_not_in_the_language_is_an_error(effect: str) -> None:
    with pytest.raises((effects.EffectError, KeyError)):
        step(effect, b=-(1 << 63), c=-1)


def test_statements_are_executed_in_order_and_end_at_a_trap() -> None:
    state = effects.State([0, 5, 0], [])
    with pytest.raises(Trap) as trapped:
        effects.step(row("i[a] = i[b]; trap_if(i[c] == 0, divide_by_zero); i[a] = 9"), {"a": 0, "b": 1, "c": 2}, state)
    assert trapped.value.code == "divide-by-zero"
    assert state.i[0] == 5


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ((3 << 32) + 1, "misaligned"),
        (1 << 32, "no-segment"),
        ((2 << 32) + 8, "no-segment"),
        (-8, "no-segment"),
        ((3 << 32) + 8, "out-of-bounds"),
        ((9 << 32) + 3, "misaligned"),
    ],
)
def test_accesses_are_checked_in_the_order_of_the_rule(address: int, code: str) -> None:
    for effect in ("i[a] = wrap(load(address(i[b], 0), 64))", "store(address(i[b], 0), 64, u(i[c]))"):
        with pytest.raises(Trap) as trapped:
            step(effect, b=address)
        assert trapped.value.code == code


def test_stores_to_rodata_are_refused_before_bounds_are_looked_at() -> None:
    memory = Memory({"rodata": bytearray(8)})
    with pytest.raises(Trap, match="read-only"):
        memory.store(1 << 32 | 64, 8, 0)
    assert memory.load(1 << 32, 8) == 0


def test_the_machine_rounds_like_ieee_at_known_places() -> None:
    """Values from the standard's definition, worked out by hand."""
    one, half_unit, greatest = 0x3FF0000000000000, 0x3CA0000000000000, 0x7FEFFFFFFFFFFFFF
    assert floats.f_add(Float(one), Float(half_unit)) == Float(one)
    assert floats.f_add(Float(one), Float(half_unit + 1)) == Float(one + 1)
    assert floats.f_add(Float(one + 1), Float(half_unit)) == Float(one + 2)
    assert floats.f_add(Float(greatest), Float(0x7C90000000000000)) == Float(BINARY64.infinity)
    assert floats.f_add(Float(greatest), Float(0x7C8FFFFFFFFFFFFF)) == Float(greatest)
    assert floats.f_mul(Float(1), Float(0x3FE0000000000000)) == Float(0)
    assert floats.f_mul(Float(3), Float(0x3FE0000000000000)) == Float(2)
    assert floats.demote(Float(0x47EFFFFFF0000000)) == BINARY32.infinity
    assert floats.demote(Float(0x47EFFFFFEFFFFFFF)) == 0x7F7FFFFF
    assert floats.nearest_float((1 << 53) + 1) == Float(0x4340000000000000)
    assert floats.nearest_float((1 << 64) - 1) == Float(0x43F0000000000000)


BINARY: dict[Callable[..., Float], Callable[[float, float], float]] = {
    floats.f_add: lambda x, y: x + y,
    floats.f_sub: lambda x, y: x - y,
    floats.f_mul: lambda x, y: x * y,
}


@given(x=floats64 | same_size, y=floats64 | same_size)
def test_exact_arithmetic_agrees_with_the_processor(x: Float, y: Float) -> None:
    """An error in the rationals would have to be an error of the processor too."""
    for exact, native in BINARY.items():
        assert exact(x, y) == of_host(native(host(x), host(y)))
    if host(y):
        assert floats.f_div(x, y) == of_host(host(x) / host(y))
    assert floats.f_le(x, y) == (host(x) <= host(y))
    assert floats.f_lt(x, y) == (host(x) < host(y))
    assert floats.f_eq(x, y) == (host(x) == host(y))


@given(x=floats64 | same_size)
def test_exact_functions_agree_with_the_library(x: Float) -> None:
    value = host(x)
    if not math.isfinite(value):
        return
    if value >= 0:
        assert floats.f_sqrt(x) == of_host(math.sqrt(value))
    assert floats.truncate(x) == math.trunc(value)
    rounded: dict[Callable[[Float], Float], Any] = {
        floats.f_ceil: math.ceil,
        floats.f_floor: math.floor,
        floats.f_trunc: math.trunc,
        floats.f_nearest: round,
    }
    for exact, native in rounded.items():
        assert exact(x) == of_host(math.copysign(float(native(value)), value))
    if abs(value) < 3.4e38:
        assert floats.demote(x) == int.from_bytes(struct.pack("<f", value), "little")
        assert host(floats.promote(floats.demote(x))) == struct.unpack("<f", struct.pack("<f", value))[0]


@given(x=st.integers(-(1 << 63), (1 << 63) - 1))
def test_counts_of_bits_fit_together(x: int) -> None:
    low = integers.u(x)
    assert integers.clz(low) == 64 - low.bit_length()
    assert integers.popcnt(low) == low.bit_count()
    assert integers.ctz(low) == (64 if low == 0 else (low & -low).bit_length() - 1)
    assert integers.wrap(low) == x
    assert floats.nearest_float(x) == of_host(float(x))
