"""Every instruction of the reference against the text of its `-effect`.

The same assembly is run by the reference and by tools/spec_machine, which evaluates the effects of
spec/instructions.ksy. Each function takes and gives the first registers of both banks, so what an instruction should
leave alone is compared too, and so are the memory that it leaves behind and the fuel that it charges.
"""

import dataclasses
import itertools
import random
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import packfile
from packfile.assembler import assemble
from packfile.layout import ByteOrder, Segment
from packfile.writer import encode
from spec_machine import effects, table
from spec_machine.floats import Float
from spec_machine.integers import wrap
from spec_machine.memory import Trap as SpecTrap
from spec_machine.program import Program

ROWS = table.read().rows
NEED_MORE = {"call", "calli", "callr", "lfn", "ldslot", "bound?"}
"""Instructions whose effect looks at other functions or modules; tests of calls and links are about them."""
INSTRUCTIONS = sorted(set(ROWS) - NEED_MORE)
PURE = {*effects.PURE, "trap_if", "constant"}
ON_REGISTERS = sorted(name for name, row in ROWS.items() if set(re.findall(r"(\w+)\(", row.effect)) <= PURE)
"""Instructions that read and write registers and nothing else."""
RODATA, DATA, BSS = 20, 33, 17
"""Lengths at which accesses of every size end past the end by some of their bytes."""
SEGMENTS = {"rodata": Segment.RODATA, "data": Segment.DATA, "bss": Segment.BSS}
EXAMPLES = 100

LEAST, GREATEST = -(1 << 63), (1 << 63) - 1
INTEGERS = [
    *(0, 1, -1, 2, -2, 7, 31, 32, 63, 64, 65, 127, 128, 255, 256, -63, -64, -128, -129, LEAST, LEAST + 1, GREATEST),
    *((1 << k) + d for k in (15, 16, 31, 32, 52, 53, 54, 62) for d in (-1, 0, 1)),
    *(0x5555555555555555, -0x5555555555555556, 0x0123456789ABCDEF, -0x0123456789ABCDF0),
]
FLOATS = [
    sign | magnitude
    for sign in (0, 1 << 63)
    for magnitude in (
        *(0, 1, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x3FDFFFFFFFFFFFFF, 0x3FE0000000000000, 0x3FEFFFFFFFFFFFFF),
        *(0x3FF0000000000000, 0x3FF8000000000000, 0x4004000000000000, 0x432FFFFFFFFFFFFF, 0x4330000000000000),
        *(0x43DFFFFFFFFFFFFF, 0x43E0000000000000, 0x43EFFFFFFFFFFFFF, 0x43F0000000000000, 0x7FEFFFFFFFFFFFFF),
        *(0x47EFFFFFEFFFFFFF, 0x47EFFFFFF0000000, 0x3690000000000000, 0x36A0000000000000, 0x380FFFFFF0000000),
        *(0x7FF0000000000000, 0x7FF0000000000001, 0x7FF4000000000000, 0x7FF8000000000000, 0x7FF8DEADBEEF1234),
    )
]
ADDRESSES = [(segment << 32) + end for segment in range(5) for end in (0, RODATA, DATA, BSS, 1 << 32)]
LENGTHS = [*range(20), 33, 40, -1, LEAST, 1 << 32]

SPECIAL_INTEGERS = (0, 1, -1, LEAST, GREATEST)
SPECIAL_FLOATS = (0, 1 << 63, 0x3FF0000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0xFFF4000000000001)

Operands = tuple[list[int], list[int]]
"""Three integers, and the bits of three floats."""


