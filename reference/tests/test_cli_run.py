"""`run`: arguments, results, modules, limits, and how a program that fails is shown."""

from pathlib import Path

import pytest

from cli_support import packfile_command
from packfile.assembler import assemble
from packfile.layout import MAX_FUEL, ByteOrder
from packfile.writer import encode

CALCULATOR = """
.entry main
.import weak func absent.f () -> ()
.export func main () -> ()
  ret
.export func swap (i, i) -> (i, i)
  i_mov i2, i0
  i_mov i0, i1
  i_mov i1, i2
  ret
.export func both (i, n) -> (i, n)
  ret
.export func keep (n) -> (n)
  ret
.export func divide (i, i) -> (i)
  i_div_s i0, i0, i1
  ret
.export func down (i) -> (i)
  jmp_unless i0, done
  i_add_imm i0, i0, -1
  call down
done:
  ret
.export func weak () -> ()
  calli absent.f
  ret
.data
table: .i64 1
.export data table
"""
PRINTER = r"""
.entry main
.rodata
text: .string "rodata\xff\n"
.data
counter: .string "data\n"
.bss buffer: 8
.import eager func host.log_i (i) -> ()
.import eager func host.log_n (n) -> ()
.import eager func host.mix (i, i, n, n) -> (i, i, n, n)
.import eager func host.trap () -> ()
.import eager func host.print_i (i) -> ()
.import eager func host.print_n (n) -> ()
.import eager func host.print_char (i) -> ()
.import eager func host.print_bytes (i, i) -> ()
.export func main () -> (i)
  i_imm i0, -5
  calli i0, host.log_i
  n_const n0, =nan:7ff0000000000001
  calli n0, host.log_n
  i_imm i0, 7
  calli i0, host.print_i
  i_imm i0, 0x20ac
  calli i0, host.print_char
  n_const n0, =0.1
  calli n0, host.print_n
  i_imm i0, '\n'
  calli i0, host.print_char
  lrodata i0, text
  i_imm i1, sizeof(text)
  calli i0, host.print_bytes
  ldata i0, counter
  i_imm i1, sizeof(counter)
  calli i0, host.print_bytes
  lbss i0, buffer
  i_imm i1, '!'
  i_store8 i1, i0
  i_imm i1, 1
  calli i0, host.print_bytes
  i_imm i0, 42
  ret
.export func fail () -> ()
  calli host.trap
  ret
.export func character (i) -> ()
  calli host.print_char
  ret
.export func bytes (i, i) -> ()
  calli host.print_bytes
  ret
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with programs."""
    for name, text in (("calc", CALCULATOR), ("printer", PRINTER)):
        (tmp_path / f"{name}.pka").write_text(text)
        for order in ByteOrder:
            (tmp_path / f"{name}-{order.name.lower()}.pkf").write_bytes(encode(assemble(text), order))
    return tmp_path


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("function", "arguments", "results"),
    [
        ("swap", ["-1", "0xffffffffffffffff"], ["-1", "-1"]),
        ("swap", ["0x10", "0b11"], ["3", "16"]),
        ("swap", ["9223372036854775807", "-9223372036854775808"], ["-9223372036854775808", "9223372036854775807"]),
        ("swap", ["1_000", "+2"], ["2", "1000"]),
        ("both", ["-7", "-2.5"], ["-7", "-2.5"]),
        ("keep", ["-inf"], ["-inf"]),
        ("keep", ["1e400"], ["inf"]),
        ("keep", ["nan"], ["nan"]),
        ("keep", ["-0x1.8p3"], ["-12.0"]),
        ("keep", ["nan:fff0000000000001"], ["nan:fff0000000000001"]),
        ("keep", ["0.1"], ["0.1"]),
        ("keep", ["7"], ["7.0"]),
    ],
)
def test_arguments_are_read_as_the_signature_says(
    directory: Path, order: str, function: str, arguments: list[str], results: list[str]
) -> None:
    ran = packfile_command("run", f"calc-{order}.pkf", "--function", function, *arguments, cwd=directory)
    assert (ran.status, ran.out.splitlines(), ran.err) == (0, results, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--function", "swap", "1"], "the function swap is (i, i) -> (i, i): it takes 2 integers; got 1"),
        (["--function", "both"], "the function both is (i, n) -> (i, n): it takes 1 integer and then 1 float; got 0"),
        (["1"], "the entry function is () -> (): it takes no arguments; got 1"),
        (["--function", "swap", "1", "2.0"], "expected an integer, got '2.0'"),
        (["--function", "swap", "1", "x\x1b"], "expected an integer, got 'x\\x1b'"),
        (["--function", "keep", "--", "one"], "expected a float, got 'one'"),
        (["--function", "swap", "18446744073709551616", "1"], "18446744073709551616 is not of -2^63 to 2^64 - 1"),
        (["--fual", "1"], "there is no option --fual; see packfile run --help"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line_and_status_2(
    directory: Path, arguments: list[str], message: str
) -> None:
    assert packfile_command("run", "calc.pka", *arguments, cwd=directory) == (2, "", f"packfile: {message}\n")


@pytest.mark.parametrize("option", ["--fuel", "--depth"])
@pytest.mark.parametrize("amount", ["-1", str(MAX_FUEL + 1), "many"])
def test_amounts_have_bounds(directory: Path, option: str, amount: str) -> None:
    ran = packfile_command("run", "calc.pka", option, amount, cwd=directory)
    assert (ran.status, ran.out) == (2, "")
    assert f"'{option}'" in ran.err


def test_programs_print_through_the_host_module(directory: Path) -> None:
    expected = "-5\nnan:7ff0000000000001\n7\N{EURO SIGN}0.1\nrodata\N{REPLACEMENT CHARACTER}\ndata\n!\n42\n"
    for name in ("printer-little.pkf", "printer-big.pkf"):
        assert packfile_command("run", name, cwd=directory) == (0, expected, "")


def test_what_a_program_prints_is_part_of_the_json_document(directory: Path) -> None:
    document = packfile_command("run", "printer.pka", "--json", cwd=directory).json
    assert document["output"] == "-5\nnan:7ff0000000000001\n7\N{EURO SIGN}0.1\nrodata\\xff\ndata\n!"
    assert document["results"] == [{"type": "i", "value": "42"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fail"], "trap: the host's function `trap` was called"),
        (["character", "0xd800"], "print_char: 55296 is no code point of a character"),
        (["character", "-1"], "print_char: -1 is no code point of a character"),
        (["bytes", "0", "1"], "print_bytes: there is no segment 0"),
        (["bytes", "0x100000000", "100"], "print_bytes: 100 bytes at 0x100000000 are not in a segment"),
        (
            ["bytes", "0x100000000", "-1"],
            "print_bytes: 18446744073709551615 bytes at 0x100000000 are not in a segment",
        ),
        (["bytes", "0x700000000", "1"], "print_bytes: there is no segment 7"),
        (["bytes", "-1", "1"], "print_bytes: there is no segment 4294967295"),
    ],
)
def test_a_host_function_that_fails_traps(directory: Path, arguments: list[str], message: str) -> None:
    ran = packfile_command("run", "printer.pka", "--function", *arguments, cwd=directory)
    assert (ran.status, ran.out) == (1, "")
    assert f": trap: PF-EXE-024: host: {message}\n" in ran.err
    assert f"\n    in {arguments[0]} (function " in ran.err


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_trap_is_shown_with_its_place_function_and_instruction(directory: Path, order: str) -> None:
    name = f"calc-{order}.pkf"
    ran = packfile_command("run", name, "--function", "divide", "1", "0", cwd=directory)
    assert (ran.status, ran.out) == (1, "")
    first, second = ran.err.splitlines()
    assert first.startswith(f"{name}:0x101c: trap: PF-EXE-")
    assert "divide-by-zero" in first
    assert second == "    in divide (function 4), word 0: i_div_s i0, i0, i1"
    document = packfile_command("run", name, "--function", "divide", "1", "0", "--json", cwd=directory).json
    assert (document["outcome"], document["error"]["code"]) == ("trap", "divide-by-zero")
    assert document["error"]["in"] == {
        "module": f"calc-{order}",
        "function": "divide",
        "function_index": 4,
        "word": 0,
        "instruction": "i_div_s i0, i0, i1",
    }


@pytest.mark.parametrize(
    ("arguments", "outcome", "rule"),
    [
        (["--function", "down", "5", "--fuel", "5"], "exhausted", "PF-EXE-013"),
        (["--function", "down", "5", "--depth", "5"], "exhausted", "PF-EXE-014"),
        (["--fuel", "0"], "exhausted", "PF-EXE-013"),
        (["--function", "absent"], "unlinkable", "PF-EXE-017"),
        (["--function", "table"], "unlinkable", "PF-EXE-017"),
        (["--function", "weak"], "trap", "PF-FIX-012"),
        (["--with", "calc=printer.pka"], "unlinkable", "PF-FIX-004"),
        (["--with", "host=calc.pka", "--with", "printer.pka"], "unlinkable", "PF-FIX-007"),
    ],
)
def test_other_outcomes_have_status_1_in_text_and_in_json(
    directory: Path, arguments: list[str], outcome: str, rule: str
) -> None:
    ran = packfile_command("run", "calc.pka", *arguments, cwd=directory)
    assert (ran.status, ran.out) == (1, "")
    assert f"{outcome}: {rule}: " in ran.err.splitlines()[0]
    ran = packfile_command("run", "calc.pka", *arguments, "--json", cwd=directory)
    assert ran.status == 1
    assert (ran.json["outcome"], ran.json["error"]["rule"], ran.json["results"]) == (outcome, rule, None)


def test_enough_fuel_and_depth_are_enough(directory: Path) -> None:
    ran = packfile_command("run", "calc.pka", "--function", "down", "5", "--fuel", "6", "--depth", "6", cwd=directory)
    assert ran == (0, "0\n", "")


def test_who_names_no_function_of_a_module_without_entry_is_told_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "lib.pka").write_text(".export func one () -> ()\n  ret\n.export func two () -> ()\n  ret\n")
    ran = packfile_command("run", "lib.pka", cwd=tmp_path)
    assert ran.status == 1
    assert ran.err.splitlines()[1] == "    --function names what to call; it exports one, two"


LIBRARY = ".export func twice (i) -> (i)\n  i_add i0, i0, i0\n  ret\n"
USER = """
.entry main
.import eager func {name}.twice (i) -> (i)
.export func main (i) -> (i)
  calli {name}.twice
  ret
"""


@pytest.mark.parametrize("orders", ["little big", "big little", "big big"])
def test_modules_are_linked_by_the_names_of_their_files_or_by_names_given(tmp_path: Path, orders: str) -> None:
    main, library = (ByteOrder[order.upper()] for order in orders.split())
    (tmp_path / "lib.pkf").write_bytes(encode(assemble(LIBRARY), library))
    for name, option in (("lib", "lib.pkf"), ("other", "other=lib.pkf"), ("other", f"other={tmp_path}/lib.pkf")):
        (tmp_path / "main.pkf").write_bytes(encode(assemble(USER.format(name=name)), main))
        assert packfile_command("run", "main.pkf", "21", "--with", option, cwd=tmp_path) == (0, "42\n", "")
    ran = packfile_command("run", "main.pkf", "21", "--with", "lib.pkf", cwd=tmp_path)
    assert ran.status == 1
    assert ran.err.startswith("main.pkf:0x")
    assert "unlinkable: PF-FIX-007: module 'main' imports 'other.twice'" in ran.err


def test_a_path_with_an_equals_sign_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "a=b.pka").write_text(LIBRARY)
    (tmp_path / "main.pka").write_text(USER.format(name='"a=b"'))
    assert packfile_command("run", "main.pka", "1", "--with", "./a=b.pka", cwd=tmp_path) == (0, "2\n", "")


