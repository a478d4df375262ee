"""From bytes to a set of modules and the calls into it.

Assumes nothing of the bytes. Promises a valid program. The bytes are items of eight, zeros after the end. The first are
in fixed places: one for the program, then one for each of 3 modules and 12 functions and 3 for each of 4 calls, whether
or not there are so many. The bodies follow, one after the other, and in them items of zeros are nothing: so a part of
the bytes can be zeroed, or a number lowered, and the rest still means what it did.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from packfile.instructions import Opcode
from packfile.layout import Binding, ByteOrder, ImportKind, SectionKind, Segment
from packfile.model import Export, Function, Import, Module, Skippable
from packfile_fuzz.generator import emit
from packfile_fuzz.generator.body import Body, Pool, Target, segments
from packfile_fuzz.generator.shape import HOST, INNER, LAYOUTS, OUTER, Shape, other
from packfile_fuzz.generator.templates import Template, policy
from packfile_fuzz.generator.values import ARGUMENTS, CONTENTS, OF_BANK, SIZES
from packfile_fuzz.program import Call, Entry, Program

_MODULES: Final = (1, 2, 1, 2, 3, 2, 1, 3)
_FUNCTIONS: Final = (1, 2, 3, 2, 4, 3, 2, 3)
_LAYOUTS: Final = (0, 0, 1, 2)
_CALLS: Final = (1, 2, 3, 4)
_NAMES: Final = (
    ("main", "lib", "aux"),
    ("a", "aa", "\u00e9\U0001f600"),
    ("a\0", "a\0a", "a"),
    ("n" * 32 + "b", "n" * 33, "n" * 32),
)
_FUNCTION_NAMES: Final = (
    ("f0", "f1", "f2", "f3"),
    ("b", "\u00fc.\u4e2d", "ba", "a" * 255),
    ("\0", "d\0", "d\0\0", "d"),
    ("n" * 64 + "b", "n" * 65, "n" * 64, "n" * 64 + "c"),
)
"""Those that are alike differ in their ends, in their lengths, and behind a zero byte."""
_DATA_NAMES: Final = ("rodata", "data", "bss")
_FREE_FROM: Final = 243
_MOST_ITEMS: Final = 25
_MODULES_AT: Final = 1
_FUNCTIONS_AT: Final = 4
_CALLS_AT: Final = 16
HEAD_ITEMS: Final = 28
"""Items before the bodies."""
MOST_READ: Final = HEAD_ITEMS + 12 * (_MOST_ITEMS + 1)
"""Items past which nothing is read."""
_SEGMENTS: Final = (Segment.RODATA, Segment.DATA, Segment.BSS)
_FUELS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 8, 9, 10, 100, 9_007_199_254_740_991)
"""The last, which is the most there is, never ends what goes round for ever: free form has the first half alone."""
_DEPTHS: Final = (0, 1, 2, 3, 4, 9_007_199_254_740_991, 50, 50)
_SCARCE_FUEL: Final = 0x1F
_SCARCE_DEPTH: Final = 0x1E
"""What few programs have little of: so little that what needs it is met just where it runs out."""
_MIXED: Final = (Binding.EAGER, Binding.LAZY, Binding.WEAK)
_BINDINGS: Final = (_MIXED, _MIXED, (Binding.LAZY,) * 3, (Binding.LAZY,) * 3)
"""Of functions. Where all are lazy, sets link whatever is wrong with what they import."""
_HOST_NAMES: Final = ("log_i", "log_n", "mix", "log_n", "log_i", "mix", "log_i", "log_n") * 3 + ("trap",)
_HOST_NAMES_SCARCE: Final = ("trap", "log_i")
"""The host's trap is what shows whether it was called without fuel."""


class _Plan(NamedTuple):
    """What is known of a module before its bodies."""

    name: str
    choice: int
    """Its item."""
    shapes: list[Shape]
    """Of its functions."""
    items: Sequence[int]
    """Of its functions."""
    sizes: tuple[int, int, int]
    """Of its segments."""


