"""Processes that open, link, call and verify for the groups that measure this, all asked by the same requests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.children import Child
from benchmarks.facts import version_of
from benchmarks.group import NotMeasured
from benchmarks.lineup import DRIVERS, ROOT, LeftOut

BUILD = ROOT / "build" / "bench"
"""Where files are made, and what is compiled."""
BASELINE = Path(__file__).parent / "baseline"
_LOADER_C = ROOT / "loaders" / "c"
_LIBRARY = _LOADER_C / "build" / "release" / "libpackfile.a"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")

C = "C"
REFERENCE = "reference"
FIRST_TIER = "reference, first tier"
SECOND_TIER = "reference, second tier"
COPYING_C = "copying C"
COPYING_PYTHON = "copying Python"
MARSHAL = "marshal"
WASMTIME = "wasmtime"
LUA = "Lua 5.4"
SQLITE = "sqlite"
_PYTHONS = {
    REFERENCE: ("reference",),
    FIRST_TIER: ("reference", "0"),
    SECOND_TIER: ("reference", "1"),
    COPYING_PYTHON: ("copying",),
    MARSHAL: ("marshal",),
    SQLITE: ("sqlite",),
    WASMTIME: ("wasmtime",),
}
_COMPILED = {C: "in_place", COPYING_C: "copying"}


class Opener:
    """A process that opens files and calls functions of them."""

    def __init__(self, child: Child) -> None:
        self.child = child

    def ask(self, *words: object, expected: int | None = None) -> int:
        """Ask for something.

        Raises:
            NotMeasured: It fails, or its answer is not the expected one.
        """
        line = " ".join(map(str, words))
        reply = self.child.ask(line)
        try:
            value = int(reply)
        except ValueError:
            raise self.child.failed(f"its answer is no number: {reply!r}", line) from None
        if expected is not None and value != expected:
            raise self.child.failed(f"its answer is wrong: expected {expected}, got {value}", line)
        return value


class Openers:
    """Knows how each kind is started, and why one cannot be."""

    def __init__(self, replaced: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Compile what is in C.

        Args:
            replaced: Commands to use instead of the known ones, by kind.
        """
        self._commands: dict[str, tuple[str, ...]] = {}
        self.lacks: dict[str, str] = {}
        """Why a kind takes no part."""
        for kind, arguments in _PYTHONS.items():
            self._commands[kind] = (sys.executable, str(DRIVERS / "python_opener.py"), *arguments)
        if version_of("wasmtime") is None:
            self.lacks[WASMTIME] = "wasmtime is not installed: pip install 'packfile[bench]'"
        if shutil.which("lua5.4") is None:
            self.lacks[LUA] = "lua5.4 is not on PATH"
        self._commands[LUA] = ("lua5.4", str(DRIVERS / "lua_opener.lua"))
        for kind, source in _COMPILED.items():
            if kind == C and not _LIBRARY.exists():
                self.lacks[C] = f"{_LIBRARY.relative_to(ROOT)} is not there (make -C loaders/c)"
            elif shutil.which("cc") is None:
                self.lacks[kind] = "no C compiler is on PATH as cc"
            else:
                self._commands[kind] = (str(_compiled(source)),)
        for kind, command in (replaced or {}).items():
            self._commands[kind] = command
            self.lacks.pop(kind, None)

    def start(self, kind: str, name: str, stack: ExitStack) -> Opener:
        """Start one; the stack ends it.

        Raises:
            NotMeasured: It cannot be started, or is one of those that `lacks` names.
        """
        if kind in self.lacks:
            raise NotMeasured(f"{name}: {self.lacks[kind]}")
        opener = Opener(stack.enter_context(Child(name, self._commands[kind])))
        opener.ask("ping", expected=0)
        opener.child.works_alone()
        return opener

    def left_out(self, *kinds: str) -> list[LeftOut]:
        """Those of some kinds that take no part."""
        return [LeftOut(kind, self.lacks[kind]) for kind in kinds if kind in self.lacks]


def _compiled(name: str) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    output = BUILD / name
    sources = [BASELINE / f"{name}.c", BASELINE / "lines.h", _LOADER_C / "src" / "packfile_format.h", _LIBRARY]
    newest = max(source.stat().st_mtime for source in sources if source.exists())
    if output.exists() and output.stat().st_mtime > newest:
        return output
    includes = (f"-I{_LOADER_C / 'include'}", f"-I{_LOADER_C / 'src'}")
    libraries = (str(_LIBRARY), "-lm", "-pthread") if name == _COMPILED[C] else ()
    # Under another name until it is whole: another run may be compiling or using it.
    unfinished = output.with_suffix(f".{os.getpid()}")
    line = ("cc", *_FLAGS, *includes, "-o", str(unfinished), str(sources[0]), *libraries)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"{sources[0].relative_to(ROOT)} does not compile:\n{done.stderr.rstrip()}")
    unfinished.replace(output)
    return output
