"""Which WebAssembly instructions an instruction is, and the code of both around it.

Names follow a scheme (spec/instructions.md), from which WebAssembly's is derived; `EXPRESSIONS` holds those that are
more than one WebAssembly instruction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import wasmtime

from oracle_lib.cases import Arguments, Calls, Function, Recipe, Signature
from oracle_lib.wasm import Instance, Trap
from spec_machine import table
from spec_machine.table import Row

EXPRESSIONS: Final[Mapping[str, str]] = {
    "i_mov": "{0}",
    "n_mov": "{0}",
    "i_select": "(select {1} {0} (i64.ne {2} (i64.const 0)))",
    "n_select": "(select {1} {0} (i64.ne {2} (i64.const 0)))",
    "i_extend32_u": "(i64.extend_i32_u (i32.wrap_i64 {0}))",
    "n_promote_i": "(f64.promote_f32 (f32.reinterpret_i32 (i32.wrap_i64 {0})))",
    "i_demote_n": "(i64.extend_i32_u (i32.reinterpret_f32 (f32.demote_f64 {0})))",
}
"""Instructions on registers that are not one WebAssembly instruction; operands in their order."""

_TYPES: Final = {"i": "i64", "n": "f64"}
_COMPARES: Final = re.compile(r"[in]_(eqz|eq|ne|lt|gt|le|ge)(_[su])?")
_CONVERTS: Final = re.compile(r"(trunc|trunc_sat|convert|reinterpret)_([in])(_[su])?")


def wasm_name(name: str) -> str:
    """The WebAssembly instruction that the scheme gives: i_div_s is i64.div_s, i_trunc_n_s is i64.trunc_f64_s."""
    bank, _, operation = name.partition("_")
    conversion = _CONVERTS.fullmatch(operation)
    if conversion:
        operation = f"{conversion[1]}_{_TYPES[conversion[2]]}{conversion[3] or ''}"
    return f"{_TYPES[bank]}.{operation}"


def expression(name: str, operands: Sequence[str]) -> str:
    """The WebAssembly expression of an instruction on registers; a comparison gives an i64."""
    if name in EXPRESSIONS:
        return EXPRESSIONS[name].format(*operands)
    made = f"({wasm_name(name)} {' '.join(operands)})"
    return f"(i64.extend_i32_u {made})" if _COMPARES.fullmatch(name) else made


def named(wasm: str) -> str:
    """The WebAssembly instructions of an expression, without those that only bring values and results."""
    names = re.findall(r"\(([a-z0-9_.]+)", wasm)
    return ", ".join(dict.fromkeys(names)) or "local.get"


def local(bank: str, number: int) -> str:
    """A parameter as a value of its type."""
    return f"(local.get $i{number})" if bank == "i" else f"(f64.reinterpret_i64 (local.get $n{number}))"


def result(bank: str, wasm: str) -> str:
    """A value as the i64 in which it is returned."""
    return wasm if bank == "i" else f"(i64.reinterpret_f64 {wasm})"


def row(name: str) -> Row:
    """The instruction's row in spec/instructions.ksy."""
    return table.read().rows[name]


def edge_rules(name: str) -> list[str]:
    """The rules that an instruction shows with numbers: its own, and PF-EXE-005 if it rounds or meets subnormals."""
    rounds = re.search(r"\b(promote|demote|nearest_float|f_(add|sub|mul|div|sqrt))\b", row(name).effect)
    return [row(name).rule, *(["PF-EXE-005"] if rounds else [])]


def nan_rules(name: str) -> list[str]:
    """The rules that it shows with NaNs as operands; what takes floats but gives no float has none but its own."""
    given = row(name)
    banks = {operand.bank for operand in given.operands}
    arithmetic = re.search(r"\b(promote|demote|f_(?!eq|lt|le))", given.effect)
    keeps = banks == {"n"} or "select" in given.effect or "bits(" in given.effect
    return [given.rule, *(["PF-EXE-003"] if arithmetic else ["PF-EXE-004"] if keeps else [])]


