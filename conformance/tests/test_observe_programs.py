"""Real programs and what they do with their files, as the page on `packfile-suite observe` tells it.

Only what holds in every version is asserted. A machine that lacks a program skips its test, and says so.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MIB = 1 << 20
PAGE = 4096
ROWS = (
    "create table t(x); with recursive c(i) as (select 1 union all select i + 1 from c where i < 600)"
    " insert into t select randomblob(3000) from c"
)


def need(name: str) -> str:
    """The program's path."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name} here")
    return path


def observe(
    file: Path, *command: object, options: tuple[str, ...] = (), directory: Path | None = None
) -> dict[str, Any]:
    """What was seen of the file; the program must have ended well."""
    out = file.parent / "seen.json"
    arguments = [
        sys.executable,
        "-m",
        "packfile_suite",
        "observe",
        "--file",
        file,
        "--json",
        out,
        *options,
        "--",
        *command,
    ]
    done = subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, check=False, timeout=300, cwd=directory
    )
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    found["file"] = found["files"][0]
    assert found["why_not"] == ""
    return found


def test_sqlite_reads_its_pages_unless_it_is_told_to_map_them(tmp_path: Path) -> None:
    sqlite, file = need("sqlite3"), tmp_path / "test.db"
    subprocess.run([sqlite, file, ROWS], check=True)
    read = observe(file, sqlite, file, "select count(hex(x)) from t")["file"]
    assert read["mapped"] == 0
    assert read["was_read"] > file.stat().st_size // 2
    mapped = observe(file, sqlite, file, "pragma mmap_size = 1000000000; select count(hex(x)) from t")["file"]
    assert mapped["mapped"] >= file.stat().st_size
    assert (mapped["permissions"], mapped["private"]) == (["r--s"], 0)
    assert mapped["was_read"] < 64 * 1024
    assert mapped["resident"] > file.stat().st_size // 2


def test_python_reads_compiled_modules_and_makes_more_of_them(tmp_path: Path) -> None:
    source = tmp_path / "big.py"
    lines = "".join(f"    if a == {number}: return 'name{number}' + str(a)\n" for number in range(20_000))
    source.write_text(f"def f(a):\n{lines}")
    program = f"import py_compile; py_compile.compile({str(source)!r}, cfile={str(tmp_path / 'big.pyc')!r})"
    subprocess.run([sys.executable, "-c", program], check=True)
    source.unlink()
    file = tmp_path / "big.pyc"
    found = observe(file, sys.executable, "-c", "import big", directory=tmp_path)["file"]
    assert (found["mapped"], found["was_read"]) == (0, file.stat().st_size)
    assert found["copied"] > file.stat().st_size


def test_lua_reads_compiled_chunks_and_makes_more_of_them(tmp_path: Path) -> None:
    luac, lua, file = need("luac5.4"), need("lua5.4"), tmp_path / "big.luac"
    source = tmp_path / "big.lua"
    source.write_text("".join(f"function f{number}(a) return a + {number} end\n" for number in range(20_000)))
    subprocess.run([luac, "-o", file, source], check=True)
    found = observe(file, lua, file)["file"]
    assert found["mapped"] == 0
    assert found["was_read"] >= file.stat().st_size
    assert found["copied"] > file.stat().st_size


def test_wasmtime_maps_compiled_modules_privately(tmp_path: Path) -> None:
    pytest.importorskip("wasmtime")
    file, make, run = (tmp_path / name for name in ("module.cwasm", "make.py", "run.py"))
    body = "(param i64) (result i64) local.get 0 i64.const {0} i64.add local.get 0 i64.mul"
    make.write_text(
        "import sys, wasmtime\n"
        f"functions = ''.join('(func (export \"f%d\") {body})'.format(n) % n for n in range(3000))\n"
        "module = wasmtime.Module(wasmtime.Engine(), '(module ' + functions + ')')\n"
        "open(sys.argv[1], 'wb').write(module.serialize())\n"
    )
    run.write_text(
        "import sys, wasmtime\n"
        "engine = wasmtime.Engine()\n"
        "module = wasmtime.Module.deserialize_file(engine, sys.argv[1])\n"
        "store = wasmtime.Store(engine)\n"
        "exports = wasmtime.Instance(store, module, []).exports(store)\n"
        "assert exports['f7'](store, 5) == 60\n"
    )
    subprocess.run([sys.executable, make, file], check=True)
    found = observe(file, sys.executable, run, file)["file"]
    assert found["mapped"] >= file.stat().st_size // 2
    assert found["was_read"] < file.stat().st_size // 2
    assert any("x" in permissions for permissions in found["permissions"]), "code is run from the mapping of the file"
    assert not any(permissions.endswith("s") for permissions in found["permissions"])


def test_git_maps_windows_of_a_pack(tmp_path: Path) -> None:
    git = need("git")
    repository = tmp_path / "repository"
    run: list[str] = [git, "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([git, "init", "-q", repository], check=True)
    program = f"import os; open({str(repository / 'blob')!r}, 'wb').write(os.urandom({8 * MIB}))"
    subprocess.run([sys.executable, "-c", program], check=True)
    (repository / "small").write_text("small\n" * 100)
    for arguments in (["add", "."], ["commit", "-q", "-m", "x"], ["repack", "-q", "-a", "-d"]):
        subprocess.run([*run, *arguments], check=True)
    (pack,) = (repository / ".git" / "objects" / "pack").glob("*.pack")
    show = ["cat-file", "-p", "HEAD:small"]
    whole = observe(pack, *run, *show)["file"]
    assert whole["mapped"] >= 8 * MIB
    assert (whole["private"], whole["was_read"] < 4096) == (0, True)
    small = observe(pack, *run, "-c", "core.packedGitWindowSize=64k", *show)["file"]
    assert 0 < small["mapped"] < MIB
    assert small["resident"] < MIB


def test_grep_reads_a_file_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    grep, file = need("grep"), tmp_path / "big.txt"
    file.write_text("a line that is not there\n" * (16 * MIB // 25) + "here\n")
    found = observe(file, grep, "-c", "^here$", file)["file"]
    assert (found["mapped"], found["was_read"]) == (0, file.stat().st_size)
    assert found["copied"] < file.stat().st_size // 8


def test_the_reference_runs_a_module_in_place(tmp_path: Path) -> None:
    source, file = tmp_path / "m.pka", tmp_path / "m.pkf"
    source.write_text(".rodata\n.zero 4000000\n.export func f () -> (i)\n  i_imm i0, 5\n  ret i0, n0\n")
    subprocess.run([sys.executable, "-m", "packfile", "assemble", str(source)], check=True)
    content = file.read_bytes()
    # Written by pages: the kernel brings in at a touch what was written at once.
    with file.open("r+b", buffering=0) as out:
        out.truncate(0)
        for at in range(0, len(content), PAGE):
            out.write(content[at : at + PAGE])
    options = ("--expect", "in-place", "--max-touched", "1M")
    found = observe(file, sys.executable, "-m", "packfile", "run", file, "--function", "f", options=options)
    assert {row["verdict"] for row in found["statements"]} == {"ok"}