def test_a_module_can_import_itself_by_the_name_it_is_given(tmp_path: Path) -> None:
    text = USER.format(name="me") + ".export func twice (i) -> (i)\n  i_add i0, i0, i0\n  ret\n"
    (tmp_path / "self.pka").write_text(text)
    assert packfile_command("run", "self.pka", "--name", "me", "4", cwd=tmp_path) == (0, "8\n", "")
    assert packfile_command("run", "-", "--name", "me", "4", stdin=encode(assemble(text), ByteOrder.BIG)).out == "8\n"


def test_trace_shows_each_instruction_with_what_it_reads(directory: Path) -> None:
    ran = packfile_command("run", "calc.pka", "--function", "down", "1", "--trace", cwd=directory)
    assert (ran.status, ran.out) == (0, "0\n")
    assert ran.err.splitlines() == [
        "calc.down+0  jmp_unless i0, +4  ; i0=1",
        "calc.down+1  i_add_imm i0, i0, -1  ; i0=1",
        "calc.down+2  call down",
        "  calc.down+0  jmp_unless i0, +4  ; i0=0",
        "  calc.down+4  ret",
        "calc.down+4  ret",
    ]


def test_stats_show_that_nothing_was_copied_or_swapped_and_only_what_was_called_was_verified(directory: Path) -> None:
    for order in ("little", "big"):
        arguments = ["run", f"calc-{order}.pkf", "--function", "swap", "1", "2", "--stats"]
        ran = packfile_command(*arguments, cwd=directory)
        assert (ran.status, ran.out) == (0, "2\n1\n")
        size = (directory / f"calc-{order}.pkf").stat().st_size
        assert f"calc-{order}: {size} bytes mapped, 0 copied, 0 swapped; 1 function of 4 words verified" in ran.err
        assert "fuel used: 1\n" in ran.err
        document = packfile_command(*arguments, "--json", cwd=directory).json
        stats = document["stats"][f"calc-{order}"]
        assert (stats["copied"], stats["swapped"], stats["verified"], stats["functions_verified"]) == (0, 0, 4, 1)
        assert document["fuel_used"] == 1


def test_floats_in_json_have_their_bits(directory: Path) -> None:
    document = packfile_command("run", "calc.pka", "--function", "keep", "nan", "--json", cwd=directory).json
    assert document["results"] == [{"type": "n", "value": "nan", "bits": "7ff8000000000000"}]


@pytest.mark.parametrize(
    ("tier", "translated"), [("always", 1), ("5", 1), ("1000", 0), ("off", 0), ("auto", 0)], ids=str
)
def test_a_tier_is_asked_for(directory: Path, tier: str, translated: int) -> None:
    arguments = ["run", "calc-big.pkf", "--function", "down", "20", "--tier", tier, "--json"]
    ran = packfile_command(*arguments, cwd=directory)
    assert (ran.status, ran.json["functions_translated"], ran.json["fuel_used"]) == (0, translated, 21)


@pytest.mark.parametrize("tier", ["never", "0", "-1", "1.5", ""])
def test_what_is_no_tier_is_refused(directory: Path, tier: str) -> None:
    for command in (["run", "calc-big.pkf"], ["adapter"]):
        ran = packfile_command(*command, "--tier", tier, cwd=directory)
        assert ran.status == 2
        assert f"{tier!r} is not one of auto, always, off, or a number above 0." in ran.err
