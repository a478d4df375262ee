"""Cases of loads, stores, and instructions on ranges of bytes.

WebAssembly's memory is given exactly the bytes of the segment that the Packfile module uses, so that both end at the
same byte. It does not ask for alignment, and has no segments: those traps have no oracle and no cases here.
"""

from __future__ import annotations

from collections.abc import Sequence

import wasmtime

from oracle_lib import operands, recipes
from oracle_lib.cases import Arguments, Calls, Function, Recipe, Signature
from oracle_lib.operands import DEMOTIONS, INTEGERS, MAX, MIN, NANS, NUMBERS, PATTERNS, SINGLE_BITS

LOADS = {
    "i_load8_s": "(i64.load8_s {offset} {address})",
    "i_load8_u": "(i64.load8_u {offset} {address})",
    "i_load16_s": "(i64.load16_s {offset} {address})",
    "i_load16_u": "(i64.load16_u {offset} {address})",
    "i_load32_s": "(i64.load32_s {offset} {address})",
    "i_load32_u": "(i64.load32_u {offset} {address})",
    "i_load64": "(i64.load {offset} {address})",
    "n_load32": "(f64.promote_f32 (f32.load {offset} {address}))",
    "n_load64": "(f64.load {offset} {address})",
}
STORES = {
    "i_store8": "(i64.store8 {offset} {address} {value})",
    "i_store16": "(i64.store16 {offset} {address} {value})",
    "i_store32": "(i64.store32 {offset} {address} {value})",
    "i_store64": "(i64.store {offset} {address} {value})",
    "n_store32": "(f32.store {offset} {address} (f32.demote_f64 {value}))",
    "n_store64": "(f64.store {offset} {address} {value})",
}
PARTNERS = {
    **dict.fromkeys(("i_load8_s", "i_load8_u"), "i_store8"),
    **dict.fromkeys(("i_load16_s", "i_load16_u"), "i_store16"),
    **dict.fromkeys(("i_load32_s", "i_load32_u", "n_load32"), "i_store32"),
    "i_load64": "i_store64",
    "n_load64": "n_store64",
    "i_store8": "i_load8_u",
    "i_store16": "i_load16_u",
    "i_store32": "i_load32_u",
    "i_store64": "i_load64",
    "n_store32": "i_load32_u",
    "n_store64": "n_load64",
}
"""For a load what stores its operand, for a store what shows its result."""
DIRECTIVES = {1: ".byte", 2: ".i16", 4: ".i32", 8: ".i64"}
DISPLACEMENTS = (1, 128, 255)
WORDS = 16
"""Bytes of two words, to which stores go."""


def size_of(name: str) -> int:
    """Bytes that a load or store moves."""
    return int("".join(filter(str.isdigit, name))) // 8


def loads(_: wasmtime.Engine) -> list[Recipe]:
    """Every load, of bytes at which its result changes."""
    made = []
    for name in LOADS:
        values = _loaded(name)
        numbers = [value for value in values if not _is_nan(name, value)]
        made.append(_load(name, "edges", _rules(name), numbers))
        if name.startswith("n"):
            nans = [value for value in values if _is_nan(name, value)]
            made.append(_load(name, "nan", recipes.nan_rules(name), nans))
        made += [_load_past_end(name, numbers[:4]), _displaced(name)]
    return made


def stores(_: wasmtime.Engine) -> list[Recipe]:
    """Every store, into bytes that show how far it goes."""
    made = []
    for name in STORES:
        places = list(range(0, WORDS, size_of(name)))
        numbers: list[int] = [*INTEGERS[:8], *PATTERNS, MIN, MAX]
        if name.startswith("n"):
            numbers = DEMOTIONS[::2] if name == "n_store32" else NUMBERS
            rows = [_arguments(name, value, 8) for value in NANS]
            made.append(_store(name, "nan", recipes.nan_rules(name), rows))
        rows = [_arguments(name, value, places[k % len(places)]) for k, value in enumerate(numbers)]
        rows += [_arguments(name, numbers[-1], place) for place in places]
        made += [_store(name, "edges", _rules(name), operands.unique(rows)), _store_past_end(name), _displaced(name)]
    return made


