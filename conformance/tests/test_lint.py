"""The linter complains of each wrong case, and of none of the suite's."""

from pathlib import Path

import pytest

from packfile_suite.lint import lint
from packfile_suite.paths import cases_directory

GOOD = """
- id: hdr-one
  rules: [PF-HDR-006]
  summary: a reserved byte that is not zero
  modules:
    main:
      from: |
        .export func main () -> ()
          ret
      patch: [{set: header.reserved, value: 1}]
      breaks: [PF-HDR-006]
  steps:
    - open: main
      expect: {malformed: PF-HDR-006}
"""
CODE = """
- id: code-one
  rules: [PF-CODE-001]
  summary: an op that is not assigned
  modules:
    main: |
      .export func main () -> ()
        .word 0xff
        ret
  steps:
    - link: main
    - call: main
      expect: {invalid: PF-CODE-001}
"""


def complaints(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "x.yaml").write_text(text.lstrip())
    return [problem.message for problem in lint([tmp_path])[0]]


def test_good_cases_are_left_in_peace(tmp_path: Path) -> None:
    assert complaints(tmp_path, GOOD + CODE) == []


DAMAGE = """
- id: int-one
  rules: [PF-INT-003]
  summary: one block that is damaged
  features: [hashed]
  modules:
    main:
      from: |
        .export func main () -> ()
          ret
      repeat: {times: 3, text: ".func f{n} () -> ()\\n  ret\\n"}
      patch: [{add_digests: true}, {flip: header.bss_size}]
      breaks: [PF-INT-003]
  steps:
    - open: main
      expect: {corrupt: PF-INT-003}
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("breaks: [PF-INT-003]", "breaks: []", "`breaks` says nothing, and it breaks PF-INT-003"),
        ("flip: header.bss_size", "flip: 'byte[33]'", "`breaks` says PF-INT-003, and it breaks PF-INT-005"),
        (", {flip: header.bss_size}", "", "`breaks` says PF-INT-003, and it breaks nothing"),
    ],
)
def test_damage_is_judged_by_a_tree_of_its_own(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert complaints(tmp_path, DAMAGE) == []
    assert any(complaint in found for found in complaints(tmp_path, DAMAGE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("breaks: [PF-HDR-006]", "breaks: []", "`breaks` says nothing, and it breaks PF-HDR-006"),
        (
            "breaks: [PF-HDR-006]",
            "breaks: [PF-HDR-006, PF-HDR-007]",
            "says PF-HDR-006, PF-HDR-007, and it breaks PF-HDR-006",
        ),
        ("value: 1}]", "value: 1}, {set: header.required, value: 4}]", "and it breaks PF-HDR-006, PF-HDR-007"),
        ("value: 1}]", "value: 0}]", "`breaks` says PF-HDR-006, and it breaks nothing"),
        ("          ret\n", "          .word 0xff\n          ret\n", "breaks PF-CODE-001 before its patches"),
        ("rules: [PF-HDR-006]", "rules: [PF-HDR-007]", "it expects PF-HDR-006, which its `rules` do not name"),
        ("{malformed: PF", "{unsupported: PF", "it expects unsupported by PF-HDR-006, whose outcome is malformed"),
        ("expect: {malformed: PF-HDR-006}", "expect: malformed", "it expects malformed without saying by which rule"),
        (
            "modules:\n",
            "modules:\n    spare: |\n      .export func f () -> ()\n        ret\n",
            "no step uses module spare",
        ),
        ("set: header.reserved", "set: header.colour", "no such path: header.colour"),
        ("summary: a", "sumary: a", "'summary' is a required property"),
        (
            "expect: {malformed: PF-HDR-006}",
            "expect: {malformed: PF-HDR-008}",
            "it expects PF-HDR-008 of main, which breaks",
        ),
    ],
)
def test_each_kind_of_mistake_is_found(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert GOOD.count(old) >= 1
    found = complaints(tmp_path, GOOD.replace(old, new, 1))
    assert any(complaint in message for message in found), found


def test_bytes_are_judged_too(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("      from:")] + "      hex: 89504b\n" + GOOD[GOOD.index("      breaks:") :]
    assert "module main (fixed): `breaks` says PF-HDR-006, and it breaks PF-HDR-001" in complaints(tmp_path, text)


def test_files_with_defects_of_different_outcomes_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("value: 1}]", "value: 1}, {set: header.required, value: 4}]")
    text = text.replace("breaks: [PF-HDR-006]", "breaks: [PF-HDR-006, PF-HDR-007]")
    found = complaints(tmp_path, text)
    assert found == ["it expects malformed, and PF-HDR-007 is decided before (PF-HDR-010)"]
    text = GOOD.replace("{set: header.reserved, value: 1}", "{add_section: {kind: 9, hex: ''}}")
    text = text.replace("PF-HDR-006]", "PF-DIR-003, PF-DIR-005]").replace("PF-HDR-006}", "PF-DIR-005}")
    found = complaints(tmp_path, text)
    assert found == ["main breaks rules with different outcomes, so that the order of checks would decide"]
    text = text.replace("rules: [", "rules: [PF-DIR-012, ")
    found = complaints(tmp_path, text)
    wanted = "it breaks PF-DIR-003 first, so opening it is unsupported (PF-DIR-012)"
    assert [message for message in found if wanted in message] == found != []
    assert complaints(tmp_path, text.replace("malformed: PF-DIR-005", "unsupported: PF-DIR-003")) == []


def test_invalid_code_must_be_what_the_case_says(tmp_path: Path) -> None:
    other = CODE.replace("{invalid: PF-CODE-001}", "{invalid: PF-CODE-002}").replace("[PF-CODE-001]", "[PF-CODE-002]")
    found = complaints(tmp_path, other)
    assert any("it breaks PF-CODE-001, which the case's `rules` do not name" in message for message in found)
    assert any("it expects PF-CODE-002, which none of its modules breaks" in message for message in found)


def test_ids_and_summaries_are_used_once(tmp_path: Path) -> None:
    found = complaints(tmp_path, GOOD + GOOD.replace("hdr-one", "hdr-two") + GOOD)
    assert sum("it has the id of hdr-one" in message for message in found) == 1
    assert sum("it has the summary of hdr-one" in message for message in found) == 2


def test_no_case_at_all_is_a_problem(tmp_path: Path) -> None:
    assert "there is no case" in str(lint([tmp_path])[0])


def test_the_cases_of_the_suite_are_right() -> None:
    problems, count = lint([cases_directory()])
    assert not problems, "\n".join(map(str, problems))
    assert count > 0
