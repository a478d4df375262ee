"""The host module of `packfile run`: what a program can print, and the functions of the adapter protocol.

Assumes a binary stream. Promises that programs write to that stream and read their own segments, and nothing else.
Other embedders may use it, or take it as an example of a host module.

| index | name | signature | does |
|---|---|---|---|
| 0 | `log_i` | (i) -> () | prints the integer and a line feed |
| 1 | `log_n` | (n) -> () | prints the float and a line feed |
| 2 | `mix` | (i, i, n, n) -> (i, i, n, n) | of x, y, p, q gives x + y, x - y, both wrapped, and q, p |
| 3 | `trap` | () -> () | fails, so that the caller traps with `host` |
| 4 | `print_i` | (i) -> () | prints the integer, in decimal and signed |
| 5 | `print_n` | (n) -> () | prints the float, as short as it can be read back |
| 6 | `print_char` | (i) -> () | prints the character of a code point, in UTF-8 |
| 7 | `print_bytes` | (i, i) -> () | prints the bytes at an address, as many as the second says |

`print_char` fails if there is no such character, and `print_bytes` if the bytes are not all in one segment.
"""

import struct
from collections.abc import Sequence
from typing import BinaryIO

from packfile.host import HostFailure, HostModule
from packfile.layout import Segment
from packfile.machine.state import MASK, NAN, wrap
from packfile.process import Process

_SEGMENTS = 3
_OFFSET = 0xFFFFFFFF
_LINE_FEED = b"\n"


class HostLibrary:
    """The host module, with the stream that it prints to and the process whose memory it reads."""

    def __init__(self, output: BinaryIO, *, by_line: bool = False) -> None:
        """Make the module.

        Args:
            output: Where programs print to.
            by_line: Whether to flush the stream at each line feed, as for a person who watches.
        """
        self.module = HostModule()
        """What to link."""
        self.at_line_start = True
        """Whether the last byte that was printed ended a line, or none was."""
        self._output = output
        self._by_line = by_line
        self._process: Process | None = None
        self._names: Sequence[str] = ()
        for name, signature, call in (
            ("log_i", "(i) -> ()", self._log_i),
            ("log_n", "(n) -> ()", self._log_n),
            ("mix", "(i, i, n, n) -> (i, i, n, n)", _mix),
            ("trap", "() -> ()", _trap),
            ("print_i", "(i) -> ()", self._print_i),
            ("print_n", "(n) -> ()", self._print_n),
            ("print_char", "(i) -> ()", self._print_char),
            ("print_bytes", "(i, i) -> ()", self._print_bytes),
        ):
            self.module.add(name, signature, call)

    def attach(self, process: Process, names: Sequence[str]) -> None:
        """Let programs print the segments of a process.

        Args:
            process: The process that the module was linked into.
            names: Names of its modules, in the order of their positions.
        """
        self._process = process
        self._names = names

    def _write(self, content: bytes | memoryview) -> None:
        if not len(content):
            return
        self._output.write(content)
        self.at_line_start = content[-1:] == _LINE_FEED
        if self._by_line and self.at_line_start:
            self._output.flush()

    def _log_i(self, x: int) -> None:
        self._write(b"%d\n" % x)

    def _log_n(self, x: float) -> None:
        self._write(float_text(x).encode() + _LINE_FEED)

    def _print_i(self, x: int) -> None:
        self._write(b"%d" % x)

    def _print_n(self, x: float) -> None:
        self._write(float_text(x).encode())

    def _print_char(self, point: int) -> None:
        try:
            self._write(chr(point).encode())
        except (ValueError, OverflowError):
            raise HostFailure(f"{point} is no code point of a character") from None

    def _print_bytes(self, address: int, length: int) -> None:
        address, length = address & MASK, length & MASK
        content = self._segment(address >> 32, address & _OFFSET, length)
        if len(content) < length:
            raise HostFailure(f"{length} bytes at {address:#x} are not in a segment")
        self._write(content)

    def _segment(self, number: int, offset: int, length: int) -> memoryview:
        position, kind = divmod(number - 1, _SEGMENTS)
        if self._process is None or not 0 <= position < len(self._names):
            raise HostFailure(f"there is no segment {number}")
        return self._process.segment(self._names[position], Segment(kind + 1), offset, offset + length)


def float_text(x: float) -> str:
    """A float as assembly takes it: the shortest decimal that gives the same bits, and all bits of an unusual NaN."""
    if x == x:  # noqa: PLR0124 - what only a NaN does not
        return repr(x)
    bits = struct.pack(">d", x)
    return "nan" if bits == struct.pack(">d", NAN) else f"nan:{bits.hex()}"


def _mix(x: int, y: int, p: float, q: float) -> tuple[int, int, float, float]:
    return wrap(x + y), wrap(x - y), q, p


def _trap() -> None:
    raise HostFailure("the host's function `trap` was called")
