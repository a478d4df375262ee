"""Programs run in the reference and through adapters, and whatever a loader does becomes an observation."""

import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from packfile.layout import ByteOrder
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.run import (
    Adapter,
    Clock,
    Loaders,
    Observation,
    Part,
    Prepared,
    Seen,
    Verdict,
    compare,
    observe,
    peek,
    through,
)
from tests.small_programs import CALLS, alone, program

STRANGE = Path(__file__).parent / "adapters" / "strange.py"
SIGNALLING = 0x7FF0000000000001
TALK = """
.bss 24
.data
.byte 1, 2, 3
.import eager func host.log_n (n) -> ()
.export func crash () -> ()
  ret
.export func hang () -> ()
  ret
.export func rubbish () -> ()
  ret
.export func error () -> ()
  ret
.export func down (i) -> ()
  jmp_if i0, more
  ret
more:
  i_add_imm i0, i0, -1
  call i0, n0, down
  ret
.export func fill (i) -> ()
  lbss i1, 0
again:
  i_store8 i0, i1, 3
  i_add_imm i0, i0, 1
  calli n0, host.log_n
  jmp again
.export func same (n) -> (n)
  calli n0, host.log_n
  ret n0
"""


@contextmanager
def strange(*fault: str, timeout: float = 5.0) -> Iterator[Adapter]:
    with Loaders({"strange": [sys.executable, str(STRANGE), *fault]}, timeout) as loaders:
        yield loaders["strange"]


@pytest.fixture(scope="module")
def good() -> Iterator[Adapter]:
    with strange("none") as adapter:
        yield adapter


def talk(*calls: Call) -> Program:
    return alone(TALK, *calls)


def test_an_observation_holds_what_a_program_came_to() -> None:
    seen = observe(program())
    assert [str(step) for step in seen.steps] == ["ok"] * 5 + ["trap divide-by-zero", "unlinkable"]
    assert seen.calls[1].i == (55,)
    assert seen.calls[2].n == (struct.unpack("<Q", struct.pack("<d", 1.5))[0],)
    assert [bank for bank, _ in seen.calls[0].log] == ["i", "i", "n", "i"]
    assert (seen.calls[4].opcode, seen.calls[4].rule[:7]) == ("i_div_s", "PF-EXE-")
    assert seen.memory is not None
    assert [(part.module, part.segment, len(part.content)) for part in seen.memory] == [
        ("library", "data", 24),
        ("main", "data", 16),
        ("main", "bss", 40),
    ]
    assert seen.memory[2].content[8] == 77


def test_the_same_program_is_observed_alike_each_time() -> None:
    with Prepared(program()) as prepared:
        first = observe(prepared)
        assert [observe(prepared), observe(program())] == [first, first]


def test_floats_keep_their_bits() -> None:
    (call,) = observe(talk(Call("main", "same", n=(SIGNALLING,)))).calls
    assert (call.n, call.log) == ((SIGNALLING,), (("n", SIGNALLING),))


def test_what_does_not_link_is_observed(good: Adapter) -> None:
    lost = Program(program().entries[1:], CALLS)
    seen = observe(lost)
    assert (seen.link.outcome, seen.link.rule, seen.calls, seen.memory) == ("unlinkable", "PF-FIX-007", (), None)
    assert compare(lost, seen, through(good, lost)).verdict is Verdict.EQUAL


def test_nothing_is_compared_after_a_call_was_exhausted(good: Adapter) -> None:
    calls = Call("main", "fill", (3,), fuel=20), Call("main", "same", n=(0,))
    seen = observe(talk(*calls))
    assert [str(call) for call in seen.calls] == ["exhausted", "exhausted"]
    assert (seen.memory, seen.calls[0].log) == (None, ())
    assert compare(talk(*calls), seen, through(good, talk(*calls))).verdict is Verdict.EQUAL
    revived = replace(seen, calls=(seen.calls[0], Seen("ok", n=(0,))))
    assert compare(talk(*calls), seen, revived).message == "call 2 (main.same): expected exhausted, got ok"


def test_an_adapter_shows_what_the_reference_does(good: Adapter) -> None:
    expected = observe(program())
    assert through(good, program()) == expected
    assert through(good, program(), expected) == expected


