"""Each pass of triage by itself: what it leaves still does what the whole did, and there is less of it to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from packfile.assembler import assemble
from packfile.instructions import Opcode
from packfile.model import Module
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.run import observe
from packfile_fuzz.run.observation import Seen
from packfile_fuzz.triage.addresses import moved
from packfile_fuzz.triage.inline import Inline
from packfile_fuzz.triage.lines import read
from packfile_fuzz.triage.minimise import bulk
from packfile_fuzz.triage.modules import Modules
from packfile_fuzz.triage.names import plainer
from packfile_fuzz.triage.search import Search
from packfile_fuzz.triage.segments import Segments
from packfile_fuzz.triage.specimen import Specimen, is_valid
from packfile_fuzz.triage.values import Values, arguments, least, least_float

HOST = Entry("host", None)
ONE = 0x3FF0 << 48


def program(*entries: Entry | str, calls: Sequence[Call] = (Call("main", "f"),)) -> Program:
    """A program; text is the module `main`."""
    return Program(
        tuple(Entry("main", assemble(each)) if isinstance(each, str) else each for each in entries), tuple(calls)
    )


def search(whole: Program, seen: Callable[[Program], object] = lambda it: observe(it).steps) -> Search:
    """A search for what is valid and looks the same as the whole."""
    wanted = seen(whole)
    return Search(Specimen(whole), lambda it: is_valid(it.program) and seen(it.program) == wanted, 60.0, 5000)


def last(whole: Program) -> Seen:
    """What the last call comes to."""
    return observe(whole).steps[-1]


def main(found: Search) -> Module:
    """What is left of the module `main`."""
    module = next(entry.module for entry in found.best.program.entries if entry.name == "main")
    assert module is not None
    return module


def opcodes(module: Module) -> list[Opcode]:
    """Those of all instructions of a module."""
    return [line.row.opcode for function in module.functions for line in read(function.code) or ()]


INNER = """
.export func f (i) -> (i)
  i_mov i3, i0
  i_imm i2, 5
  call i3, n0, inner
  i_add i0, i3, i2
  ret
.func inner (i) -> (i)
  .registers i 4
  jmp_if i0, other
  i_imm i2, 7
  ret i2, n0
other:
  i_add i1, i0, i3
  ret i1, n0
"""


def test_what_a_call_calls_stands_in_its_place() -> None:
    whole = program(INNER, calls=[Call("main", "f", (0,)), Call("main", "f", (40,))])
    found = search(whole)
    parts = Modules(found)
    Inline(found).calls(bulk, parts.parts, parts.code)
    assert [seen.i for seen in observe(found.best.program).calls] == [(12,), (45,)]
    assert len(main(found).functions) == 1
    assert Opcode.CALL not in opcodes(main(found))
    assert bulk(found.best) < bulk(Specimen(whole))


def test_what_is_called_does_not_take_the_callers_registers() -> None:
    text = """
.export func f (i) -> (i)
  i_imm i1, 8
  i_imm i2, 3
  call i0, n0, inner
  i_add i0, i0, i2
  ret
.func inner (i, i) -> (i)
  i_sub i2, i0, i1
  ret i2, n0
"""
    found = search(program(text, calls=[Call("main", "f", (50,)), Call("main", "f", (20,))]))
    Inline(found).calls(lambda it: Opcode.CALL in opcodes(it.program.entries[0].module or Module()))
    assert Opcode.CALL not in opcodes(main(found))
    assert [seen.i for seen in observe(found.best.program).calls] == [(45,), (15,)]


def test_a_call_is_replaced_by_what_it_gave() -> None:
    other = ".export func g (i) -> (i, n)\n  i_imm i0, 9\n  n_convert_i_s n0, i0\n  ret\n"
    text = """
.import eager func b.g (i) -> (i, n)
.export func f () -> (i, n)
  calli i1, n1, b.g
  ret i1, n1
"""
    found = search(program(text, Entry("b", assemble(other))))
    parts = Modules(found)
    Inline(found).calls(bulk, parts.parts, parts.code)
    parts.entries()
    assert [entry.name for entry in found.best.program.entries] == ["main"]
    assert opcodes(main(found)) == [Opcode.I_IMM, Opcode.N_CONST, Opcode.RET]


TWICE = """
.bss 8
.export func g (i, n) -> (i)
  lbss i1, 0
  i_store32 i0, i1
  n_store32 n0, i1, 1
  ret
.export func f (i) -> (i)
  lbss i2, 0
  i_load64 i2, i2
  i_add i0, i0, i2
  ret
"""


def test_two_calls_become_one_that_does_both() -> None:
    calls = [Call("main", "g", (6,), (ONE,)), Call("main", "f", (1 << 40,))]
    found = search(program(TWICE, calls=calls), last)
    parts = Modules(found)
    Inline(found).joined(bulk, parts.parts, parts.code)
    assert [call.function for call in found.best.program.calls] == ["f"]
    assert last(found.best.program).i == ((1 << 40) + (0x3F800000 << 32) + 6,)
    assert len(main(found).functions) == 1


def test_a_function_returns_what_it_told() -> None:
    text = ".import eager func host.log_n (n) -> ()\n.export func f () -> ()\n  n_const n3, =1.0\n"
    found = search(program(HOST, text + "  calli i0, n3, host.log_n\n  ret\n"), _values)
    parts = Modules(found)
    Inline(found).told(bulk, parts.code)
    assert last(found.best.program).n == (ONE,)
    assert opcodes(main(found)) == [Opcode.N_CONST, Opcode.RET]


def _values(whole: Program) -> list[int]:
    """All that the last call told and gave."""
    seen = last(whole)
    return [*(value for _, value in seen.log), *seen.i, *seen.n]


def test_addresses_follow_their_modules() -> None:
    text = """
