"""`map`: the pages that a run touches, as the kernel has it and as the loader has it."""

import re
from pathlib import Path

import pytest

from cli_support import EXAMPLES, packfile_command
from map_support import BOTH, ON_LINUX, PAGE, STEPS, STORE, mapped, numbers, section
from packfile.assembler import assemble
from packfile.instructions import Opcode
from packfile.layout import MAX_FILE_LENGTH, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Module, Signature
from packfile.writer import encode
from programs import build, sparse_module


def many_functions(order: ByteOrder, functions: int, pages: int) -> bytes:
    """A module of functions named f and their number, each of so many pages."""
    words = pages * PAGE // 4
    code = (int(Opcode.I_IMM),) * (words - 1) + (int(Opcode.RET),)
    names = sorted((f"f{index}", index) for index in range(functions))
    return encode(
        Module(
            functions=(Function(Signature(), 1, 0, code),) * functions,
            exports=tuple(Export(name, ImportKind.FUNCTION, Segment.NONE, index, 0) for name, index in names),
        ),
        order,
    )


@BOTH
def test_the_letters_say_which_step_read_a_page_first(order: ByteOrder, tmp_path: Path, by: str) -> None:
    text = (EXAMPLES / "fib.pka").read_text(encoding="utf-8")
    (tmp_path / "fib.pkf").write_bytes(build(text, order))
    ran = packfile_command("map", "fib.pkf", "--call", "fib", "5", "--by", by, cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[:9] == [
        f"fib.pkf: {order.name.lower()}-endian, 4200 bytes, 2 pages of {PAGE} bytes, 1 page a cell",
        "  section    open  link  call  of",
        "  header     1     1     1     1   o",
        "  functions  0     0     1     1   c",
        "  imports    0     1     1     1   l",
        "  exports    0     0     1     1   c",
        "  strings    0     1     1     1   l",
        "  code       0     0     1     1   c",
        "  present    1     1     2     2",
    ]
    method = "kernel has them mapped, page by page" if by == "kernel" else "loader noted what it read"
    assert method in ran.out
    assert ran.out.endswith("\nfib.pkf fib 5: the call returned 5\n")


@BOTH
def test_a_call_touches_its_own_pages_of_a_big_module_and_no_other(order: ByteOrder, tmp_path: Path, by: str) -> None:
    (tmp_path / "big.pkf").write_bytes(many_functions(order, functions=256, pages=16))
    found = mapped(tmp_path, "big.pkf", "--call", "f200", "--by", by)
    code = section(found, "code")
    first = code["first_page"] + 200 * 16
    assert code["pages"] == 256 * 16
    assert numbers(code["touched"]) == set(range(first, first + 16))
    assert numbers(code["touched"], present="call", read="call", private=None) == set(range(first, first + 16))
    assert found["modules"][0]["present"]["open"] == 1
    assert found["modules"][0]["present"]["call"] < 16 + 8
    ran = packfile_command("map", "big.pkf", "--call", "f200", "--by", by, cwd=tmp_path)
    (row,) = re.findall(r"^  code .* (\S+)$", ran.out, re.MULTILINE)
    assert row == "." * 50 + "c" + "." * 13


@ON_LINUX
@pytest.mark.parametrize(
    "arguments",
    [
        ["fib.pka", "--call", "fib", "7"],
        ["hello.pka"],
        ["interpreter.pka"],
        ["mandelbrot.pka"],
        ["matmul.pka"],
        ["nbody.pka"],
        ["plugin_main.pka", "--with", "plugin.pka"],
        ["quicksort.pka"],
        ["search.pka"],
        ["shapes_main.pka", "--with", "shapes_lib.pka"],
        ["sieve.pka"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_kernel_and_the_loader_agree_on_every_page(order: ByteOrder, tmp_path: Path, arguments: list[str]) -> None:
    for source in EXAMPLES.glob("*.pka"):
        content = encode(assemble(source.read_text(encoding="utf-8")), order)
        (tmp_path / source.name).with_suffix(".pkf").write_bytes(content)
    words = [word.replace(".pka", ".pkf") for word in arguments]
    kernel, loader = (mapped(tmp_path, *words, "--by", by) for by in ("kernel", "loader"))
    assert kernel["method"] != loader["method"]
    assert kernel["modules"] == loader["modules"]
    assert kernel["steps"] == STEPS


@ON_LINUX
@pytest.mark.parametrize("function", ["f0", "f199", "f399"])
def test_they_agree_where_each_section_has_pages_of_its_own(order: ByteOrder, tmp_path: Path, function: str) -> None:
    lines = [f".const c{index} = {index * 12345678901}" for index in range(2000)]
    lines += [f".import lazy func absent.{'x' * 40}{index} () -> ()" for index in range(500)]
    for index in range(400):
        lines += [f".export func f{index} () -> (i)", f"  i_const i0, c{index * 5}", "  ret"]
    (tmp_path / "wide.pkf").write_bytes(build("\n".join(lines), order))
    kernel, loader = (mapped(tmp_path, "wide.pkf", "--call", function, "--by", by) for by in ("kernel", "loader"))
    assert kernel["modules"] == loader["modules"]
    constants = section(kernel, "constants")
    at = constants["offset"] + 8 * 5 * int(function[1:])
    assert numbers(constants["touched"], read="call") == {at // PAGE}
    assert len(numbers(section(kernel, "imports")["touched"], read="link")) == section(kernel, "imports")["pages"] > 2


@BOTH
@pytest.mark.parametrize(
    ("call", "private", "read"),
    [
        (["store", "12288"], {3}, {3}),
        (["load", "12288"], set(), {3}),
        (["copy", "0", "0"], {0, 1, 2}, {0, 1, 2}),
        (["fill", "4097"], {0, 1}, {0, 1}),
        (["fill", "0"], set(), set()),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.skipif(PAGE != 4096, reason="data is copied whole")
def test_a_store_makes_its_page_of_data_private(
    order: ByteOrder, tmp_path: Path, by: str, call: list[str], private: set[int], read: set[int]
) -> None:
    (tmp_path / "store.pkf").write_bytes(build(STORE, order))
    found = mapped(tmp_path, "store.pkf", "--by", by, "--call", *call)
    data = section(found, "data")
    first = data["first_page"]
    assert {number - first for number in numbers(data["touched"], private="call")} == private
    assert {number - first for number in numbers(data["touched"], read="call")} == read
    rodata = section(found, "rodata")
    copied = {0, 1, 2} if call[0] == "copy" else set()
    assert {number - rodata["first_page"] for number in numbers(rodata["touched"])} == copied
    assert found["modules"][0]["private"] == {"open": 0, "link": 0, "call": len(private)}
    letters = re.findall(
        r"^  data .* (\S+)$",
        packfile_command("map", "store.pkf", "--by", by, "--call", *call, cwd=tmp_path).out,
        re.MULTILINE,
    )
    assert letters == ["".join("p" if n in private else "c" if n in read else "." for n in range(10))]


@BOTH
@pytest.mark.parametrize("call", [["store", "40000"], ["fill", "40001"]], ids=lambda call: call[0])
def test_an_access_that_traps_touches_nothing_and_the_rest_is_drawn(tmp_path: Path, by: str, call: list[str]) -> None:
    (tmp_path / "store.pkf").write_bytes(build(STORE, ByteOrder.LITTLE))
    ran = packfile_command("map", "store.pkf", "--by", by, "--json", "--call", *call, cwd=tmp_path)
    assert ran.status == 1
    assert ran.err.startswith("store.pkf:0x")
    assert "trap: PF-EXE-" in ran.err
    assert (ran.json["outcome"], ran.json["results"], ran.json["error"]["code"]) == ("trap", None, "out-of-bounds")
    assert section(ran.json, "data")["touched"] == []
    assert section(ran.json, "code")["touched"] != []


@ON_LINUX
def test_neighbours_are_drawn_apart_from_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "big.pkf").write_bytes(many_functions(ByteOrder.LITTLE, functions=256, pages=1))
    code = section(mapped(tmp_path, "big.pkf", "--call", "f9", "--neighbours"), "code")
    assert len(numbers(code["touched"], read="call")) == 1
    assert len(numbers(code["touched"], read=None)) > 4
    ran = packfile_command("map", "big.pkf", "--call", "f9", "--neighbours", cwd=tmp_path)
    (row,) = re.findall(r"^  code .* (\S+)$", ran.out, re.MULTILINE)
    assert "+" in row
    assert row.count("c") == 1
    assert "it maps neighbours" in ran.out


@ON_LINUX
def test_a_file_with_more_pages_than_mappings_is_shown_in_windows(order: ByteOrder, tmp_path: Path) -> None:
    sparse_module(tmp_path / "huge.pkf", MAX_FILE_LENGTH, order)
    found = mapped(tmp_path, "huge.pkf", "--call", "fib", "5")
    match = re.fullmatch(r"as the kernel has them mapped, in windows of (\d+) pages", found["method"])
    assert match, found["method"]
    window = int(match[1])
    limit = int(Path("/proc/sys/vm/max_map_count").read_text())
    assert MAX_FILE_LENGTH / PAGE / window < limit / 2
    (exact,) = mapped(tmp_path, "huge.pkf", "--call", "fib", "5", "--by", "loader")["modules"]
    (module,) = found["modules"]
    assert exact["present"]["call"] <= module["present"]["call"] <= exact["present"]["call"] * window
    assert (tmp_path / "huge.pkf").stat().st_blocks * 512 < 1 << 20, "something wrote to it"


@ON_LINUX
@pytest.mark.parametrize("call", [["store", "12288"], ["load", "4096"], ["copy", "0", "0"], ["fill", "4097"]])
def test_they_agree_on_a_file_with_digests(order: ByteOrder, tmp_path: Path, call: list[str]) -> None:
    big = STORE.replace("table: .zero 40000", "table: .zero 8000000")
    (tmp_path / "store.pkf").write_bytes(build(big, order))
    assert packfile_command("digest", "store.pkf", cwd=tmp_path).status == 0
    kernel, loader = (mapped(tmp_path, "store.pkf", "--by", by, "--call", *call) for by in ("kernel", "loader"))
    assert kernel["modules"] == loader["modules"]
    tree = section(kernel, "digests")
    assert tree["pages"] > 8
    assert 1 <= len(numbers(tree["touched"], read="open")) < tree["pages"]
    unchecked = mapped(tmp_path, "store.pkf", "--call", *call, "--no-digests")
    assert section(unchecked, "digests")["touched"] == []
    reads = [numbers(section(found, "data")["touched"], read="call") for found in (unchecked, kernel)]
    assert reads[0] == reads[1] != set()


@BOTH
@pytest.mark.parametrize("call", [["store", "12288"], ["fill", "20000"]], ids=lambda call: call[0])
def test_damage_is_found_and_nothing_is_stored(order: ByteOrder, tmp_path: Path, call: list[str], by: str) -> None:
    path = tmp_path / "store.pkf"
    path.write_bytes(build(STORE, order))
    assert packfile_command("digest", "store.pkf", cwd=tmp_path).status == 0
    data = section(mapped(tmp_path, "store.pkf"), "data")
    with path.open("r+b") as file:
        file.seek(data["offset"] + 12288)
        file.write(b"!")
    ran = packfile_command("map", "store.pkf", "--json", "--by", by, "--call", *call, cwd=tmp_path)
    assert (ran.status, ran.json["outcome"]) == (1, "corrupt")
    touched = section(ran.json, "data")["touched"]
    assert data["first_page"] + 3 in numbers(touched)
    assert numbers(touched, read="call") == numbers(touched, private="call") == set()
