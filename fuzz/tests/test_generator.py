from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from packfile.instructions import BY_MNEMONIC, INSTRUCTIONS, FieldKind, Opcode, Operand
from packfile.layout import Binding, ByteOrder, ImportKind
from packfile.model import Module, Signature
from packfile.writer import encode
from packfile_fuzz.generator import VERSION, build, from_seed, templates
from packfile_fuzz.generator.shape import LAYOUTS, MOST
from packfile_fuzz.program import Program
from tests.observed import broken_rules, functions, instructions

SIZE = 512
LOADS_ADDRESS = (Opcode.LRODATA, Opcode.LDATA, Opcode.LBSS, Opcode.LDSLOT)
LOADS_OTHERS = (Opcode.I_IMM, Opcode.I_CONST, Opcode.LFN, Opcode.I_ADD_IMM, Opcode.I_SELECT, Opcode.I_XOR)
"""What else writes to a register with a use of its own."""
QUIET = settings(database=None, derandomize=True, deadline=None, max_examples=200)
SHRINK = settings(database=None, derandomize=True, deadline=None, max_examples=1000)


@pytest.fixture(scope="module")
def programs() -> list[Program]:
    return [build(from_seed(seed)) for seed in range(2000)]


@given(st.one_of(st.binary(max_size=300), st.binary(min_size=SIZE, max_size=SIZE)))
@QUIET
def test_every_byte_string_is_a_valid_program(content: bytes) -> None:
    program = build(content)
    assert program.calls
    assert broken_rules(program) == []
    assert build(content) == program


@pytest.mark.parametrize("order", ByteOrder)
def test_every_function_of_every_seed_verifies(programs: list[Program], order: ByteOrder) -> None:
    half = programs[:1000] if order is ByteOrder.LITTLE else programs[1000:]
    assert [rule for program in half for rule in broken_rules(program, order)] == []


def test_bytes_after_those_that_are_read_change_nothing() -> None:
    content = from_seed(1).ljust(4096, b"\x01")
    assert build(content + b"\xff") == build(content)


def test_missing_bytes_are_zeros() -> None:
    assert build(b"") == build(bytes(SIZE))
    for seed in range(20):
        content = from_seed(seed)[:301]
        assert build(content) == build(content + bytes(500))


def test_zeros_are_the_simplest_program() -> None:
    program = build(b"")
    assert [(entry.name, entry.order) for entry in program.entries] == [("main", ByteOrder.LITTLE)]
    module = program.entries[0].module
    assert module is not None
    assert [function.code for function in module.functions] == [(Opcode.RET,)]
    assert (module.imports, module.constants, module.rodata, module.data, module.bss_size) == ((), (), b"", b"", 0)
    assert [(call.module, call.function, call.fuel, call.depth) for call in program.calls] == [("main", "f0", 1000, 50)]


def test_what_bytes_mean_does_not_change_within_a_version() -> None:
    digest = hashlib.sha256()
    for seed in range(50):
        program = build(from_seed(seed))
        for entry in program.entries:
            digest.update(f"{entry.name} ".encode())
            digest.update(encode(entry.module, entry.order) if entry.module else b"host")
        digest.update(repr(program.calls).encode())
    known = {2: "a723408e5e00f79660d1f6270fb7dbb2c01a4096561038d5f97d2aa35339ac15"}
    assert digest.hexdigest() == known[VERSION], "bytes mean something else now: count VERSION up"


def test_seeds_are_of_bounded_size() -> None:
    sizes = {len(from_seed(seed)) for seed in range(2000)}
    assert max(sizes) <= 1104
    assert len(sizes) > 50


def test_programs_are_small(programs: list[Program]) -> None:
    words = [sum(len(function.code) for function in functions(program)) for program in programs]
    small = [count for count in words if count < 900]
    assert 60 < sum(small) / len(small) < 200
    # One in some hundreds jumps further than 16 bits go.
    assert 0 < len(words) - len(small) < 0.01 * len(words)
    assert all(count > 1 << 15 for count in words if count not in small)