@pytest.mark.parametrize("size", [1, 7, 8, 300, 2 * peek.END, 2 * peek.END + 1, 20_000])
def test_memory_is_read_through_an_adapter(size: int, good: Adapter) -> None:
    text = (
        f".bss {size}\n.export func main () -> ()\n  lbss i0, 0\n  i_imm32 i1, {size - 1}\n  i_add i0, i0, i1\n"
        "  i_imm i1, -3\n  i_store8 i1, i0, 0\n  ret\n"
    )
    example = alone(text, Call("main", "main"))
    expected = observe(example)
    assert expected.memory is not None
    assert expected.memory[-1].content[-1] == 253
    assert 0 <= sum(len(part.content) for part in expected.memory) - min(size, 2 * peek.END) < 8
    assert through(good, example) == expected
    assert through(good, example, expected) == expected
    # An expectation that is wrong must not come back as what was seen.
    wrong = replace(expected, memory=(Part("main", "bss", 0, bytes(len(expected.memory[0].content))),) * 1)
    if size <= 2 * peek.END:
        assert through(good, example, wrong).memory == expected.memory


def test_a_digest_tells_places_apart() -> None:
    def digest(*contents: bytes) -> int:
        return peek.digest([Part("main", "data", 0, content) for content in contents])

    for length in (3, 13, 24):
        contents = [bytes(length), *(bytes(at) + b"\1" + bytes(length - at - 1) for at in range(length))]
        assert len({digest(content) for content in contents}) == length + 1
    assert digest(b"\1\2") == digest(b"\1", b"\2")


def test_a_full_set_is_run_without_a_look_at_its_memory(good: Adapter) -> None:
    more = (Entry(f"m{number}", None) for number in range(254))
    full = talk(Call("main", "down", (0,)))
    full = replace(full, entries=(*full.entries, *more))
    assert len(full.entries) == 256
    seen = observe(full)
    assert seen.link.outcome == "ok"
    assert through(good, full).memory is None
    assert compare(full, seen, through(good, full)).verdict is Verdict.EQUAL


@pytest.mark.parametrize(
    ("function", "outcome", "said"),
    [
        ("crash", "crash", "ended with exit status 3: out of luck"),
        ("hang", "hang", "gave no answer within 0.5 s"),
        ("rubbish", "rubbish", "an outcome that the protocol does not have"),
        ("error", "error internal", "ZeroDivisionError: nobody caught this"),
    ],
)
def test_a_loader_that_fails_is_told_and_started_again(function: str, outcome: str, said: str) -> None:
    bad, fine = talk(Call("main", function)), talk(Call("main", "same", n=(SIGNALLING,)))
    with strange("fails", timeout=0.5) as adapter:
        for _ in range(2):
            found = compare(bad, observe(bad), through(adapter, bad, observe(bad)))
            assert (found.verdict, found.outcomes) == (Verdict.DIFFERENT, ("ok", outcome))
            if said.startswith("an outcome"):
                assert "answered a call without its log" in found.message
            else:
                assert said in found.message
            assert compare(fine, observe(fine), through(adapter, fine, observe(fine))).verdict is Verdict.EQUAL


def test_a_loader_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with Loaders({"none": [str(tmp_path / "none")]}) as loaders:
        seen = [through(loaders["none"], talk()) for _ in range(5)]
    assert {step.link.outcome for step in seen} == {"crash"}
    assert "cannot be started" in seen[0].link.said
    assert "is not started again" in seen[-1].link.said


def test_depth_past_the_least_is_not_comparable_and_up_to_it_is() -> None:
    deep, shallow = (talk(Call("main", "down", (1,), depth=depth)) for depth in (4097, 4096))
    with strange("shallow", "4096") as adapter:
        assert compare(deep, observe(deep), through(adapter, deep)).verdict is Verdict.NOT_COMPARABLE
        assert compare(shallow, observe(shallow), through(adapter, shallow)).verdict is Verdict.EQUAL
    with strange("shallow", "4095") as adapter:
        assert compare(shallow, observe(shallow), through(adapter, shallow)).verdict is Verdict.DIFFERENT


def test_bss_past_the_least_is_not_comparable_and_up_to_it_is() -> None:
    small, large = (alone(f".bss {(64 << 20) + more}\n.export func f () -> ()\n  ret\n") for more in (0, 8))
    with strange("small", str(64 << 20)) as adapter:
        assert compare(large, observe(large), through(adapter, large)).verdict is Verdict.NOT_COMPARABLE
        assert compare(small, observe(small), through(adapter, small)).verdict is Verdict.EQUAL
    with strange("small", str((64 << 20) - 1)) as adapter:
        assert compare(small, observe(small), through(adapter, small)).verdict is Verdict.DIFFERENT


