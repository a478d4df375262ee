"""A program in the reference, in this process.

Assumes a program that the writer can write. Promises that whatever the reference does becomes an observation: an
exception that is no outcome of the spec is the outcome `internal`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from packfile import machine
from packfile.adapter import host_module
from packfile.errors import Corrupt, PackfileError, Trap
from packfile.host import HostModule
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS
from packfile.layout import ByteOrder, Segment
from packfile.process import Process
from packfile.translate import NEVER
from packfile.verify import verify
from packfile.writer import encode
from packfile_fuzz.program import Call, Program
from packfile_fuzz.run import peek
from packfile_fuzz.run.clock import Clock
from packfile_fuzz.run.observation import EXHAUSTED, INTERNAL, OK, Log, Observation, Part, Seen

Orders = tuple[ByteOrder, ...]
Message = dict[str, object]
SEGMENTS = (Segment.DATA, Segment.BSS)
"""Those that a program can change."""
_MNEMONICS = {int(op): row.mnemonic for op, row in INSTRUCTIONS.items()}
_BITS, _DOUBLE = struct.Struct("<Q"), struct.Struct("<d")


class Prepared:
    """A program with its files, each written once, and their images, each opened once.

    Close it, or use it as a context manager.
    """

    def __init__(self, program: Program, clock: Clock | None = None) -> None:
        self.program = program
        self.orders: Orders = tuple(entry.order for entry in program.entries)
        """The byte orders that the program declares."""
        self.clock = clock or Clock()
        self.log: list[Message] = []
        self.host = host_module(self.log)
        self._files: dict[tuple[int, ByteOrder], bytes] = {}
        self._images: dict[tuple[int, ByteOrder], Image] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the images."""
        for image in self._images.values():
            image.close()
        self._images.clear()

    def file(self, index: int, order: ByteOrder) -> bytes:
        """The file of an entry that has a module."""
        found = self._files.get((index, order))
        if found is None:
            module = self.program.entries[index].module
            assert module is not None
            with self.clock.stage("write"):
                found = self._files[index, order] = encode(module, order)
        return found

    def put(self, index: int, order: ByteOrder, content: bytes) -> None:
        """Have other bytes in place of a module's file."""
        self._files[index, order] = content

    def image(self, index: int, order: ByteOrder) -> Image:
        """Its image, which has kept the verdicts of earlier runs; see `Image` for what it raises."""
        found = self._images.get((index, order))
        if found is None:
            found = self._images[index, order] = self.fresh(index, order)
        return found

    def verify(self) -> None:
        """Open the files in the declared orders and verify all functions."""
        for index, entry in enumerate(self.program.entries):
            if entry.module is not None:
                _verify_all(self.image(index, entry.order))

    def fresh(self, index: int, order: ByteOrder) -> Image:
        """An image that nobody has used; it is for the caller to close."""
        file = self.file(index, order)
        with self.clock.stage("open"):
            return Image(file, self.program.entries[index].name)


Open = Callable[[int, ByteOrder], Image]
_Contents = list[tuple[str, Image | HostModule]]


def observe(
    example: Program | Prepared,
    *,
    orders: Orders | None = None,
    tier: int = NEVER,
    eager: bool = False,
    prefix: int = 0,
    opener: Open | None = None,
    trace: machine.Tracer | None = None,
) -> Observation:
    """What a program comes to.

    Args:
        example: The program.
        orders: Byte order of each entry's file; as the program declares by default.
        tier: `translate_after` of the process.
        eager: Whether to verify all functions before the first call, as a loader may.
        prefix: Empty modules that are put before those of the program.
        opener: Opens the file of an entry, in place of the images that are kept; it closes what it opened.
        trace: Called before each instruction.
    """
    if isinstance(example, Program):
        with Prepared(example) as prepared:
            return observe(prepared, orders=orders, tier=tier, eager=eager, prefix=prefix, opener=opener, trace=trace)
    chosen = orders or example.orders
    try:
        contents = _open(example, chosen, opener or example.image, prefix)
        if eager:
            with example.clock.stage("verify"):
                for _, content in contents:
                    if isinstance(content, Image):
                        _verify_all(content)
        with example.clock.stage("link"):
            process = Process(contents, translate_after=tier)
    except Exception as error:  # noqa: BLE001 - what the reference raises is what is observed
        return Observation(_failed(error))
    with process, example.clock.stage("run"):
        return _run(example, process, contents, trace)