def ranges(_: wasmtime.Engine) -> list[Recipe]:
    """mem_copy and mem_fill, overlapping and at the end of the segment."""
    copies = [
        *((0, 8, 8), (8, 0, 8), (0, 4, 8), (4, 0, 8), (1, 0, 15), (0, 1, 15), (0, 2, 14), (2, 0, 14), (3, 3, 9)),
        *(
            (5, 9, 3),
            (0, 0, 16),
            (0, 0, 0),
            (16, 16, 0),
            (16, 0, 0),
            (0, 16, 0),
            (15, 0, 1),
            (0, 15, 1),
            (7, 8, 1),
            (1, 9, 7),
        ),
    ]
    past = [(8, 0, 9), (0, 8, 9), (16, 0, 1), (0, 16, 1), (17, 0, 0), (0, 17, 0), (0, 0, 17), (9, 9, (1 << 32) - 1)]
    fills = [
        *((0, 0xAB, 16), (0, 0, 8), (3, 0x7F, 5), (7, 0x80, 2), (15, 1, 1), (0, -1, 1), (4, 0x1FF, 3), (8, 256, 4)),
        *((0, 5, 0), (16, 5, 0), (9, MIN, 2), (9, MAX, 7)),
    ]
    beyond = [(8, 1, 9), (16, 1, 1), (17, 1, 0), (0, 1, 17), (1, 1, (1 << 32) - 1)]
    copy = "(memory.copy {to} {second} {length})"
    fill = "(memory.fill {to} {second} {length})"
    return [
        _range("mem_copy", copy, "edges", copies),
        _range("mem_copy", copy, "out_of_bounds", _turns(past, copies)),
        _range("mem_fill", fill, "edges", fills),
        _range("mem_fill", fill, "out_of_bounds", _turns(beyond, fills)),
    ]


def _turns(bad: Sequence[Arguments], sound: Sequence[Arguments]) -> list[Arguments]:
    return [row for k, trapping in enumerate(bad) for row in (trapping, sound[k])]


def _rules(name: str) -> list[str]:
    little = ["PF-EXE-008"] if size_of(name) > 1 else []
    return [*recipes.edge_rules(name), *little]


