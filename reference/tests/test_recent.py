"""What a process keeps of functions is bounded, and forgetting changes nothing but time."""

import gc

import packfile
from packfile.assembler import assemble
from packfile.image import Image
from packfile.layout import ByteOrder
from packfile.link import Function
from packfile.model import Function as Body
from packfile.model import Module, Signature
from packfile.recent import GENERATION, Members, Recent
from packfile.verify import Code
from packfile.writer import encode

MANY = 5 * GENERATION
HEAD = """
; calls i1 functions, from reference i0 on, each with the result of the one before it
.export func run (i, i) -> (i)
next:
  callr i2, i0, (i) -> (i)
  i_add_imm i0, i0, 1
  i_add_imm i1, i1, -1
  jmp_if i1, next
  i_mov i0, i2
  ret
.func add () -> ()
  ret
"""
ADD_ONE = assemble(".func f (i) -> (i)\n i_add_imm i0, i0, 1\n ret\n").functions[0].code
FIRST_REFERENCE = (1 << 32) + 2


def many(order: ByteOrder) -> Image:
    head = assemble(HEAD)
    one = Body(Signature(1, 0, 1, 0), 1, 0, ADD_ONE)
    module = Module(functions=(*head.functions, *(one,) * MANY), exports=head.exports)
    return Image(encode(module, order), "many.pkf")


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def test_what_was_set_last_is_kept_and_no_more_than_two_generations() -> None:
    recent: Recent[int] = Recent()
    for index in range(10 * GENERATION):
        recent[index] = -index
        assert recent.get(index) == -index
    kept = [index for index in range(10 * GENERATION) if recent.get(index) is not None]
    assert GENERATION <= len(kept) <= 2 * GENERATION
    recent.clear()
    assert recent.get(kept[-1]) is None


def test_what_is_asked_for_again_and_again_is_not_forgotten() -> None:
    recent: Recent[str] = Recent()
    recent[7] = "seven"
    for index in range(100, 100 + 10 * GENERATION):
        recent[index] = "other"
        assert recent.get(7) == "seven"


def test_members_are_what_was_added() -> None:
    members = Members()
    added = {0, 1, 511, 512, 513, 1 << 20}
    for index in added:
        members.add(index)
    assert {index for index in [*range(2000), *added, (1 << 20) + 1] if index in members} == added


def test_a_process_keeps_a_bounded_number_of_functions_and_verifies_each_once() -> None:
    before = alive(Function), alive(Code)
    for order in ByteOrder:
        with many(order) as image, packfile.link([("main", image)]) as process:
            for round_ in range(2):
                assert process.call("main", "run", FIRST_REFERENCE, MANY) == (MANY,)
                assert image.stats.functions_verified == MANY + 1, round_
            assert alive(Function) - before[0] <= 2 * GENERATION + 2
            assert alive(Code) - before[1] <= 2 * GENERATION + 2
    assert (alive(Function), alive(Code)) == before


def test_functions_that_are_forgotten_run_the_same_in_every_tier() -> None:
    for after in (0, 1, 3):
        image = many(ByteOrder.BIG)
        with packfile.link([("main", image)], translate_after=after) as process:
            for _ in range(3):
                results = process.invoke("main", "run", [FIRST_REFERENCE, MANY], [], fuel=10_000)
                assert results.i == [MANY]
                assert results.fuel == 10_000 - 1 - MANY - (MANY - 1)
