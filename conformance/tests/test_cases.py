"""Reading cases: errors that name file, line and case, and the byte orders in which a case runs."""

from pathlib import Path

import pytest

from packfile_suite.case import Call, Case, CaseError, Expect
from packfile_suite.load import load
from packfile_suite.plan import Filters, variants
from packfile_suite.reader import Document

MODULE = ".export func f () -> ()\n        ret"


def case_text(steps: str = "- link: main", *, extra: str = "", modules: str = f"main: |\n        {MODULE}") -> str:
    steps = steps.replace("\n", "\n    ")
    head = "- id: exe-one\n  rules: [PF-EXE-001]\n  summary: nothing in particular\n"
    return f"{head}{extra}  modules:\n    {modules}\n  steps:\n    {steps}\n"


def read(tmp_path: Path, text: str) -> Case:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return load([path])[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", r"x\.yaml:2: not YAML"),
        ("{}", r"x\.yaml:1: a case file is a list of cases"),
        ("- {id: exe-a, id: exe-b}", r"x\.yaml:1: the key id stands here twice"),
        ("- !!python/object:os.system {}", r"x\.yaml:1: tags have no meaning in cases"),
        (
            case_text("- lnk: main"),
            r"x\.yaml:9: case exe-one: steps\.0: no form that is allowed here has the fields lnk",
        ),
        (
            case_text("- link: main\n- call: f\n  expect: {trap: oops}"),
            r"x\.yaml:11: case exe-one: steps\.1\.expect\.trap: 'oops' is not one of",
        ),
        (case_text(extra="  colour: red\n"), r"x\.yaml:1: case exe-one: .*'colour' was unexpected"),
        (
            case_text().replace("PF-EXE-001", "PF-EXE-999"),
            r"x\.yaml:2: case exe-one: rules\.0: there is no rule PF-EXE-999",
        ),
        (case_text("- open: other"), r"x\.yaml:9: case exe-one: steps\.0\.open: the case has no module other"),
        (case_text("- link: [main, lib]"), r"x\.yaml:9: case exe-one: steps\.0\.link: the case has no module lib"),
        (case_text("- call: f"), r"x\.yaml:9: case exe-one: steps\.0: nothing has been linked yet"),
        (case_text("- link: main\n- call: f\n  process: b"), r"x\.yaml:10: .*there is no process b"),
        (case_text("- close: it"), r"x\.yaml:9: .*there is no module or process it"),
        (
            case_text("- link: main\n- call: f\n  i: ['9223372036854775808']"),
            r"x\.yaml:10: .*is not a signed 64-bit integer",
        ),
        (
            case_text("- link: main\n- call: f\n  n: [4008000000000000]"),
            r"x\.yaml:10: .*put 4008000000000000 in quotes",
        ),
        (case_text("- link: main\n- call: f\n  i: [-0]"), r"x\.yaml:11: what -0 means depends on the reader"),
        (case_text("- link: main\n- call: f\n  i: [012]"), r"x\.yaml:11: what 012 means depends on the reader"),
        (case_text(modules="host: |\n        x"), r"`host` is the host module"),
        (
            case_text(modules="main: {from: other, patch: [{set: a, value: 1}], breaks: []}"),
            r"the case has no module other",
        ),
    ],
)
def test_a_wrong_case_says_where_and_why(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=complaint):
        read(tmp_path, text)


def test_an_id_is_used_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(case_text())
    (tmp_path / "b.yaml").write_text("\n" + case_text())
    with pytest.raises(CaseError, match=r"b\.yaml:2: case exe-one: the id is also that of a case at .*a\.yaml:1"):
        load([tmp_path / "a.yaml", tmp_path / "b.yaml"])


def test_scalars_are_what_json_would_make_of_them() -> None:
    text = "[1, -0x1, 0x10, 1.5, -0.0, 1e3, .inf, -.inf, true, null, no, on, 7ff8000000000000, 1_x, '007', '', 1:30]"
    value = Document(text, "x").value()
    floats = [1.5, -0.0, 1000.0, float("inf"), float("-inf")]
    assert value[:3] == [1, -1, 16]
    assert list(map(repr, value[3:8])) == list(map(repr, floats))
    assert value[8:] == [True, None, "no", "on", "7ff8000000000000", "1_x", "007", "", "1:30"]


