"""From bytes to a set of modules and the calls into it.

Assumes nothing of the bytes. Promises a valid program. The bytes are a stream of items of eight, zeros after the end:
one for the program, one for each module, one for each function, those of the calls, and then the bodies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from packfile.instructions import Opcode
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Import, Module
from packfile_fuzz.generator import emit
from packfile_fuzz.generator.body import Body, Pool, Target, segments
from packfile_fuzz.generator.shape import LAYOUTS, SHAPES, Shape
from packfile_fuzz.generator.templates import Template, policy
from packfile_fuzz.generator.values import ARGUMENTS, CONTENTS, OF_BANK, SIZES
from packfile_fuzz.program import Call, Entry, Program

_MODULES: Final = (1, 2, 1, 2, 3, 2, 1, 3)
_FUNCTIONS: Final = (1, 2, 3, 2, 4, 3, 2, 3)
_CALLS: Final = (1, 2, 3, 2)
_NAMES: Final = (("main", "lib", "aux"), ("a", "aa", "\u00e9\U0001f600"))
_FUNCTION_NAMES: Final = (("f0", "f1", "f2", "f3"), ("b", "\u00fc.\u4e2d", "ba", "a" * 255))
_DATA_NAMES: Final = ("rodata", "data", "bss")
_FREE_FROM: Final = 243
_MOST_ITEMS: Final = 25
_SEGMENTS: Final = (Segment.RODATA, Segment.DATA, Segment.BSS)
_FUELS: Final = (0, 1, 2, 3, 5, 8, 100, 9_007_199_254_740_991)
_DEPTHS: Final = (0, 1, 2, 3, 4, 9_007_199_254_740_991, 50, 50)


class _Plan(NamedTuple):
    """What is known of a module before its bodies."""

    name: str
    choice: int
    """Its item."""
    shapes: tuple[Shape, ...]
    """Of its functions."""
    items: tuple[int, ...]
    """Of its functions."""
    sizes: tuple[int, int, int]
    """Of its segments."""


def build(content: bytes) -> Program:
    """The program that bytes stand for."""
    count = (len(content) + 7) // 8
    stream = iter(struct.unpack(f"<{count}Q", content.ljust(8 * count, b"\0")))
    head = next(stream, 0)
    names = _NAMES[head >> 24 & 1]
    functions = _FUNCTION_NAMES[head >> 25 & 1]
    plans = [_plan(stream, name) for name in names[: _MODULES[head & 7]]]
    calls = tuple(_call(stream, plans, functions) for _ in range(_CALLS[head >> 32 & 3]))
    free = head >> 16 & 0xFF >= _FREE_FROM
    data = tuple(row for plan in plans for row in _data_imports(plan.name, plan.sizes))
    ranked = [
        (index, position, Target(plan.name, functions[index], shape))
        for position, plan in enumerate(plans)
        for index, shape in enumerate(plan.shapes)
    ]
    ranked.sort(key=_rank)
    entries = []
    uses_host = False
    for position, plan in enumerate(plans):
        pool = Pool(data)
        bodies = tuple(
            _function(stream, plan, index, pool, _after(ranked, index, position, free=free), head)
            for index in range(len(plan.shapes))
        )
        uses_host = uses_host or any(row.module == "host" for row in pool.imports)
        entries.append(_entry(plan, bodies, pool, functions))
    if uses_host and head >> 40 & 0xFF != 0xFF:
        entries.insert((head >> 48 & 0xFF) % (len(entries) + 1), _HOST)
    return Program(tuple(entries), calls)


_HOST: Final = Entry("host", None)


def _rank(ranked: tuple[int, int, Target]) -> tuple[int, int]:
    return ranked[:2]


def _after(
    ranked: list[tuple[int, int, Target]], index: int, position: int, *, free: bool
) -> tuple[list[tuple[int, Shape]], list[Target], bool]:
    """What a function may call, of its module and by import: in free form anything, else what comes after it."""
    after = ranked if free else [row for row in ranked if row[:2] > (index, position)]
    return [(row[0], row[2].shape) for row in after if row[1] == position], [row[2] for row in after], free


def _plan(stream: Iterator[int], name: str) -> _Plan:
    choice = next(stream, 0)
    items = tuple(next(stream, 0) for _ in range(_FUNCTIONS[choice & 7]))
    shapes = tuple(SHAPES[(item & 7) + 8 * (index == 0)] for index, item in enumerate(items))
    sizes = SIZES[choice >> 8 & 7], SIZES[choice >> 11 & 7], SIZES[choice >> 14 & 7]
    return _Plan(name, choice, shapes, items, sizes)


def _function(
    stream: Iterator[int],
    plan: _Plan,
    index: int,
    pool: Pool,
    after: tuple[list[tuple[int, Shape]], list[Target], bool],
    head: int,
) -> Function:
    item = plan.items[index]
    shape = plan.shapes[index]
    number = item >> 8 & 3
    layout = LAYOUTS[number]
    callees, targets, free = after
    body = Body(shape, layout, pool, segments(*plan.sizes), callees, targets, free=free)
    _write(body, stream, policy(head >> 8 & 0xFF, number))
    last = Opcode.UNREACHABLE if item >> 16 & 0x7F == 0x7F else Opcode.RET | emit.returned(body, item >> 16)
    i_registers, n_registers = layout.registers
    more = item >> 48 & 0xFF
    if more > 0xE0:
        i_registers, n_registers = min(i_registers + more - 0xE0, 255), 255
    return Function(shape.signature, i_registers, n_registers, body.finish(last))


def _write(body: Body, stream: Iterator[int], table: Sequence[Template]) -> None:
    """Write what the stream says, up to its first item that ends the function."""
    code, start = body.code, body.starts.append
    append = code.append
    for index, raw in enumerate(islice(stream, _MOST_ITEMS)):
        by, base, mask, least, detail = table[raw & 0xFF]
        if base == 0:
            break
        start(len(code))
        if index >= body.close:
            body.index = index
            body.end_loops()
        if by is None:
            if raw >= least:
                emit.preload(body, raw, mask, detail)
            append(base | raw & mask)
        else:
            body.index = index
            by(body, raw, base, mask, detail)


def _entry(plan: _Plan, functions: tuple[Function, ...], pool: Pool, names: tuple[str, ...]) -> Entry:
    choice = plan.choice
    rare = choice >> 24 & 0xFF
    contents = CONTENTS[choice >> 32 & 7], CONTENTS[choice >> 35 & 7]
    hidden = choice >> 40 & 0xF == 0xF and len(functions) > 1
    entry = (choice >> 44 & 0xF) % (len(functions) + 1)
    module = Module(
        functions=functions,
        imports=tuple(pool.imports),
        exports=_exports(names, len(functions) - hidden, plan.sizes),
        constants=tuple(pool.constants),
        rodata=contents[0][: plan.sizes[0]],
        data=contents[1][: plan.sizes[1]],
        bss_size=plan.sizes[2],
        entry=entry - 1 if entry else None,
        unit_log2=16 if rare == 0xFF else 12,
        digests=0xF0 <= rare < 0xF8,
    )
    return Entry(plan.name, module, ByteOrder.BIG if choice >> 48 & 1 else ByteOrder.LITTLE)


@cache
def _exports(names: tuple[str, ...], count: int, sizes: tuple[int, int, int]) -> tuple[Export, ...]:
    """Exports of the first functions, and of the segments that exist but for their first bytes."""
    functions = [Export(names[k], ImportKind.FUNCTION, Segment.NONE, k, 0) for k in range(count)]
    data = [
        Export(name, ImportKind.DATA, segment, 8 if size > 64 else 0, size - 8 if size > 64 else size)
        for name, segment, size in zip(_DATA_NAMES, _SEGMENTS, sizes, strict=True)
        if size
    ]
    return tuple(sorted((*functions, *data), key=lambda export: export.name.encode()))


@cache
def _data_imports(module: str, sizes: tuple[int, int, int]) -> tuple[Import, ...]:
    """Imports of a module's data to choose from: most of them match, and none of those that do not is eager."""
    good = [
        emit.imported(ImportKind.DATA, binding, module, name, requirement)
        for name, size in zip(_DATA_NAMES, sizes, strict=True)
        if size
        for binding, requirement in ((Binding.EAGER, 8), (Binding.LAZY, 1), (Binding.WEAK, 0), (Binding.EAGER, 12))
    ]
    wanting = (
        (ImportKind.DATA, Binding.LAZY, "bss", 1 << 31),
        (ImportKind.DATA, Binding.WEAK, "absent", 0),
        (ImportKind.FUNCTION, Binding.LAZY, "data", 0),
    )
    return (*good, *(emit.imported(kind, binding, module, name, size) for kind, binding, name, size in wanting))


