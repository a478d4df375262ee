"""What an embedder is promised: calls, host modules, errors, threads, closing."""

import math
import os
import re
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import packfile
from packfile.layout import ByteOrder, Segment
from programs import EVERYTHING, FIB, build

Write = Callable[[bytes], Path]

COUNTER = """
.import eager func host.double (i) -> (i)
.export func next () -> (i)
  ldata i1, 0
  i_load64 i0, i1, 0
  i_add_imm i0, i0, 1
  i_store64 i0, i1, 0
  ret
.export func through_host (i) -> (i)
  calli i0, host.double
  ret
.export func spin () -> ()
again:
  jmp again
.export func trap () -> ()
  unreachable
.data
.i64 0
"""


@pytest.fixture
def host() -> packfile.HostModule:
    module = packfile.HostModule()
    module.add("double", "(i) -> (i)", lambda x: 2 * x)
    return module


@pytest.fixture
def counter(write: Write, order: ByteOrder, host: packfile.HostModule) -> packfile.Process:
    image = packfile.open(write(build(COUNTER, order)))
    process = packfile.link([("host", host), ("main", image)])
    image.close()
    return process


def test_modules_of_different_orders_call_each_other(write: Write) -> None:
    main = ".import eager func lib.fib (i) -> (i)\n.export func main (i) -> (i)\n  calli i0, lib.fib\n  ret\n"
    with (
        packfile.open(write(build(main, ByteOrder.LITTLE))) as little,
        packfile.open(write(build(FIB, ByteOrder.BIG))) as big,
        packfile.link([("main", little), ("lib", big)]) as process,
    ):
        assert process.call("main", "main", 15) == (610,)


def test_arguments_and_results_keep_every_bit(write: Write, order: ByteOrder) -> None:
    signalling = struct.unpack("<d", struct.pack("<Q", 0xFFF0_0000_0000_0001))[0]
    text = ".export func same (i, n) -> (i, n)\n  ret\n"
    with packfile.open(write(build(text, order))) as image, packfile.link([("main", image)]) as process:
        for i in (-(1 << 63), (1 << 63) - 1, (1 << 53) + 1):
            results = process.invoke("main", "same", [i], [signalling])
            assert results.i == [i]
            assert struct.pack("<d", results.n[0]) == struct.pack("<d", signalling)


def test_data_lives_as_long_as_its_process_and_is_not_shared(
    write: Write, order: ByteOrder, host: packfile.HostModule
) -> None:
    path = write(build(COUNTER, order))
    before = path.read_bytes()
    with packfile.open(path) as image:
        first, second = (packfile.link([("host", host), ("main", image)]) for _ in range(2))
        with first, second:
            assert [first.call("main", "next") for _ in range(3)] == [(1,), (2,), (3,)]
            assert second.call("main", "next") == (1,)
            assert first.segment("main", Segment.DATA)[0] == 3
    assert path.read_bytes() == before


def test_host_functions_take_and_give_signed_integers(counter: packfile.Process) -> None:
    with counter:
        assert counter.call("main", "through_host", -21) == (-42,)
        assert counter.call("main", "through_host", 1 << 62) == (-(1 << 63),)


def test_a_host_function_that_fails_traps_its_caller(write: Write) -> None:
    def double(_: int) -> int:
        raise packfile.HostFailure("no")

    module = packfile.HostModule()
    module.add("double", "(i) -> (i)", double)
    image = packfile.open(write(build(COUNTER, ByteOrder.LITTLE)))
    with image, packfile.link([("host", module), ("main", image)]) as process:
        with pytest.raises(packfile.Trap, match=r"double: no") as raised:
            process.call("main", "through_host", 1)
        assert raised.value.code == "host"
        assert process.call("main", "next") == (1,)


