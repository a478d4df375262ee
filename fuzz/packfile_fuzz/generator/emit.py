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
from packfile_fuzz.generator.shape import ADDRESSES, HOST, INNER, MOST, Shape, other
from packfile_fuzz.generator.values import CORE, LENGTHS, LITERALS, MASK32, MASK64, OF_BANK, OWN, SPECIAL, Bank

_HALF: Final = 1 << 63
"""Half of the items are not below this."""
_MOSTLY: Final = 3 << 62
"""Three quarters of the items are below this."""
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
    gives: bool = False
    """Whether it writes a register, which then is its operand a."""


Emit = Callable[[Body, int, int, int, Detail], None]
"""Takes the item, the instruction's op, the bits that an item decides in its word, and the detail."""


def preload(body: Body, registers: int, choice: int, detail: Detail) -> None:
    """Load something decisive into the registers that an instruction will read.

    Mostly it is a combination of what decides most, of which there are few, so that all of them come up.
    """
    first, mask, step = _WAYS[choice & 7]
    choice >>= 3
    for shift, op, values in detail.sources:
        body.load(op, registers >> shift & 0xFF, values[first + (choice & mask)])
        choice >>= step


_WAYS: Final = (*[(0, CORE - 1, 3)] * 3, *[(CORE - OWN, OWN - 1, 1)] * 2, *[(0, 0xFF, 8)] * 2, (0, 0xFF, 0))
"""The first value to choose from, bits that choose one, and how far it is to those of the next source: 0 for the same
in all. Some have an instruction's own values in all its sources."""


def observe(body: Body, register: int, bank: Bank) -> None:
    """Tell the host what a register holds."""
    row, shift = _LOGS[bank]
    body.code += (Opcode.CALLI | register << shift, body.pool.slot(row, fresh=False))


