"""Each oracle is content with good programs, and goes red where what it promises is broken."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from packfile import disassembler, machine, verify, writer
from packfile._kaitai.packfile import Packfile as Parser
from packfile.image import Image
from packfile.instructions import Opcode
from packfile.layout import ByteOrder
from packfile.link import Linkage
from packfile.machine import calls
from packfile.machine.state import HANDLERS, Frame, Handler
from packfile.model import Module
from packfile.process import Process
from packfile.translate import primitives
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import ORACLES, Judgement, examine
from packfile_fuzz.oracles import base as base_of_oracles
from packfile_fuzz.program import Call, Program
from packfile_fuzz.run import Loaders, inprocess
from tests.small_programs import alone, program

STRANGE = Path(__file__).parent / "adapters" / "strange.py"


@pytest.fixture
def place() -> Iterator[Loaders]:
    with Loaders({}) as loaders:
        yield loaders


def plant(monkeypatch: pytest.MonkeyPatch, op: Opcode, handler: Handler) -> None:
    """Put a fault into the first tier."""
    changed = [*HANDLERS]
    changed[op] = handler
    monkeypatch.setattr(machine.run, "__defaults__", (changed,))
    monkeypatch.setattr(machine, "HANDLERS", changed)


def asked(name: str, example: Program, loaders: Loaders) -> Judgement:
    """The judgement of one oracle, which said something."""
    judgement = examine(example, [ORACLES[name]], loaders)
    assert judgement.comparisons
    return judgement


def told(name: str, example: Program, loaders: Loaders) -> str:
    """What one oracle finds wrong, and only that oracle."""
    found = asked(name, example, loaders).differences
    assert {signature.oracle for signature, _ in found} == {name}
    return "; ".join(message for _, message in found)


@pytest.mark.parametrize("name", [name for name in ORACLES if name != "loader"])
def test_is_content_with_a_good_program(name: str, place: Loaders) -> None:
    judgement = asked(name, program(), place)
    assert not judgement.differences
    assert {str(comparison.verdict) for _, comparison in judgement.comparisons} == {"equal"}


@pytest.mark.parametrize("seed", range(40))
def test_are_content_with_what_the_generator_makes(seed: int, place: Loaders) -> None:
    oracles = [oracle for oracle in ORACLES.values() if oracle.name != "disassemble" or seed % 8 == 0]
    judgement = examine(from_seed(seed), oracles, place)
    assert not judgement.differences
    assert {name for name, _ in judgement.comparisons} >= {"internal-error", "byte-orders", "write-decode"}


def test_the_oracle_of_loaders_says_nothing_without_one(place: Loaders) -> None:
    assert not examine(program(), [ORACLES["loader"]], place).comparisons


def test_every_oracle_says_what_it_promises() -> None:
    assert all(oracle.summary.endswith(".") and oracle.every >= 1 for oracle in ORACLES.values())


def test_byte_orders_see_a_constant_that_is_not_swapped(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    def constant(self: Image, index: int) -> int:
        at = self._constants_at + 8 * index
        return int.from_bytes(self.view[at : at + 8], "little")

    monkeypatch.setattr(Image, "constant", constant)
    assert "call 1 (main.its entry)" in told("byte-orders", program(), place)


def test_byte_orders_see_memory(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = HANDLERS[Opcode.I_STORE8]

    def store(f: Frame, pc: int, a: int, b: int, c: int) -> int:
        return good(f, pc, a, b, c + (f.image.order is ByteOrder.BIG))

    plant(monkeypatch, Opcode.I_STORE8, store)
    stores = ".bss 8\n.export func main () -> ()\n  lbss i0, 0\n  i_imm i1, 1\n  i_store8 i1, i0, 2\n  ret\n"
    assert "bss of main at 2: expected 01" in told("byte-orders", alone(stores, Call("main", "main")), place)


def test_lazy_eager_sees_a_verdict_that_depends_on_earlier_ones(
    monkeypatch: pytest.MonkeyPatch, place: Loaders
) -> None:
    good = verify.findings

    def findings(image: Image, index: int) -> Iterator[verify.Finding]:
        if image.stats.functions_verified > 1:
            yield verify.Finding("PF-CODE-001", "no", 0, "", "")
        yield from good(image, index)

    monkeypatch.setattr(verify, "findings", findings)
    text = "".join(f".export func f{k} () -> ()\n  ret\n" for k in range(3))
    message = told("lazy-eager", alone(text, Call("main", "f2")), place)
    assert "call 1 (main.f2): expected ok, got invalid" in message


def test_tiers_see_a_wrong_translation(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    monkeypatch.setattr("packfile.translate.tier.NAMES", {**primitives.NAMES, "ctz": lambda _x: 0})
    text = ".export func main (i) -> (i)\n  i_ctz i0, i0\n  ret i0\n"
    message = told("tiers", alone(text, Call("main", "main", (8,))), place)
    assert "expected integer results (3,), got (0,)" in message


def test_tiers_see_fuel_that_is_charged_once_too_often(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = Process.invoke

    def invoke(self: Any, *args: Any, **options: Any) -> Any:
        results = good(self, *args, **options)
        return results._replace(fuel=results.fuel - 1) if self._tier else results

    monkeypatch.setattr(Process, "invoke", invoke)
    assert "expected fuel" in told("tiers", program(), place)


def _without(**parts: Any) -> Callable[[Module, ByteOrder], bytes]:
    return lambda module, order: writer.encode(replace(module, **parts), order)


@pytest.mark.parametrize("part", ["data", "exports"])
def test_write_decode_sees_a_section_that_is_lost(part: str, monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    empty = {"data": b"", "exports": ()}[part]
    monkeypatch.setattr(inprocess, "encode", _without(**{part: empty}))
    text = ".data\n.i64 5\n.export func f () -> ()\n  ret\n"
    assert f"written and decoded: {part}: expected" in told("write-decode", alone(text), place)


def test_write_decode_sees_a_file_that_is_not_canonical(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    def encode(module: Module, order: ByteOrder) -> bytes:
        file = bytearray(writer.encode(module, order))
        file[0x800] = 1  # between the sections
        return bytes(file)

    monkeypatch.setattr(inprocess, "encode", encode)
    text = ".export func f () -> ()\n  ret\n"
    assert "PF-DIR-009" in told("write-decode", alone(text), place)


def test_disassemble_sees_bytes_that_are_lost(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = disassembler._items
    monkeypatch.setattr(disassembler, "_items", lambda content: good(content[:-1]))
    example = alone(".data\n.i64 5, 6\n.export func f () -> ()\n  ret\n")
    assert "disassembled and assembled: data: expected" in told("disassemble", example, place)


def test_convert_sees_a_section_that_is_not_carried_over(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = writer.decode
    monkeypatch.setattr(writer, "decode", lambda data: replace(good(data), skippable=()))
    assert "converted: differs at" in told("convert", program(), place)


def test_position_sees_a_segment_that_is_missing_behind_others(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = Linkage._add_segment

    def add(self: Linkage, number: int, *rest: Any) -> None:
        if number < 100:
            good(self, number, *rest)

    monkeypatch.setattr(Linkage, "_add_segment", add)
    message = told("position", program(), place)
    assert "i_load64 at word" in message
    assert "expected ok, got trap no-segment" in message


@pytest.mark.parametrize("op", [Opcode.LDATA, Opcode.LFN, Opcode.LDSLOT])
def test_position_sees_an_address_of_another_position(
    op: Opcode, monkeypatch: pytest.MonkeyPatch, place: Loaders
) -> None:
    good = HANDLERS[op]

    def loaded(f: Frame, pc: int, a: int, b: int, c: int) -> int:
        to = good(f, pc, a, b, c)
        f.i[a] &= (1 << 38) - 1  # as if the modules in front were not there
        return to

    plant(monkeypatch, op, loaded)
    call = Call("main", "address")
    assert f"{op.name.lower()} at word" in told("position", program([call]), place)


def test_position_sees_a_reference_that_calls_something_else(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = calls.dereference
    monkeypatch.setattr(
        calls, "dereference", lambda thread, reference, word: good(thread, reference % (32 << 32), word)
    )
    message = told("position", program([Call("main", "address")]), place)
    assert "callr at word" in message


@pytest.mark.parametrize("function", ["odd", "address"])
def test_position_lets_programs_look_at_their_addresses(function: str, place: Loaders) -> None:
    arguments = (33,) if function == "odd" else ()
    judgement = examine(program([Call("main", function, arguments)]), [ORACLES["position"]], place)
    assert not judgement.differences
    # What becomes of half an address is lawful, but no reason to call the runs equal.
    assert len(judgement.comparisons) == (function == "address")


def test_position_does_not_take_an_argument_for_what_a_trapped_load_gave(place: Loaders) -> None:
    text = ".import lazy func none.f () -> ()\n.export func f (i) -> ()\n  ldslot i0, none.f\n  ret\n"
    example = alone(text, Call("main", "f", (5,)), Call("main", "f", (7,)))
    assert not asked("position", example, place).differences


def test_counters_see_what_was_swapped(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    good = Image.words

    def words(self: Image, start: int, end: int) -> Any:
        self.stats.swapped += 4 * (end - start)
        return good(self, start, end)

    monkeypatch.setattr(Image, "words", words)
    assert "expected swapped 0, got" in told("counters", program(), place)


def test_counters_see_what_was_copied(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    def private_data(self: Image) -> memoryview:
        at, length = self.sections.get(8, (0, 0))
        self.stats.copied += length
        return memoryview(bytearray(self.view[at : at + length]))

    monkeypatch.setattr(Image, "private_data", private_data)
    assert "expected copied 0, got 16" in told("counters", program(), place)


def test_counters_see_a_function_that_was_verified_before_its_call(
    monkeypatch: pytest.MonkeyPatch, place: Loaders
) -> None:
    good = verify.verify

    def early(image: Image, index: int) -> object:
        for other in range(image.function_count):
            good(image, other)
        return good(image, index)

    monkeypatch.setattr(calls, "verify", early)
    message = told("counters", program(), place)
    assert "library at position 1: expected functions_verified 1, got 2" in message


def test_counters_leave_a_copy_to_a_host_of_large_pages(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    monkeypatch.setattr(base_of_oracles, "PAGE", 1 << 16)
    monkeypatch.setattr("packfile_fuzz.oracles.counters.PAGE", 1 << 16)
    monkeypatch.setattr("packfile.image.mmap.ALLOCATIONGRANULARITY", 1 << 16)
    assert not asked("counters", program(), place).differences


def test_kaitai_sees_a_word_that_is_read_in_the_other_order(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    word = Parser.Body.CodeWord
    monkeypatch.setattr(word, "_read_be", word._read_le)
    assert "module 1: code parsed as something else" in told("kaitai", program(), place)


def test_kaitai_sees_what_the_parser_refuses(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    class Strict(Parser):  # type: ignore[misc]
        def _read(self) -> None:
            super()._read()
            raise EOFError("requested 4 bytes, but only 0 are left")

    monkeypatch.setattr("packfile_fuzz.oracles.files.Parser", Strict)
    assert "module 1: requested 4 bytes" in told("kaitai", program(), place)


def test_internal_error_sees_an_exception_that_is_no_outcome(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    def add(f: Frame, _pc: int, _a: int, _b: int, _c: int) -> int:
        raise IndexError(f"register of {f.depth}")

    plant(monkeypatch, Opcode.I_ADD, add)
    found = asked("internal-error", program(), place).differences
    assert found[0][0].outcomes[1] == "internal"
    assert "call 2: IndexError: register of 1" in found[0][1]


def test_internal_error_sees_good_code_that_is_refused(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    monkeypatch.setattr(verify, "findings", lambda *_: iter([verify.Finding("PF-CODE-001", "no", 0, "", "")]))
    ((signature, message),) = asked("internal-error", program([Call("main", None)]), place).differences
    assert signature.outcomes == ("one of exhausted, ok, trap, unlinkable", "invalid")
    assert "call 1: main:" in message


def test_an_exception_of_an_oracle_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch, place: Loaders) -> None:
    monkeypatch.setattr("packfile_fuzz.oracles.files.disassemble", lambda _module: 1 // 0)
    judgement = examine(program(), [ORACLES["disassemble"], ORACLES["write-decode"]], place)
    ((signature, message),) = judgement.differences
    assert (signature.oracle, signature.outcomes) == ("internal-error", ("no exception", "ZeroDivisionError"))
    assert "the oracle disassemble: ZeroDivisionError" in message
    assert [name for name, _ in judgement.comparisons] == ["internal-error", "write-decode", "write-decode"]


def test_a_program_that_cannot_be_built_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.oracles.judging.build", lambda _data: 1 // 0)
    ((signature, message),) = examine(b"any").differences
    assert signature.oracle == "internal-error"
    assert "the base run: ZeroDivisionError" in message


def test_a_judgement_says_what_was_seen(place: Loaders) -> None:
    judgement = examine(program(), [ORACLES["counters"]], place)
    assert judgement.outcomes == {"ok": 4, "trap divide-by-zero": 1, "unlinkable": 1}
    assert {"i_div_s trap divide-by-zero", "i_popcnt ok", "calli ok"} <= judgement.instructions
    assert "i_div_s ok" not in judgement.instructions
    assert {"PF-EXE-017"} <= judgement.rules


def test_bytes_are_judged_as_the_program_that_they_build(place: Loaders) -> None:
    data = from_seed(5)
    first, second = (examine(example, [ORACLES["byte-orders"]], place) for example in (data, build(data)))
    assert (first.seen, first.comparisons) == (second.seen, second.comparisons)
    assert first.seen


@pytest.mark.parametrize(
    ("fault", "words"),
    [("popcnt", "call 1 (main.its entry): ok, expected log"), ("store8", "bss of main at 8")],
)
def test_loader_sees_a_wrong_handler(fault: str, words: str) -> None:
    text = ".bss 16\n.export func main () -> ()\n  lbss i0, 8\n  i_imm i1, 77\n  i_store8 i1, i0, 0\n  ret\n"
    example = program() if fault == "popcnt" else alone(text, Call("main", "main"))
    with Loaders({"strange": [sys.executable, str(STRANGE), fault]}) as loaders:
        ((signature, message),) = asked("loader", example, loaders).differences
    assert signature.loader == "strange"
    assert words in message
