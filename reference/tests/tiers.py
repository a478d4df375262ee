"""Running a program in each tier, and comparing what it comes to."""

import struct
from collections.abc import Iterator, Sequence

import packfile
from packfile.adapter import host_module
from packfile.assembler import assemble
from packfile.image import Image
from packfile.layout import ByteOrder, Segment
from packfile.writer import encode

OFF, ALWAYS = 0, 1
MIXED = (2, 3, 7)
FUEL = 120
Observed = tuple[object, ...]
Calls = Sequence[tuple[str, list[int], list[float], int, int]]
"""Function, arguments by bank, fuel and depth of each call."""


def image_of(text: str, order: ByteOrder = ByteOrder.LITTLE) -> Image:
    return Image(encode(assemble(text), order), "test.pkf")


def observe(image: Image, after: int, calls: Calls) -> tuple[list[Observed], int]:
    """What calls of a new process come to, with memory and host calls after each; and functions translated."""
    log: list[dict[str, object]] = []
    seen: list[Observed] = []
    with packfile.link([("host", host_module(log)), ("main", image)], translate_after=after) as process:
        for function, i, n, fuel, depth in calls:
            try:
                results = process.invoke("main", function, i, n, fuel=fuel, depth=depth)
                outcome: Observed = (results.i, [struct.pack("<d", x) for x in results.n], results.fuel)
            except packfile.PackfileError as error:
                code = error.code if isinstance(error, packfile.Trap) else None
                outcome = (error.outcome, code, error.rule, error.at, str(error))
            memory = [bytes(process.segment("main", kind)) for kind in (Segment.DATA, Segment.BSS)]
            # Loaders need not agree on the state in which a call was exhausted, and neither need tiers.
            seen.append((outcome, list(log), memory))
        return seen, process.functions_translated


def differences(text: str, calls: Calls) -> Iterator[str]:
    """How the tiers differ."""
    image = image_of(text)
    expected, _ = observe(image, OFF, calls)
    for after in (ALWAYS, *MIXED):
        seen, _ = observe(image, after, calls)
        if seen != expected:
            yield f"translated after {after}: {seen} instead of {expected}\n{text}"


EVEN_ODD = """
.export func even (i) -> (i)
  jmp_if i0, more
  i_imm i0, 1
  ret
more:
  i_add_imm i0, i0, -1
  call odd
  ret
.func odd (i) -> (i)
  jmp_if i0, more
  ret
more:
  i_add_imm i0, i0, -1
  call even
  ret
"""
