from __future__ import annotations

from collections import Counter

import pytest

from packfile.instructions import INSTRUCTIONS, Opcode, TrapCode
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Import
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.generator.values import FLOATS, INTEGERS
from packfile_fuzz.program import Program
from tests.observed import Mix, functions, instructions, run

ACCESSES = [op for op, row in INSTRUCTIONS.items() if "address(" in row.effect]
MEMORY_TRAPS = {"misaligned", "no-segment", "read-only", "out-of-bounds"}


@pytest.fixture(scope="module")
def programs() -> list[Program]:
    return [build(from_seed(seed)) for seed in range(2500)]


@pytest.fixture(scope="module")
def traced(programs: list[Program]) -> Mix:
    counted = Mix()
    for program in programs[:1000]:
        run(program, counted, traced=True)
    return counted


@pytest.fixture(scope="module")
def mix(programs: list[Program], traced: Mix) -> Mix:
    counted = Mix()
    for program in programs[1000:]:
        run(program, counted)
    counted.calls += traced.calls
    counted.links += traced.links
    return counted


def shares(counts: Counter[str]) -> dict[str, float]:
    return {name: count / counts.total() for name, count in counts.items()}


def test_calls_come_to_every_outcome_and_mostly_to_telling_ones(mix: Mix) -> None:
    share = shares(mix.calls)
    print({name: f"{100 * part:.1f} %" for name, part in sorted(share.items())})
    assert share["exhausted"] < 0.10
    assert share["ok"] > 0.30
    assert share["unlinkable"] < 0.05
    assert max(part for name, part in share.items() if name.startswith("trap ")) < 0.20
    assert {name.removeprefix("trap ") for name in share if name.startswith("trap ")} == set(map(str, TrapCode))
    assert "invalid" not in share


def test_few_sets_are_unlinkable(mix: Mix) -> None:
    share = shares(mix.links)
    assert set(share) == {"ok", "unlinkable"}
    assert 0 < share["unlinkable"] < 0.05


def test_nothing_but_free_form_runs_on() -> None:
    counted = Mix()
    for seed in range(400):
        content = bytearray(from_seed(seed))
        content[2] = 0
        run(build(bytes(content)), counted, fuel=100_000)
    # What is left is a depth that a call gave itself.
    assert counted.calls["exhausted"] < 0.02 * counted.calls.total()
    assert 10 < counted.most_fuel < 5_000


def test_free_form_goes_back_and_comes_back(programs: list[Program]) -> None:
    counted = Mix()
    for seed in range(300):
        content = bytearray(from_seed(seed))
        content[2] = 255
        run(build(bytes(content)), counted)
    assert 0.10 < shares(counted.calls)["exhausted"] < 0.90
    assert 0.02 < sum(from_seed(seed)[2] >= 243 for seed in range(len(programs))) / len(programs) < 0.08


def test_every_instruction_is_run(traced: Mix) -> None:
    assert set(traced.executed) == set(INSTRUCTIONS)


def test_memory_is_reached_and_missed_in_every_way(traced: Mix) -> None:
    missed = Counter[str]()
    for (op, code), count in traced.trapped.items():
        if op in ACCESSES:
            missed[code] += count
    assert set(missed) == MEMORY_TRAPS
    assert 0.85 < 1 - missed.total() / sum(traced.executed[op] for op in ACCESSES) < 0.99
    for op in (Opcode.MEM_COPY, Opcode.MEM_FILL):
        codes = {code for at, code in traced.trapped if at == op}
        assert codes == MEMORY_TRAPS - {"misaligned"}
        assert sum(count for (at, _), count in traced.trapped.items() if at == op) < 0.4 * traced.executed[op]


def test_half_of_the_values_are_boundaries(programs: list[Program]) -> None:
    constants = [bits for p in programs for e in p.entries if e.module for bits in e.module.constants]
    known = {*INTEGERS, *FLOATS}
    assert 0.4 < sum(bits in known for bits in constants) / len(constants) < 0.8
    assert known <= set(constants)
    immediates = [
        word >> 16
        for program in programs
        for function in functions(program)
        for op, word, _ in instructions(function)
        if op == Opcode.I_IMM and word >> 8 & 0xFF < 8
    ]
    assert {0, 1, 0xFFFF, 0x7FFF, 0x8000, 63, 64} <= set(immediates)
    arguments = [x & (1 << 64) - 1 for program in programs for call in program.calls for x in call.i]
    assert 0.4 < sum(x in INTEGERS for x in arguments) / len(arguments) < 0.8


