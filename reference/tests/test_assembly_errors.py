"""Every mistake in assembly text is shown in its place, and any text is a module or an `AssemblyError`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packfile.assembler import AssemblyError, assemble
from packfile.layout import ByteOrder
from packfile.model import Module
from packfile.writer import decode, encode

PROGRAM = r"""
.unit 65536
.bss buffer: 1024 ; bytes
.entry main
.import eager func host.log_i (i) -> ()
.import weak func "odd module"."odd \x6eame" () -> () as odd
.import lazy data lib.table 64 as t
.const limit = 0x7fff_ffff_ffff_ffff
.const signalling = nan:7ff0000000000001
.section 0x80000055 "raw \x00", " bytes"
.rodata
greeting: .string "hello\n"
.align 8
table: .i64 -1, 'A'
.f32 1.5, -inf
.data
counter: .zero 16
.export func main (i, n) -> (i)
.registers i 9 n 2
loop: i_imm i0, -5
i_const i1, limit
n_const n0, =3.25
jmp_lt_s i0, i1, loop
call helper
calli i3, n0, host.log_i
callr i0, n0, i5, (i*3, n) -> (i)
lrodata i0, table+8
i_imm32 i0, sizeof(table)
jmp_table i0, [ first, first,
loop ]
first: i_load64 i0, i1
.word 0x13 * 3
ret
.func helper (i) -> (i)
jmp +0
.export func helper as "other name"
.export data greeting
.export data table as "a table" 8
"""

F = ".func f () -> ()\n"
MISTAKES = [
    # text, place of the mistake in its last line, part of the message, part of the hint
    (F + "i_ad i0, i1, i2", "i_ad", "no instruction", "`i_add`"),
    (F + "i_add i0, i1", "i_add", "takes 3 operands, got 2", "i_add i_dst, i_src, i_src"),
    (F + "i_mov i0, i1, i2", "i2", "takes 2 operands, got 3", None),
    (F + "i_add i0, n1, i2", "n1", "expected an integer register", None),
    (F + "n_add n0, n1, 5", "5", "expected a float register", None),
    (F + "i_mov i0, i256", "i256", "at most 255", None),
    (F + "i_imm i0, 32768", "32768", "-32768 to 32767", "i_imm32"),
    (F + "i_imm32 i0, 0x80000000", "0x80000000", "2147483647", "i_const"),
    (F + "i_add_imm i0, i0, -129", "-129", "-128 to 127", "i_add"),
    (F + "i_load64 i0, i0, 256", "256", "0 to 255", "units"),
    (F + "i_imm i0, 1.5", "1.5", "an integer", None),
    (F + "i_imm i0, x", "x", "expected an integer", None),
    (F + "jmp nowhere", "nowhere", "no label `nowhere`", None),
    (F + "lop:\njmp loop", "loop", "no label `loop`", "`lop`"),
    (F + "l:\n" + "ret\n" * 200 + "jmp_eq i0, i1, l", "l", "too far", "`jmp_if`"),
    (F + "l:\n" + "ret\n" * 32769 + "jmp_if i0, l", "l", "too far", "`jmp`"),
    (F + "jmp_eq i0, i1, 128", "128", "-128 to 127", "`jmp_if`"),
    (F + "jmp_table i0, []", "[", "1 to 65536 labels", None),
    (F + "jmp_table i0, [f", "[", "never closed", None),
    (F + "call ff", "ff", "nothing defines `ff`", "`f`"),
    (F + "calli f", "f", "nothing defines `f`", "`call` calls it"),
    (F + ".import eager func h.g () -> ()\ncall h.g", "h.g", "nothing defines", "`calli` calls it"),
    (F + "call x, f", "x", "expected an integer register", None),
    (F + "call n0, i0, f", "n0", "expected an integer register", None),
    (F + "i_const i0, 5", "5", "expected a constant", "`=5`"),
    (F + "i_const i0, c", "c", "nothing defines `c`", None),
    (F + "i_const i0, =0x1ffffffffffffffff", "0x1ffffffffffffffff", "a constant must be of", None),
    (F + "n_const n0, =1e999", "1e999", "too large", "`inf`"),
    (F + "callr i0, (i, x) -> ()", "x", "expected `i` or `n`", None),
    (F + "callr i0, (i*200, i*56) -> ()", "i", "at most 255", None),
    (F + "callr i0, (i)", "", "expected `->`", "(i, n) -> (i)"),
    (F + "lrodata i0, x", "x", "no data has the label", None),
    (".data\nx: .byte 1\n" + F + "lrodata i0, x", "x", "lies in data", "`ldata`"),
    (F + "ret ret", "ret", "expected an integer register", None),
    (F + "i_imm i0,, 5", ",", "missing before", None),
    (F + "i_imm i0,", ",", "missing after", None),
    (F + "l:\nl:", "l", "stands there twice", None),
    (F + F + "ret", None, "stands there twice", None),
    (F + ".word 4294967296", "4294967296", "a word must be", None),
    (F + ".registers i 256", "256", "0 to 255", None),
    (F + ".registers x 2", "x", "expected one of `i`, `n`", None),
    (F + ".registers", "", "expected `i` or `n`", None),
    (F + ".registers i 1 i 1", "i", "twice", None),
    (F + ".byte 1", ".byte", "stands in no data", "`.rodata`"),
    ("ret", "ret", "stands in no function", "`.func"),
    ("x:", "x", "a function or in data", None),
    (".registers i 1", ".registers", "in no function", None),
    (".word 1", ".word", "in no function", "`.i32`"),
    (".rodata\nret", "ret", "expected a directive", "`.code`"),
    (".rodat", ".rodat", "no directive", "`.rodata`"),
    (".rodata\n.byte 256", "256", "-128 to 255", None),
    (".rodata\n.byte 1 2", "2", "expected the end", None),
    (".rodata\n.string x", "x", "expected a string", None),
    (".rodata\n.align 3", "3", "power of two", None),
    (".rodata\n.f32 1e39", "1e39", "too large for 32 bits", None),
    (".rodata\n.f32 nan:7ff0000000000001", "nan:7ff0000000000001", "8 hexadecimal digits", None),
    (".rodata\n.f64 -nan:7ff0000000000001", "-", "hold its sign", None),
    (".rodata\n.f64 nan:7ff0000000000000", "nan:7ff0000000000000", "not the bits of a NaN", None),
    (".rodata\nx: .byte 1\n.data\nx:", "x", "twice", None),
    (".rodata\ndata:", "data", "name of a segment", None),
    (".zero 5", ".zero", "stands in no data", None),
    (".rodata\n.zero 1073741825", "1073741825", "a number of bytes", None),
    (".bss 1073741825", "1073741825", "a number of bytes", None),
    (".bss x 5", "5", "expected `:`", "names its bytes"),
    (".unit 8192", "8192", "4096 or 65536", None),
    (".unit 4096\n.unit 4096", ".unit", "twice", None),
    (".entry main", "main", "no function `main`", None),
    (".entry @0", "@", "no function 0", None),
    (F + "ret\n.entry f\n.entry f", ".entry", "twice", None),
    (".import eagre func h.f () -> ()", "eagre", "expected one of", "`eager`"),
    (".import eager f h.f () -> ()", "f", "expected one of `func`, `data`", None),
    (".import eager func f () -> ()", "f", "names a module and an export", "host.log_i"),
    (".import eager func h.f 5", "5", "expected `(`", None),
    (".import eager data h.f 4294967296", "4294967296", "a size must be", None),
    (".import eager func h.f () -> ()\n.import weak func h.f () -> ()", "h.f", "imported twice", "`as`"),
    (f'.import eager func h."{"x" * 1025}" () -> ()', None, "1 to 1024 bytes", None),
    ('.import eager func "".f () -> ()', '"".f', "1 to 1024 bytes", None),
    (".export func f", "f", "no function `f`", None),
    (F + "ret\n.export func @0", "@", "needs a name", None),
    (F + "ret\n.export func f\n.export func f", "f", "exported twice", None),
    (".export data x", "x", "no data has the label", None),
    (".rodata\nx: .byte 1\n.export data x 2", "x", "2 bytes at 0 leave rodata, which has 1", None),
    (".rodata\nx: .byte 1\n.export data x+1", "x", "needs a size", None),
    (".const c = 1\n.const c = 2", "c", "twice", None),
    (".const c 1", "1", "expected `=`", None),
    (".const c = 1__0", "1__0", "not a number", "grouped"),
    (".const c = 0x", "0x", "not a number", None),
    (".const c = 'ab'", "'ab'", "one character", None),
    ('.section 5 "x"', "5", "0x80000000", None),
    ('.section 0xffffffff "x"', "0xffffffff", "digests", None),
    ('.section 0x80000000 ""', '""', "not empty", None),
    ('.section 0x80000000 "x', '"x', "never closed", None),
    ('.section 0x80000000 "\\q"', "\\q", "unknown escape", "\\xHH"),
    ('.section 0x80000000 "\\u{110000}"', "\\u{110000}", "no such code point", None),
    ('.section 0x80000000 "\ud800"', None, "no UTF-8 form", None),
    ('.func "\\xff" () -> ()', '"\\xff"', "must be UTF-8", None),
    (".func f () -> () !", "!", "unexpected character '!'", None),
    (F, None, "no code at all", None),
    (F + "i_mov i255, i0", None, "needs 256 registers", "`.registers i 255`"),
    (F + "ret\n.registers i 4\n.func g () -> ()\ncalli i255, @0\nn_mov n255, n0", None, "256 registers", None),
]


@pytest.mark.parametrize(("text", "wrong", "message", "hint"), MISTAKES)
def test_a_mistake_is_shown_in_its_place(text: str, wrong: str | None, message: str, hint: str | None) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(text, "a.pka")
    error = caught.value
    assert message in error.message
    assert (hint or "") in (error.hint or "")
    if wrong is not None:
        source = text.split("\n")[error.line - 1]
        assert error.source == source
        assert error.text == wrong
        assert source[error.column - 1 :].startswith(wrong)
        assert error.line == len(text.split("\n"))
    assert str(error).startswith(f"a.pka:{error.line}:{error.column}: {error.message}\n")


def test_an_error_shows_the_line_a_caret_and_a_hint() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(".func f () -> ()\n\ti_ad i0, i1, i2\r\n", "loop.pka")
    assert str(caught.value) == (
        "loop.pka:2:2: there is no instruction `i_ad`\n"
        "    \ti_ad i0, i1, i2\n"
        "    \t^^^^\n"
        "    hint: did you mean `i_and` or `i_add`?"
    )


def test_an_error_shows_no_control_characters_and_no_endless_lines() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("\x1b[31m\x07 " + "x" * 10_000)
    assert all(len(line) < 200 and line.isprintable() for line in str(caught.value).split("\n"))
    with pytest.raises(AssemblyError) as caught:
        assemble(" " * 5000 + "wrong" + " " * 5000)
    shown, carets = str(caught.value).split("\n")[1:3]
    assert shown[carets.index("^") :].startswith("wrong")


pieces = st.sampled_from(
    [
        *PROGRAM.split(),
        *(f".{word}" for word in ("f32", "f64", "i16", "stringz", "word", "code", "zero 5", "byte 1,")),
        *(
            "=",
            "@",
            "@3",
            "+",
            "-",
            "->",
            "[",
            "]",
            "(",
            ")",
            ",",
            ":",
            "*",
            ".",
            '"',
            "'",
            "\\",
            "\n",
            " ",
            "\r",
            "\0",
        ),
        *("nan:7fc00000", "0x", "1e999", "9" * 500, "i255", "i256", "sizeof(", "4294967296", "(i*255)", "as", '""'),
        *(
            '"\\xff"',
            '"\\u{d800}"',
            "'\\u{110000}'",
            "\ud800",
            '"\ud800"',
            "\u2028",
            "\N{GREEK SMALL LETTER ALPHA}",
            "-nan",
        ),
    ]
)


def test_the_program_that_is_going_to_be_damaged_is_good() -> None:
    assert len(assemble(PROGRAM).functions) == 2


@st.composite
def damaged_programs(draw: st.DrawFn) -> str:
    """A good program with a few tokens lost, repeated, replaced or put in."""
    lines = PROGRAM.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        words = lines[at].split(" ")
        where = draw(st.integers(0, len(words) - 1))
        change = draw(st.integers(0, 4))
        if change == 0:
            del words[where]
        elif change == 1:
            words.insert(where, draw(pieces))
        elif change == 2:
            words[where] += draw(pieces)
        elif change == 3:
            words[where] = draw(st.text(max_size=4))
        else:
            words = lines[draw(st.integers(0, len(lines) - 1))].split(" ")
        lines[at] = " ".join(words)
    return "\n".join(lines)


def _result(text: str) -> Module | AssemblyError:
    try:
        return assemble(text)
    except AssemblyError as error:
        return error


texts = st.one_of(
    st.text(st.characters(codec=None)), st.lists(pieces, max_size=30).map(" ".join), st.lists(pieces).map("".join)
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(texts, damaged_programs(), damaged_programs()))
def test_any_text_is_a_module_that_can_be_written_or_an_error_that_can_be_shown(text: str) -> None:
    result = _result(text)
    if isinstance(result, Module):
        assert decode(encode(result, ByteOrder.LITTLE)) == result
    else:
        assert str(result).split("\n")[0] == f"<text>:{result.line}:{result.column}: {result.message}"
