"""What the strategies promise: what was asked for, the same again for what was printed, and small when shrunk."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, find, given, settings
from hypothesis import strategies as st

from packfile.layout import Binding, ByteOrder, ImportKind
from packfile.model import Import, Module
from packfile.writer import encode
from packfile_fuzz import strategies
from packfile_fuzz.malformed import Broken
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.run import observe
from packfile_fuzz.strategies import (
    broken_of,
    content_of,
    import_graph_of,
    import_graphs,
    malformed,
    module_of,
    modules,
    program_of,
    program_text,
    programs,
    spelled,
)
from packfile_fuzz.strategies.graphs import LINKS
from tests.observed import broken_rules

QUIET = settings(
    database=None, derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck)
)
CONTENT = st.one_of(st.binary(max_size=300), st.binary(min_size=320, max_size=320))
OPTIONS: list[dict[str, Any]] = [
    {"order": ByteOrder.BIG, "digests": True},
    {"order": ByteOrder.LITTLE, "digests": False},
]


def mine(program: Program) -> list[tuple[Entry, Module]]:
    return [(entry, entry.module) for entry in program.entries if entry.module is not None]


def hostless(program: Program) -> bool:
    rows = [row for _, module in mine(program) for row in module.imports]
    is_eager = any(row.module == "host" and row.binding is Binding.EAGER for row in rows)
    return not is_eager and all(entry.name != "host" for entry in program.entries)


@QUIET
@given(content=CONTENT)
@example(b"")
@example(b"\1\0\0\2\0\0\3")
def test_bytes_can_be_written_down_and_read_again(content: bytes) -> None:
    assert content_of(spelled(content)) == content.rstrip(b"\0")
    assert program_of(spelled(content)) == program_of(content)


@pytest.mark.parametrize("text", ["0:0", "0:zz", "2:01 1:02", "0:0102 1:03", "12", "0:01,4:02"])
def test_what_is_not_written_so_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected runs of bytes"):
        content_of(text)


@pytest.mark.parametrize("options", OPTIONS, ids=["big", "little"])
@pytest.mark.parametrize("strategy", [programs, import_graphs])
def test_programs_are_as_they_were_asked_for(
    strategy: Callable[..., st.SearchStrategy[Program]], options: dict[str, Any]
) -> None:
    @QUIET
    @given(program=strategy(**options, host=False, size=320))
    def check(program: Program) -> None:
        assert hostless(program)
        for entry, module in mine(program):
            assert entry.order is options["order"]
            assert module.digests is options["digests"]
        assert broken_rules(program) == []

    check()


TWICE = bytes([1, 0, 0, 0, 0, 0, 0, 0xFF])
"""Two modules of one name, and the host before them if they use it."""


@QUIET
@given(content=st.binary(min_size=250, max_size=250))
def test_without_host_no_module_takes_its_name(content: bytes) -> None:
    program = program_of(TWICE + content, host=False)
    assert hostless(program)
    assert len(program.entries) == 2
    assert len({entry.name for entry in program.entries}) == 1
    graph = import_graph_of(TWICE + content, host=False)
    assert [entry.name for entry in graph.entries] == ["main", "lib", "aux"]


@QUIET
@given(module=modules(digests=True))
@example(module_of("3:02 320:a3 327:60", digests=True))
def test_a_module_links_alone_beside_the_host(module: Module) -> None:
    assert module.digests
    assert {row.module for row in module.imports} <= {"main", "host", "absent"}
    eager = {(row.module, row.name) for row in module.imports if row.binding is Binding.EAGER}
    seen = observe(Program((Entry("main", module), Entry("host", None)), (Call("main", None),)))
    # A few imports ask the eager way for what is another or missing.
    assert seen.link.outcome == "ok" or (seen.link.rule in ("PF-FIX-007", "PF-FIX-008") and eager)


@QUIET
@given(program=import_graphs())
def test_modules_of_a_graph_import_from_each_other_with_every_binding(program: Program) -> None:
    entries = mine(program)
    assert len(entries) >= 2
    for position, (_, module) in enumerate(entries):
        after = entries[(position + 1) % len(entries)][0].name
        assert {row.binding for row in module.imports if row.module == after} == set(Binding)
    assert [call.module for call in program.calls if call.function == LINKS] == [entry.name for entry, _ in entries]
    assert broken_rules(program) == []


def test_graphs_have_what_is_bound_and_what_is_not() -> None:
    met: set[tuple[Binding, ImportKind, str]] = set()
    traps: set[str] = set()

    @settings(QUIET, max_examples=150, phases=[Phase.generate])
    @given(program=import_graphs(size=224))
    def look(program: Program) -> None:
        exports = {entry.name: {export.name for export in module.exports} for entry, module in mine(program)}
        for entry, module in mine(program):
            for row in module.imports[-5:]:
                met.add((row.binding, row.kind, target(row, entry.name, exports)))
        seen = observe(program)
        traps.update(call.code for call in seen.calls)

    look()
    kinds = (ImportKind.FUNCTION, ImportKind.DATA)
    assert met >= {(binding, kind, "other") for binding in Binding for kind in kinds}
    assert met >= {(binding, ImportKind.FUNCTION, "itself") for binding in (Binding.EAGER, Binding.LAZY)}
    assert met >= {(binding, kind, "missing") for binding in (Binding.LAZY, Binding.WEAK) for kind in kinds}
    assert traps >= {"unbound-import", "import-mismatch"}


def target(row: Import, name: str, exports: dict[str, set[str]]) -> str:
    if row.name not in exports[row.module]:
        return "missing"
    return "itself" if row.module == name else "other"


@QUIET
@given(broken=malformed(order=ByteOrder.BIG, several=False))
def test_one_fault_is_one_fault(broken: Broken) -> None:
    assert len(broken.faults) <= 1
    assert broken.order is ByteOrder.BIG


def test_several_faults_may_be_asked_for() -> None:
    met: set[int] = set()

    @settings(QUIET, max_examples=400)
    @given(broken=malformed(several=True, digests=True))
    def look(broken: Broken) -> None:
        met.add(len(broken.faults))

    look()
    assert met >= {2, 3, 4}
    assert max(met) == 4


@pytest.mark.parametrize(
    ("strategy", "make"),
    [(modules, module_of), (programs, program_of), (import_graphs, import_graph_of), (malformed, broken_of)],
)
def test_what_is_printed_makes_the_example_again(strategy: Any, make: Any) -> None:
    seen: list[object] = []
    options = {"digests": True}

    @settings(QUIET, phases=[Phase.generate, Phase.shrink], report_multiple_bugs=False)
    @given(value=strategy(**options))
    def fails(value: object) -> None:
        seen.append(value)
        assert value != make(b"", **options), "always but once"

    with pytest.raises(AssertionError) as found:
        fails()
    notes = "\n".join(found.value.__notes__)
    printed = re.search(rf"value=\s*({make.__name__}\(.*?\)),\n", notes, re.DOTALL)
    assert printed, notes
    assert eval(printed[1], vars(strategies) | {"ByteOrder": ByteOrder}) == seen[-1]  # noqa: S307 - it is our own
    assert "; " in notes
    assert len(notes) < 3000


def test_byte_orders_are_printed_so_that_they_can_be_pasted() -> None:
    @settings(QUIET, phases=[Phase.generate], report_multiple_bugs=False)
    @given(program=programs(order=ByteOrder.BIG, host=False))
    def fails(program: Program) -> None:
        raise AssertionError(program.calls)

    with pytest.raises(AssertionError) as found:
        fails()
    notes = "\n".join(found.value.__notes__)
    assert "order=ByteOrder.BIG" in notes
    assert "host=False" in notes


def test_a_program_shrinks_to_the_function_that_matters() -> None:
    def multiplies(program: Program) -> bool:
        return "i_mul " in program_text(program)

    least = find(programs(size=320), multiplies, settings=settings(QUIET, max_examples=1000))
    ((_, module),) = mine(least)
    assert len(module.functions) == 1
    assert len(module.functions[0].code) <= 3
    assert len(least.calls) == 1


def test_a_graph_shrinks_to_two_modules() -> None:
    least = find(import_graphs(), lambda program: len(program.entries) >= 2, settings=QUIET)
    assert [entry.name for entry in least.entries] == ["main", "lib"]
    assert least == import_graph_of(b"")


def test_a_broken_file_shrinks_to_one_fault() -> None:
    least = find(malformed(), lambda one: bool(one.expected.opening), settings=settings(QUIET, max_examples=1000))
    assert len(least.faults) == 1
    assert len(least.content) <= len(encode(module_of(b""), ByteOrder.LITTLE)) + 16
