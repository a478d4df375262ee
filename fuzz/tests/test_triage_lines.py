"""Triage's view of code as lines: branches go where they went, whatever is left out, put in or written twice."""

from __future__ import annotations

from packfile.assembler import assemble
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.triage.lines import kept, put_instead, read, unrolled, write
from packfile_fuzz.triage.minimise import minimise, size
from packfile_fuzz.triage.specimen import Specimen
from tests.triage_judge import Inside, compared


def test_code_read_as_lines_is_written_as_it_was() -> None:
    for seed in range(40):
        for entry in build(from_seed(seed)).entries:
            for function in entry.module.functions if entry.module else ():
                lines = read(function.code)
                assert lines is not None
                assert write(lines) == function.code


def test_a_branch_to_what_is_left_out_goes_to_what_followed_it() -> None:
    text = ".export func f (i) -> ()\n  jmp_if i0, end\n  i_imm i0, 1\nend:\n  i_imm i0, 2\n  ret\n"
    lines = read(assemble(text).functions[0].code)
    assert lines is not None
    without = ".export func f (i) -> ()\n  jmp_if i0, end\nend:\n  ret\n"
    assert write(kept(lines, [0, 3])) == assemble(without).functions[0].code
    assert write(kept(lines, [0])) is None


def test_a_loop_is_written_twice() -> None:
    text = """.export func f (i) -> ()
  jmp_if i0, last
again:
  i_imm i0, 1
  jmp_if i0, last
  jmp_if i0, end
last:
  jmp_if i0, again
end:
  ret
"""
    twice = """.export func f (i) -> ()
  jmp_if i0, last
  i_imm i0, 1
  jmp_if i0, last
  jmp_if i0, end
last:
  i_imm i0, 1
  jmp_if i0, end
  jmp_if i0, end
end:
  ret
"""
    lines = read(assemble(text).functions[0].code)
    assert lines is not None
    assert write(unrolled(lines, 4)) == assemble(twice).functions[0].code


def test_branches_go_past_what_is_put_in_place_of_a_line() -> None:
    text = ".export func f (i) -> ()\nagain:\n  jmp_if i0, end\n  i_imm i0, 1\n  jmp again\nend:\n  ret\n"
    longer = """.export func f (i) -> ()
again:
  jmp_if i0, end
  i_imm i0, 2
  jmp_if i0, after
after:
  jmp again
end:
  ret
"""
    lines, wanted = (read(assemble(each).functions[0].code) for each in (text, longer))
    assert lines is not None
    assert wanted is not None
    new = [wanted[1], wanted[2]._replace(target=2)]
    assert write(put_instead(lines, 1, new)) == write(wanted)


LOOPS = """
.import eager func host.log_i (i) -> ()
.export func f () -> ()
  i_imm i0, 2
again:
  call looks
  i_add_imm i0, i0, -1
  jmp_le_s i0, i1, end
  jmp again
end:
  ret
.func looks () -> ()
  jmp_if i2, second
  i_imm i2, 1
  ret
second:
  i_imm i0, 7
  calli host.log_i
  ret
"""


def test_of_a_loop_is_left_what_it_repeats() -> None:
    program = Program((Entry("host", None), Entry("main", assemble(LOOPS))), (Call("main", "f"),))
    with Inside("registers-not-zeroed", compared("registers-not-zeroed", program)) as judge:
        minimal = minimise(Specimen(program), judge, 60.0)
    assert minimal is not None
    module = minimal.specimen.program.entries[-1].module
    assert module is not None
    lines = [read(function.code) or [] for function in module.functions]
    assert all(line.target is None or line.target > at for each in lines for at, line in enumerate(each))
    assert size(minimal.specimen) == size(Specimen(program)) - 4