def test_a_defect_of_a_host_function_is_not_made_an_outcome(write: Write) -> None:
    for defect, expected in (
        (lambda _: 1 // 0, ZeroDivisionError),
        (lambda _: 1.5, TypeError),
        (lambda _: None, TypeError),
    ):
        module = packfile.HostModule()
        module.add("double", "(i) -> (i)", defect)
        image = packfile.open(write(build(COUNTER, ByteOrder.LITTLE)))
        with image, packfile.link([("host", module), ("main", image)]) as process, pytest.raises(expected):
            process.call("main", "through_host", 1)


def test_a_host_function_may_call_back(write: Write) -> None:
    module = packfile.HostModule()
    image = packfile.open(write(build(COUNTER, ByteOrder.LITTLE)))
    module.add("double", "(i) -> (i)", lambda x: x + process.call("main", "next")[0])
    with image, packfile.link([("host", module), ("main", image)]) as process:
        assert process.call("main", "through_host", 10) == (11,)


@pytest.mark.parametrize("text", ["", "(i)", "(x) -> ()", "(i,) -> ()", "() -> (i n)", "(" + "i," * 255 + "i) -> ()"])
def test_a_signature_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|at most"):
        packfile.HostModule().add("f", text, lambda: None)


def test_calls_of_several_threads_are_made_one_after_the_other(counter: packfile.Process) -> None:
    seen: list[int | float] = []

    def work() -> None:
        for _ in range(50):
            seen.extend(counter.call("main", "next"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 401))


def test_threads_may_share_an_image(write: Write, order: ByteOrder) -> None:
    results: list[int | float] = []
    with packfile.open(write(build(FIB, order))) as image:

        def work() -> None:
            with packfile.link([("main", image)]) as process:
                results.extend(process.call("main", "fib", 12))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [144] * 8


def test_an_error_says_rule_file_offset_expected_and_got(write: Write) -> None:
    data = bytearray(build(FIB, ByteOrder.LITTLE))
    data[10] = 13
    path = write(bytes(data))
    with pytest.raises(packfile.Malformed) as raised:
        packfile.open(path)
    error = raised.value
    assert (error.rule, error.at, error.got, error.file) == ("PF-HDR-005", 10, "13", str(path))
    assert str(error) == (
        f"{path}:0xa: malformed: PF-HDR-005: header field unit_log2: expected that the base-2 logarithm of the "
        "alignment unit is 12 (4 KiB) or 16 (64 KiB), got 13"
    )


def test_a_trap_says_where_it_happened(counter: packfile.Process) -> None:
    with counter, pytest.raises(packfile.Trap) as raised:
        counter.call("main", "trap")
    error = raised.value
    assert (error.code, error.rule) == ("unreachable", "PF-EXE-101")
    assert error.at is not None
    assert re.search(r"module1\.pkf:0x[0-9a-f]+: trap: PF-EXE-101: unreachable", str(error))


def test_after_exhausted_a_process_accepts_no_more_calls(counter: packfile.Process) -> None:
    with counter:
        with pytest.raises(packfile.Exhausted) as raised:
            counter.call("main", "spin", fuel=1000)
        assert raised.value.rule == "PF-EXE-013"
        with pytest.raises(packfile.Exhausted) as raised:
            counter.call("main", "next")
        assert raised.value.rule == "PF-EXE-016"


def test_results_tell_the_fuel_that_is_left(counter: packfile.Process) -> None:
    with counter:
        assert counter.invoke("main", "through_host", [1], fuel=10).fuel == 8


def test_what_is_no_64_bit_integer_is_refused(counter: packfile.Process) -> None:
    with counter:
        for bad in (1 << 63, -(1 << 63) - 1):
            with pytest.raises(ValueError, match="no signed 64-bit integer"):
                counter.call("main", "through_host", bad)
        for fuel in (-1, 1 << 53):
            with pytest.raises(ValueError, match="fuel and depth"):
                counter.call("main", "next", fuel=fuel)


def test_a_closed_process_says_so(counter: packfile.Process) -> None:
    counter.close()
    counter.close()
    with pytest.raises(ValueError, match="closed"):
        counter.call("main", "next")


@pytest.mark.parametrize("what", ["missing", "directory", "fifo", "empty"])
def test_what_is_no_file_to_map_gives_a_clear_error(what: str, tmp_path: Path) -> None:
    path = tmp_path / what
    if what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "empty":
        path.touch()
    if what == "empty":
        with pytest.raises(packfile.Malformed) as raised:
            packfile.open(path)
        assert raised.value.rule == "PF-HDR-001"
    else:
        with pytest.raises(OSError, match=what if what != "fifo" else "regular"):
            packfile.open(path)


def test_every_kind_of_section_survives_a_run(write: Write, order: ByteOrder) -> None:
    said: list[int] = []
    module = packfile.HostModule()
    module.add("log_i", "(i) -> ()", said.append)
    with (
        packfile.open(write(build(EVERYTHING, order))) as image,
        packfile.link([("host", module), ("main", image)]) as process,
    ):
        process.invoke("main", None)
        assert said == [7]
        (i, n) = process.call("main", "mix", 0, math.inf)
        assert n == math.inf
        assert isinstance(i, int)
        with pytest.raises(packfile.Unlinkable) as raised:
            process.call("main", "unused")
        assert raised.value.rule == "PF-EXE-017"
