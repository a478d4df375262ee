from __future__ import annotations

from collections import Counter

import pytest

from packfile.instructions import INSTRUCTIONS, Opcode, TrapCode
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Import
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.generator.values import CORE, FLOATS, INTEGERS, MASK64, OWN, decisive
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


def test_free_form_has_little_fuel(programs: list[Program]) -> None:
    contents = [bytes((*content[:2], 255, *content[3:])) for content in map(from_seed, range(1500))]
    assert max(call.fuel for content in contents for call in build(content).calls) == 1000
    assert max(call.fuel for program in programs for call in program.calls) > 1000


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
    # Once in 300 programs at least.
    assert traced.trapped[Opcode.I_DIV_S, "integer-overflow"] > 3
    assert traced.trapped[Opcode.I_DIV_S, "divide-by-zero"] > 3
    for op in (Opcode.I_TRUNC_N_S, Opcode.I_TRUNC_N_U):
        assert traced.trapped[op, "invalid-conversion"] > 0
        assert traced.trapped[op, "integer-overflow"] > 0


def test_what_operands_decide_together_is_last_of_what_is_tried_most() -> None:
    row, least, zeros = INSTRUCTIONS[Opcode.I_DIV_S], 1 << 63, (0, 1 << 63)
    assert decisive(row, 2, "i")[CORE - 1] == least
    assert decisive(row, 3, "i")[CORE - 1] == MASK64
    for op in (Opcode.N_MIN, Opcode.N_MAX):
        assert [decisive(INSTRUCTIONS[op], position, "n")[CORE - OWN : CORE] for position in (2, 3)] == [zeros, zeros]


def test_results_of_combinations_are_told_to_the_host(programs: list[Program]) -> None:
    told = Counter[Opcode]()
    met = Counter[tuple[Opcode, int, int]]()
    for program, function in ((p, f) for p in programs for f in functions(p)):
        module = next(e.module for e in program.entries if e.module and function in e.module.functions)
        found = list(instructions(function))
        for first, second, (op, word, _), (then, call, slot) in zip(
            found, found[1:], found[2:], found[3:], strict=False
        ):
            if first[0] == second[0] == Opcode.N_CONST and then == Opcode.CALLI:
                name = module.imports[slot].name
                if (name, call >> 16 & 0xFF) == ("log_n", word >> 8 & 0xFF):
                    told[op] += 1
                    met[op, module.constants[first[2]], module.constants[second[2]]] += 1
    two = [op for op, row in INSTRUCTIONS.items() if [o.role for o in row.operands] == ["dst", "src", "src"]]
    floats = [op for op in two if INSTRUCTIONS[op].mnemonic.startswith("n_") and op < Opcode.N_EQ]
    assert min(told[op] for op in floats) > 10
    # So many different pairs come of eight values each, mostly.
    assert len({(x, y) for _, x, y in met}) > 60


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
    assert any(call.function in ("rodata", "data") for call in calls)
    assert 0.01 < sum(call.fuel != 1000 for call in calls) / len(calls) < 0.07
    assert 0.01 < sum(call.depth != 50 for call in calls) / len(calls) < 0.06
    assert len({call.fuel for call in calls}) > 5


def test_calls_of_the_embedder_are_wrong_in_each_way(programs: list[Program]) -> None:
    wrong = Counter[str]()
    for program in programs:
        modules = {entry.name: entry.module for entry in program.entries}
        for call in program.calls:
            wrong["no module"] += call.module not in modules
            module = modules.get(call.module)
            if module is None or call.function is None:
                continue
            export = next((export for export in module.exports if export.name == call.function), None)
            wrong["no export"] += export is None
            if export is not None and export.kind == ImportKind.DATA:
                wrong["data"] += 1
            elif export is not None:
                signature = module.functions[export.position].signature
                wrong["integers"] += len(call.i) != signature.i_params
                wrong["floats"] += len(call.n) != signature.n_params
    assert min(wrong[how] for how in ("no module", "no export", "data", "integers", "floats")) > 5


def test_names_differ_in_their_ends_only(programs: list[Program]) -> None:
    sets = [{e.name for e in entry.module.exports} for p in programs for entry in p.entries if entry.module]
    assert sum(any(name + "\0" in names for name in names) for names in sets) > 20
    assert sum(len({name[:64] for name in names}) < len(names) for names in sets) > 20
    twice = [p for p in programs if len({entry.name for entry in p.entries}) < len(p.entries)]
    assert 0 < len(twice) < 0.02 * len(programs)


def test_programs_are_partial_to_some_instructions(programs: list[Program]) -> None:
    lacking = Counter[int]()
    for program in programs:
        lacking.update({6, 7, 8, 9} - {op >> 4 for f in functions(program) for op, _, _ in instructions(f)})
    assert min(lacking.values()) > 0.2 * len(programs)
    assert max(lacking.values()) < 0.8 * len(programs)
