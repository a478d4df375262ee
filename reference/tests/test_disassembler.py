"""Disassembled text can be read and names what matters. test_round_trip.py tests that nothing is lost."""

import pytest

from packfile.assembler import assemble
from packfile.disassembler import disassemble
from packfile.layout import ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Module, Signature
from packfile.writer import decode, encode

TEXT = r"""
.unit 65536
.bss 1024
.entry main

.import eager func host.log_i (i) -> () ; @0
.import lazy func "odd module"."odd \u{7}name" () -> () as slot1 ; @1
.import weak data lib.table 64 ; @2
.import weak data lib.table 65 as slot3 ; @3

.const c0 = -5
.const c1 = 3.25
.const c2 = nan:7ff0000000000001
.const c3 = 0x7fffffffffffffff

.rodata
greeting:
  .stringz "hello,\n\tworld"
rodata_14:
  .byte 0x1, 0x2, 0xff
  .zero 20

.data
data_0:
  .byte 0x0, 0x1

.export data bss+16 as buffer 8
.export data greeting 14
.export data data_0 as "i0" 2

.export func main (i, i) -> (i) ; @0
.export func main as "other name"
L0:
  jmp_lt_s i0, i1, L0
  call f1
  call i2, n0, f1
  calli slot1
  bound? i3, lib.table
  callr i3, (i*7) -> ()
  i_const i0, c0
  n_const n0, c1
  n_const n0, c2
  lrodata i0, rodata_14
  ldata i0, data_0
  lbss i0, 16
  i_load8_u i0, i1
  jmp_table i0, [L0, L28, L28]
L28:
  ret

.func f1 () -> () ; @1
  .registers i 9
  call @77
  jmp -100
  .word 0xffffffff
  jmp +2
  i_imm32 i0, 5
  .word 0x1b

.section 0x80000055 "raw \xff\0"
""".lstrip()


def test_text_that_was_disassembled_comes_out_the_same() -> None:
    assert disassemble(assemble(TEXT)) == TEXT


@pytest.mark.parametrize("order", ByteOrder)
def test_a_file_survives_the_way_through_text(order: ByteOrder) -> None:
    file = encode(assemble(TEXT), order)
    assert encode(assemble(disassemble(decode(file))), order) == file


def test_an_empty_module_is_an_empty_text() -> None:
    assert disassemble(Module()) == ""


def _only(*code: int) -> str:
    return disassemble(Module(functions=(Function(Signature(), 255, 255, code),)))


def test_words_that_are_no_instruction_are_shown_as_words() -> None:
    assert "  .word 0x1000013\n" in _only(0x01000013)
    assert "  .word 0x10\n" in _only(0x13, 0x10)


def test_equal_words_that_are_no_instruction_are_one_line_up_to_a_label() -> None:
    code = (0x00000502, *[0] * 5, 0xFF, 0xFF, 0x00000202)
    assert "  jmp L5\n  .word 0x0 * 4\nL5:\n  .word 0x0\n  .word 0xff * 2\n" in _only(*code)
    assert len(_only(*[0] * 3_000_000)) < 200


def test_a_branch_into_a_literal_or_out_of_the_function_is_a_distance() -> None:
    text = _only(0x00000202, 0x1B, 7, 0xFFFFFF02, 0x00000302)
    assert "  jmp +2\n  i_imm32 i0, 7\n  jmp -1\n  jmp +3\n" in text
    assert "L" not in text


def test_a_branch_to_the_end_has_a_label_there() -> None:
    assert _only(0x00000102).endswith("  jmp L1\nL1:\n")


def test_a_table_that_something_jumps_into_is_shown_as_its_jumps() -> None:
    assert "  jmp_table i0, 1\nL1:\n  jmp L1\n  jmp L1\n" in _only(0x0001000B, 0x00000002, 0xFFFFFF02)


def test_a_table_without_all_its_jumps_is_shown_as_it_is() -> None:
    assert "  jmp_table i0, 2\n" in _only(0x0002000B, 0x00000302, 0x00000202)


def test_a_long_table_takes_several_lines() -> None:
    module = assemble(f".func f () -> ()\njmp_table i0, [{', '.join(['x'] * 20)}]\nx: ret")
    text = disassemble(module)
    assert max(map(len, text.split("\n"))) < 60
    assert assemble(text) == module


def test_names_that_are_taken_or_look_like_registers_are_avoided_or_quoted() -> None:
    ret = Function(Signature(), 0, 0, (0x10, 1, 0x13))
    exports = [
        Export(name, ImportKind.FUNCTION, Segment.NONE, index, 0)
        for index, name in [(0, "f1"), (2, "i0"), (3, "a\n\N{RIGHT-TO-LEFT OVERRIDE}")]
    ]
    module = Module(functions=(ret,) * 4, exports=tuple(sorted(exports, key=lambda export: export.name)))
    text = disassemble(module)
    assert ".export func f1 () -> () ; @0\n  call f1_\n" in text
    assert '.export func "i0" ()' in text
    assert r'.export func "a\u{a}\u{202e}" ()' in text
    assert assemble(text) == module


def test_text_holds_no_character_that_is_not_printable() -> None:
    text = disassemble(assemble(TEXT))
    assert all(line.isprintable() for line in text.split("\n"))