def test_a_program_takes_little_time_to_build() -> None:
    contents = [from_seed(seed) for seed in range(1000)]
    for content in contents:
        build(content)
    start = time.process_time()
    for content in contents:
        build(content)
    # Five times what a quiet machine takes, so that only something of another order fails.
    assert time.process_time() - start < 1.0


def test_every_instruction_of_the_table_is_built(programs: list[Program]) -> None:
    built = {op for program in programs for function in functions(program) for op, _, _ in instructions(function)}
    assert built == set(INSTRUCTIONS)


def test_registers_with_a_use_of_their_own_have_no_other(programs: list[Program]) -> None:
    counters = Counter[Opcode]()
    for function in (function for program in programs for function in functions(program)):
        layout = LAYOUTS[2] if function.i_registers >= LAYOUTS[2].i_registers else LAYOUTS[0]
        for op, word, _ in instructions(function):
            row = INSTRUCTIONS[op]
            written = next((x for x in row.operands if x.role in ("dst", "var")), None)
            register = word >> 8 & 0xFF
            if written is None or written.bank == "n" or register & ~0x87 == 0:
                continue
            assert register != layout.zero
            assert op in (*LOADS_ADDRESS, *LOADS_OTHERS)
            if layout.counter <= register < layout.zero:
                counters[op] += 1
                assert op == Opcode.I_IMM or word >> 24 == 0xFF
    assert set(counters) == {Opcode.I_IMM, Opcode.I_ADD_IMM}


def test_windows_stay_within_the_general_registers(programs: list[Program]) -> None:
    for module in (entry.module for program in programs for entry in program.entries if entry.module):
        for op, word, literal in (found for function in module.functions for found in instructions(function)):
            if op == Opcode.CALL:
                signature = module.functions[literal].signature
            elif op == Opcode.CALLI:
                signature = module.imports[literal].signature
            elif op == Opcode.CALLR:
                signature = Signature.from_word(literal)
            else:
                continue
            assert (word >> 8 & 0x7F) + signature.i_window <= MOST
            assert (word >> 16 & 0x7F) + signature.n_window <= MOST


def test_some_programs_have_little_fuel_or_depth_in_each_call(programs: list[Program]) -> None:
    short = [program for program in programs if all(1 <= call.fuel <= 4 for call in program.calls)]
    shallow = [
        program
        for program in programs
        if len(program.calls) > 1 and all(call.depth in (1, 2) and call.fuel == 1000 for call in program.calls[1:])
    ]
    for some in (short, shallow):
        assert 0.01 * len(programs) < len(some) < 0.05 * len(programs)
    # What is called without fuel shows by its trap alone.
    names = [row.name for program in short for module in modules(program) for row in module.imports]
    assert names.count("trap") > names.count("mix")


def modules(program: Program) -> list[Module]:
    return [entry.module for entry in program.entries if entry.module is not None]


def test_some_programs_bind_their_functions_late_only(programs: list[Program]) -> None:
    late, other = 0, 0
    for program in programs:
        rows = [row for module in modules(program) for row in module.imports if row.module != "host"]
        bindings = {row.binding for row in rows if row.kind == ImportKind.FUNCTION}
        late += bindings == {Binding.LAZY}
        other += Binding.EAGER in bindings
    assert late > len(programs) // 10
    assert other > len(programs) // 10


def test_what_is_called_only_if_it_is_bound_is_jumped_over_else(programs: list[Program]) -> None:
    guarded = 0
    for function in (function for program in programs for function in functions(program)):
        found = list(instructions(function))
        for (op, asked, slot), (guard, jump, _), (call, _, called) in zip(found, found[1:], found[2:], strict=False):
            if (op, guard, call) == (Opcode.BOUND, Opcode.JMP_UNLESS, Opcode.CALLI) and slot == called:
                assert (jump >> 8 & 0xFF, jump >> 16) == (asked >> 8 & 0xFF, 3)
                guarded += 1
    assert guarded > len(programs) // 10


