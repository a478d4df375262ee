"""Opens files and calls functions of them, as baseline/in_place.c does: `python python_opener.py KIND [AFTER]`.

A request is a line of words, its answer a line with one integer. `open PATH N` opens a file, gets ready to run
what is in it and calls its function `first`, N times; of all but the last it lets go before the next. AFTER is when the
reference translates: 0 for never, 1 for at once.
"""

import array
import functools
import marshal
import sqlite3
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

_MODULES = ("main", "lib")
_PYC_HEADER = 16
_I_IMM, _RET = 0x1A, 0x13

Held = tuple[object, ...]
"""What an opened file is kept by."""


class Reference:
    """The reference loader, with the requests that loaders alone understand."""

    def __init__(self, translate_after: int | None = None) -> None:
        import packfile  # noqa: PLC0415 - the other kinds do without it
        from packfile.process import TRANSLATE_AFTER  # noqa: PLC0415 - as above
        from packfile.verify import verify  # noqa: PLC0415 - as above

        self.packfile = packfile
        self._verify = verify
        self._translate_after = TRANSLATE_AFTER if translate_after is None else translate_after
        self._images: list[packfile.Image] = []
        self._process: packfile.Process | None = None

    def ask(self, words: Sequence[str]) -> int:
        """Do what a request says."""
        verb, *rest = words
        if verb == "open":
            value = 0
            for _ in range(int(rest[1])):
                self._close()
                self._open(rest[:1])
                self._link()
                value = self._call("first", ())
            return value
        if verb == "images":
            self._close()
            self._open(rest)
        elif verb == "link":
            for _ in range(int(rest[0])):
                self._link()
        elif verb == "call":
            return self._call(rest[0], [int(word) for word in rest[1:]])
        elif verb == "verify":
            self._close()
            self._open(rest[:1])
            for index in range(int(rest[1])):
                self._verify(self._images[0], index)
            return self._images[0].stats.verified
        elif verb == "close":
            self._close()
        return 0

    def _open(self, paths: Sequence[str]) -> None:
        self._images = [self.packfile.open(path) for path in paths]

    def _link(self) -> None:
        if self._process is not None:
            self._process.close()
        modules = list(zip(_MODULES, self._images, strict=False))
        self._process = self.packfile.link(modules, translate_after=self._translate_after)

    def _call(self, function: str, arguments: Sequence[int]) -> int:
        assert self._process is not None
        results = self._process.call("main", function, *arguments)
        return int(results[0]) if results else 0

    def _close(self) -> None:
        if self._process is not None:
            self._process.close()
        self._process = None
        for image in self._images:
            image.close()
        self._images = []


class Opener:
    """Any other kind: it opens and lets go, and that is all."""

    def __init__(
        self, open_file: Callable[[str], tuple[int, Held]], verify_file: Callable[[str], None] | None = None
    ) -> None:
        self._open_file = open_file
        self._verify_file = verify_file
        self._held: Held = ()

    def ask(self, words: Sequence[str]) -> int:
        """Do what a request says."""
        value = 0
        if words[0] == "open":
            for _ in range(int(words[2])):
                self._close()
                value, self._held = self._open_file(words[1])
        elif words[0] == "verify" and self._verify_file is not None:
            self._verify_file(words[1])
        elif words[0] == "close":
            self._close()
        return value

    def _close(self) -> None:
        for part in self._held:
            if isinstance(part, ExitStack):
                part.close()
        self._held = ()


def copying(path: str) -> tuple[int, Held]:
    """Read a packfile, copy its sections, and swap what is not in the host's byte order."""
    content = Path(path).read_bytes()
    swap = (content[8] == 1) != (sys.byteorder == "little")
    mark = "<" if content[8] == 1 else ">"
    (sections,) = struct.unpack_from(mark + "I", content, 20)
    words = rows = array.array("I")
    for number in range(sections):
        kind, offset, length = struct.unpack_from(mark + "3I", content, 64 + 12 * number)
        if kind in {1, 6}:
            copied = array.array("I", content[offset : offset + length])
            if swap:
                copied.byteswap()
            words, rows = (words, copied) if kind == 1 else (copied, rows)
    return _first(words), (words, rows)


def _first(words: "array.array[int]") -> int:
    value = 0
    for word in words:
        if word & 0xFF == _I_IMM:
            value = word >> 16
        elif word & 0xFF == _RET:
            return value
        else:
            break
    raise ValueError("the first function is not as it was written")


def load_pyc(path: str) -> tuple[int, Held]:
    """Load a .pyc, run the code of its module, and call its function."""
    with open(path, "rb") as file:  # noqa: PTH123 - as importlib does, without a Path
        file.seek(_PYC_HEADER)
        code = marshal.load(file)  # noqa: S302 - it was written by this run
    names: dict[str, Callable[[], int]] = {}
    exec(code, names)  # noqa: S102 - it was written by this run
    return names["first"](), (code, names)


def read_row(path: str) -> tuple[int, Held]:
    """Open a database, and read one row."""
    stack = ExitStack()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    stack.callback(connection.close)
    (value,) = connection.execute("SELECT value FROM first WHERE id = 1").fetchone()
    return int(value), (stack,)


def wasmtime() -> Opener:
    """What maps a module that wasmtime compiled, and calls its function; or validates one in WebAssembly."""
    import wasmtime as engine  # noqa: PLC0415 - an extra

    machine = engine.Engine()

    def open_file(path: str) -> tuple[int, Held]:
        store = engine.Store(machine)
        module = engine.Module.deserialize_file(machine, path)
        instance = engine.Instance(store, module, [])
        function = instance.exports(store)["first"]
        assert isinstance(function, engine.Func)
        stack = ExitStack()
        # Without this the mapping would live until the collector finds the cycles of its objects.
        stack.callback(module.close)
        stack.callback(store.close)
        return function(store), (stack,)

    def verify_file(path: str) -> None:
        engine.Module.validate(machine, Path(path).read_bytes())

    return Opener(open_file, verify_file)


KINDS: dict[str, Callable[..., Reference | Opener]] = {
    "reference": Reference,
    "copying": functools.partial(Opener, copying),
    "marshal": functools.partial(Opener, load_pyc),
    "sqlite": functools.partial(Opener, read_row),
    "wasmtime": wasmtime,
}


def main(kind: str, *numbers: str) -> None:
    """Answer until there are no more lines."""
    opener = KINDS[kind](*map(int, numbers))
    for line in sys.stdin:
        print(opener.ask(line.split()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
