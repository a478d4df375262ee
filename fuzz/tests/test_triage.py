"""Triage: what is left of a failing example is small, still fails in the same way, and is the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from packfile.assembler import assemble
from packfile.disassembler import disassemble
from packfile.layout import ByteOrder
from packfile.writer import encode
from packfile_fuzz.faults import FAULTS, activate
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import ORACLES, examine
from packfile_fuzz.oracles.broken import broken_from_seed
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.results import Failure
from packfile_fuzz.run import observe
from packfile_fuzz.triage.case import text_of
from packfile_fuzz.triage.divergence import first_divergence
from packfile_fuzz.triage.edits import Edit
from packfile_fuzz.triage.folder import Settings, triage
from packfile_fuzz.triage.judge import Judge
from packfile_fuzz.triage.lines import read
from packfile_fuzz.triage.minimise import Minimal, minimise, size
from packfile_fuzz.triage.names import renamed
from packfile_fuzz.triage.search import Search, Spent, thin
from packfile_fuzz.triage.specimen import NotMinimisable, Specimen, broken_of, from_failure, is_valid
from packfile_fuzz.triage.verdict import run
from packfile_fuzz.triage.wording import Origin
from packfile_suite.execute import reference_loader
from packfile_suite.load import load_file
from tests.triage_judge import Inside, broken_failure, compared

SMALL = {
    "least-divided-without-trap": {"i_div_s"},
    "table-off-by-one": {"jmp_table"},
    "bulk-bound-off-by-one": {"mem_fill", "mem_copy"},
    "shift-by-five-bits": {"i_shl", "i_shr_s", "i_shr_u"},
    "byte-load-not-extended": {"i_load8_s"},
    "literal-cut-to-31-bits": {"i_imm32", "lbss", "ldata", "lrodata"},
    "result-to-register-0": {"ret"},
    "fill-value-not-cut": {"mem_fill"},
}
"""Faults, and the instructions that each is of."""
QUICK = "result-to-register-0"
"""One that few seeds have to be tried for."""
MOST = 12
"""Instructions that may be left."""


def small(name: str) -> tuple[Minimal, Inside]:
    judge, specimen = Inside.of(name)
    with judge:
        minimal = minimise(specimen, judge, 60.0)
    assert minimal is not None
    return minimal, judge


def mnemonics(program: Program) -> set[str]:
    """Those of all instructions of a program."""
    functions = [function for entry in program.entries if entry.module for function in entry.module.functions]
    return {line.row.opcode.name.lower() for function in functions for line in read(function.code) or ()}


@pytest.mark.parametrize("name", SMALL)
def test_a_failure_gets_small_and_its_instruction_is_named(name: str) -> None:
    minimal, judge = small(name)
    assert minimal.complete
    assert size(minimal.specimen) <= MOST
    assert compared(name, minimal.specimen.program).outcomes == judge.signature.outcomes
    named = first_divergence(minimal.specimen.program, lambda program: bool(judge.differences(program)))
    assert named in SMALL[name] & mnemonics(minimal.specimen.program)


@pytest.mark.parametrize("name", ["least-divided-without-trap", "shift-by-five-bits", "byte-load-not-extended"])
def test_the_first_divergence_is_found_before_anything_is_made_smaller(name: str) -> None:
    judge, specimen = Inside.of(name)
    with judge:
        found = judge.difference(specimen)
        assert found is not None
        number = int(found.message.split()[1])
        program = replace(specimen.program, calls=specimen.program.calls[:number])
        assert first_divergence(program, lambda each: bool(judge.differences(each))) in SMALL[name]


def test_minimising_twice_gives_the_same() -> None:
    (one, _), (other, _) = small(QUICK), small(QUICK)
    assert one == other


def test_what_differs_in_memory_alone_is_read_by_a_function() -> None:
    judge, specimen = Inside.of("fill-value-not-cut")
    assert judge.signature.detail == "memory"
    with judge:
        minimal = minimise(specimen, judge, 60.0)
    assert minimal is not None
    assert minimal.found.detail == "integer results"


def test_without_time_the_example_stays_as_it_was() -> None:
    judge, specimen = Inside.of(QUICK)
    with judge:
        minimal = minimise(specimen, judge, 0.0)
    assert minimal is not None
    assert minimal.specimen == specimen
    assert not minimal.complete


def test_what_does_not_fail_is_not_made_smaller() -> None:
    judge, _ = Inside.of(QUICK)
    with judge:
        assert minimise(Specimen(Program((), ())), judge, 1.0) is None


def test_runs_are_limited() -> None:
    judge, specimen = Inside.of(QUICK)
    search = Search(specimen, judge.fails, 60.0, 2)
    others = [replace(specimen, program=replace(specimen.program, calls=(Call("no", None, fuel=n),))) for n in range(3)]
    with judge, pytest.raises(Spent):
        search.first(others)
    assert judge.runs == 2


def test_what_makes_a_specimen_no_smaller_is_taken_back() -> None:
    small_one = Specimen(Program((), ()))
    larger = Specimen(Program((), (Call("main", "f"),)))
    search = Search(small_one, lambda _: True, 60.0, 9)
    search.tentatively([lambda: search.attempt(larger)], lambda it: len(it.program.calls))
    assert search.best == small_one


@pytest.mark.parametrize("needed", [[], [0], [7], [2, 3], [0, 5, 9]])
def test_thinning_leaves_what_is_needed(needed: Sequence[int]) -> None:
    best = list(range(10))

    def attempt(left: list[int]) -> bool:
        nonlocal best
        if not set(needed) <= set(left):
            return False
        best = left
        return True

    thin(10, attempt)
    assert best == list(needed)


def test_a_module_that_cannot_be_verified_is_no_candidate() -> None:
    good = assemble(".export func f () -> ()\n  ret\n")
    bad = replace(good, functions=(replace(good.functions[0], code=(0xFF,)),))
    assert is_valid(Program((Entry("main", good),), ()))
    assert not is_valid(Program((Entry("main", bad),), ()))


def test_most_broken_files_can_be_said_as_cases() -> None:
    lost = 0
    for seed in range(150):
        _, broken = broken_from_seed(seed)
        if not broken.faults:
            continue
        try:
            specimen = from_failure(seed, "malformed")
        except NotMinimisable:
            lost += 1
            continue
        made = broken_of(specimen)
        assert made is None or made[1].content == broken.content
    assert lost <= 10


def test_a_broken_file_is_what_its_edits_make() -> None:
    entry = Entry("main", assemble("; nothing\n"), ByteOrder.BIG)
    assert entry.module is not None
    specimen = Specimen(Program((entry,), ()), (Edit("append", data=b"\0"), Edit("set", "header.version", 7)))
    made = broken_of(specimen)
    assert made is not None
    file = encode(entry.module, ByteOrder.BIG)
    assert len(made[1].content) == len(file) + 1
    assert made[1].expected.opening == {"PF-HDR-004"}
    assert broken_of(replace(specimen, edits=(Edit("set", "functions[3].code_end", 1),))) is None


def test_a_case_says_all_that_is_expected(tmp_path: Path) -> None:
    text = """