def _loaded(name: str) -> list[int]:
    """What lies in memory, as unsigned integers of the load's size."""
    if name == "n_load32":
        return SINGLE_BITS
    if name == "n_load64":
        return [*NUMBERS, *NANS]
    bits = 8 * size_of(name)
    top = 1 << (bits - 1)
    patterns = [pattern & ((1 << bits) - 1) for pattern in PATTERNS]
    return list(dict.fromkeys([0, 1, 2, top - 1, top, top + 1, 2 * top - 2, 2 * top - 1, 1 << bits // 2, *patterns]))


def _is_nan(name: str, value: int) -> bool:
    if not name.startswith("n"):
        return False
    return value & 0x7FFFFFFF > 0x7F800000 if size_of(name) == 4 else value & ~operands.SIGN > operands.INFINITY


def _access(expressions: dict[str, str], name: str, address: str, offset: int, value: str = "") -> str:
    return expressions[name].format(offset=f"offset={offset}", address=address, value=value)


def _data(size: int, values: Sequence[int], tail: int) -> tuple[list[str], bytes]:
    """Values in rodata, and bytes after them that are too few for another."""
    lines = [".rodata"]
    per_line = 64 // size // 2
    for start in range(0, len(values), per_line):
        texts = [f"0x{value:0{2 * size}x}" for value in values[start : start + per_line]]
        lines.append(f"{DIRECTIVES[size]} {', '.join(texts)}")
    if tail:
        lines.append(f".byte {', '.join(['0xee'] * tail)}")
    return lines, b"".join(value.to_bytes(size, "little") for value in values) + b"\xee" * tail


def _load_at(name: str, function: str, displacement: int) -> Function:
    """Loads from an offset in rodata."""
    bank = name[0]
    access = _access(LOADS, name, "(i32.wrap_i64 (local.get $i0))", displacement * size_of(name))
    return Function(
        function,
        Signature(i_params=1, i_results=int(bank == "i"), n_results=int(bank == "n")),
        ["lrodata i1, 0", "i_add i0, i0, i1", f"{name} {bank}0, i0, {displacement}", "ret"],
        recipes.result(bank, access),
    )


def _load(name: str, theme: str, rules: Sequence[str], values: Sequence[int]) -> Recipe:
    size = size_of(name)
    data, memory = _data(size, values, size - 1)
    return Recipe(
        id=f"exe-{name}-{theme}",
        rules=rules,
        summary=f"{name} of {'NaNs' if theme == 'nan' else 'edge values'}, at an offset in rodata",
        oracle=_oracle(LOADS, name),
        calls=[Calls(_load_at(name, "f", 0), [(k * size,) for k in range(len(values))])],
        data=data,
        memory=memory,
    )


def _load_past_end(name: str, values: Sequence[int]) -> Recipe:
    size = size_of(name)
    data, memory = _data(size, values, size - 1)
    end = len(values) * size
    past = [(end,), (end + size,), (1 << 31,), ((1 << 32) - size,)]
    return Recipe(
        id=f"exe-{name}-out_of_bounds",
        rules=[recipes.row(name).rule, "PF-EXE-007", "PF-EXE-015", "PF-EXE-025"],
        summary=f"{name} traps where its last byte lies past the end, and after each trap it works again",
        oracle=_oracle(LOADS, name),
        calls=[
            Calls(_load_at(name, "f", 0), _turns(past, [(end - size,), (0,), (size,), (2 * size,)])),
            Calls(_load_at(name, "g", 1), _turns([(end - size,), (end,)], [(end - 2 * size,), (0,)])),
        ],
        data=data,
        memory=memory,
        trap="out-of-bounds",
    )


def _arguments(name: str, value: int, offset: int) -> Arguments:
    return (offset, value) if name.startswith("n") else (value, offset)


def _store_at(name: str) -> Function:
    """Stores at an offset in bss, whose first two words are filled before and returned after."""
    bank = name[0]
    place, registers = (0, "n0, i0") if bank == "n" else (1, "i0, i1")
    access = _access(STORES, name, f"(i32.wrap_i64 (local.get $i{place}))", 0, recipes.local(bank, 0))
    return Function(
        "f",
        Signature(i_params=place + 1, n_params=1 - place, i_results=2),
        [
            "lbss i2, 0",
            "i_imm i3, -1",
            "i_store64 i3, i2, 0",
            "i_store64 i3, i2, 1",
            f"i_add i{place}, i{place}, i2",
            f"{name} {registers}, 0",
            "i_load64 i0, i2, 0",
            "i_load64 i1, i2, 1",
            "ret",
        ],
        f"(i64.store (i32.const 0) (i64.const -1)) (i64.store (i32.const 8) (i64.const -1)) {access}\n{_WORDS}",
    )


_WORDS = "(i64.load (i32.const 0)) (i64.load (i32.const 8))"


def _bss(length: int) -> list[str]:
    return [f".bss {length}"]


def _store(name: str, theme: str, rules: Sequence[str], rows: Sequence[Arguments]) -> Recipe:
    return Recipe(
        id=f"exe-{name}-{theme}",
        rules=rules,
        summary=f"{name} of {'NaNs' if theme == 'nan' else 'edge values'} changes its own bytes and no others",
        oracle=_oracle(STORES, name),
        calls=[Calls(_store_at(name), rows)],
        data=_bss(WORDS),
        memory=bytes(WORDS),
    )


def _store_past_end(name: str) -> Recipe:
    size = size_of(name)
    value = operands.f64(1.5) if name.startswith("n") else PATTERNS[2]
    past = [_arguments(name, value, offset) for offset in (WORDS, WORDS + size, 1 << 31, (1 << 32) - size)]
    sound = [_arguments(name, value, WORDS - size), _arguments(name, value, 0)] * 2
    # Too few bytes for another value; where there are any, the first of them is returned too.
    tail = size - 1
    some = int(tail > 0)
    shown = Function(
        "after",
        Signature(i_results=2 + some),
        ["lbss i3, 0", "i_load64 i0, i3, 0", "i_load64 i1, i3, 1", *([f"i_load8_u i2, i3, {WORDS}"] * some), "ret"],
        _WORDS + f" (i64.load8_u (i32.const {WORDS}))" * some,
    )
    return Recipe(
        id=f"exe-{name}-out_of_bounds",
        rules=[recipes.row(name).rule, "PF-EXE-007", "PF-EXE-015"],
        summary=f"{name} traps where its last byte lies past the end, and then has stored no byte",
        oracle=_oracle(STORES, name),
        calls=[Calls(_store_at(name), _turns(past, sound)), Calls(_store_at(name), past[:1]), Calls(shown, [()])],
        data=_bss(WORDS + tail),
        memory=bytes(WORDS + tail),
        trap="out-of-bounds",
    )


def _displaced(name: str) -> Recipe:
    """Reaches the same bytes by a displacement and by an address."""
    size = size_of(name)
    load, store = (name, PARTNERS[name]) if name in LOADS else (PARTNERS[name], name)
    given, taken = store[0], load[0]
    functions = []
    for displacement in DISPLACEMENTS:
        far = displacement * size
        load_first = name in LOADS
        lines = [
            "lbss i1, 0",
            f"lbss i2, {far}",
            f"{store} {given}0, {'i2, 0' if load_first else f'i1, {displacement}'}",
            f"{load} {taken}0, {f'i1, {displacement}' if load_first else 'i2, 0'}",
            "ret",
        ]
        near, there = ("(i32.const 0)", far), (f"(i32.const {far})", 0)
        put, get = (there, near) if load_first else (near, there)
        stored = _access(STORES, store, *put, recipes.local(given, 0))
        loaded = recipes.result(taken, _access(LOADS, load, *get))
        signature = Signature(int(given == "i"), int(given == "n"), int(taken == "i"), int(taken == "n"))
        functions.append(Function(f"f{displacement}", signature, lines, f"{stored}\n{loaded}"))
    values = [1, -2, PATTERNS[2], operands.f32(0.5)]
    if given == "n":
        values = [operands.f64(1.5), operands.f64(-0.1)]
    return Recipe(
        id=f"exe-{name}-displacement",
        rules=[recipes.row(name).rule, "PF-EXE-025"],
        summary=f"{name} counts its displacement in units of {size} byte{'s' if size > 1 else ''}, up to 255 of them",
        oracle=_oracle(LOADS if name in LOADS else STORES, name),
        calls=[Calls(function, operands.singles(values)) for function in functions],
        data=_bss(256 * size),
        memory=bytes(256 * size),
    )


def _range(name: str, wasm: str, theme: str, rows: Sequence[Arguments]) -> Recipe:
    """An instruction on a range of two words that count up from 0."""
    low, high = (int.from_bytes(bytes(range(first, first + 8)), "little") for first in (0, 8))
    second = "i_add i1, i1, i3" if name == "mem_copy" else None
    lines = [
        "lbss i3, 0",
        *(f"i_const i4, ={low}", "i_store64 i4, i3, 0", f"i_const i4, ={high}", "i_store64 i4, i3, 1"),
        "i_add i0, i0, i3",
        *([second] if second else []),
        f"{name} i0, i1, i2",
        "i_load64 i0, i3, 0",
        "i_load64 i1, i3, 1",
        "ret",
    ]
    to, other, length = (f"(i32.wrap_i64 (local.get $i{k}))" for k in range(3))
    body = (
        f"(i64.store (i32.const 0) (i64.const {low})) (i64.store (i32.const 8) (i64.const {high}))\n"
        f"{wasm.format(to=to, second=other, length=length)}\n{_WORDS}"
    )
    trap = None if theme == "edges" else "out-of-bounds"
    return Recipe(
        id=f"exe-{name}-{theme}",
        rules=[recipes.row(name).rule, "PF-EXE-009", *(["PF-EXE-015"] if trap else [])],
        summary=f"{name} of two words that count up, at offsets and of lengths that {'leave them' if trap else 'fit'}",
        oracle=recipes.named(wasm),
        calls=[Calls(Function("f", Signature(i_params=3, i_results=2), lines, body), rows)],
        data=_bss(WORDS),
        memory=bytes(WORDS),
        trap=trap,
    )


def _oracle(expressions: dict[str, str], name: str) -> str:
    return recipes.named(expressions[name])
