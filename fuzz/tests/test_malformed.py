"""What is broken on purpose is broken everywhere, and known to be so by the specification."""

import re
from functools import cache
from pathlib import Path

import pytest

from packfile import layout
from packfile.layout import ByteOrder
from packfile.rules import RULES
from packfile.writer import encode
from packfile_fuzz.malformed import DAMAGES, Broken, Expectation, expect, mutate, mutated
from packfile_fuzz.malformed.bases import bases, data_of, deep, full
from packfile_fuzz.malformed.changes import Cut
from packfile_suite.build import Builder
from packfile_suite.case import HexBytes, Patched
from packfile_suite.ksy import description
from packfile_suite.load import shipped_cases
from packfile_suite.patch import PatchedFile
from packfile_suite.sparse import SparseBytes

_MUTANTS = 5000
_SMALL = 1 << 20

NOT_REACHED = {
    "PF-DIR-012": "says which rule comes first; what breaks it is named by PF-DIR-003",
    "PF-FIX-022": "says when an export row is judged; what breaks it is named by PF-SEC-008 to PF-SEC-012",
    "PF-FIX-024": "says when import rows are judged; what breaks it is named by PF-FIX-001 to 003 and PF-SEC-003, 004",
    "PF-FUN-005": "says when a function is judged, not what is wrong with one",
    "PF-FUN-006": "says that a verdict stays, not what it is",
    "PF-HDR-010": "says which rule comes first; what breaks it is named by PF-HDR-002 to PF-HDR-007",
    "PF-HDR-011": "is of a file that is cut while it is open",
    **{
        f"PF-INT-{number:03}": "says when damage shows; the damage is named by PF-INT-003 to PF-INT-005"
        for number in (6, 7, 8, 9, 10, 11, 13, 15)
    },
}
"""Rules of files that no single fault breaks by their ids, and why."""


@cache
def mutants() -> tuple[Broken, ...]:
    """Mutants of every base, by fixed seeds."""
    files = bases()
    return tuple(mutate(*files[number % len(files)], data=data_of(number)) for number in range(_MUTANTS))


@cache
def deep_mutants() -> tuple[Broken, ...]:
    """Mutants of a file whose digest tree has two levels."""
    content = encode(deep(), ByteOrder.LITTLE)
    return tuple(mutate(content, ByteOrder.LITTLE, data_of(number)) for number in range(150))


def test_any_bytes_make_a_file_and_always_the_same_one() -> None:
    for content, order in bases():
        for length in (0, 1, 2, 3, 8, 40, 300):
            data = data_of(length, length)
            assert mutate(content, order, data) == mutate(bytes(content), order, data)


def test_several_faults_can_always_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is wrong with the file takes most of the time, and is another matter.
    monkeypatch.setattr("packfile_fuzz.malformed.mutation.expect", lambda _: Expectation())
    files = bases()
    for number in range(6000):
        content, order = files[number % len(files)]
        broken = mutate(content, order, bytes((255 - number % 20,)) + data_of(number))
        assert len(broken.faults) <= 4


def test_a_valid_file_breaks_nothing() -> None:
    for content, _ in (*bases(), (encode(deep(), ByteOrder.BIG), ByteOrder.BIG)):
        assert expect(content).rules == frozenset()
        assert expect(content).first == ("", frozenset())


def test_every_field_of_header_directory_and_rows_is_broken() -> None:
    names = {"header": "header", "section": "sections"}
    names |= {section.row: kind.name.lower() for kind, section in layout.SECTIONS.items() if section.row}
    wanted = {f"{names[row]}.{field.name}" for row, fields in layout.FIELDS.items() for field in fields}
    faults = (fault for broken in mutants() for fault in broken.faults)
    assert wanted - {re.sub(r"\[[0-9]+\]", "", fault.path) for fault in faults} == set()


def test_every_rule_of_a_file_is_broken_by_some_single_fault() -> None:
    reached = {rule for each in (*mutants(), *deep_mutants()) if len(each.faults) == 1 for rule in each.faults[0].rules}
    of_files = {"malformed", "unsupported", "corrupt", "invalid"}
    wanted = {rule.id for rule in RULES.values() if (rule.outcome or "").split(" ")[0] in of_files}
    assert wanted - reached == set(NOT_REACHED)


def test_every_rule_that_the_layout_carries_is_broken_by_some_single_fault() -> None:
    def rules(spec: dict[str, object]) -> set[str]:
        attributes, types = spec.get("seq", ()), spec.get("types", {})
        assert isinstance(attributes, list | tuple)
        assert isinstance(types, dict)
        own = {attribute["-rule"] for attribute in attributes if "-rule" in attribute}
        return own.union(*(rules(inner) for inner in types.values()))

    wanted = rules(description())
    assert len(wanted) > 20
    assert wanted & set(NOT_REACHED) == set()
    assert wanted <= {rule for each in mutants() if len(each.faults) == 1 for rule in each.faults[0].rules}


