"""What an item of the stream becomes where a word by itself is not enough.

Assumes the template of its instruction. Promises valid words. An item is 64 bits: the lowest byte chose the template,
the next three are the bytes a, b and c of the word, masked, and the upper half is free for choices. An item of zeros
but for the lowest byte makes the simplest choice everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from packfile.instructions import Opcode
from packfile.layout import Binding, ImportKind
from packfile.model import Import
from packfile_fuzz.generator.body import Body, Branch
from packfile_fuzz.generator.shape import HOST, INNER, Shape
from packfile_fuzz.generator.values import LENGTHS, LITERALS, MASK32, MASK64, OF_BANK, Bank

_SPREAD: Final = 0x9E3779B97F4A7C15
"""An odd factor that spreads what few bits choose over 64."""


class Source(NamedTuple):
    """A register that an instruction reads."""

    shift: int
    """Of its byte in the word."""
    op: int
    """The instruction that loads a constant into it."""
    values: tuple[int, ...]
    """What is worth loading, by a byte."""
    same: int
    """Bits of that byte: where all are zero, it decides the next source as well."""


class Field(NamedTuple):
    """An immediate in the word."""

    shift: int
    """Of its bits in the word."""
    values: tuple[int, ...]
    """What is worth having there, by a byte."""


class Detail(NamedTuple):
    """What the functions here need to know of an instruction."""

    sources: tuple[Source, ...] = ()
    """Registers that it reads, but for addresses."""
    fields: tuple[Field, ...] = ()
    """Its immediates."""
    branch: tuple[int, int] = (0, 0)
    """Shift and bits of its distance."""
    addresses: tuple[int, ...] = ()
    """Shifts of its registers that are addresses."""
    length: int = 0
    """Shift of its register that is a number of bytes; 0 if it has none."""
    writes: bool = False
    """Whether it writes to memory."""
    bank: Bank = "i"
    """Of the register that it writes."""


Emit = Callable[[Body, int, int, int, Detail], None]
"""Takes the item, the instruction's op, the bits that an item decides in its word, and the detail."""


def preload(body: Body, registers: int, choice: int, detail: Detail) -> None:
    """Load something decisive into the registers that an instruction will read."""
    for shift, op, values, same in detail.sources:
        body.load(op, registers >> shift & 0xFF, values[choice & 0xFF])
        choice >>= 8 if choice & same else 0


