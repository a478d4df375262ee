"""`map`: the forms in which it draws, what it says of what cannot be drawn, and that nothing is left behind."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
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
from map_support import BOTH, ENDLESS, ON_LINUX, PAGE, STEPS, STORE, mapped, section
from packfile.layout import ByteOrder
from programs import FIB, build


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