def test_the_values_that_decide_an_instruction_meet_it(traced: Mix) -> None:
    assert traced.trapped[Opcode.I_DIV_S, "integer-overflow"] > 1
    assert traced.trapped[Opcode.I_DIV_S, "divide-by-zero"] > 3
    for op in (Opcode.I_TRUNC_N_S, Opcode.I_TRUNC_N_U):
        assert traced.trapped[op, "invalid-conversion"] > 0
        assert traced.trapped[op, "integer-overflow"] > 0


def imports(programs: list[Program]) -> list[tuple[Program, str, Import]]:
    return [(p, e.name, row) for p in programs for e in p.entries if e.module for row in e.module.imports]


def test_sets_of_modules_import_in_every_way(programs: list[Program]) -> None:
    seen = Counter[str]()
    for program, name, row in imports(programs):
        names = {entry.name for entry in program.entries}
        modules = {entry.name: entry.module for entry in program.entries}
        seen[f"{row.kind.name} {row.binding.name}"] += 1
        seen["self"] += row.module == name
        seen["host"] += row.module == "host"
        seen["missing module"] += row.module not in names
        module = modules.get(row.module)
        if module is not None:
            export = next((export for export in module.exports if export.name == row.name), None)
            seen["missing name"] += export is None
            if export is not None:
                seen["other kind"] += export.kind != row.kind
                if export.kind == row.kind == ImportKind.FUNCTION:
                    seen["other signature"] += module.functions[export.position].signature.word != row.requirement
    assert min(seen[f"{kind.name} {binding.name}"] for kind in ImportKind for binding in Binding) > 20
    assert min(seen[what] for what in ("self", "host", "missing module", "missing name")) > 50
    assert min(seen[what] for what in ("other kind", "other signature")) > 20


def test_modules_import_each_other_in_cycles(programs: list[Program]) -> None:
    edges = [{(name, row.module) for p, name, row in imports([program])} for program in programs]
    assert sum(any((b, a) in graph and a != b for a, b in graph) for graph in edges) > 50


def test_programs_differ_in_all_that_a_module_says(programs: list[Program]) -> None:
    entries = [entry for program in programs for entry in program.entries]
    modules = [entry.module for entry in entries if entry.module]
    mixed = sum(len({entry.order for entry in program.entries if entry.module}) > 1 for program in programs)
    assert mixed > 300
    places = Counter(at for p in programs for at, entry in enumerate(p.entries) if entry.module is None)
    assert min(places[at] for at in range(4)) > 50
    assert 0.01 < sum(module.digests for module in modules) / len(modules) < 0.06
    assert 0 < sum(module.unit_log2 == 16 for module in modules) / len(modules) < 0.01
    assert any(module.skippable for module in modules)
    assert {export.segment for module in modules for export in module.exports} == set(Segment)
    assert {entry.order for entry in entries} == set(ByteOrder)
    assert any(len(set(module.imports)) < len(module.imports) for module in modules)


def test_calls_differ_in_all_that_a_call_says(programs: list[Program]) -> None:
    calls = [call for program in programs for call in program.calls]
    assert {len(program.calls) for program in programs} == {1, 2, 3, 4}
    assert 0.02 < sum(call.function is None for call in calls) / len(calls) < 0.10
    assert any(call.module == "host" for call in calls)
    assert any(call.function == "absent" for call in calls)
    assert 0.01 < sum(call.fuel != 1000 for call in calls) / len(calls) < 0.06
    assert 0.01 < sum(call.depth != 50 for call in calls) / len(calls) < 0.06
    assert len({call.fuel for call in calls}) > 5


def test_programs_are_partial_to_some_instructions(programs: list[Program]) -> None:
    lacking = Counter[int]()
    for program in programs:
        lacking.update({6, 7, 8, 9} - {op >> 4 for f in functions(program) for op, _, _ in instructions(f)})
    assert min(lacking.values()) > 0.2 * len(programs)
    assert max(lacking.values()) < 0.8 * len(programs)