.import eager func host.log_i (i) -> ()
.import eager func host.log_n (n) -> ()
.entry f
.export func f (i, n) -> (i, n)
  calli i0, host.log_i
  calli i0, n0, host.log_n
  ret i0, n0
.export func loop () -> ()
again:
  jmp again
.export func stop () -> ()
  unreachable
"""
    calls = (
        Call("main", "f", (-5,), (0x7FF8000000000000,)),
        Call("main", None, (7,), (0,), fuel=3, depth=2),
        Call("main", "stop"),
        Call("main", "g"),
        Call("main", "loop", fuel=10),
    )
    program = Program((Entry("main", assemble(text)), Entry("host", None)), calls)
    signature = Inside.of(QUICK)[0].signature
    origin = Origin(Failure(7, "program", signature, "it differs"), signature, "it differs")
    file = tmp_path / "case.yaml"
    file.write_text(text_of(Specimen(program), origin), encoding="utf-8")
    assert "seed 7, kind program" in file.read_text()
    (case,) = load_file(file)
    outcomes = [step.expect.outcome for step in case.steps if hasattr(step, "expect")]
    assert outcomes == ["ok", "ok", "ok", "trap", "unlinkable", "exhausted"]
    (content,) = yaml.safe_load(file.read_text())
    assert assemble(content["modules"]["main"]) == assemble(disassemble(assemble(text)))
    assert [step.get("fuel") for step in content["steps"]] == [None, 1000, 3, 1000, 1000, 10]
    assert [step.get("depth") for step in content["steps"]] == [None, 50, 2, 50, 50, 50]
    assert content["steps"][1]["expect"]["log"] == [{"i": -5}, {"n": "7ff8000000000000"}]
    assert set(run(file, reference_loader(10.0)).values()) == {"pass"}


def test_a_case_expects_what_was_told_before_a_call_was_exhausted_and_floats_that_look_like_numbers(
    tmp_path: Path,
) -> None:
    text = """