def build(content: bytes) -> Program:
    """The program that bytes stand for."""
    items = _items(content)
    head = items[0]
    names = _FUNCTION_NAMES[head >> 26 & 3]
    module_names = _NAMES[head >> 24 & 3]
    plans = [_plan(items, position, module_names[position]) for position in range(_MODULES[head & 7])]
    free = head >> 16 & 0xFF >= _FREE_FROM
    scarce = head >> 3 & 0x1F
    calls = [_call(items, number, plans, names, scarce, free=free) for number in range(_CALLS[head >> 32 & 3])]
    bindings = _BINDINGS[head >> 34 & 3]
    host = _HOST_NAMES if scarce != _SCARCE_FUEL else _HOST_NAMES_SCARCE
    data = tuple([row for plan in plans for row in _data_imports(plan.name, plan.sizes, names[0])])
    order = _Order(plans, names, free=free)
    stream = filter(None, items[HEAD_ITEMS:])
    entries = []
    uses_host = False
    for position, plan in enumerate(plans):
        pool = Pool(data, host, bindings)
        functions = [
            _function(stream, plan, index, pool, order.after(position, index), head) for index in range(len(plan.items))
        ]
        uses_host = uses_host or any([row.module == "host" for row in pool.imports])  # noqa: C419 - faster on few
        entries.append(_entry(plan, functions, pool, names))
    if uses_host and head >> 40 & 0xFF != 0xFF:
        entries.insert((head >> 48 & 0xFF) % (len(entries) + 1), _HOST)
    if head >> 57 == 0x7F:
        # Two of one name, which cannot be linked.
        entries[-1] = replace(entries[-1], name=entries[0].name)
    return Program(tuple(entries), tuple(calls))