def test_an_address_is_moved_on_between_two_equal_accesses(programs: list[Program]) -> None:
    walked = 0
    for function in (function for program in programs for function in functions(program)):
        found = list(instructions(function))
        for before, (op, _, _), after in zip(found, found[1:], found[2:], strict=False):
            walked += op == Opcode.I_ADD_IMM and before == after and before[0] != op
    assert walked > len(programs) // 50


def test_in_free_form_some_branches_go_to_themselves(programs: list[Program]) -> None:
    alone = {
        id(program)
        for program in programs
        for function in functions(program)
        for op, word, _ in instructions(function)
        if op == Opcode.JMP and word >> 8 == 0
    }
    assert 2 < len(alone) < 0.05 * len(programs)


NEW = cast("Opcode", 0xF3)
NEW_ROWS = {
    "float and immediate": (("n_var", "n_src", "disp8"), "n[a] = f_add(n[b], n[a])"),
    "load": (("i_dst", "i_src", "disp8"), "i[a] = zero_extend(load(address(i[b], disp), 8), 8)"),
    "branch": (("n_src", "off16"), "jump_if(is_nan(n[a]), off)"),
    "literal": (("i_dst", "i_src", "imm32"), "i[a] = wrap(i[b] + lit)"),
}


def operand(name: str, position: int) -> Operand:
    known = (operand for row in INSTRUCTIONS.values() for operand in row.operands)
    found = next((operand for operand in known if operand.name == name), None)
    if found is None:
        found = Operand(name, FieldKind.REGISTER, "n", "var", 1, 0)
    return found._replace(position=0 if found.field is FieldKind.LITERAL else position)


@pytest.fixture
def with_row(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    names, effect = NEW_ROWS[request.param]
    operands = tuple(operand(name, 1 + k) for k, name in enumerate(names))
    literal = next((operand for operand in operands if operand.field is FieldKind.LITERAL), None)
    model = INSTRUCTIONS[Opcode.I_ADD]
    row = model._replace(
        opcode=NEW, mnemonic="new", operands=operands, literal=literal, words=2 if literal else 1, effect=effect
    )
    table = dict(INSTRUCTIONS) | {NEW: row}
    monkeypatch.setattr(templates, "EVERY", tuple(templates.templates(table, layout) for layout in LAYOUTS))
    templates.policy.cache_clear()
    yield
    templates.policy.cache_clear()


@pytest.mark.parametrize("with_row", NEW_ROWS, indirect=True)
@pytest.mark.usefixtures("with_row")
def test_an_instruction_added_to_the_table_appears_in_programs() -> None:
    words = [word for seed in range(150) for function in functions(build(from_seed(seed))) for word in function.code]
    new = [word for word in words if word & 0xFF == NEW]
    assert len(new) > 5
    assert len({word >> 8 & 0xFF for word in new}) > 3


def ops(program: Program) -> set[int]:
    return {op for function in functions(program) for op, _, _ in instructions(function)}


@pytest.mark.parametrize("mnemonic", ["i_div_s", "callr", "n_store64"])
def test_what_uses_an_instruction_shrinks_to_little_else(mnemonic: str) -> None:
    op = BY_MNEMONIC[mnemonic].opcode
    found = find(st.binary(min_size=SIZE, max_size=SIZE), lambda content: op in ops(build(content)), settings=SHRINK)
    program = build(found)
    assert sum(byte != 0 for byte in found) <= 4
    assert sum(len(function.code) for function in functions(program)) <= 8
    assert len(program.entries) <= 2


def test_the_module_prints_a_program_for_people() -> None:
    command = [sys.executable, "-m", "packfile_fuzz.generator", "7"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert ".export func" in printed
    assert "Call(module=" in printed
