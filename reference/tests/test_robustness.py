"""Whatever a file holds, opening, linking, calling and auditing it end with an outcome of the spec.

Three modules, in both byte orders, are cut at every byte, and every byte of them is replaced by each of three values.
"""

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

import packfile
from packfile.audit import audit
from packfile.layout import ByteOrder
from programs import FIB, build

MEMORY = """
.unit 4096
.bss 4096
.import lazy func host.log_i (i) -> ()
.export func fill (i, i, i) -> (i)
  lbss i3, 8
  mem_fill i3, i0, i1
  ldata i4, 0
  mem_copy i3, i4, i2
  i_load64 i0, i3, 0
  bound? i5, host.log_i
  jmp_unless i5, last
  calli i0, host.log_i
last:
  lfn i6, @1
  callr i0, i6, (i) -> (i)
  ret
.func twice (i) -> (i)
  i_add i0, i0, i0
  ret
.data
.byte 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
"""

LINKED = """
.import eager func host.log_i (i) -> ()
.import weak func absent.f (n) -> (n)
.import eager data main.text 4 as own
.const big = 0x123456789abcdef0
.const half = 0.5
.export func mix (i, n) -> (i, n)
  i_const i1, big
  i_add i0, i0, i1
  n_const n1, half
  n_mul n0, n0, n1
  ldslot i1, own
  i_load32_u i1, i1, 0
  calli i1, host.log_i
  ret
.export func table (i) -> (i)
  jmp_table i0, [one, two, other]
one:
  i_imm i0, 1
  ret
two:
  i_div_s i0, i0, i0
  ret
other:
  i_imm32 i0, 99999
  ret
.rodata
text: .string "hello"
.export data text
"""

CALLS: dict[str, list[tuple[str, list[int], list[float]]]] = {
    "fib": [("fib", [3], [])],
    "memory": [("fill", [7, 9, 16], [])],
    "linked": [("mix", [1], [2.0]), ("table", [1], [])],
}
SOURCES = {"fib": FIB, "memory": MEMORY, "linked": LINKED}
REPLACEMENTS = (0x00, 0xFF, None)
"""Values that a byte is replaced by; None stands for one more than it was."""

OUTCOMES = {"ok", "malformed", "unsupported", "unlinkable", "invalid", "trap", "exhausted"}
MEMORY_LIMIT = 64 << 20
"""Bytes by which the process's peak memory may grow over a whole run."""


def outcomes(data: bytes, name: str) -> Iterator[str]:
    """The outcome of each step of using a file; anything but an outcome of the spec is raised."""
    try:
        image = packfile.Image(data, "mutant.pkf")
    except packfile.PackfileError as error:
        yield error.outcome
        return
    with image:
        host = packfile.HostModule()
        host.add("log_i", "(i) -> ()", lambda _: None)
        try:
            process = packfile.link([("main", image), ("host", host)])
        except packfile.PackfileError as error:
            yield error.outcome
        else:
            with process:
                for function, i, n in CALLS[name]:
                    try:
                        process.invoke("main", function, i, n, fuel=200, depth=20)
                    except packfile.PackfileError as error:
                        yield error.outcome
                    else:
                        yield "ok"
        for finding in audit(image):
            yield finding.outcome


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("name", SOURCES)
def test_the_unchanged_modules_are_good(name: str, order: ByteOrder) -> None:
    data = build(SOURCES[name], order)
    assert set(outcomes(data, name)) == {"ok"}


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_cut_at_any_byte_is_malformed(name: str, order: ByteOrder) -> None:
    data = build(SOURCES[name], order)
    for length in range(1, len(data)):
        assert list(outcomes(data[:length], name)) == ["malformed"], f"cut to {length} bytes"


@pytest.mark.parametrize("name", SOURCES)
def test_any_byte_replaced_gives_an_outcome_of_the_spec(
    name: str, order: ByteOrder, record_property: Callable[[str, object], None]
) -> None:
    data = bytearray(build(SOURCES[name], order))
    seen: Counter[str] = Counter()
    files = 0
    before, start = peak(), time.perf_counter()
    for at, original in enumerate(data):
        values = {original + 1 & 0xFF if value is None else value for value in REPLACEMENTS} - {original}
        for value in sorted(values):
            data[at] = value
            try:
                seen.update(outcomes(bytes(data), name))
            except Exception as error:
                raise AssertionError(f"byte {at:#x} set to {value:#04x}: {error!r} is no outcome") from error
            files += 1
        data[at] = original
    seconds = time.perf_counter() - start
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(seen.items()))
    record_property("figures", f"{name}, {order.name.lower()}: {files} mutated files in {seconds:.0f} s: {counts}")
    assert set(seen) <= OUTCOMES
    assert {"ok", "malformed", "unsupported", "invalid"} <= set(seen), "the mutations reached too little"
    assert peak() - before < MEMORY_LIMIT
