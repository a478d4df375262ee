"""Assembly text says what docs/assembly.md says."""

import struct
import time

import pytest

from packfile.assembler import assemble
from packfile.instructions import INSTRUCTIONS, FieldKind, Opcode
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Import, Module, Signature, Skippable
from packfile.writer import decode, encode

PROGRAM = r"""
; everything that the language has
.unit 65536
.bss 100
.bss buffer: 1024
.entry main
.import eager func host.log_i (i) -> ()
.import weak func absent.f () -> ()
.import lazy data lib.table 64 as t
.import eager func "odd module"."odd \x6eame" () -> () as odd
.const limit = 0x7fff_ffff_ffff_ffff        # a comment as well
.const signalling = nan:7ff0000000000001
.section 0x80000055 "raw \x00", " bytes"
.rodata
greeting: .string "hello\n"
          .align 8
table:    .i64 -1, 0xffffffffffffffff
          .byte 'A', -1
.data
counter:  .zero 16
.export func main (i, n) -> (i)
main_loop:
  i_imm i0, -5
  i_const i1, limit
  i_const i1, =123456789012
  n_const n0, =3.25
  jmp_lt_s i0, i1, main_loop
  call i0, n0, helper
  calli i3, n0, host.log_i
  callr i0, n0, i5, (i, n) -> (i)
  lrodata i0, table+8
  ldata i0, counter
  lbss i0, buffer
  jmp_table i0, [first, second,
                 third]
first:
second: i_load64 i0, i1
third:
  ret
.func helper (i) -> (i)
  .registers i 4 n 2
  ret i0, n0
.export func helper as "other name"
.export data greeting
.export data table as "a table" 8
"""


def code(body: str, head: str = "") -> tuple[int, ...]:
    """Words of the first function."""
    return assemble(f"{head}\n.func f () -> ()\n{body}\n").functions[0].code


def function(text: str) -> Function:
    return assemble(text).functions[0]


def test_a_program_with_everything_assembles_to_this_module() -> None:
    module = assemble(PROGRAM)
    assert module == Module(
        functions=(
            Function(
                Signature(1, 1, 1, 0),
                6,
                1,
                (
                    *(0xFFFB001A, 0x0000011C, 0, 0x0000011C, 2, 0x0000001D, 3, 0xF9010007),
                    *(0x10, 1, 0x0311, 0, 0x05000012, 0x00010101, 0x20, 16, 0x21, 0, 0x22, 104),
                    *(0x0002000B, 0x0302, 0x0202, 0x0202, 0x0001002E, 0x13),
                ),
            ),
            Function(Signature(1, 0, 1, 0), 4, 2, (0x13,)),
        ),
        imports=(
            Import(ImportKind.FUNCTION, Binding.EAGER, "host", "log_i", 1),
            Import(ImportKind.FUNCTION, Binding.WEAK, "absent", "f", 0),
            Import(ImportKind.DATA, Binding.LAZY, "lib", "table", 64),
            Import(ImportKind.FUNCTION, Binding.EAGER, "odd module", "odd name", 0),
        ),
        exports=(
            Export("a table", ImportKind.DATA, Segment.RODATA, 8, 8),
            Export("greeting", ImportKind.DATA, Segment.RODATA, 0, 6),
            Export("main", ImportKind.FUNCTION, Segment.NONE, 0, 0),
            Export("other name", ImportKind.FUNCTION, Segment.NONE, 1, 0),
        ),
        constants=(0x7FFFFFFFFFFFFFFF, 0x7FF0000000000001, 123456789012, 0x400A000000000000),
        rodata=b"hello\n\0\0" + b"\xff" * 16 + b"A\xff",
        data=bytes(16),
        bss_size=1128,
        entry=0,
        unit_log2=16,
        skippable=(Skippable(0x80000055, b"raw \0 bytes"),),
    )
    assert decode(encode(module, ByteOrder.BIG)) == module


def test_an_empty_text_is_an_empty_module() -> None:
    assert assemble("") == Module()
    assert assemble("; nothing\r\n\r\n \t# at all") == Module()


