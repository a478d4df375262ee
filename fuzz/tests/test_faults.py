"""Seeded bugs: each is what it says, is seen by the suite, and leaves the reference as it was."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import packfile
import packfile.adapter  # with all that it imports, whose functions are looked at
import packfile.audit
from packfile.machine.integers import i_div_s
from packfile.machine.state import HANDLERS
from packfile.rules import RULES
from packfile_fuzz.faults import FAULTS, REFERENCE, EditError, Fault, Where, activate, patches
from packfile_fuzz.faults.edits import KEPT, Edit, applied
from packfile_fuzz.faults.judge import Suite, runs_of
from packfile_suite.execute import run_case
from tests.inside import inside

LOADER_C = Path(__file__).resolve().parents[2] / "loaders" / "c"
ENOUGH = 40
FROM_OUTSIDE = [fault for fault in REFERENCE if fault.witness.startswith("xip-")]
FROM_INSIDE = [fault for fault in REFERENCE if fault not in FROM_OUTSIDE]


def by_name(faults: list[Fault]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: fault.name)


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    with Suite() as made:
        yield made


def modules() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "packfile"]


def functions(place: object, seen: dict[int, FunctionType]) -> None:
    for value in list(vars(place).values()):
        inner = getattr(value, "fget", None) or getattr(value, "__func__", value)
        if isinstance(inner, FunctionType) and inner.__module__.startswith("packfile."):
            seen[id(inner)] = inner
        elif isinstance(value, type) and value.__module__.startswith("packfile.") and place is not value:
            functions(value, seen)


def state() -> tuple[list[int], list[object], list[frozenset[str]]]:
    """What of the reference a fault could leave behind: handlers, code of functions, names of modules."""
    seen: dict[int, FunctionType] = {}
    for module in modules():
        functions(module, seen)
    names = [frozenset(vars(module)) for module in modules()]
    return [id(handler) for handler in HANDLERS], [function.__code__ for function in seen.values()], names


def test_names_are_unique_and_rules_exist() -> None:
    names = [fault.name for fault in (*REFERENCE, *patches(LOADER_C))]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)
    assert {rule for fault in (*REFERENCE, *patches(LOADER_C)) for rule in fault.rules} <= set(RULES)


def test_there_are_enough_of_the_reference_in_every_layer() -> None:
    assert len(REFERENCE) >= ENOUGH
    assert {fault.where for fault in REFERENCE} == set(Where) - {Where.C}
    assert all(fault.edits and fault.summary.endswith(".") for fault in REFERENCE)


def test_every_patch_of_the_loader_in_c_is_a_fault() -> None:
    found = {fault.name: fault for fault in patches(LOADER_C)}
    assert set(found) == {f"c-{path.stem}" for path in (LOADER_C / "wrong").glob("*.patch")}
    assert all(fault.patch is not None and fault.where is Where.C for fault in found.values())


def test_a_patch_without_its_rule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "bad.patch").write_text("Rule: PF-XXX-001\nSomething.\n\n")
    with pytest.raises(ValueError, match="expected `Rule: `"):
        list(patches(tmp_path))


def test_each_fault_is_gone_when_its_block_ends() -> None:
    before = state()
    for fault in REFERENCE:
        with activate(fault.name):
            handlers, code, names = state()
            assert handlers == before[0], "handlers stay the same functions"
            assert code != before[1], f"{fault.name} changes nothing"
            assert any(KEPT in new for new in names)
        assert state() == before, fault.name


def test_a_fault_is_gone_after_an_error_and_within_another_fault() -> None:
    before, code = state(), i_div_s.__code__
    with pytest.raises(KeyError, match="inside"), activate("division-floors"):
        raise KeyError("inside")
    assert state() == before
    with activate("division-floors"):
        outer = i_div_s.__code__
        with activate("least-divided-without-trap"):
            assert i_div_s.__code__ not in (outer, code)
        assert i_div_s.__code__ is outer
        assert KEPT in i_div_s.__globals__
    assert state() == before


def test_the_reference_knows_nothing_of_faults() -> None:
    place = Path(str(packfile.__file__)).parent
    assert not [path for path in place.rglob("*.py") if "packfile_fuzz" in path.read_text(encoding="utf-8")]


@by_name(FROM_INSIDE)
def test_the_suite_sees_a_fault(fault: Fault, suite: Suite) -> None:
    """The key: what is switched on can be observed, by a case for a rule that the fault names, and is right without."""
    runs = runs_of(fault.witness)
    assert runs, f"there is no case {fault.witness}"
    assert set(fault.rules) & set(runs[0].case.rules), "the case is for none of the fault's rules"
    failures = []
    for run in runs:
        with inside(fault.translate_after) as loader:
            assert suite.run(loader, run).failure is None, "the good reference fails"
        with activate(fault.name), inside(fault.translate_after) as loader:
            failures.append(suite.run(loader, run).failure)
    assert any(failures), f"{fault.witness} does not see it"


def test_a_fault_of_the_second_tier_does_not_show_in_the_first(suite: Suite) -> None:
    fault = FAULTS["translated-sum-taken-for-small"]
    (run, *_) = runs_of(fault.witness)
    with activate(fault.name), inside(0) as loader:
        assert run_case(loader, run.case, suite.files(run)).failure is None


def test_an_edit_that_no_longer_fits_is_told() -> None:
    before = state()
    for edit, reason in (
        (Edit("machine.integers:i_gone", "a", "b"), "no i_gone"),
        (Edit("machine.integers:i_shl", "& 17", "& 31"), "1 time"),
        (Edit("machine.memory:n_load64", "offset)[0]", "offset)[1]"), "got 2"),
        (Edit("machine.state:HANDLERS", "a", "b"), "expected a function"),
    ):
        with pytest.raises(EditError, match=reason), applied([Edit("machine.integers:i_shl", "& 63", "& 31"), edit]):
            pass
    assert state() == before


def test_a_method_with_variables_of_its_surroundings_is_not_edited() -> None:
    with (
        pytest.raises(EditError, match="variables of its surroundings"),
        applied([Edit("translate.primitives:Leave.__init__", "self.fuel = 0", "self.fuel = 1")]),
    ):
        pass
