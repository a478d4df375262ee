"""`map`: the pages that a run touches, as the kernel and as the loader has it, in every form that it is drawn in."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from cli_support import (
    EXAMPLES,
    TIMEOUT,
    Ran,
    environment,
    on_a_terminal,
    packfile_command,
    packfile_process,
    without_escapes,
)
from packfile.assembler import assemble
from packfile.instructions import Opcode
from packfile.layout import MAX_FILE_LENGTH, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Module, Signature
from packfile.writer import encode
from programs import FIB, build, sparse_module

PAGE = os.sysconf("SC_PAGE_SIZE")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what it mapped")
BOTH = pytest.mark.parametrize("by", [pytest.param("kernel", marks=ON_LINUX), "loader"])
STORE = """
.export func store (i) -> ()
  ldata i1, table
  i_add i1, i1, i0
  i_imm i2, 1
  i_store8 i2, i1
  ret
.export func load (i) -> (i)
  ldata i1, table
  i_add i1, i1, i0
  i_load8_u i0, i1
  ret
.export func copy (i, i) -> ()
  ldata i1, table
  lrodata i2, text
  i_imm i3, 10000
  mem_copy i1, i2, i3
  ret
.export func fill (i) -> ()
  ldata i1, table
  i_imm i2, 7
  mem_fill i1, i2, i0
  ret