@pytest.mark.parametrize("opcode", Opcode)
def test_every_instruction_is_written_with_its_operands_in_order(opcode: Opcode) -> None:
    row = INSTRUCTIONS[opcode]
    operands, word, literal = [], int(opcode), []
    for number, operand in enumerate(row.operands, 1):
        text = {FieldKind.REGISTER: f"{operand.bank}{number}", FieldKind.WINDOW: f"{operand.bank}{number}"}.get(
            operand.field, str(number)
        )
        if operand.field is FieldKind.LITERAL:
            operands.append(f"@{number}" if operand.name not in ("imm32", "signature") else text)
            literal = [number]
        else:
            operands.append(text)
            word |= number << 8 * operand.position
    assert code(f"{row.mnemonic} {', '.join(operands)}") == (word, *literal)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("call f", "call i0, n0, f"),
        ("call i2, f", "call i2, n0, f"),
        ("call n2, f", "call i0, n2, f"),
        ("calli @0", "calli i0, n0, @0"),
        ("callr i5, () -> ()", "callr i0, n0, i5, () -> ()"),
        ("callr i2, i5, () -> ()", "callr i2, n0, i5, () -> ()"),
        ("callr n2, i5, () -> ()", "callr i0, n2, i5, () -> ()"),
        ("callr i5, (i*3, n) -> ()", "callr i5, (i, n, i, i) -> ()"),
        ("callr i5, 0x10003", "callr i5, (i*3) -> (i)"),
        ("ret", "ret i0, n0"),
        ("ret i1", "ret i1, n0"),
        ("ret n1", "ret i0, n1"),
        ("i_load64 i1, i2", "i_load64 i1, i2, 0"),
        ("jmp_table i0, [+3, l]\nl:", "jmp_table i0, 1\njmp +3\njmp +1"),
        ("i_imm i0, 'A'", "i_imm i0, 65"),
        ("i_imm i0, '\\''", "i_imm i0, 39"),
        ("i_imm i0, '\N{GREEK SMALL LETTER ALPHA}'", "i_imm i0, 0x3b1"),
        ("i_imm i0, -0b101", "i_imm i0, -5"),
        ("x: y: jmp x", "jmp +0"),
        (".word 7 * 3, 8", ".word 7, 7, 7, 8"),
        (".word 1, -1", ".word 0x00000001\n.word 4294967295"),
        ("call @0", 'call "f"'),
    ],
)
def test_what_may_be_left_out_or_written_in_another_way(short: str, full: str) -> None:
    assert code(short) == code(full)


def test_registers_are_inferred_from_parameters_operands_and_windows() -> None:
    head = ".import eager func h.f (n*5) -> (i*7) as h\n"
    assert _banks(head + ".func f (i, i, n) -> (n)\nret n3") == (2, 4)
    assert _banks(head + ".func f () -> (i, i)\nret i3") == (5, 0)
    assert _banks(head + ".func f () -> ()\ncalli i2, n1, h") == (9, 6)
    assert _banks(head + ".func f () -> ()\ncall i2, g\n.func g (i) -> (i, i, n)\nret") == (4, 1)
    assert _banks(head + ".func f () -> ()\ncallr i9, (i) -> (n, n)") == (10, 2)
    assert _banks(head + ".func f () -> ()\ni_mov i7, i250\nn_mov n8, n2") == (251, 9)
    assert _banks(head + ".func f () -> ()\ncall i9, @77\ncalli @99") == (9, 0)
    assert _banks(".func f () -> ()\n.registers n 3\ni_mov i7, i1") == (8, 3)
    assert _banks(".func f () -> ()\n.registers i 1 n 255\ni_mov i255, i1") == (1, 255)


def _banks(text: str) -> tuple[int, int]:
    made = function(text)
    return made.i_registers, made.n_registers


@pytest.mark.parametrize(
    ("items", "content"),
    [
        (".byte 1, 255, -128", b"\x01\xff\x80"),
        (".i16 0x1234, -1", b"\x34\x12\xff\xff"),
        (".i32 0x12345678", b"\x78\x56\x34\x12"),
        (".i64 0x8000000000000000, -1", bytes(7) + b"\x80" + b"\xff" * 8),
        (".f32 1.5, -0.0, inf", struct.pack("<fff", 1.5, -0.0, float("inf"))),
        (".f32 nan, -nan, nan:7f800001", struct.pack("<III", 0x7FC00000, 0xFFC00000, 0x7F800001)),
        (".f64 1, -2.5e-3, 0x1.8p1", struct.pack("<ddd", 1, -2.5e-3, 3)),
        (".f64 nan, -inf, nan:fff0000000000001", struct.pack("<QQQ", 0x7FF8 << 48, 0xFFF0 << 48, 0xFFF << 52 | 1)),
        ('.string "a\\n\\t\\r\\0\\\\\\"\\\'\\xff\\u{1F600}"', b"a\n\t\r\0\\\"'\xff\xf0\x9f\x98\x80"),
        ('.stringz "a", "\N{EURO SIGN}"', b"a\0\xe2\x82\xac\0"),
        (".byte 1\n.align 8\n.byte 2\n.align 1", b"\x01" + bytes(7) + b"\x02"),
        (".zero 3\n.byte 1", b"\0\0\0\1"),
    ],
)
def test_data_is_these_bytes(items: str, content: bytes) -> None:
    assert assemble(f".rodata\n{items}").rodata == content
    assert assemble(f".data\n{items}").data == content


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        ("5", 5),
        ("-1", 0xFFFFFFFFFFFFFFFF),
        ("0xffffffffffffffff", 0xFFFFFFFFFFFFFFFF),
        ("1.5", 0x3FF8000000000000),
        ("-0.0", 0x8000000000000000),
        ("1e3", 0x408F400000000000),
        ("nan", 0x7FF8000000000000),
        ("-nan", 0xFFF8000000000000),
        ("-inf", 0xFFF0000000000000),
        ("nan:7ff0000000000001", 0x7FF0000000000001),
        ("'A'", 65),
    ],
)
def test_a_constant_is_an_integer_or_the_bits_of_a_float(value: str, bits: int) -> None:
    assert assemble(f".const x = {value}").constants == (bits,)