def _items(content: bytes) -> tuple[int, ...]:
    count = min(max((len(content) + 7) // 8, HEAD_ITEMS), MOST_READ)
    return _unpacker(count)(content.ljust(8 * count, b"\0"))


@cache
def _unpacker(count: int) -> Callable[[bytes], tuple[int, ...]]:
    return struct.Struct(f"<{count}Q").unpack_from


_HOST: Final = Entry("host", None)

_After = tuple[Sequence[tuple[int, Shape]], Sequence[Target], bool]
"""What a function may call in its module, what it may import, and whether that is free form."""


class _Order:
    """All functions, in an order in which each calls only those after it: by their indexes, and modules take turns.

    So modules import from each other in cycles, and still no call comes back.
    """

    __slots__ = ("_after", "_free", "_plans", "_targets")

    def __init__(self, plans: Sequence[_Plan], names: tuple[str, ...], *, free: bool) -> None:
        self._free = free
        self._plans = plans
        self._targets: list[Target] = []
        self._after: dict[tuple[int, int], int] = {}
        for index in range(max([len(plan.items) for plan in plans])):
            for position, plan in enumerate(plans):
                if index < len(plan.items):
                    self._targets.append(Target(plan.name, names[index], plan.shapes[index]))
                    self._after[position, index] = len(self._targets)

    def after(self, position: int, index: int) -> _After:
        """What a function may call: in free form anything."""
        own = tuple(enumerate(self._plans[position].shapes))
        if self._free:
            return own, self._targets, True
        return own[index + 1 :], self._targets[self._after[position, index] :], False


def _plan(head: Sequence[int], position: int, name: str) -> _Plan:
    choice = head[_MODULES_AT + position]
    first = _FUNCTIONS_AT + 4 * position
    items = head[first : first + _FUNCTIONS[choice & 7]]
    shapes = [INNER[item & 7] for item in items]
    shapes[0] = OUTER[items[0] & 7]
    sizes = SIZES[choice >> 8 & 7], SIZES[choice >> 11 & 7], SIZES[choice >> 14 & 7]
    return _Plan(name, choice, shapes, items, sizes)


def _function(stream: Iterator[int], plan: _Plan, index: int, pool: Pool, after: _After, head: int) -> Function:
    item = plan.items[index]
    shape = plan.shapes[index]
    number = _LAYOUTS[item >> 8 & 3]
    layout = LAYOUTS[number]
    callees, targets, free = after
    body = Body(shape, layout, pool, segments(plan.sizes), callees, targets, free=free)
    if index == 0 and item >> 56 == 0xFF and item >> 40 & 1:
        body.code += _FAR
    _write(body, stream, policy(head >> 8 & 0xFF, number))
    last = Opcode.UNREACHABLE if item >> 16 & 0x7F == 0x7F else Opcode.RET | emit.returned(body, item >> 16)
    i_registers, n_registers = layout.i_registers, layout.n_registers
    more = item >> 48 & 0xFF
    if more > 0xE0:
        i_registers, n_registers = min(i_registers + more - 0xE0, 255), 255
    return Function(shape.signature, i_registers, n_registers, body.finish(last))


_FAR: Final = (Opcode.JMP | 33_001 << 8, *([int(Opcode.UNREACHABLE)] * 33_000))
"""A jump of a distance that needs more than 16 bits, and what it passes."""


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
                emit.decided(body, raw, base, mask, detail)
            else:
                append(base | raw & mask)
        else:
            body.index = index
            by(body, raw, base, mask, detail)


def _entry(plan: _Plan, functions: Sequence[Function], pool: Pool, names: tuple[str, ...]) -> Entry:
    choice = plan.choice
    rare = choice >> 24 & 0xFF
    hidden = choice >> 40 & 0xF == 0xF and len(functions) > 1
    module = Module(
        functions=tuple(functions),
        imports=tuple(pool.imports),
        exports=_exports(names, len(functions) - hidden, plan.sizes),
        constants=tuple(pool.constants),
        rodata=CONTENTS[choice >> 32 & 7][: plan.sizes[0]],
        data=CONTENTS[choice >> 35 & 7][: plan.sizes[1]],
        bss_size=plan.sizes[2],
        entry=_entry_of(plan),
        unit_log2=16 if rare >= 0xFE else 12,
        skippable=_SKIPPABLE if 0xE4 <= rare < 0xEC else (),
        digests=0xEC <= rare < 0xF8,
    )
    return Entry(plan.name, module, ByteOrder.BIG if choice >> 48 & 1 else ByteOrder.LITTLE)


_SKIPPABLE: Final = (Skippable(int(SectionKind.NAMES), b"names"), Skippable(int(SectionKind.LINES), b"\0"))


def _entry_of(plan: _Plan) -> int | None:
    number = (plan.choice >> 44 & 0xF) % (len(plan.items) + 1)
    return number - 1 if number else None


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
def _data_imports(module: str, sizes: tuple[int, int, int], function: str) -> tuple[Import, ...]:
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
        (ImportKind.DATA, Binding.LAZY, function, 0),
    )
    return (*good, *(emit.imported(kind, binding, module, name, size) for kind, binding, name, size in wanting))


def _call(
    head: Sequence[int], number: int, plans: Sequence[_Plan], names: tuple[str, ...], scarce: int, *, free: bool
) -> Call:
    choice, i, n = head[_CALLS_AT + 3 * number : _CALLS_AT + 3 * number + 3]
    plan = plans[(choice & 0xFF) % len(plans)]
    # Mostly the functions that call others, and more than once, since what they left in memory stays.
    index = (choice >> 8 & 0x1F) % len(plan.shapes) if choice >> 13 & 7 > 4 else 0
    module, name, shape = plan.name, names[index], plan.shapes[index]
    odd = choice >> 16 & 0xFF
    given: str | None = name
    if odd >= 0xF0:
        given, shape = None, plan.shapes[_entry_of(plan) or 0]
    elif odd in (0xEE, 0xEF):
        module, given, shape = "host", "mix", HOST["mix"]
    elif odd in (0xEC, 0xED):
        given = emit.like(name, choice >> 32)
    elif odd in (0xEA, 0xEB):
        given = _DATA_NAMES[choice >> 32 & 1]
    elif odd == 0xE9:
        module = emit.like(module, choice >> 32)
    elif odd >= 0xE6:
        shape = other(shape, choice >> 32)
    signature = shape.signature
    fuel, depth = _limits(choice >> 24, number, scarce, free=free)
    return Call(
        module,
        given,
        tuple([ARGUMENTS[x] for x in i.to_bytes(8, "little")[: signature.i_params]]),
        tuple([_FLOATS[x] for x in n.to_bytes(8, "little")[: signature.n_params]]),
        fuel,
        depth,
    )


def _limits(choice: int, number: int, scarce: int, *, free: bool) -> tuple[int, int]:
    """Fuel and depth of a call: mostly enough."""
    tight = choice & 0xFF
    if scarce == _SCARCE_FUEL:
        return 1 + (tight & 3), 50
    if scarce == _SCARCE_DEPTH and number:
        # What the first call verified is entered in another way.
        return 1000, 1 + (tight & 1)
    fuel = _FUELS[choice >> 12 & (7 if free else 15)] if tight >= 0xF8 else 1000
    return fuel, _DEPTHS[tight & 7] if tight & 0xF8 == 0xE8 else 50


_FLOATS: Final = OF_BANK["n"]