def _open(example: Prepared, orders: Orders, opener: Open, prefix: int) -> _Contents:
    contents: _Contents = [(f"packfile-fuzz filler {number}", HostModule()) for number in range(prefix)]
    for index, entry in enumerate(example.program.entries):
        contents.append((entry.name, example.host if entry.module is None else opener(index, orders[index])))
    if peek.has_room(example.program, prefix):
        contents.append((peek.NAME, peek.image()))
    return contents


def _verify_all(image: Image) -> None:
    for index in range(image.function_count):
        with suppress(PackfileError):  # It is told at the first call, as the spec says.
            verify(image, index)


def _run(example: Prepared, process: Process, contents: _Contents, trace: machine.Tracer | None) -> Observation:
    calls = tuple(_call(example, process, call, contents, trace) for call in example.program.calls)
    seen = Observation(Seen(OK), calls)
    if seen.is_exhausted:
        return seen
    try:
        return Observation(seen.link, calls, tuple(_memory(example.program, process)))
    except Corrupt:  # as only a damaged file is; what it shows of its memory is no whole
        return seen


def _call(example: Prepared, process: Process, call: Call, contents: _Contents, trace: machine.Tracer | None) -> Seen:
    example.log.clear()
    n = [_DOUBLE.unpack(_BITS.pack(bits))[0] for bits in call.n]
    try:
        results = process.invoke(call.module, call.function, call.i, n, fuel=call.fuel, depth=call.depth, trace=trace)
    except Exception as error:  # noqa: BLE001 - what the reference raises is what is observed
        return _failed(error, tuple(map(_logged, example.log)), contents)
    floats = tuple(_BITS.unpack(_DOUBLE.pack(x))[0] for x in results.n)
    return Seen(OK, "", tuple(results.i), floats, tuple(map(_logged, example.log)), results.fuel)


def _logged(message: Message) -> tuple[str, int]:
    ((bank, value),) = message.items()
    return bank, int(str(value)) if bank == "i" else int(str(value), 16)


def _failed(error: Exception, log: Log = (), contents: _Contents | None = None) -> Seen:
    if not isinstance(error, PackfileError):
        return Seen(INTERNAL, log=log, said=f"{type(error).__name__}: {error}")
    code = error.code if isinstance(error, Trap) else ""
    opcode = _opcode(error, contents) if contents and error.outcome in ("trap", "exhausted") else ""
    # What was logged before fuel or depth ran out is not fixed.
    told, log = (log, ()) if error.outcome == EXHAUSTED else ((), log)
    return Seen(error.outcome, code, log=log, told=told, rule=error.rule or "", opcode=opcode, said=str(error))


def _opcode(error: PackfileError, contents: _Contents) -> str:
    """Mnemonic of the instruction that an error is about; empty if it is about none."""
    image = dict(contents).get(error.file or "")
    if not isinstance(image, Image) or error.at is None:
        return ""
    at = error.at if image.order is ByteOrder.LITTLE else error.at + 3
    # A reference that was made wrong may be anywhere.
    return _MNEMONICS.get(image.view[at], "") if at < len(image.view) else ""


def _memory(program: Program, process: Process) -> Iterator[Part]:
    for entry in program.entries:
        if entry.module is not None:
            for segment in SEGMENTS:
                for start, length in peek.ranges(entry.module.segment_size(segment)):
                    content = bytes(process.segment(entry.name, segment, start, start + length))
                    yield Part(entry.name, segment.name.lower(), start, content)
