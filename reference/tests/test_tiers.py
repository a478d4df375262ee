"""Both tiers do the same: in outcomes, codes, places, results, fuel, memory and what the host is told.

The first tier alone is the measure; the second translates at the first call, or after a few events, so that runs change
between the tiers at calls, at branches back and where translations are left.
"""

import gc
import inspect
import linecache
import random
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import packfile
from packfile.adapter import host_module
from packfile.assembler import assemble
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import ByteOrder, Segment
from packfile.link import Linkage
from packfile.process import MAX_FRAMES
from packfile.translate import primitives
from packfile.translate.blocks import Step, control
from packfile.translate.source import ModuleNames, Names
from packfile.translate.steps import Facts, Line, StepWriter
from packfile.translate.tier import MOST_WORDS, Entry
from packfile.verify import verify
from packfile.writer import encode
from programs import FIB
from random_programs import FUNCTIONS, program

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


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.binary(min_size=12, max_size=160), st.integers(-2, 9), st.integers(-2, 9))
@example(b"", 0, 0)
def test_random_programs_do_the_same_in_every_tier(source: bytes, x: int, y: int) -> None:
    text = program(source)
    calls = [(f"f{k % FUNCTIONS}", [x, y], [0.5], FUEL, depth) for k, depth in enumerate((100, 3, 100, 100))]
    assert list(differences(text, calls)) == []


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.binary(min_size=12, max_size=120), st.integers(-2, 9))
def test_random_programs_run_out_at_the_same_fuel_and_depth(source: bytes, x: int) -> None:
    text = program(source)
    for fuel in (*range(6), 11, 29):
        assert list(differences(text, [("f0", [x, 1], [1.5], fuel, 50)])) == []
    for depth in range(4):
        assert list(differences(text, [("f1", [x, 1], [1.5], FUEL, depth)])) == []


def test_random_programs_come_to_every_kind_of_end() -> None:
    """A comparison of programs that all end alike would prove little."""
    source = random.Random(2002)  # noqa: S311 - it has to be the same every time
    ends: dict[object, int] = {}
    translated = 0
    for _ in range(300):
        image = image_of(program(source.randbytes(160)))
        seen, functions = observe(image, ALWAYS, [("f0", [3, 1], [0.5], FUEL, 20)])
        translated += functions
        outcome = seen[0][0]
        assert isinstance(outcome, tuple)
        end = outcome[1] or outcome[2] if isinstance(outcome[0], str) else "ok"
        ends[end] = ends.get(end, 0) + 1
    assert {"ok", "PF-EXE-013", "PF-EXE-014", "unreachable", "no-segment", "misaligned", "out-of-bounds"} <= set(ends)
    assert ends["ok"] > 20
    assert translated > 300


# Where a run changes between the tiers.

LOOPS = """
.export func run (i) -> (i)
  jmp middle
outer:
  i_imm i2, 0
inner:
  i_add_imm i2, i2, 1
  i_add i3, i3, i2
  jmp_lt_s i2, i0, inner
middle:
  i_add_imm i1, i1, 1
  jmp_lt_s i1, i0, outer
  i_mov i0, i3
  ret
"""
TO_WORD_0 = """
.export func run (i) -> (i)
  i_add_imm i1, i1, 3
  i_add_imm i0, i0, -1
  jmp_if i0, -2
  i_mov i0, i1
  ret
"""
TANGLED = """
.export func run (i) -> (i)
  jmp_if i0, second
first:
  i_add_imm i1, i1, 1
second:
  i_add_imm i2, i2, 3
  i_imm i4, 50
  jmp_lt_s i4, i2, done
  i_imm i3, 1
  i_and i3, i2, i3
  jmp_if i3, first
  jmp second
done:
  i_add i0, i1, i2
  ret
"""
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


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 8, 13, 21, 30])
@pytest.mark.parametrize("text", [LOOPS, TO_WORD_0, TANGLED], ids=["loops", "to word 0", "two entries"])
def test_a_loop_that_becomes_hot_goes_on_translated(text: str, after: int, order: ByteOrder) -> None:
    image = image_of(text, order)
    for argument in (7, 1, 40):
        calls: Calls = [("run", [argument], [], 10_000, 10)] * 3
        expected, none = observe(image, OFF, calls)
        seen, functions = observe(image, after, calls)
        assert seen == expected
        assert none == 0
    assert functions == 1