class Draw:
    """Operands from bytes. Hypothesis makes and shrinks bytes far faster than strategies of many parts."""

    SIZE = 62

    def __init__(self, source: bytes, instruction: str) -> None:
        self.source = source
        self.at = 0
        self.address = any(word in instruction for word in ("load", "store", "mem_"))
        self.two_addresses = instruction == "mem_copy"
        self.range = instruction in ("mem_copy", "mem_fill")

    def number(self, size: int) -> int:
        taken = self.source[self.at : self.at + size]
        self.at += size
        return int.from_bytes(taken, "little")

    def choice(self, values: Sequence[int]) -> int:
        return values[self.number(1) % len(values)]

    def integer(self) -> int:
        kind = self.number(1) % 5
        if kind == 4:
            return self.choice(SPECIAL_INTEGERS)
        if kind == 0:
            return self.choice(INTEGERS)
        if kind == 1:
            return self.number(1) - 128
        return wrap(self.number(8)) if kind == 2 else wrap(self.float())

    def float(self) -> int:
        kind = self.number(1) % 3
        if kind == 0:
            return self.choice(FLOATS)
        bits = self.number(8)
        # Of moderate size, so that sums and conversions have something to round.
        return bits if kind == 1 else bits & ~(0x7FF << 52) | (1023 - 3 + (bits >> 52 & 0x7FF) % 70) << 52

    def near(self, other: int, draw: Callable[[], int]) -> int:
        """Another value; often the same one, or its neighbour."""
        kind = self.number(1) % 8
        return other + (0, 1, -1)[kind] if kind < 3 else draw()

    def place(self) -> int:
        """An address near the beginning or end of a segment, or of none."""
        return self.choice(ADDRESSES) + self.number(1) % 33 - 16

    def operands(self) -> Operands:
        first = self.place() if self.address else self.integer()
        second = self.place() if self.two_addresses else wrap(self.near(first, self.integer))
        third = self.choice(LENGTHS) if self.range else self.integer()
        x = self.float()
        return [first, second, third], [x, self.near(x, self.float) % (1 << 64), self.float()]


# Programs.


def immediates(row: table.Row) -> Sequence[Sequence[str]]:
    """Operands that are no registers, one list for each function to be made."""
    values: dict[str, Sequence[object]] = {
        "imm8": (-128, -1, 0, 1, 127),
        "imm16": (-32768, -1, 0, 255, 32767),
        "imm32": (-(1 << 31), -1, 0, 65536, (1 << 31) - 1),
        "disp8": (0, 1, 2, 255),
        "off8": ("taken",),
        "off16": ("taken",),
        "off24": ("taken",),
        "count16": (2,),
        "constant": ("=0.5", "=-0.0", "=nan:7ff0000000000001") if row.id == "n_const" else ("=0", "=-1", f"={LEAST}"),
    }
    kinds = [operand.type for operand in row.operands if operand.kind not in ("register", "window")]
    return [[str(value) for value in chosen] for chosen in itertools.product(*(values[kind] for kind in kinds))]


def placements(row: table.Row) -> Iterator[Sequence[str]]:
    """Register operands: the destination apart from the sources, all in one place, and in reverse order."""
    banks = [operand.bank for operand in row.operands if operand.kind in ("register", "window")]
    if row.id in ("mem_copy", "mem_fill"):
        yield ["i0", "i1", "i2"]
    elif "load" in row.id:
        yield from ([f"{banks[0]}3", "i0"], [f"{banks[0]}0", "i0"])
    elif "store" in row.id:
        yield from ([f"{banks[0]}1", "i0"], [f"{banks[0]}0", "i0"])
    elif row.id == "ret":
        yield ["i0", "n0"]
    else:
        yield [f"{bank}{number}" for bank, number in zip(banks, (3, 0, 1), strict=False)]
        yield [f"{bank}0" for bank in banks]
        yield [f"{bank}{number}" for bank, number in zip(banks, (0, 2, 0), strict=False)]
        yield [f"{bank}{number}" for bank, number in zip(banks, (1, 1, 2), strict=False)]


