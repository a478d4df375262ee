"""Who takes part in the group `loaders`, how each is asked, and who is left out and why."""

import platform
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.adapter import Adapter
from benchmarks.children import Child
from benchmarks.facts import version_of
from benchmarks.programs import FOLDER, Answer
from packfile.layout import ByteOrder

ROOT = Path(__file__).parent.parent
DRIVERS = Path(__file__).parent / "drivers"

LUA = "Lua 5.4"
"""What all others are compared with."""
LUAJIT = "LuaJIT -joff"
CLAIMED = "C"
"""The loader of which is told whether it is as fast as Lua 5.4."""


@dataclass(frozen=True)
class Loader:
    """A Packfile loader and the command of its adapter."""

    name: str
    command: Sequence[str]
    remedy: str = ""
    """What to do where a file of the command, or what it needs, is not there."""
    needs: Path | None = None
    """What must be there besides."""


LOADERS = (
    Loader("reference", (sys.executable, "-m", "packfile", "adapter")),
    Loader(CLAIMED, (str(ROOT / "loaders/c/build/release/pf"), "adapter"), "make -C loaders/c"),
    Loader("C switch", (str(ROOT / "loaders/c/build/switch/pf"), "adapter"), "make -C loaders/c switch"),
    Loader(
        "JavaScript",
        ("node", str(ROOT / "loaders/js/bin/packfile-js"), "adapter"),
        "npm ci in loaders/js",
        ROOT / "loaders/js/node_modules",
    ),
)


@dataclass(frozen=True)
class Contender:
    """What runs the programs, in a process of its own."""

    name: str
    version: str
    child: Child
    run: Callable[[str, int], Answer]
    empty: Callable[[], object] | None = None
    """Asks for a call that does nothing; None of what is no Packfile loader."""


@dataclass(frozen=True)
class LeftOut:
    """What takes no part."""

    contender: str
    why: str


class Lineup:
    """All contenders of a run."""

    def __init__(self, stack: ExitStack, files: Mapping[ByteOrder, Path], added: Sequence[Loader]) -> None:
        """Start all that are there; the stack ends them.

        Args:
            stack: Closes what is opened here.
            files: Folders with a file of each program, by byte order.
            added: Loaders beside, or instead of, those that are known.

        Raises:
            NotMeasured: One cannot be started, or fails at once.
        """
        self._stack = stack
        self.contenders: list[Contender] = []
        self.left_out: list[LeftOut] = []
        for loader in {loader.name: loader for loader in (*LOADERS, *added)}.values():
            # One that was asked for and cannot be started is an error.
            lack = "" if loader in added else lacks(loader)
            if lack:
                self.left_out.append(LeftOut(loader.name, lack))
            else:
                self._add_loader(loader, files)
        self._add_lua(LUA, "Lua 5.4", ("lua5.4", "lua54", "lua"))
        self._add_lua(LUAJIT, "LuaJIT", ("luajit",), "-joff")
        self._add_python("CPython", "cpython", platform.python_version())
        for engine in ("pywasm", "wasmtime"):
            # The WebAssembly text is translated by wasmtime, for pywasm, too.
            missing = [name for name in dict.fromkeys((engine, "wasmtime")) if version_of(name) is None]
            if missing:
                why = f"{' and '.join(missing)} not installed: pip install 'packfile[bench]'"
                self.left_out.append(LeftOut(engine, why))
            else:
                self._add_python(engine, engine, version_of(engine) or "")

    def _add_loader(self, loader: Loader, files: Mapping[ByteOrder, Path]) -> None:
        for order, folder in files.items():
            name = f"{loader.name}, {order.name.lower()}"
            adapter = Adapter(self._stack.enter_context(Child(name, loader.command)), folder)
            adapter.child.works_alone()
            self.contenders.append(Contender(name, adapter.version, adapter.child, adapter.run, adapter.empty))

    def _add_lua(self, name: str, wanted: str, commands: Sequence[str], *options: str) -> None:
        for command in commands:
            version = _version(command)
            if version.startswith(wanted):
                line = (command, *options, str(DRIVERS / "lua_driver.lua"), str(FOLDER))
                self._add_driver(name, version, line)
                return
        self.left_out.append(LeftOut(name, f"{wanted} is not on PATH as {' or '.join(commands)}"))

    def _add_python(self, name: str, engine: str, version: str) -> None:
        command = (sys.executable, str(DRIVERS / "python_driver.py"), engine)
        self._add_driver(name, version, command)

    def _add_driver(self, name: str, version: str, command: Sequence[str]) -> None:
        child = self._stack.enter_context(Child(name, command))

        def run(program: str, argument: int) -> Answer:
            line = f"{program} {argument}"
            reply = child.ask(line)
            try:
                return float.fromhex(reply) if "x" in reply else int(reply)
            except ValueError:
                raise child.failed(f"its reply is no number: {reply!r}", line) from None

        self.contenders.append(Contender(name, version, child, run))


def named_loader(text: str) -> Loader:
    """A loader as the command line names it.

    Raises:
        ValueError: It is not of the form NAME=CMD.
    """
    name, _, command = text.partition("=")
    words = shlex.split(command)
    if not name or not words:
        raise ValueError(text)
    return Loader(name, words)


def loader_option(parser: ArgumentParser) -> None:
    """Add `--loader` to a sub-command."""
    parser.add_argument(
        "--loader",
        action="append",
        default=[],
        type=_loader,
        metavar="NAME=CMD",
        help="measure this loader as well, by the command of its adapter; NAME may be one that is known, to replace it",
    )


def _loader(text: str) -> Loader:
    try:
        return named_loader(text)
    except ValueError:
        raise ArgumentTypeError(f"expected NAME=CMD, got {text!r}") from None


def lacks(loader: Loader) -> str:
    """Why a loader cannot be started here; empty if it can."""
    missing = []
    for path in (*map(Path, loader.command), *((loader.needs,) if loader.needs else ())):
        if path.is_relative_to(ROOT) and not path.exists():
            remedy = f" ({loader.remedy})" if loader.remedy else ""
            missing.append(f"{path.relative_to(ROOT)} is not there{remedy}")
    if not Path(loader.command[0]).is_absolute() and shutil.which(loader.command[0]) is None:
        missing.append(f"{loader.command[0]} is not on PATH")
    return "; ".join(missing)


def _version(command: str) -> str:
    if shutil.which(command) is None:
        return ""
    done = subprocess.run([command, "-v"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return " ".join((done.stdout + done.stderr).split()[:2])
