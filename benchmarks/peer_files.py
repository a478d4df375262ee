"""Files of a wanted size for what stands beside the loaders: something that gives `FIRST`, and filling."""

import marshal
import sqlite3
import subprocess
import types
from collections.abc import Callable, Iterable, Mapping
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from benchmarks.group import NotMeasured
from benchmarks.modules import FIRST, FUNCTION_WORDS
from benchmarks.openers import LUA, MARSHAL, SQLITE, WASMTIME

_PAGE = 4 * FUNCTION_WORDS
"""Bytes of a function, or a row, that fills a file."""
_MARSHAL_VERSION = 2
"""The last whose values do not refer to one another, so that equal functions are written, and read, again and again."""
_LUA_STEP = 8
"""Bytes that `x = x + 1` takes in a stripped chunk of Lua 5.4: two instructions."""
LUA_LIMIT = 1 << 28
"""Bytes of the largest chunk that is made."""


def write_pyc(path: Path, size: int) -> None:
    """A .pyc whose module defines `first`, and holds the code of other functions among its constants."""
    module = compile(f"def first():\n return {FIRST}\n", "first.py", "exec")
    source = "def filler(x):\n" + " x += 1\n" * (_PAGE // 10) + " return x\n"
    filler = next(c for c in compile(source, "filler.py", "exec").co_consts if isinstance(c, types.CodeType))
    count = max(0, size - 512) // len(marshal.dumps(filler, _MARSHAL_VERSION))
    code = module.replace(co_consts=(*module.co_consts, (filler,) * count))
    with path.open("wb") as file:
        file.write(MAGIC_NUMBER + bytes(12))
        file.write(marshal.dumps(code, _MARSHAL_VERSION))


def write_wasm(path: Path, size: int) -> None:
    """A module that wasmtime compiled: `first`, and a passive data segment, which is mapped and touched by nobody."""
    import wasmtime  # noqa: PLC0415 - an extra

    engine = wasmtime.Engine()
    bare = len(wasmtime.Module(engine, _wasm(0)).serialize())
    path.write_bytes(wasmtime.Module(engine, _wasm(max(0, size - bare))).serialize())


def _wasm(filling: int) -> bytes:
    body = b"\x00\x41" + bytes([FIRST]) + b"\x0b"  # i32.const, signed, of one byte
    data = b"\x01\x01" + _leb(filling) + bytes(filling)
    sections = (
        (1, b"\x01\x60\x00\x01\x7f"),
        (3, b"\x01\x00"),
        (7, b"\x01\x05first\x00\x00"),
        (12, b"\x01"),
        (10, b"\x01" + _leb(len(body)) + body),
        (11, data),
    )
    return _sections(sections)


def _sections(sections: Iterable[tuple[int, bytes]]) -> bytes:
    return b"\x00asm\x01\x00\x00\x00" + b"".join(bytes([kind]) + _leb(len(c)) + c for kind, c in sections)


def _leb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


_LUA_WRITER = """
local path, size, step = arg[1], tonumber(arg[2]), tonumber(arg[3])
local filler = "function(x) " .. ("x=x+1 "):rep(4096 // step) .. "return x end,"
local text = "local function rest() return {" .. filler:rep(math.max(0, size - 512) // 4096)
  .. "} end return function() return " .. arg[4] .. " end"
local file = assert(io.open(path, "wb"))
assert(file:write(string.dump(assert(load(text)), true)))
assert(file:close())
"""


def write_lua(path: Path, size: int) -> None:
    """A chunk that gives a function, and holds others.

    Raises:
        NotMeasured: It would take too long.
    """
    if size > LUA_LIMIT:
        raise NotMeasured(
            "string.dump writes what was compiled, and compiling a source of this size takes minutes and much memory"
        )
    line = ("lua5.4", "-", str(path), str(size), str(_LUA_STEP), str(FIRST))
    done = subprocess.run(line, input=_LUA_WRITER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"no chunk could be written: {done.stderr.strip()}")


def write_database(path: Path, size: int) -> None:
    """A database with a row to read, and a table of others."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    connection.execute("CREATE TABLE first (id INTEGER PRIMARY KEY, value INTEGER)")
    connection.execute("INSERT INTO first VALUES (1, ?)", (FIRST,))
    if size > 4 * _PAGE:
        connection.execute("CREATE TABLE filling (id INTEGER PRIMARY KEY, content BLOB)")
        rows = ((bytes(_PAGE - 48),) for _ in range(size // _PAGE - 4))
        connection.executemany("INSERT INTO filling (content) VALUES (?)", rows)
    connection.commit()
    connection.close()


WRITERS: Mapping[str, Callable[[Path, int], None]] = {
    MARSHAL: write_pyc,
    WASMTIME: write_wasm,
    LUA: write_lua,
    SQLITE: write_database,
}


def write_additions(path: Path, functions: int, words: int) -> None:
    """WebAssembly whose functions add one to their argument, as those of `modules.py` do."""
    addition = b"\x20\x00\x42\x01\x7c\x21\x00"  # local.get 0, i64.const 1, i64.add, local.set 0
    body = b"\x00" + addition * (words - 1) + b"\x20\x00\x0b"
    code = _leb(len(body)) + body
    sections = (
        (1, b"\x01\x60\x01\x7e\x01\x7e"),
        (3, _leb(functions) + b"\x00" * functions),
        (10, _leb(functions) + code * functions),
    )
    path.write_bytes(_sections(sections))