def decided(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction of registers alone, on something decisive; half of the time the host is told its result."""
    word = raw & mask
    preload(body, word, raw >> 32, detail)
    body.code.append(base | word)
    if raw >> 56 & 1 and detail.gives:
        observe(body, word >> 8 & 0xFF, detail.bank)


def immediate(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction with immediates in its word."""
    word = base | raw & mask
    choice = raw >> 32
    for shift, values in detail.fields:
        word |= values[choice & 0xFF] << shift
        choice >>= 8
    if raw < _HALF:
        body.code.append(word)
        return
    preload(body, raw & mask, choice, detail)
    body.code.append(word)
    if raw >> 56 & 1:
        observe(body, word >> 8 & 0xFF, detail.bank)


def literal(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """An instruction with a literal that is a number: a boundary, or as the item has it."""
    value = LITERALS[raw >> 32 & 0xFF] if raw < _HALF else raw >> 32 & MASK32
    body.code += (base | raw & mask, value)


def constant(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction that names a constant: a boundary, or 64 bits without pattern."""
    value = OF_BANK[detail.bank][raw >> 32 & 0xFF] if raw < _HALF else (raw >> 32) * _SPREAD & MASK64
    body.code += (base | raw & mask, body.pool.constant(value))


def address(body: Body, raw: int, base: int, mask: int, _detail: Detail) -> None:
    """An instruction that loads an address of a segment of this module: mostly to an address register."""
    offsets = next((o for op, o, _ in body.segments.readable if op == base), LITERALS)
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
            if raw >> 40 & 0x1F == 0x1F:
                body.lose(number, raw >> 45)
    if field is not None:
        near = raw >> field.shift & 3
        word |= (near if way & 0x1F else field.values[raw >> 40 & 0xFF]) << field.shift
    if way & 0x30 == 0x30:
        preload(body, raw & mask, raw >> 40, detail)
    body.code.append(word)
    body.accessed[number] = word if way < 0xFC else 0
    if raw >= _MOSTLY and detail.gives:
        observe(body, word >> 8 & 0xFF, detail.bank)


def block(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """An instruction on as many bytes as a register says."""
    word = base | raw & mask
    choice = raw >> 32
    if raw >= _MOSTLY:
        body.code.append(at_edge(body, raw, word, detail))
        return
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


def at_edge(body: Body, raw: int, word: int, detail: Detail) -> int:
    """The word of an instruction on as many bytes as there are before the end of a segment, or one more, or on none.

    One of its ranges ends there, or they all do, or an address is none.
    """
    choice = raw >> 32
    room = LENGTHS[(raw >> detail.length & 0xF)]
    for index, shift in enumerate(detail.addresses):
        way = choice >> 2 + 3 * index & 7
        if way < 4:
            # To be read, so that what is written to may be read only; room for no byte in the worst case.
            body.place_at_end(index, choice >> 8 + 8 * index, room if way else 0, writes=index == 0 and way & 1 == 1)
        else:
            body.place(index, choice >> 8 + 8 * index, writes=index == 0)
            if way == 7:
                body.lose(index, choice >> 8 + 8 * index)
        word = word & ~(0xFF << shift) | body.layout.address + index << shift
    body.small(body.layout.length, (room, room + 1, room, 0)[choice & 3])
    return word & ~(0xFF << detail.length) | body.layout.length << detail.length


def advance(body: Body, raw: int, base: int, _mask: int, _detail: Detail) -> None:
    """Moves an address register on, so that loops walk through memory; half of the time between two equal accesses."""
    number = raw >> 8 & 3
    register = body.layout.address + number
    step = (8, 8, 16, 8, -8, 4, 1, 24)[raw >> 32 & 7] & 0xFF
    word = body.accessed[number] if raw >= _HALF else 0
    if word:
        body.code.append(word)
    body.code.append(base | register << 8 | register << 16 | step << 24)
    if word:
        body.code.append(word)


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
    """A call through a slot; some are made only if it is bound.

    Of some the host is told the first result, and they are given something decisive.
    """
    slot, shape = _function_slot(body, raw)
    word = base | body.window(raw, shape)
    decides = raw >= _MOSTLY
    if decides:
        for number in range(min(2, shape.signature.i_params)):
            value = SPECIAL["i"][raw >> 53 + 3 * number & CORE - 1]
            body.load(Opcode.I_CONST, (word >> 8 & 0xFF) + number, value)
    if raw >> 24 & 1 and body.pool.imports[slot].module != "host":
        register = (raw >> 25 & body.layout.general) << 8
        body.code += (Opcode.BOUND | register, slot, Opcode.JMP_UNLESS | register | 3 << 16)
    body.code += (word, slot)
    if decides and shape.signature.i_results:
        observe(body, word >> 8 & 0xFF, "i")


def call_reference(body: Body, raw: int, base: int, _mask: int, _detail: Detail) -> None:
    """A call through a reference, which is loaded just before: no register holds one of a function further up.

    Some choose between two references, so that the same instruction calls one function after the other.
    """
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
    if raw >> 53 & 3 == 3:
        second = body.layout.zero
        if body.callees and raw >> 29 & 3:
            second = body.layout.length
            body.code += (Opcode.LFN | second << 8, body.callees[(raw >> 40 & 0xFF) % len(body.callees)][0])
        body.code.append(Opcode.I_SELECT | register | second << 16 | _condition(body, raw >> 24) << 24)
    if way & 7 == 7:
        shape = other(shape, raw >> 48)
    body.code += (base | body.window(raw, shape) | body.layout.reference << 24, shape.word)


def _condition(body: Body, choice: int) -> int:
    """A register that chooses between two references: in a loop one that its last turn finds zero."""
    if not body.loops:
        return choice & body.layout.general
    number = ADDRESSES - 1
    register, counter = body.layout.address + number, body.layout.counter + len(body.loops) - 1
    body.ready &= ~(1 << number)
    body.code.append(Opcode.I_ADD_IMM | register << 8 | counter << 16 | 0xFF << 24)
    return register


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
    """A branch, some on something decisive."""
    if raw >= _MOSTLY:
        preload(body, raw & mask, raw >> 40, detail)
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
    return min(i & 7, MOST - signature.i_results) << 8 | min(n & 7, MOST - signature.n_results) << 16


def loop(body: Body, raw: int, base: int, mask: int, detail: Detail) -> None:
    """A counted loop, of which this instruction is the branch back."""
    back = Branch(base | raw & mask, *detail.branch)
    body.begin_loop(1 + (raw >> 32 & 7), 1 + (raw >> 40 & 3), back)


def like(name: str, choice: int) -> str:
    """A name that is another one, but maybe not by much."""
    return (name + "\0", name + "~", name[:-1] + "~", "absent")[choice & 3]


_NOT_EAGER: Final = (Binding.LAZY, Binding.WEAK)


def _function_slot(body: Body, raw: int) -> tuple[int, Shape]:
    way, how = raw >> 32 & 0xFF, raw >> 40 & 0xFF
    if way < 0x70 or not body.targets:
        name = body.pool.host[way % len(body.pool.host)]
        module, shape = "host", HOST[name]
    else:
        module, name, shape = body.targets[way % len(body.targets)]
    binding = body.pool.bindings[how % 3]
    if way >= 0xF0:
        # Eager would make the set unlinkable, and so would weak where something of that name is there.
        binding = Binding.LAZY
        if way < 0xF6:
            shape = other(shape, how)
        else:
            module, name = (module if way & 1 else "absent"), like(name, how >> 3)
            binding = _NOT_EAGER[how % 2]
        if how >= 0xFC:
            binding = Binding.EAGER
    row = imported(ImportKind.FUNCTION, binding, module, name, shape.word)
    return body.pool.slot(row, fresh=raw >> 48 & 0x1F == 0x1F), shape


@cache
def imported(kind: ImportKind, binding: Binding, module: str, name: str, requirement: int) -> Import:
    """An import; equal ones are the same, since there are few and making one takes long."""
    return Import(kind, binding, module, name, requirement)


_LOGS: Final[dict[Bank, tuple[Import, int]]] = {
    "i": (imported(ImportKind.FUNCTION, Binding.EAGER, "host", "log_i", HOST["log_i"].word), 8),
    "n": (imported(ImportKind.FUNCTION, Binding.EAGER, "host", "log_n", HOST["log_n"].word), 16),
}
"""What tells the host of a register, and the shift of the register in the word of the call."""
