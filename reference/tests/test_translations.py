"""Translations as an embedder sees them, their limits, and what they are made of."""

import gc
import linecache
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import packfile
from packfile.assembler import assemble
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import ByteOrder
from packfile.link import Linkage
from packfile.translate import primitives
from packfile.translate.blocks import Step, control
from packfile.translate.source import ModuleNames, Names
from packfile.translate.steps import Facts, Line, StepWriter
from packfile.translate.tier import MOST_WORDS, Entry
from packfile.verify import verify
from packfile.writer import encode
from programs import FIB
from tiers import ALWAYS, EVEN_ODD, differences, image_of, observe


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