def plain(name: str) -> Function:
    """`f`: sources in the first registers, in order; the destination is the first register of its bank."""
    given = row(name)
    destination = given.destination()
    assert destination is not None
    assert destination.bank is not None
    sources, counts = [], {"i": 0, "n": 0}
    for operand in given.sources():
        assert operand.bank is not None
        sources.append((operand.bank, counts[operand.bank]))
        counts[operand.bank] += 1
    texts = [f"{bank}{number}" for bank, number in sources]
    if destination.role == "dst":
        texts.insert(0, f"{destination.bank}0")
    value = expression(name, [local(bank, number) for bank, number in sources])
    signature = Signature(counts["i"], counts["n"], int(destination.bank == "i"), int(destination.bank == "n"))
    return Function("f", signature, [f"{name} {', '.join(texts)}", "ret"], result(destination.bank, value))


def scattered(name: str) -> Function:
    """`g`: sources in reverse order, the destination another register; returns every register.

    Shows a loader that swaps fields, or changes what it should only read.
    """
    given = row(name)
    destination = given.destination()
    assert destination is not None
    assert destination.bank is not None
    counts = {bank: sum(operand.bank == bank for operand in given.sources()) for bank in "in"}
    left = dict(counts)
    sources = []
    for operand in given.sources():
        assert operand.bank is not None
        left[operand.bank] -= 1
        sources.append((operand.bank, left[operand.bank]))
    texts = [f"{bank}{number}" for bank, number in sources]
    written = sources[0]
    if destination.role == "dst":
        written = (destination.bank, counts[destination.bank])
        texts.insert(0, f"{written[0]}{written[1]}")
    value = result(destination.bank, expression(name, [local(bank, number) for bank, number in sources]))
    totals = {bank: max(counts[bank], written[1] + 1 if written[0] == bank else 0) for bank in "in"}
    returned = [
        value if (bank, number) == written else f"(local.get ${bank}{number})"
        for bank in "in"
        for number in range(totals[bank])
    ]
    signature = Signature(counts["i"], counts["n"], totals["i"], totals["n"])
    return Function("g", signature, [f"{name} {', '.join(texts)}", "ret"], "\n".join(returned))


def spread(rows: Sequence[Arguments], count: int) -> list[Arguments]:
    """A few of the rows, evenly."""
    step = max(1, len(rows) // count)
    return list(rows[step // 2 :: step][:count])


def registers(name: str, theme: str, rules: Sequence[str], rows: Sequence[Arguments], what: str) -> Recipe:
    """A case of an instruction on registers, none of whose rows traps."""
    function = plain(name)
    return Recipe(
        id=f"exe-{name}-{theme}",
        rules=rules,
        summary=f"{name} of {what} gives what {_decides(name)} gives",
        oracle=_decides(name),
        calls=[Calls(function, rows), Calls(scattered(name), spread(rows, 4))],
    )


def trapping(name: str, trap: str, rows: Sequence[Arguments], sound: Sequence[Arguments]) -> Recipe:
    """A case whose rows trap in turn with rows that do not."""
    theme = trap.replace("-", "_")
    good = spread(sound, len(rows))
    turns = [row for k, bad in enumerate(rows) for row in (bad, good[k % len(good)])]
    return Recipe(
        id=f"exe-{name}-{theme}",
        rules=[row(name).rule, "PF-EXE-015"],
        summary=f"{name} traps with {trap}, and after each trap it works again",
        oracle=_decides(name),
        calls=[Calls(plain(name), turns)],
        trap=trap,
    )


def _decides(name: str) -> str:
    return named(EXPRESSIONS[name].format("", "", "")) if name in EXPRESSIONS else wasm_name(name)


def by_outcome(engine: wasmtime.Engine, name: str, rows: Sequence[Arguments]) -> dict[str | None, list[Arguments]]:
    """The rows by the trap that WebAssembly raises; None where it does not trap."""
    function = plain(name)
    instance = Instance(engine, f"(module {function.wat()})")
    outcomes: dict[str | None, list[Arguments]] = {}
    for arguments in rows:
        try:
            instance.call(function.name, arguments)
        except Trap as trap:
            outcomes.setdefault(trap.code, []).append(arguments)
        else:
            outcomes.setdefault(None, []).append(arguments)
    return outcomes