def function(name: str, row: table.Row, registers: Sequence[str], others: Sequence[str]) -> str:
    """A function around one instruction. A branch is taken forwards, or backwards where its name ends in `_back`."""
    instruction = f"{row.mnemonic} {', '.join([*registers, *others])}".strip()
    lines = [f".export func {name} (i, i, i, n, n, n) -> (i, i, i, i, n, n, n, n)"]
    if row.id == "jmp_table":
        lines += [instruction, "jmp first", "jmp second", "jmp taken", "first:", "i_imm i3, 1", "ret"]
        lines += ["second:", "i_imm i3, 2", "ret", "taken:", "ret"]
    elif name.endswith("_back"):
        lines += ["jmp start", "taken:", "i_imm i3, 1", "ret", "start:", instruction, "ret"]
    elif "taken" in others:
        lines += [instruction, "i_imm i3, 1", "taken:", "ret"]
    elif row.id == "ret":
        lines += [instruction]
    else:
        lines += [instruction, "ret"]
    return "\n".join(lines)


def program(row: table.Row) -> tuple[str, list[str]]:
    """A module for one instruction, and the names of its functions."""
    values = [3 * k % 256 for k in range(RODATA + DATA)]
    texts = [
        f".bss {BSS}",
        f".rodata\n.byte {', '.join(map(str, values[:RODATA]))}",
        f".data\n.byte {', '.join(map(str, values[RODATA:]))}",
    ]
    names: list[str] = []
    for registers, others in itertools.product(placements(row), immediates(row)):
        for ending in ("", "_back") if "taken" in others else ("",):
            names.append(f"f{len(names)}{ending}")
            texts.append(function(names[-1], row, registers, others))
    return "\n\n".join(texts), names


# Both machines.

Outcome = str | tuple[list[int], list[int], int]
"""A trap's code, or results and fuel."""
Observed = tuple[Outcome, dict[str, bytes]]
"""An outcome, and the segments after it."""


@dataclasses.dataclass
class Machines:
    """One program, run by the specification and by the reference, in files of both byte orders."""

    functions: list[str]
    specified: Program
    processes: list[packfile.Process]

    def __post_init__(self) -> None:
        self.initial = {name: bytes(content) for name, content in self.specified.memory.segments.items()}

    def agree(self, name: str, i: Sequence[int], n: Sequence[int]) -> bool:
        """Call a function on all of them, from the same memory, and compare all that a call leaves behind."""
        expected = self.specify(name, i, n)
        return all(self.refer(process, name, i, n) == expected for process in self.processes)

    def specify(self, name: str, i: Sequence[int], n: Sequence[int]) -> Observed:
        """What the specification says."""
        segments = self.specified.memory.segments
        for segment, content in self.initial.items():
            segments[segment][:] = content
        try:
            i_results, n_results = self.specified.call(name, i, [Float(bits) for bits in n])
            outcome: Outcome = (i_results, [value.bits for value in n_results], self.specified.fuel)
        except SpecTrap as trap:
            outcome = trap.code
        return outcome, {segment: bytes(content) for segment, content in segments.items()}

    def refer(self, process: packfile.Process, name: str, i: Sequence[int], n: Sequence[int]) -> Observed:
        """What the reference does, in the same form."""
        for segment in ("data", "bss"):
            process.segment("main", SEGMENTS[segment])[:] = self.initial[segment]
        floats = [struct.unpack("<d", bits.to_bytes(8, "little"))[0] for bits in n]
        try:
            results = process.invoke("main", name, i, floats, fuel=100)
            bits = [int.from_bytes(struct.pack("<d", value), "little") for value in results.n]
            outcome: Outcome = (results.i, bits, 100 - results.fuel)
        except packfile.Trap as trap:
            outcome = trap.code
        return outcome, {segment: bytes(process.segment("main", kind)) for segment, kind in SEGMENTS.items()}


@contextmanager
def machines(name: str, directory: Path, stand_in: str | None = None) -> Iterator[Machines]:
    """The machines for one instruction; with a stand-in the reference executes that instead."""
    text, names = program(ROWS[name])
    executed = text if stand_in is None else text.replace(f"\n{name} ", f"\n{stand_in} ")
    assert stand_in is None or executed != text
    processes: list[packfile.Process] = []
    images: list[packfile.Image] = []
    for order in ByteOrder:
        path = directory / f"{order.name.lower()}.pkf"
        path.write_bytes(encode(assemble(executed), order))
        images.append(packfile.open(path))
        # Each tier of the reference by itself.
        processes += [packfile.link([("main", images[-1])], translate_after=after) for after in (0, 1)]
    try:
        yield Machines(names, Program(text), processes)
    finally:
        for process in processes:
            process.close()
        for image in images:
            image.close()