def test_a_crash_is_different_even_past_a_limit() -> None:
    deep = talk(Call("main", "down", (1,), depth=5000))
    expected = Observation(Seen("ok"), (Seen("exhausted"),))
    assert compare(deep, expected, Observation(Seen("ok"), (Seen("crash"),))).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (Seen("ok", i=(1,)), Seen("ok", i=(2,)), "expected integer results (1,), got (2,)"),
        (Seen("ok", n=(1,)), Seen("ok", n=(2,)), "expected float results ('0000000000000001',)"),
        (Seen("ok", log=(("i", 1),)), Seen("ok"), "expected log (('i', 1),), got ()"),
        (Seen("ok", fuel=3), Seen("ok", fuel=2), "expected fuel 3, got 2"),
        (
            Seen("trap", "host"),
            Seen("trap", "unreachable", said="why"),
            "expected trap host, got trap unreachable (why)",
        ),
    ],
)
def test_differences_are_told_in_words(one: Seen, other: Seen, words: str) -> None:
    example = talk(Call("main", "same"))
    found = compare(example, Observation(Seen("ok"), (one,)), Observation(Seen("ok"), (other,)))
    assert found.verdict is Verdict.DIFFERENT
    assert words in found.message
    assert compare(example, Observation(Seen("ok"), (one,)), Observation(Seen("ok"), (one,))).verdict is Verdict.EQUAL


def test_rules_and_texts_are_not_compared() -> None:
    example = talk(Call("main", "same"))
    one, other = (Observation(Seen("ok"), (Seen("trap", "host", rule=rule, said=rule),)) for rule in ("PF-1", "PF-2"))
    assert compare(example, one, other).verdict is Verdict.EQUAL


def test_fewer_calls_and_other_memory_are_differences() -> None:
    example = talk(Call("main", "same"))
    whole = Observation(Seen("ok"), (Seen("ok"),), (Part("main", "data", 0, b"\1\2"),))
    assert "not all calls" in compare(example, whole, replace(whole, calls=())).message
    other = replace(whole, memory=(Part("main", "data", 0, b"\1\3"),))
    assert compare(example, whole, other).message == "data of main at 1: expected 02, got 03"


@pytest.mark.parametrize("calls", [(), (Call("main", "fill", (3,), fuel=20),)])
def test_a_loader_that_fails_after_its_last_answer_is_told(calls: tuple[Call, ...]) -> None:
    example = talk(*calls)
    with strange("leaving") as adapter:
        found = compare(example, observe(example), through(adapter, example))
    assert found.outcomes == ("nothing more", "crash")
    assert "after the last call: ended with exit status 3" in found.message


def test_names_of_loaders_are_any_text() -> None:
    with Loaders({"../bin/pf adapter": [sys.executable, str(STRANGE), "none"]}) as loaders:
        assert through(loaders["../bin/pf adapter"], program()) == observe(program())


def test_adapters_and_their_files_end_with_their_loaders() -> None:
    with Loaders({"strange": [sys.executable, str(STRANGE), "none"]}) as loaders:
        through(loaders["strange"], program())
        pid = loaders["strange"].session().pid
        directory = loaders.write("probe", b"x").parent
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_file_that_is_mapped_stays_as_it_was() -> None:
    with Loaders({}) as loaders:
        first = loaders.write("one", b"first")
        with first.open("rb") as held:
            loaders.write("one", b"second")
            assert held.read() == b"first"


def test_a_stage_within_another_counts_for_itself() -> None:
    clock = Clock()
    with clock.stage("outer"), clock.stage("inner"):
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
    assert clock.seconds["inner"] >= 0.02
    assert clock.seconds["outer"] < 0.01


def test_what_adapters_take_is_time_that_passes() -> None:
    clock = Clock()
    with clock.stage("adapter"):
        time.sleep(0.02)
    assert clock.seconds["adapter"] >= 0.02


def test_orders_are_chosen_for_each_file() -> None:
    with Prepared(program()) as prepared:
        seen = [observe(prepared, orders=(order,) * 3) for order in ByteOrder]
        assert seen[0] == seen[1] == observe(prepared)
        assert prepared.file(1, ByteOrder.BIG)[8] == ByteOrder.BIG