def _call(stream: Iterator[int], plans: list[_Plan], names: tuple[str, ...]) -> Call:
    choice = next(stream, 0)
    plan = plans[(choice & 0xFF) % len(plans)]
    # Mostly the functions that call others, and more than once, since what they left in memory stays.
    index = (choice >> 8 & 0x1F) % len(plan.shapes) if choice >> 13 & 7 == 7 else 0
    signature = plan.shapes[index].signature
    odd = choice >> 16 & 0xFF
    i_count, n_count = signature.i_params, signature.n_params
    name: str | None = names[index]
    if odd >= 0xF8:
        if odd >= 0xFC:
            name = None if odd & 1 else "absent"
        else:
            i_count += 1
    tight = choice >> 24 & 0xFF
    return Call(
        plan.name,
        name,
        tuple([ARGUMENTS[x] for x in _bytes(stream, i_count)]),
        tuple([_FLOATS[x] for x in _bytes(stream, n_count)]),
        _FUELS[tight & 7] if tight >= 0xF8 else 1000,
        _DEPTHS[choice >> 32 & 7] if tight & 0xF8 == 0xF0 else 50,
    )


_FLOATS: Final = OF_BANK["n"]


def _bytes(stream: Iterator[int], count: int) -> bytes:
    content = next(stream, 0).to_bytes(8, "little") if count else b""
    return (content if count <= 8 else content + content)[:count]