def immediate(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction with immediates in its word."""
    word = base | raw & mask
    choice = raw >> 32
    for shift, values in detail.fields:
        word |= values[choice & 0xFF] << shift
        choice >>= 8
    body.code.append(word)


def literal(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """An instruction with a literal that is a number: a boundary, or as the item has it."""
    value = LITERALS[raw >> 32 & 0xFF] if raw < _HALF else raw >> 32 & MASK32
    body.code += (base | raw & mask, value)


def constant(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction that names a constant: a boundary, or 64 bits without pattern."""
    value = OF_BANK[detail.bank][raw >> 32 & 0xFF] if raw < _HALF else (raw >> 32) * _SPREAD & MASK64
    body.code += (base | raw & mask, body.pool.constant(value))


_HALF: Final = 1 << 63


def address(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """An instruction that loads an address of a segment of this module: mostly to an address register."""
    offsets = next((o for op, o in body.segments.readable if op == base), LITERALS)
    word = base | raw & mask
    if raw >> 40 & 0xFF < 0xE0:
        number = raw >> 8 & 3
        word = base | body.layout.address + number << 8
        body.ready |= 1 << number
    body.code += (word, offsets[raw >> 32 & 0xFF])


def access(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """A load or store: mostly through an address register, and close to what it points to."""
    shift = detail.addresses[0]
    way = raw >> 32 & 0xFF
    word = base | raw & mask
    field = detail.fields[0] if detail.fields else None
    number = raw >> shift & 3
    if way < 0xFC:
        word = word & ~(0xFF << shift) | body.layout.address + number << shift
        if way >= 0xC0 or not body.ready >> number & 1:
            body.place(number, raw >> 48, writes=detail.writes or way & 1 == 1)
    if field is not None:
        near = raw >> field.shift & 3
        word |= (near if way & 0x1F else field.values[raw >> 40 & 0xFF]) << field.shift
    if way & 0x70 == 0x70:
        preload(body, raw & mask, raw >> 40, detail)
    body.code.append(word)


def block(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction on as many bytes as a register says."""
    word = base | raw & mask
    choice = raw >> 32
    for index, shift in enumerate(detail.addresses):
        number = raw >> shift & 3
        if choice & 0x30 == 0 or not body.ready >> number & 1:
            body.place(number, choice >> 8 + 8 * index, writes=index == 0 and choice & 0xF != 0)
        if choice & 0xF0 != 0xF0:
            word = word & ~(0xFF << shift) | body.layout.address + number << shift
    if detail.length and choice & 0xF != 0xF:
        body.small(body.layout.length, LENGTHS[(raw >> detail.length & 0xFF) % len(LENGTHS)])
        word = word & ~(0xFF << detail.length) | body.layout.length << detail.length
    body.code.append(word)


def advance(body: Body, raw: int, base: int, _mask: int, _detail: Detail) -> None:
    """Moves an address register on, so that loops walk through memory."""
    register = body.layout.address + (raw >> 8 & 3)
    step = (8, 8, 16, 8, -8, 4, 1, 24)[raw >> 32 & 7] & 0xFF
    body.code.append(base | register << 8 | register << 16 | step << 24)


def reference(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """A reference to a function of this module that may be called from here."""
    if body.callees:
        index, _ = body.callees[(raw >> 32 & 0xFF) % len(body.callees)]
        body.code += (base | raw & mask, index)


def call(body: Body, raw: int, base: int, _mask: int, _detail: Detail) -> None:
    """A call of a function of this module."""
    if body.callees:
        index, shape = body.callees[(raw >> 32 & 0xFF) % len(body.callees)]
        body.code += (base | body.window(raw, shape), index)


def call_slot(body: Body, raw: int, base: int, _mask: int, _detail: Detail) -> None:
    """A call through a slot."""
    slot, shape = _function_slot(body, raw)
    body.code += (base | body.window(raw, shape), slot)


def call_reference(body: Body, raw: int, base: int, _mask: int, _detail: Detail) -> None:
    """A call through a reference, which is loaded just before: no register holds one of a function further up."""
    way = raw >> 56
    register = body.layout.reference << 8
    if body.callees and way < 0x68:
        index, shape = body.callees[(raw >> 32 & 0xFF) % len(body.callees)]
        body.code += (Opcode.LFN | register, index)
    elif way < 0xE0:
        slot, shape = _function_slot(body, raw)
        body.code += (Opcode.LDSLOT | register, slot)
    else:
        shape = INNER[way & 7]
        body.load(Opcode.I_CONST, body.layout.reference, _NO_REFERENCES[way >> 3 & 3])
    if way & 7 == 7:
        shape = INNER[raw >> 48 & 7]
    body.code += (base | body.window(raw, shape) | body.layout.reference << 24, shape.word)


_NO_REFERENCES: Final = (0, 0, 1, 0x00000001_7FFFFFFF)
"""What refers to no function: null, and what is none of a set."""


def slot(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """An instruction that looks at a slot of any kind: what data it gives is an address."""
    way = raw >> 56
    if way < 0x60 or not body.pool.data:
        number, _ = _function_slot(body, raw)
        body.code += (base | raw & mask, number)
        return
    row = body.pool.data[(raw >> 32 & 0xFF) % len(body.pool.data)]
    number = body.pool.slot(row, fresh=way & 7 == 7)
    word = base | raw & mask
    if base == Opcode.LDSLOT:
        register = raw >> 8 & 3
        body.ready |= 1 << register
        word = base | body.layout.address + register << 8
    body.code += (word, number)


def branch(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """A branch."""
    body.branch(base | raw & mask, *detail.branch, raw >> 32)


def table(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """A table of one to four jumps, mostly on a small index."""
    shift, _ = detail.branch
    count = raw >> 32 & 3
    if raw >> 34 & 1:
        body.small((raw & mask) >> 8, (raw >> 35 & 7) - 1)
    body.code.append(base | raw & mask | count << 16)
    for entry in range(count + 1):
        body.branch(Opcode.JMP, shift, 24, raw >> 40 + 4 * entry)


def leave(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """An instruction that execution does not go past, behind a branch, or what comes after it would be idle."""
    guard = Opcode.JMP_IF if raw >> 32 & 0xF == 0xF else Opcode.JMP_UNLESS
    body.code.append(guard | (raw >> 40 & body.layout.general) << 8 | 2 << 16)
    body.code.append(base | (returned(body, raw) if base == Opcode.RET else raw & mask))


def returned(body: Body, raw: int) -> int:
    """Fields a and b of a return."""
    signature = body.shape.signature
    i, n = raw >> 8, raw >> 16
    return min(i & 7, 8 - signature.i_results) << 8 | min(n & 7, 8 - signature.n_results) << 16


def loop(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """A counted loop, of which this instruction is the branch back."""
    back = Branch(base | raw & mask, *detail.branch)
    body.begin_loop(1 + (raw >> 32 & 7), 1 + (raw >> 40 & 3), back)


_BINDINGS: Final = (Binding.EAGER, Binding.LAZY, Binding.WEAK)
_HOST_NAMES: Final = ("log_i", "log_n", "mix", "log_n", "log_i", "mix", "log_i", "log_n") * 3 + ("trap",)


def _function_slot(body: Body, raw: int) -> tuple[int, Shape]:
    way, how = raw >> 32 & 0xFF, raw >> 40 & 0xFF
    if way < 0x70 or not body.targets:
        name = _HOST_NAMES[way % len(_HOST_NAMES)]
        module, shape = "host", HOST[name]
    else:
        module, name, shape = body.targets[way % len(body.targets)]
    binding = _BINDINGS[how % 3]
    if way >= 0xF0:
        # Eager would make the set unlinkable, and so would weak where something of that name is there.
        binding = Binding.LAZY
        if way < 0xF6:
            shape = INNER[how & 7]
        else:
            module, name, binding = (module if way & 1 else "absent"), "absent", _BINDINGS[1 + how % 2]
        if how >= 0xFC:
            binding = Binding.EAGER
    row = imported(ImportKind.FUNCTION, binding, module, name, shape.word)
    return body.pool.slot(row, fresh=raw >> 48 & 0x1F == 0x1F), shape


@cache
def imported(kind: ImportKind, binding: Binding, module: str, name: str, requirement: int) -> Import:
    """An import; equal ones are the same, since there are few and making one takes long."""
    return Import(kind, binding, module, name, requirement)