.import eager func host.log_i (i) -> ()
.export func bits () -> (n)
  n_const n0, =nan:7ff8000000000001
  ret
.export func tells () -> ()
again:
  calli i0, host.log_i
  jmp again
"""
    calls = (Call("main", "bits"), Call("main", "tells", fuel=4))
    module = replace(assemble(text), constants=(0x43E0000000000001,))
    program = Program((Entry("main", module), Entry("host", None)), calls)
    signature = Inside.of(QUICK)[0].signature
    file = tmp_path / "case.yaml"
    origin = Origin(Failure(7, "program", signature, "it differs"), signature, "it differs\0")
    file.write_text(text_of(Specimen(program), origin), encoding="utf-8")
    (content,) = yaml.safe_load(file.read_text())
    assert [step.get("expect") for step in content["steps"]] == [
        None,
        {"n": ["43e0000000000001"]},
        {"exhausted": "PF-EXE-013", "log": [{"i": 0}, {"i": 0}]},
    ]
    assert set(run(file, reference_loader(10.0)).values()) == {"pass"}


def test_every_fault_that_is_named_here_is_one() -> None:
    assert set(SMALL) <= set(FAULTS)


def test_other_names_change_nothing_else() -> None:
    for seed in range(60):
        program = build(from_seed(seed))
        other = renamed(program)
        assert observe(other).steps == observe(program).steps
        assert {entry.name for entry in other.entries} <= {"main", "b", "c", "host"}


def test_a_failure_of_the_reference_by_itself_gets_small_as_well() -> None:
    with activate("literal-in-host-order"):
        for seed in range(40):
            judgement = examine(build(from_seed(seed)), [ORACLES["byte-orders"]])
            if judgement.differences:
                break
        signature, _ = judgement.differences[0]
        with Judge(signature, {}, 1.0) as judge:
            minimal = minimise(from_failure(seed, "program"), judge, 60.0)
            assert minimal is not None
            assert size(minimal.specimen) <= MOST
            assert first_divergence(minimal.specimen.program, lambda program: bool(judge.differences(program)))


@pytest.mark.parametrize(
    ("name", "oracle", "step"),
    [
        ("trailing-bytes-accepted", "opening", {"open": "main", "expect": {"malformed": "PF-HDR-008"}}),
        ("register-at-the-end", "auditing", {"audit": "main", "expect": {"invalid": "PF-CODE-003"}}),
        ("register-at-the-end", "calling", {"call": "main.f", "expect": {"invalid": "PF-CODE-003"}}),
    ],
)
def test_a_case_of_a_broken_file_expects_what_the_specification_says(
    name: str, oracle: str, step: dict[str, object], tmp_path: Path
) -> None:
    failure = broken_failure(name, oracle)
    with activate(name):
        found = triage(failure, Settings(), tmp_path)
    assert found.instructions is not None
    assert found.instructions <= MOST
    (content,) = yaml.safe_load((tmp_path / "case.yaml").read_text())
    assert content["modules"]["main"]["breaks"] == list(step["expect"].values())  # type: ignore[attr-defined]
    assert {key: content["steps"][-1].get(key) for key in step} == step
    assert found.case is not None
    assert set(found.case.reference.values()) == {"pass"}