def comparison(instruction: str, both: Machines) -> Callable[[], None]:
    """A property: both machines do the same with any function of the program and any operands."""

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(st.integers(0, len(both.functions) - 1), st.binary(min_size=Draw.SIZE, max_size=Draw.SIZE))
    def same(function: int, source: bytes) -> None:
        name, (i, n) = both.functions[function], Draw(source, instruction).operands()
        expected = both.specify(name, i, n)
        for process in both.processes:
            assert both.refer(process, name, i, n) == expected

    return same


def special_operands() -> Iterator[Operands]:
    """Each pair of special integers and of special floats: chance alone would not often bring LEAST beside -1."""
    integers = itertools.cycle(itertools.product(SPECIAL_INTEGERS, repeat=2))
    for x, y in itertools.product(SPECIAL_FLOATS, repeat=2):
        i, j = next(integers)
        yield [i, j, i], [x, y, x]


def drawn_operands(instruction: str, functions: Sequence[str]) -> Iterator[tuple[str, list[int], list[int]]]:
    """Operands without end, the same every time."""
    source = random.Random(instruction)  # noqa: S311 - it has to be the same every time
    while True:
        yield source.choice(functions), *Draw(source.randbytes(Draw.SIZE), instruction).operands()


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_an_instruction_does_what_its_effect_says(name: str, tmp_path: Path) -> None:
    with machines(name, tmp_path) as both:
        for function, (i, n) in itertools.product(both.functions, special_operands()):
            assert both.agree(function, i, n), (function, i, n)
        comparison(name, both)()


def test_every_instruction_is_compared_or_named() -> None:
    assert set(INSTRUCTIONS) | NEED_MORE == set(ROWS)
    assert set(ROWS) > NEED_MORE
    assert set(INSTRUCTIONS) > set(ON_REGISTERS)
    numeric = [name for name in ROWS if name[:2] in ("i_", "n_") and "load" not in name and "store" not in name]
    assert sorted(ON_REGISTERS) == sorted(numeric)
    assert len(ON_REGISTERS) > 70


@pytest.mark.parametrize("name", sorted(name for name in INSTRUCTIONS if ROWS[name].traps and name != "unreachable"))
def test_operands_lead_to_every_outcome(name: str, tmp_path: Path) -> None:
    """Operands that always trap, or never, would compare less than it seems."""
    with machines(name, tmp_path) as both:
        expected, seen = {"ok", *ROWS[name].traps}, set()
        for function, i, n in itertools.islice(drawn_operands(name, both.functions), 3_000):
            outcome, _ = both.specify(function, i, n)
            seen.add(outcome if isinstance(outcome, str) else "ok")
            if seen == expected:
                return
    raise AssertionError(f"{sorted(expected - seen)} never happened")


def stand_ins() -> list[tuple[str, str]]:
    """Each instruction with the next one that has the same operands."""
    shapes: dict[tuple[str, ...], list[str]] = {}
    for name in INSTRUCTIONS:
        shapes.setdefault(tuple(operand.type for operand in ROWS[name].operands), []).append(name)
    alike = [names for names in shapes.values() if len(names) > 1]
    return [(name, names[(k + 1) % len(names)]) for names in alike for k, name in enumerate(names)]


def test_another_instruction_in_its_place_is_noticed(tmp_path: Path) -> None:
    """A comparison that could not fail would prove nothing."""
    pairs = stand_ins()
    assert len(pairs) > 90
    unnoticed = []
    for name, other in pairs:
        with machines(name, tmp_path, other) as different:
            rows = itertools.islice(drawn_operands(name, different.functions), 3_000)
            if all(different.agree(*row) for row in rows):
                unnoticed.append((name, other))
    assert unnoticed == []