def test_expectations_are_read(tmp_path: Path) -> None:
    calls = (
        "- link: [main, {env: host}]\n"
        "- call: f\n"
        "- call: f\n  expect: {i: [1, '-2'], n: [-0.0, '4008000000000000'], log: [{i: 3}, {n: 1}]}\n"
        "- call: f\n  expect: {trap: host, log: [{i: 3}]}\n"
        "- call: f\n  expect: {exhausted: PF-EXE-013}\n"
        "- entry: main\n  fuel: 5\n  depth: 2"
    )
    calls_read = [step for step in read(tmp_path, case_text(calls)).steps if isinstance(step, Call)]
    assert [call.expect for call in calls_read] == [
        Expect(),
        Expect(i=("1", "-2"), n=("8000000000000000", "4008000000000000"), log=(("i", "3"), ("n", "3ff0000000000000"))),
        Expect("trap", code="host", log=(("i", "3"),)),
        Expect("exhausted", rule="PF-EXE-013"),
        Expect(),
    ]
    assert (calls_read[-1].function, calls_read[-1].fuel, calls_read[-1].depth) == (None, "5", "2")
    assert (calls_read[0].module, calls_read[0].fuel, calls_read[0].depth) == ("main", "10000000", "1000")


def modules(count: int) -> str:
    return "\n    ".join(f"m{at}: |\n        {MODULE}" for at in range(count))


@pytest.mark.parametrize(
    ("count", "labels"),
    [
        (1, ["little", "big"]),
        (2, ["little", "big", "little,big", "big,little"]),
        (4, ["little", "big", "alternating-from-little", "alternating-from-big"]),
    ],
)
def test_modules_run_in_mixed_byte_orders(count: int, labels: list[str], tmp_path: Path) -> None:
    link = f"- link: [{', '.join(f'm{at}' for at in range(count))}]"
    case = read(tmp_path, case_text(link, modules=modules(count)))
    assert [variant.label for variant in variants(case)] == labels


def test_three_modules_run_in_all_eight_mixtures(tmp_path: Path) -> None:
    found = variants(read(tmp_path, case_text("- link: [m0, m1, m2]", modules=modules(3))))
    assert len({tuple(variant.orders.items()) for variant in found}) == len(found) == 8


def test_modules_that_are_never_linked_together_are_not_mixed(tmp_path: Path) -> None:
    case = read(tmp_path, case_text("- open: m0\n- link: m1\n- link: [m1, host]", modules=modules(2)))
    assert [variant.label for variant in variants(case)] == ["little", "big"]


def test_fixed_bytes_run_once_under_the_order_that_they_state(tmp_path: Path) -> None:
    for hexadecimal, label in (("89", "fixed"), ("89504b460d0a1a0a 02", "big")):
        case = read(tmp_path, case_text("- open: a", modules=f"a: {{hex: '{hexadecimal}', breaks: [PF-HDR-001]}}"))
        assert [variant.label for variant in variants(case)] == [label]


def test_byte_order_of_the_case_is_obeyed(tmp_path: Path) -> None:
    assert [v.label for v in variants(read(tmp_path, case_text(extra="  byte_order: big\n")))] == ["big"]


def test_filters_choose_by_rule_stage_feature_and_order(tmp_path: Path) -> None:
    case = read(
        tmp_path, case_text("- link: [m0, m1]\n- audit: m0\n- call: f\n  expect: {trap: host}", modules=modules(2))
    )
    assert case.stage == "trap"
    assert case.needs == ("audit",)
    assert len(Filters().runs([case])) == 4
    assert len(Filters(rules=("PF-EXE",), stages=("trap",), features=("audit",)).runs([case])) == 4
    assert not Filters(rules=("PF-EXE-002",)).runs([case])
    assert not Filters(stages=("ok",)).runs([case])
    assert not Filters(features=("hashed",)).runs([case])
    assert [variant.label for _, variant in Filters(byte_orders=("mixed",)).runs([case])] == [
        "little,big",
        "big,little",
    ]
    assert [variant.label for _, variant in Filters(byte_orders=("big,little",)).runs([case])] == ["big,little"]