.rodata
text: .zero 20000
.data
table: .zero 40000
"""
ENDLESS = ".entry f\n.func f () -> ()\nagain:\n  jmp again\n"
STEPS = ["open", "link", "call"]


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


def mapped(directory: Path, *arguments: str | Path) -> Any:
    ran = packfile_command("map", "--json", *arguments, cwd=directory)
    assert (ran.status, ran.err) == (0, ""), ran.err
    return ran.json


def section(document: Any, name: str, module: int = 0) -> Any:
    (found,) = (one for one in document["modules"][module]["sections"] if one["name"] == name)
    return found


def numbers(touched: list[Any], **wanted: str | None) -> set[int]:
    """Pages of the ranges in which all is as wanted."""
    return {
        number
        for part in touched
        if all(part[key] == value for key, value in wanted.items())
        for number in range(part["first"], part["last"] + 1)
    }


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
    (tmp_path / "big.pkf").write_bytes(many_functions(ByteOrder.LITTLE, functions=64, pages=4))
    code = section(mapped(tmp_path, "big.pkf", "--call", "f9", "--neighbours"), "code")
    assert len(numbers(code["touched"], read="call")) == 4
    assert len(numbers(code["touched"], read=None)) > 4
    ran = packfile_command("map", "big.pkf", "--call", "f9", "--neighbours", cwd=tmp_path)
    assert "+" in re.findall(r"^  code .* (\S+)$", ran.out, re.MULTILINE)[0]
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


@BOTH
def test_keys_of_the_document_are_always_the_same(tmp_path: Path, by: str) -> None:
    (tmp_path / "fib.pkf").write_bytes(build(FIB, ByteOrder.LITTLE))
    called = mapped(tmp_path, "fib.pkf", "--call", "fib", "5", "--by", by)
    linked = mapped(tmp_path, "fib.pkf", "--by", by)
    for found in (called, linked):
        assert list(found) == [
            *("file", "function", "by", "method", "page", "steps", "outcome", "results", "error", "modules")
        ]
        assert (found["file"], found["by"], found["page"]) == ("fib.pkf", by, PAGE)
        for module in found["modules"]:
            assert list(module) == ["name", "file", "byte_order", "length", "pages", "present", "private", "sections"]
            assert list(module["present"]) == list(module["private"]) == found["steps"]
            for part in module["sections"]:
                assert list(part) == ["name", "offset", "length", "first_page", "pages", "touched"]
                for touched in part["touched"]:
                    assert list(touched) == ["first", "last", "present", "read", "private"]
    assert (called["steps"], called["function"], called["outcome"]) == (STEPS, "fib", "ok")
    assert called["results"] == [{"type": "i", "value": "5"}]
    assert (linked["steps"], linked["function"], linked["results"]) == (STEPS[:2], None, None)


def test_a_module_without_an_entry_function_is_opened_and_linked(tmp_path: Path) -> None:
    (tmp_path / "fib.pka").write_text(FIB)
    ran = packfile_command("map", "fib.pka", "--by", "loader", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert "  section    open  link  of\n" in ran.out
    assert ran.out.endswith("fib.pka: nothing was called\n")


def test_modules_link_as_they_run(tmp_path: Path) -> None:
    for name in ("plugin_main", "plugin"):
        (tmp_path / f"{name}.pka").write_text((EXAMPLES / f"{name}.pka").read_text(encoding="utf-8"))
    found = mapped(tmp_path, "plugin_main.pka", "--with", "plugin=plugin.pka", "--name", "it", "--by", "loader")
    assert [(module["name"], module["file"]) for module in found["modules"]] == [
        ("it", "plugin_main.pka"),
        ("plugin", "plugin.pka"),
    ]
    assert section(found, "code", 1)["touched"] != []


@ON_LINUX
def test_standard_input_and_odd_names_are_seen_as_well(tmp_path: Path) -> None:
    content = build(FIB, ByteOrder.BIG)
    odd = "odd \x1b[31m\n\\012 \u00e9 (deleted)"
    (tmp_path / odd).write_bytes(content)
    wanted = mapped(tmp_path, odd, "--call", "fib", "5", "--by", "loader")["modules"][0]["sections"]
    assert mapped(tmp_path, odd, "--call", "fib", "5")["modules"][0]["sections"] == wanted
    ran = packfile_command("map", "-", "--call", "fib", "5", "--json", stdin=content)
    assert ran.json["modules"][0]["sections"] == wanted
    assert ran.json["modules"][0]["file"] == "<stdin>"


def test_what_the_program_prints_is_not_among_the_picture(tmp_path: Path) -> None:
    (tmp_path / "hello.pka").write_text((EXAMPLES / "hello.pka").read_text(encoding="utf-8"))
    ran = packfile_command("map", "hello.pka", "--by", "loader", cwd=tmp_path)
    assert "hello, world" not in ran.out
    assert re.search(r"^  rodata .* c$", ran.out, re.MULTILINE)


def cells_of(svg: ET.Element) -> list[str]:
    """States of the cells; those of the legend have no title."""
    return [str(path.get("class")) for path in svg.iter("{http://www.w3.org/2000/svg}path") if len(path)]


def test_pictures_are_well_formed_and_need_no_other_file(order: ByteOrder, tmp_path: Path) -> None:
    name = "<&store>.pkf"
    (tmp_path / name).write_bytes(build(STORE, order))
    outputs = ["--svg", "a.svg", "--png", "a.png", "--html", "a.html"]
    ran = packfile_command("map", name, "--by", "loader", "--call", "store", "5000", *outputs, cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    svg = ET.parse(tmp_path / "a.svg").getroot()  # noqa: S314 - our own
    assert name in "".join(svg.itertext())
    assert {"open", "call", "private", "untouched"} <= set(cells_of(svg))
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    page = ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own
    figures = [cells_of(figure) for figure in page.iter("figure")]
    assert [("private" in cells, "call" in cells, "open" in cells) for cells in figures] == [
        (False, False, True),
        (False, False, True),
        (True, True, True),
    ]
    assert not re.search(r"(src|href)=|url\(|@import", text.replace("http://www.w3.org/2000/svg", ""))
    with Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as png:
        png.load()
        colours = {colour for _, colour in png.getcolors(1 << 16) or []}
        assert png.width > png.height / 2
    for colour in ("2b6cb0", "c53030", "e2e8f0", "d69e2e"):
        assert tuple(bytes.fromhex(colour)) in colours, colour


@BOTH
def test_a_terminal_gets_blocks_and_without_colour_letters(tmp_path: Path, by: str) -> None:
    (tmp_path / "fib.pkf").write_bytes(build(FIB, ByteOrder.LITTLE))
    words = ["map", "fib.pkf", "--call", "fib", "5", "--by", by]
    status, text = on_a_terminal(*words, cwd=tmp_path)
    assert status == 0
    assert "\x1b[34m█" in text
    assert re.search(r"^  code +0 +0 +1 +1 +█\r$", without_escapes(text), re.MULTILINE)
    _, plain = on_a_terminal(*words, cwd=tmp_path, env={"NO_COLOR": "1"})
    assert plain.replace("\r\n", "\n") == packfile_command(*words, cwd=tmp_path).out


def without_linux(*arguments: str, cwd: Path) -> Ran:
    """Run the command where Python says that this is another system."""
    start = "import sys; sys.platform = 'darwin'; sys.argv[0] = 'packfile'; from packfile.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=cwd,
        env=environment(),
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_without_linux_only_the_loader_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "fib.pkf").write_bytes(build(FIB, ByteOrder.LITTLE))
    message = "packfile: only Linux shows what it mapped, and this is darwin; use --by loader\n"
    assert without_linux("map", "fib.pkf", cwd=tmp_path) == (2, "", message)
    assert without_linux("map", "fib.pkf", "--by", "loader", cwd=tmp_path).status == 0


def test_png_without_pillow_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "endless.pka").write_text(ENDLESS)
    start = "import sys; sys.modules['PIL'] = None; sys.argv[0] = 'packfile'; from packfile.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, "map", "endless.pka", "--png", "a.png"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=tmp_path,
        env=environment(),
        check=False,
    )
    message = "packfile: PNG needs Pillow, which is not installed: python -m pip install 'packfile[map]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["absent.pkf"], 2, "packfile: absent.pkf: No such file or directory"),
        (["."], 2, "packfile: .: not a regular file"),
        (["text.pkf"], 1, "text.pkf:0x0: malformed: PF-HDR-002: "),
        (["empty.pkf"], 1, "empty.pkf:0x0: malformed: PF-HDR-001: "),
        (["fib.pkf", "--call", "nope"], 1, "unlinkable: PF-EXE-017: "),
        (["fib.pkf", "--call", "fib"], 2, "packfile: the function fib is (i) -> (i): it takes 1 integer; got 0"),
        (["fib.pkf", "--call", "fib", "x"], 2, "packfile: expected an integer, got 'x'"),
        (["fib.pkf", "5"], 2, "packfile: there is no entry function to take arguments; --call names what to call"),
        (["fib.pkf", "--call", "fib", "5", "--cal", "fib"], 2, "there is no option --cal; see packfile map --help"),
        (["fib.pkf", "--with", "fib=fib.pkf"], 1, "unlinkable: PF-FIX-"),
        (["fib.pkf", "--call", "fib", "9", "--fuel", "5"], 1, "fib.pkf:0x100c: exhausted: PF-EXE-013: "),
        (["fib.pkf", "--svg", "absent/a.svg"], 2, "packfile: absent/a.svg: No such file or directory"),
        (["endless.pka", "--fuel", "10"], 1, "endless.pka:0x1000: exhausted: PF-EXE-013: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_fails_says_why_and_ends(tmp_path: Path, by: str, arguments: list[str], status: int, message: str) -> None:
    (tmp_path / "fib.pkf").write_bytes(build(FIB, ByteOrder.LITTLE))
    (tmp_path / "text.pkf").write_text("this is no packfile, though it is as long as a header of one would have to be")
    (tmp_path / "empty.pkf").write_bytes(b"")
    (tmp_path / "endless.pka").write_text(ENDLESS)
    ran = packfile_command("map", "--by", by, *arguments, cwd=tmp_path)
    assert ran.status == status
    assert message in ran.err, ran.err
    assert ran.err.startswith("packfile: ") or status == 1


def test_what_fails_after_open_still_shows_what_was_opened(tmp_path: Path) -> None:
    (tmp_path / "fib.pkf").write_bytes(build(FIB, ByteOrder.LITTLE))
    ran = packfile_command("map", "fib.pkf", "--with", "fib=fib.pkf", "--by", "loader", cwd=tmp_path)
    assert "  section    open  of\n" in ran.out
    assert "fib.pkf: the link ended: unlinkable\n" in ran.out
    ran = packfile_command("map", "fib.pkf", "--call", "nope", "--by", "loader", cwd=tmp_path)
    assert "fib.pkf nope: the call ended: unlinkable\n" in ran.out
    assert ran.err.endswith("    --call names what to call; it exports fib\n")


def test_neighbours_are_the_kernels(tmp_path: Path) -> None:
    ran = packfile_command("map", "fib.pkf", "--neighbours", "--by", "loader", cwd=tmp_path)
    assert ran == (2, "", "packfile: --neighbours shows what the kernel maps, so it cannot be --by loader\n")


@ON_LINUX
def test_an_interrupt_ends_the_run_and_whoever_looks_at_it(tmp_path: Path) -> None:
    (tmp_path / "endless.pka").write_text(ENDLESS)
    with subprocess.Popen(
        [sys.executable, "-m", "packfile", "map", "endless.pka"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
        start_new_session=True,
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + TIMEOUT
        while not (observers := children.read_text().split()) and time.monotonic() < end:
            time.sleep(0.02)
        # Until it opened the file, an interrupt may come before Python can be interrupted as a command.
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=TIMEOUT) == (b"", b"")
        assert process.returncode == 130
    assert observers
    assert not any(Path(f"/proc/{number}").exists() for number in observers)


@ON_LINUX
def test_who_looks_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "endless.pka").write_text(ENDLESS)
    command = [sys.executable, "-m", "packfile", "map", "endless.pka"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment()) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + TIMEOUT
        while not (observers := children.read_text().split()) and time.monotonic() < end:
            time.sleep(0.02)
        process.kill()
    assert observers
    while any(alive(number) for number in observers) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(alive(number) for number in observers)


def alive(number: str) -> bool:
    """Whether a process runs, rather than waiting for someone to ask how it ended."""
    status = Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_the_document_is_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "fib.pkf").write_bytes(build(FIB, ByteOrder.LITTLE))
    words = ["map", "fib.pkf", "--call", "fib", "3", "--by", "loader", "--json"]
    ran = packfile_process(*words, cwd=tmp_path)
    assert json.loads(ran.out) == packfile_command(*words, cwd=tmp_path).json