def test_a_fault_that_breaks_nothing_is_known_as_such() -> None:
    harmless = [each for each in mutants() if each.faults and not each.expected.rules]
    assert {fault.time for each in harmless for fault in each.faults} == {""}
    assert any(fault.path.startswith("constants[") for each in harmless for fault in each.faults)


def test_one_fault_says_of_itself_what_is_said_of_the_file() -> None:
    for broken in mutants():
        if len(broken.faults) == 1:
            assert (broken.faults[0].time, broken.faults[0].rules) == broken.expected.first


def test_faults_come_alone_and_together_and_digests_are_repaired_or_not() -> None:
    numbers = [len(each.faults) for each in mutants()]
    assert numbers.count(1) > _MUTANTS // 2
    assert {2, 3, 4} <= set(numbers)
    assert any(each.repairs for each in mutants())
    assert any(each.expected.damaged_head for each in mutants())
    assert any(each.repairs and each.expected.linking for each in mutants())


def test_a_patch_makes_the_same_file_when_the_suite_applies_it() -> None:
    files = bases()
    applied = 0
    for number, broken in enumerate(mutants()):
        content, order = files[number % len(files)]
        patch = broken.patch
        if patch is None or len(content) > _SMALL // 16 or any(_is_cut(broken)):
            continue
        patched = PatchedFile(SparseBytes(content), order)
        for item in patch:
            patched.apply(item)
        assert patched.content.read(0, patched.content.length) == broken.content, (number, patch)
        applied += 1
    assert applied > _MUTANTS // 2


def _is_cut(broken: Broken) -> list[bool]:
    """Cuts of a file whose digests are repaired after it, for which the suite has no path any more."""
    return [bool(broken.repairs) for fault in broken.faults for change in fault.changes if isinstance(change, Cut)]


def test_the_expectation_is_what_the_linter_proves_of_every_case(tmp_path: Path) -> None:
    builder = Builder(tmp_path)
    compared = 0
    for case in shipped_cases():
        for name, module in case.modules.items():
            if not isinstance(module, Patched | HexBytes) or module.breaks is None:
                continue
            content = builder.content(case, name, "big")
            if content.length > _SMALL:
                continue
            expected, breaks = expect(content.read(0, content.length)), set(module.breaks)
            if "decides" in case.id or case.id.startswith(("dir-kinds-undefined", "hdr-magic-differs-and-nothing")):
                # What is decided first hides the rest from every loader.
                assert expected.opening <= breaks, case.id
                assert expected.opening, case.id
            else:
                assert expected.rules == breaks, case.id
            compared += 1
    assert compared > 300


@pytest.mark.parametrize("order", ByteOrder)
@pytest.mark.parametrize("unit_log2", [12, 16])
def test_the_bases_hold_every_kind_of_section_and_row(order: ByteOrder, unit_log2: int) -> None:
    content = encode(full(digests=True, unit_log2=unit_log2), order)
    assert ByteOrder(content[8]) is order
    assert content[10] == unit_log2
    kinds = {int.from_bytes(content[at : at + 4], order.name.lower()) for at in range(64, 64 + 12 * 11, 12)}  # type: ignore[arg-type]
    assert {int(kind) for kind in layout.SECTIONS if kind != layout.SectionKind.LINES} <= kinds


def test_damage_is_behind_what_opening_checks() -> None:
    found, done = set(), set()
    for number in range(48):
        content, order = bases()[number % 4]
        broken = mutate(content, order, bytes((0, 1)) + data_of(number), DAMAGES)
        if not broken.faults[0].what.startswith("bit flip in "):
            continue
        done.add(broken.faults[0].what)
        at = int(broken.faults[0].path[len("byte[") : -1])
        turned = [
            broken.content[:at] + bytes((broken.content[at] ^ 1 << k,)) + broken.content[at + 1 :] for k in range(8)
        ]
        assert frozenset() in [expect(content).rules for content in turned], "a bit is wrong and nothing else"
        assert broken.expected.damage == {"PF-INT-003"}
        assert not broken.expected.opening
        assert not broken.expected.damaged_head
        assert broken.patch is None
        found.add(at // layout.DIGEST_BLOCK_LENGTH)
    assert found >= {1, 2}
    assert {"bit flip in long tables", "bit flip in a table in two blocks", "bit flip in a segment"} <= done


def test_the_file_alone_is_that_of_a_mutation() -> None:
    files = bases()
    for number in range(300):
        base = files[number % len(files)]
        assert mutated(*base, data_of(number)) == mutate(*base, data_of(number)).content


def test_a_file_is_laid_out_anew_with_one_thing_wrong() -> None:
    found = {
        (fault.what, rule)
        for each in mutants()
        if len(each.faults) == 1
        for fault in each.faults
        for rule in fault.rules
    }
    assert {("row twice", "PF-SEC-007"), ("another unit", "PF-HDR-005"), ("long function", "PF-LIM-006")} <= found