.data
  .byte 7, 77
.export func f (i) -> (i, i)
  i_const i1, =0x800000001
  i_load8_u i1, i1
  i_load8_u i0, i0
  ret
"""
    whole = program(Entry("a", Module()), HOST, text, calls=[Call("main", "f", (8 << 32,))])
    assert last(whole).i == (7, 77)
    found = search(whole)
    Modules(found).entries()
    assert found.best.program == moved(Program(whole.entries[2:], whole.calls), [2])
    assert found.best.program.calls[0].i == (2 << 32,)


def test_segments_lose_what_nothing_reads() -> None:
    text = """
.bss 100
.data
  .byte 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
here:
  .byte 13, 14, 15
.export data here 1
.export func f () -> (i)
  ldata i0, here
  i_load8_u i0, i0
  lbss i1, 50
  i_load8_u i1, i1
  ret
"""
    found = search(program(text))
    Segments(found).shorter()
    left = main(found)
    assert (left.data, left.bss_size) == (b"\x0d", 1)
    assert left.exports[1].position == 0


def test_registers_and_windows_move_down_together() -> None:
    text = """
.export func f () -> (i)
  i_imm i100, 4
  i_imm i101, 3
  call i100, n0, g
  ret i100, n0
.func g (i, i) -> (i)
  i_sub i0, i0, i1
  ret
"""
    found = search(program(text))
    Modules(found).registers()
    Modules(found).frills()
    assert main(found).functions[0].i_registers == 2


def test_numbers_get_simple() -> None:
    text = """
.export func f (i, n) -> (i, i, i, n)
  i_const i1, =0x30000ff01
  i_imm i2, 19
  i_imm32 i3, 70000
  i_lt_s i1, i0, i1
  i_lt_s i2, i0, i2
  i_lt_s i3, i0, i3
  n_const n1, =1.7e300
  n_max n0, n0, n1
  n_eq i0, n0, n1
  i_and i1, i1, i0
  n_sub n0, n0, n0
  ret i1, n0
"""
    found = search(program(text, calls=[Call("main", "f", (-77,), (0x3FF123456789ABCD,))]))
    Values(found).operands()
    arguments(found)
    (call,) = found.best.program.calls
    assert (call.i, call.n) == ((-1,), (0,))
    assert max(main(found).constants) <= ONE
    first = [line for line in read(main(found).functions[0].code) or () if line.row.opcode is Opcode.I_IMM]
    assert [line.word >> 16 for line in first] == [0, 0, 0]


@pytest.mark.parametrize(
    ("value", "allowed", "left"),
    [(1000, range(1001), 0), (1000, range(600, 1001), 608), (-7, range(-7, -2), -3), (77, range(77, 78), 77)],
)
def test_a_number_loses_the_bits_that_do_not_matter(value: int, allowed: range, left: int) -> None:
    kept = value

    def attempt(other: int) -> bool:
        nonlocal kept
        kept = other if other in allowed else kept
        return other in allowed

    least(value, attempt)
    assert kept == left


def test_a_float_loses_the_end_of_its_fraction() -> None:
    tried: list[int] = []

    def attempt(other: int) -> bool:
        tried.append(other)
        return other == 0x400C << 48

    least_float(0x400C123456789ABC, attempt)
    assert tried[-1] == 0x400C << 48


def test_names_are_as_plain_and_short_as_can_be() -> None:
    text = ".export func mmmmmmmmmma () -> ()\n  ret\n.export func mmmmmmmmmm () -> ()\n  ret\n"
    whole = Program((Entry("odd", assemble(text)), Entry("too", Module())), (Call("odd", "mmmmmmmmmma"),))

    def shows(it: Program) -> bool:
        """Whether there is a name that begins with four characters of another."""
        names = [export.name for entry in it.entries if entry.module for export in entry.module.exports]
        return len({name[:4] for name in names}) < len(names) and observe(it).steps == observe(whole).steps

    found = search(whole, shows)
    plainer(found)
    left = found.best.program
    assert [entry.name for entry in left.entries] == ["main", "b"]
    assert [len(export.name) for export in main(found).exports] == [4, 5]


@pytest.mark.parametrize("seed", range(3))
def test_passes_take_any_program(seed: int) -> None:
    found = search(build(from_seed(seed)))
    for step in _passes(found):
        step()
    assert observe(found.best.program).steps == observe(build(from_seed(seed))).steps


def _passes(found: Search) -> list[Callable[[], None]]:
    within, values = Inline(found), Values(found)
    return [
        lambda: within.calls(bulk),
        lambda: within.joined(bulk),
        lambda: within.told(bulk),
        Segments(found).shorter,
        values.operands,
        values.rows,
        values.banks,
        lambda: arguments(found),
        lambda: plainer(found),
    ]