def test_constants_have_their_index_in_order_of_appearance() -> None:
    text = ".const a = 7\n.func f () -> ()\ni_const i0, b\ni_const i0, =9\nn_const n0, =9\ni_const i0, =9\n.const b = 9"
    module = assemble(text)
    assert module.constants == (7, 9, 0x4022000000000000, 9)
    assert module.functions[0].code[1::2] == (3, 1, 2, 1)


def test_the_size_of_an_export_reaches_to_the_next_label_without_padding() -> None:
    text = """
    .rodata
    a: b: .byte 1, 2
    .byte 3
    .align 8
    c: .i64 1
    d:
    .bss e: 5
    .bss 1
    .export data a
    .export data b as "b b"
    .export data c
    .export data d
    .export data e
    .export data bss
    .export data rodata+1 as "middle" 4
    .export data c+8 0 as end
    """
    places = {export.name: (export.segment, export.position, export.size) for export in assemble(text).exports}
    assert places == {
        "a": (Segment.RODATA, 0, 3),
        "b b": (Segment.RODATA, 0, 3),
        "c": (Segment.RODATA, 8, 8),
        "d": (Segment.RODATA, 16, 0),
        "e": (Segment.BSS, 0, 5),
        "bss": (Segment.BSS, 0, 9),
        "middle": (Segment.RODATA, 1, 4),
        "end": (Segment.RODATA, 16, 0),
    }


def test_sizes_and_offsets_of_data_are_operands() -> None:
    data = ".rodata\n.zero 4\nt: .i32 1, 2\n.data\nd: .byte 1"
    words = code("i_imm i0, sizeof(t)\ni_imm32 i0, sizeof(d)\nlrodata i0, t-1\nlrodata i0, rodata+2\nldata i0, 7", data)
    assert words == (0x8001A, 0x1B, 1, 0x20, 3, 0x20, 2, 0x21, 7)


def test_data_may_stand_within_a_function() -> None:
    assert code("i_imm i0, 1\n.rodata\nx: .byte 1\n.code\nlrodata i0, x\nret") == (0x1001A, 0x20, 0, 0x13)


def test_names_are_joined_by_dots_and_quoted_where_they_are_odd() -> None:
    text = """
    .import eager func std.io.print () -> ()
    .import eager func "std.io".print () -> () as p
    .import eager func m."a.b" () -> ()
    .import eager func "m m".even? () -> ()
    .func "i0" () -> ()
      calli std.io.print
      calli "m m".even?
      calli m.a.b
      call i0
    """
    module = assemble(text)
    assert [(row.module, row.name) for row in module.imports] == [
        ("std.io", "print"),
        ("std.io", "print"),
        ("m", "a.b"),
        ("m m", "even?"),
    ]
    assert module.functions[0].code[1::2] == (0, 3, 2, 0)


def test_exports_by_index_and_under_several_names() -> None:
    text = ".entry @1\n.func f () -> ()\nret\n.export func @0 as x\n.export func g () -> () as h\nret\n.export func g"
    module = assemble(text)
    assert module.entry == 1
    assert [(export.name, export.position) for export in module.exports] == [("g", 1), ("h", 1), ("x", 0)]


def test_sections_of_one_kind_are_joined_and_sorted() -> None:
    text = '.section 0x80000002 "a"\n.section 0x80000001 "b"\n.section 0x80000002 "c"'
    assert assemble(text).skippable == (Skippable(0x80000001, b"b"), Skippable(0x80000002, b"ac"))


def test_a_long_program_is_assembled_in_reasonable_time() -> None:
    text = "".join(f".func f{k} () -> ()\nl: i_add i0, i1, i2\njmp_if i0, l\ncall f0\nret\n" for k in range(2000))
    start = time.process_time()
    assemble(text)
    assert time.process_time() - start < 5
