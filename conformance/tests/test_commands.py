"""Every command of `packfile-suite`, as a person or a script calls it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from packfile_suite.cli import main

SMALL = str(Path(__file__).parent / "data" / "small.yaml")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments], prog_name="packfile-suite", catch_exceptions=False)


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packfile_suite", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", ["", *main.commands])
def test_help_has_examples(command: str) -> None:
    result = call(*filter(None, [command]), "--help")
    assert result.exit_code == 0
    assert f"packfile-suite {command}".strip() in result.output.replace("Usage: packfile-suite", "")


def test_list_shows_and_filters() -> None:
    result = call("list", "--cases", SMALL)
    assert "hdr-reserved" in result.output
    assert result.output.endswith("6 cases, 14 runs\n")
    chosen = json.loads(call("list", "--cases", SMALL, "--rule", "PF-FIX", "--byte-order", "mixed", "--json").output)
    assert [(row["id"], row["byte_orders"]) for row in chosen] == [
        ("fix-between-modules", ["little,big", "big,little"])
    ]


def test_show_has_the_case_its_rules_and_its_files() -> None:
    output = call("show", "hdr-reserved", "--cases", SMALL, "--byte-order", "big").output
    for part in (
        "- id: hdr-reserved",
        "PF-HDR-006: The reserved byte is zero.",
        "main (big), ",
        "00000000  89 50 4b 46",
    ):
        assert part in output
    assert "i_add i0, i0, i1" in call("show", "exe-adds", "--cases", SMALL).output


def test_an_unknown_case_gets_a_hint() -> None:
    result = call("show", "hdr-reservd", "--cases", SMALL)
    assert result.exit_code == 2
    assert "There is no case hdr-reservd. Did you mean hdr-reserved" in result.output
    assert call("show", "exe-adds", "--cases", SMALL, "--byte-order", "middle").exit_code == 2


@pytest.mark.parametrize("command", ["show", "reproduce"])
def test_a_check_of_the_profile_is_no_case_and_what_runs_it_is_told(command: str) -> None:
    result = call(command, "xip-closing-unmaps")
    assert result.exit_code == 2
    assert "`packfile-suite run -k xip-closing-unmaps` runs it" in result.output.replace("\n", " ")


def test_reproduce_shows_the_dialogue(tmp_path: Path) -> None:
    files = tmp_path / "files"
    result = call("reproduce", "exe-adds", "--cases", SMALL, "--directory", str(files))
    assert result.exit_code == 0
    for part in ('-> {"id": 1, "command": "hello"}', "step 2: call main.add(i = [2, 3])", '"i": ["5"]', "\npass\n"):
        assert part in result.output
    assert len(list(files.iterdir())) == 1


def test_reproduce_says_why_a_case_fails(fake: Callable[..., str]) -> None:
    loader = fake("faulty", "internal", 3)
    result = call("reproduce", "exe-adds", "--cases", SMALL, "--loader", loader)
    assert result.exit_code == 1
    assert "got       the error internal" in result.output
    assert call("reproduce", "exe-adds", "--cases", SMALL, "--loader", "true").exit_code == 2


def test_reproduce_only_writes_if_asked(tmp_path: Path) -> None:
    result = call("reproduce", "exe-adds", "--cases", SMALL, "--directory", str(tmp_path), "--write-only")
    assert result.exit_code == 0
    assert "hello" not in result.output


def test_lint_has_a_status(tmp_path: Path) -> None:
    assert call("lint", "--cases", SMALL).exit_code == 0
    (tmp_path / "x.yaml").write_text("- id: exe-x\n")
    result = call("lint", "--cases", str(tmp_path))
    assert result.exit_code == 1
    assert "case exe-x: 'rules' is a required property" in result.output


def test_coverage_tells_gaps() -> None:
    result = call("coverage", "--cases", SMALL)
    assert result.exit_code == 1
    assert "no case makes i_div_s trap with divide-by-zero" in result.output
    assert "rule PF-XIP-002 has no case" in result.output
    assert "rule PF-XIP-001 has no case" not in result.output  # it says that it is untestable
    found = json.loads(call("coverage", "--cases", SMALL, "--json").output)
    assert found["instructions"]["i_add"]["cases"] == ["exe-adds"]
    assert found["instructions"]["unreachable"] == {
        "cases": ["exe-unreachable-traps"],
        "traps": {"unreachable": ["exe-unreachable-traps"]},
    }
    assert found["instructions"]["i_sub"]["cases"] == []
    assert found["rules"]["PF-HDR-006"]["cases"] == ["hdr-reserved"]


def test_code_that_only_stands_there_covers_nothing(tmp_path: Path) -> None:
    text = (
        Path(SMALL)
        .read_text()
        .replace("  i_add i0, i0, i1\n", "  i_add i0, i0, i1\n        ret\n        i_sub i0, i0, i1\n")
    )
    (tmp_path / "x.yaml").write_text(text)
    found = json.loads(call("coverage", "--cases", str(tmp_path), "--json").output)
    assert found["instructions"]["i_add"]["cases"] == ["exe-adds"]
    assert found["instructions"]["i_sub"]["cases"] == []


def test_a_case_that_fails_covers_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(Path(SMALL).read_text().replace("{i: [5]}", "{i: [6]}"))
    found = json.loads(call("coverage", "--cases", str(tmp_path), "--json").output)
    assert found["instructions"]["i_add"]["cases"] == []
    assert "case exe-adds does not pass on the reference" in found["gaps"]


def test_run_judges_the_reference_by_default(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    result = process("run", "--cases", SMALL, "--report-jsonl", str(report), "--", "--durations=1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "conformant: executed 14 / unsupported 0 / selected 14, failed 0" in result.stdout
    assert len(report.read_text().splitlines()) == 14 + 6 + 1


def test_run_has_a_status_for_each_end(fake: Callable[..., str]) -> None:
    rejecting = process("run", "--cases", SMALL, "--loader", fake("rejecting"), "-n", "2")
    assert rejecting.returncode == 1, rejecting.stdout
    assert "failed 18" in rejecting.stdout
    assert "packfile-suite reproduce exe-adds --byte-order little --loader" in rejecting.stdout
    for loader in ("true", ""):
        unusable = process("run", "--cases", SMALL, "--loader", loader)
        assert unusable.returncode == 2, unusable.stdout
    assert process("run", "--cases", SMALL, "-k", "nosuchcase").returncode == 1


def test_run_ignores_the_configuration_of_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --deselect everything --nonsense\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n")
    monkeypatch.chdir(tmp_path)
    assert process("run", "--cases", SMALL).returncode == 0