def test_a_loop_of_a_function_that_is_called_once_is_translated() -> None:
    text = ".export func run (i) -> (i)\nagain:\n  i_add_imm i1, i1, 2\n  i_add_imm i0, i0, -1\n  jmp_if i0, again\n"
    image = image_of(text + "  i_mov i0, i1\n  ret\n")
    with packfile.link([("main", image)]) as process:
        assert process.call("main", "run", 5) == (10,)
        assert process.functions_translated == 0
        assert process.call("main", "run", 5_000) == (10_000,)
        assert process.functions_translated == 1


@pytest.mark.parametrize("after", [OFF, ALWAYS, 50])
@pytest.mark.parametrize("depth", [1, 2, 4_096, MAX_FRAMES])
def test_depth_is_exact_however_deep(after: int, depth: int) -> None:
    image = image_of(EVEN_ODD)
    for argument, fits in ((depth - 1, True), (depth, False)):
        with packfile.link([("main", image)], translate_after=after) as process:
            if fits:
                assert process.invoke("main", "even", [argument], depth=depth).i == [argument % 2 == 0]
            else:
                with pytest.raises(packfile.Exhausted) as raised:
                    process.invoke("main", "even", [argument], depth=depth)
                assert raised.value.rule == "PF-EXE-014"


def test_recursion_that_goes_up_and_down_is_not_moved_again_and_again() -> None:
    """Deep, and with a wide tree of calls at the bottom: each frame leaves Python's stack once at most."""
    deep = ".export func run (i) -> (i)\n  jmp_unless i0, bottom\n  i_add_imm i0, i0, -1\n  call run\n  ret\n"
    image = image_of(deep + "bottom:\n  i_imm i0, 16\n  call fib\n  ret\n" + FIB.replace(".export ", "."))
    expected, _ = observe(image, OFF, [("run", [3_000], [], 10**6, 10_000)])
    assert observe(image, ALWAYS, [("run", [3_000], [], 10**6, 10_000)])[0] == expected


def test_host_functions_that_call_back_share_what_room_python_has() -> None:
    text = """
.import eager func host.again (i) -> (i)
.export func run (i) -> (i)
  jmp_unless i0, done
  i_add_imm i0, i0, -1
  calli i0, host.again
  i_add_imm i0, i0, 1
done:
  ret
.export func down (i) -> (i)
  jmp_unless i0, bottom
  i_add_imm i0, i0, -1
  call down
  ret
bottom:
  i_imm i0, 20
  call run
  ret
"""
    host = packfile.HostModule()
    host.add("again", "(i) -> (i)", lambda x: int(process.call("main", "run", x)[0]))
    with packfile.link([("host", host), ("main", image_of(text))], translate_after=ALWAYS) as process:
        assert process.call("main", "down", 500) == (20,)


@pytest.mark.parametrize("left", [30, 60, 100, 250, 500])
def test_translations_keep_to_the_room_that_is_left(left: int) -> None:
    """Called deep in Python's own stack, where 500 frames more would be too many."""

    def deeper(frames: int) -> tuple[int | float, ...]:
        return deeper(frames - 1) if frames else process.call("main", "even", 500)

    with packfile.link([("main", image_of(EVEN_ODD))], translate_after=ALWAYS) as process:
        used = len(inspect.stack(0))
        assert deeper(sys.getrecursionlimit() - used - left) == (1,)


# What an embedder sees.


