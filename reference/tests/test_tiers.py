"""Both tiers do the same: in outcomes, codes, places, results, fuel, memory and what the host is told.

The first tier alone is the measure; the second translates at the first call, or after a few events, so that runs change
between the tiers at calls, at branches back and where translations are left.
"""

import inspect
import random
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import packfile
from packfile.layout import ByteOrder
from packfile.process import MAX_FRAMES
from programs import FIB
from random_programs import FUNCTIONS, program
from tiers import ALWAYS, EVEN_ODD, FUEL, OFF, Calls, differences, image_of, observe


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