def test_a_traceback_shows_the_instructions() -> None:
    text = ".import eager func host.f (i) -> (i)\n.export func run (i) -> (i)\n  call inner\n  ret\n"
    text += ".export func inner (i) -> (i)\n  i_add_imm i0, i0, 1\n  calli i0, host.f\n  ret\n"
    host = packfile.HostModule()
    host.add("f", "(i) -> (i)", lambda x: x // 0)
    with packfile.link([("host", host), ("main", image_of(text))], translate_after=ALWAYS) as process:
        with pytest.raises(ZeroDivisionError):
            process.call("main", "inner", 1)
        with pytest.raises(ZeroDivisionError) as raised:
            process.call("main", "run", 1)
        shown = [(str(entry.path), entry.name) for entry in raised.traceback]
        files = [file.rpartition("/")[2] for file, _ in shown if "<packfile" in file]
        assert files == ["<packfile main.run>", "<packfile main.inner>"]
        lines = "".join(traceback.format_exception(raised.value))
        assert 'File "<packfile main.inner>", line' in lines
        assert "in inner\n    f, i0 = c1(f - 1, d - 1, i0)\n" in lines
        assert "# 1: calli i0, n0, 0\n" in "".join(linecache.getlines("<packfile main.inner>"))


def test_closing_frees_every_translation() -> None:
    def translations() -> int:
        gc.collect()
        return sum(isinstance(kept, Entry) for kept in gc.get_objects())

    before, files = translations(), set(linecache.cache)
    image = image_of(EVEN_ODD)
    processes = [packfile.link([("main", image)], translate_after=ALWAYS) for _ in range(3)]
    for process in processes:
        assert process.call("main", "even", 11) == (0,)
    assert translations() == before + 6
    made = {name for name in set(linecache.cache) - files if name.startswith("<packfile")}
    assert made >= {"<packfile main.even>", "<packfile main.even #2>", "<packfile main.even #3>"}
    for process in processes:
        process.close()
    del process, processes
    assert translations() == before
    assert not made & set(linecache.cache)


def test_closing_unmaps_what_translations_accessed(write: Callable[[bytes], Path]) -> None:
    """Even if an exception that is kept has frames that hold views of it."""
    text = ".import eager func host.f () -> ()\n.export func run () -> (i)\n  ldata i1, 0\n  i_add i1, i1, i0\n"
    text += "  i_load64 i0, i1, 0\n  calli host.f\n  ret\n.data\n.i64 7\n"
    path = write(encode(assemble(text), ByteOrder.LITTLE))
    host = packfile.HostModule()
    host.add("f", "() -> ()", lambda: 1 // 0)
    with (
        packfile.open(path) as image,
        packfile.link([("host", host), ("main", image)], translate_after=ALWAYS) as process,
    ):
        with pytest.raises(ZeroDivisionError) as raised:
            process.call("main", "run")
        assert image.stats.copied == 0
        assert str(path) in Path("/proc/self/maps").read_text()
    held = [frame.frame.f_locals for frame in raised.traceback if "<packfile" in str(frame.path)]
    assert [any(isinstance(value, memoryview) for value in values.values()) for values in held] == [True]
    assert str(path) not in Path("/proc/self/maps").read_text()


def test_threads_run_translations_of_one_image() -> None:
    image = image_of(FIB)
    results: list[object] = []

    def work() -> None:
        with packfile.link([("main", image)], translate_after=3) as process:
            results.extend(process.call("main", "fib", 14) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(377,)] * 18


def test_what_no_name_of_python_can_be_is_still_run() -> None:
    name = '"a\\x00b\\n<c>"'
    text = f".export func f () -> (i)\n  i_imm i0, 5\n  ret\n.export func f as {name}\n"
    with packfile.link([("m\n\0", image_of(text))], translate_after=ALWAYS) as process:
        assert process.call("m\n\0", "a\0b\n<c>") == (5,)
        assert process.functions_translated == 1


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="translate_after must be 0 or more, got -1"):
        packfile.link([], translate_after=-1)


def test_a_function_that_is_too_long_stays_in_the_first_tier() -> None:
    text = ".export func run (i) -> (i)\n" + "  i_add_imm i0, i0, 1\n" * MOST_WORDS + "  ret\n"
    with packfile.link([("main", image_of(text))], translate_after=ALWAYS) as process:
        assert process.call("main", "run", 1) == (MOST_WORDS + 1,)
        assert process.functions_translated == 0


def test_text_of_any_shape_is_within_what_python_takes() -> None:
    """Loops in loops, branches in branches, and a long table at the bottom."""
    head, tail = "", ""
    for depth in range(30):
        head += f"a{depth}:\n  i_add_imm i1, i1, 1\n"
        tail = f"  i_add_imm i{depth + 2}, i{depth + 2}, 1\n  jmp_lt_s i{depth + 2}, i0, a{depth}\n" + tail
    table = "  jmp_table i1, [" + ", ".join(f"t{k}" for k in range(300)) + "]\n"
    table += "".join(f"t{k}:\n  i_add_imm i1, i1, {k % 100}\n  jmp out\n" for k in range(300))
    text = f".export func run (i) -> (i)\n{head}{tail}{table}out:\n  i_mov i0, i1\n  ret\n"
    for argument in (0, 1, 2):
        assert list(differences(text, [("run", [argument], [], 20_000, 5)])) == []
    chain = "".join(f"  i_eq i200, i0, i{k + 3}\n  jmp_if i200, out\n  i_add_imm i0, i0, 1\n" for k in range(120))
    text = f".export func run (i) -> (i)\n{chain}out:\n  i_add_imm i0, i0, 5\n  ret\n"
    for argument in (1, 0, -7, -119, -120):
        assert list(differences(text, [("run", [argument], [], 20_000, 5)])) == []
    _, functions = observe(image_of(text), ALWAYS, [("run", [1], [], 20_000, 5)])
    assert functions == 1


def test_what_is_known_of_an_address_ends_where_its_register_is_written() -> None:
    """Segment and index of an access are kept for those that follow it."""
    head = ".bss 16\n.data\n.i64 5, 6\n.export func other () -> (i)\n  ldata i0, 0\n  ret\n"
    head += ".export func run (i) -> (i)\n  lbss i1, 0\n  i_add i1, i1, i0\n  i_load64 i2, i1, 1\n"
    for change in ("call i1, other", "i_add_imm i1, i1, -8", "ldata i1, 0", "i_load64 i1, i1, 0\n  ldata i1, 8"):
        text = f"{head}  {change}\n  i_load64 i0, i1, 0\n  i_store64 i0, i1, 0\n  ret\n"
        for argument in (0, 8, 4):
            # More than once: the first call is left at the call of what has no translation yet.
            assert list(differences(text, [("run", [argument], [], 100, 5)] * 3)) == []


def test_views_of_a_host_of_the_other_order_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(range(100, 133))
    segment = memoryview(content)
    for code, size in primitives.SIZES.items():
        native = primitives.Segment.of(2, segment, code)
        monkeypatch.setattr("sys.byteorder", "big")
        other = primitives.Segment.of(2, segment, code)
        monkeypatch.undo()
        assert (native.base, native.length) == (other.base, other.length) == (2 << 32, 33 // size * size)
        assert isinstance(other.elements, primitives.Elements) == (size > 1)
        for index in range(33 // size):
            assert native.elements[index] == other.elements[index]
            other.elements[index] = value = native.elements[index]
            assert native.elements[index] == value
        for views in (native, other):
            with pytest.raises(primitives.FAULTS):
                views.elements[33 // size]
            views.elements.release()
    assert content == bytes(range(100, 133))


def written(step: Step) -> list[Line]:
    """The text of an instruction, in a module that has one of everything."""
    image = image_of(".import weak func absent.f () -> ()\n.const x = 1\n.export func f () -> ()\n  ret\n")
    linkage = Linkage([("main", image)])
    names = Names()
    lines: list[Line] = []
    outside = ModuleNames(linkage.modules[0].function(0), linkage, names)
    StepWriter(verify(image, 0), outside, {}, lines).write(step, Facts(), 0)
    return lines


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name.lower())
def test_every_instruction_has_a_translation(opcode: Opcode) -> None:
    """A row of the table that is written with a primitive unknown here would be left to the first tier for ever."""
    row = INSTRUCTIONS[opcode]
    values = dict.fromkeys(("a", "b", "c", "imm", "disp", "count", "off", "lit"), 0)
    step = Step(0, row, values, ())
    if control(opcode) is None:
        text = "".join(line.text for line in written(step))
        assert text
    else:
        assert control(opcode) in {"jump", "jump_if", "skip", "leave", "trap"}


def test_what_a_signal_handler_raises_reaches_the_embedder() -> None:
    """Also where it looks like a fault of an access, at which it may come."""
    text = ".export func run () -> ()\n  ldata i0, 0\nagain:\n  i_load64 i1, i0, 0\n  jmp again\n.data\n.i64 7\n"

    def raises(_signal: int, _frame: object) -> None:
        raise IndexError("from the handler")

    before = signal.signal(signal.SIGALRM, raises)
    try:
        with packfile.link([("main", image_of(text))], translate_after=ALWAYS) as process:
            for _ in range(5):
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                # Were it swallowed, the loop would end some seconds later for want of fuel.
                with pytest.raises(IndexError, match="from the handler"):
                    process.call("main", "run", fuel=20_000_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
