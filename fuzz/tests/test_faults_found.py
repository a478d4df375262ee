"""What finds seeded bugs: the suite, loaders that are started with one, campaigns, and the table of all."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from packfile.writer import encode
from packfile_fuzz.faults import FAULTS, Fault, Where, activate, chase
from packfile_fuzz.faults.chase import Campaigns, differs, search
from packfile_fuzz.faults.command import faults
from packfile_fuzz.faults.judge import Suite, built, command_of, environment, loader_of, runs_of
from packfile_fuzz.faults.looks import Files, Look, are_different, in_process, is_fixed
from packfile_fuzz.faults.table import Row, markdown, summary
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.malformed import DAMAGES, Broken, mutate
from packfile_fuzz.program import Program
from packfile_fuzz.run import Adapter, Loaders, Observation, Seen, observe
from packfile_suite.execute import reference_loader

EASY = "functions-verified-at-link"
"""One that nearly every program shows."""
HIDDEN = "long-function-accepted"
"""One that takes thousands of examples, as few functions are as long."""


def test_a_loader_with_a_fault_says_hello_and_fails_the_case() -> None:
    fault = FAULTS["least-divided-without-trap"]
    with Suite() as suite, loader_of(fault) as loader:
        said = loader.hello()
        assert said is not None
        assert said.name == "packfile-reference"
        caught = suite.first_failure(loader, fault.rules)
    assert caught is not None
    assert caught.run.startswith(f"{fault.witness}[")
    assert set(fault.rules) & set(caught.rules)
    assert caught.tried < 20


def test_a_loader_with_a_fault_of_the_second_tier_translates() -> None:
    fault = FAULTS["translated-quotient-floors"]
    with loader_of(fault) as loader:
        said = loader.hello()
    assert said is not None
    assert "in-place" not in said.features


def test_a_misspelt_name_that_turns_mmap_off_is_seen_from_outside() -> None:
    fault = FAULTS["mmap-turned-off-by-a-misspelt-name"]
    (run, *_) = runs_of(fault.witness)
    with Suite() as suite, loader_of(fault) as loader:
        failure = suite.run(loader, run).failure
    assert failure is not None
    assert "no mapping of the file" in failure.got


def test_the_good_reference_passes_what_sees_that() -> None:
    (run, *_) = runs_of("xip-code-is-a-file-mapping")
    loader = reference_loader(10.0)
    with Suite() as suite:
        assert suite.run(loader, run).failure is None
    loader.close()


def test_a_loader_without_a_fault_of_that_name_does_not_start() -> None:
    for names in ([], ["no-such-fault"], [EASY, EASY]):
        command = [sys.executable, "-m", "packfile_fuzz.faults", *names]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment(),
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 1
        assert EASY in done.stderr


@pytest.mark.parametrize("name", ["code-copied", "foreign-code-swapped", "data-copied", "mapping-kept"])
def test_what_is_copied_or_kept_is_seen_by_a_look(name: str) -> None:
    assert any(_place_differs(name, seed) for seed in range(0, 400, 8))


def _place_differs(name: str, seed: int) -> bool:
    program = build(from_seed(seed))
    with Files(program, {}) as files:
        good = in_process(files, tier=0, runs=1, mapped=True)
        with activate(name):
            faulty = in_process(files, tier=0, runs=1, mapped=True)
    return good.runs == faulty.runs and are_different(program, good, faulty)


def test_a_good_reference_does_not_differ_from_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chase, "activate", lambda _: nullcontext())
    assert not [seed for seed in range(40) if differs(EASY, seed)]
    assert not [seed for seed in range(8) if differs("translated-quotient-floors", seed)]


def test_a_search_finds_a_fault_and_gives_up_in_time() -> None:
    seconds = search(EASY, 0, 60.0)
    assert seconds is not None
    assert seconds < 60.0
    assert search(HIDDEN, 0, 0.3) is None
    assert search(EASY, 0, 60.0, found=lambda: True) is None


def test_an_example_that_hangs_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, tier: int, **__: Any) -> None:
        while tier:
            pass

    monkeypatch.setattr(chase, "_LONGEST", 0.05)
    monkeypatch.setattr(chase, "in_process", hang)
    assert differs("translated-quotient-floors", 0)


def test_a_loader_is_searched_through_its_adapter() -> None:
    fault = FAULTS[EASY]
    with Loaders({EASY: command_of(fault)}, 10.0) as loaders:
        adapter: Adapter = loaders[EASY]
        assert any(differs(EASY, seed, adapter) for seed in range(200))
    with Loaders({"reference": reference_loader(1.0).command}, 10.0) as loaders:
        assert not any(differs(EASY, seed, loaders["reference"]) for seed in range(16))


def broken_file(several: bool, *times: str) -> tuple[Program, Broken]:
    """A program of one file, and that file broken: by several faults, or by one that must show at one of some times."""
    for seed in range(2000):
        program = build(from_seed(seed))
        (index, entry), *_ = [(k, each) for k, each in enumerate(program.entries) if each.module is not None]
        with Files(program, {}) as files:
            broken = mutate(files.file(index, entry.order), entry.order, from_seed(seed)[::-1])
        if (len(broken.faults) > 1) == several and broken.expected.first[0] in times:
            return program, broken
    raise AssertionError("there is no such file")


def test_loaders_need_not_agree_on_which_of_several_faults_they_meet() -> None:
    assert not is_fixed(*broken_file(True, "link"))
    assert not is_fixed(*broken_file(True, "call"))
    assert is_fixed(*broken_file(False, ""))
    assert is_fixed(*broken_file(False, "open"))


def test_damage_is_fixed_whatever_else_it_breaks() -> None:
    program, broken = next(
        (program, broken)
        for seed in range(0, 600, 15)
        if (program := build(from_seed(seed))) and observe(program).link.outcome == "ok"
        for entry in program.entries
        if entry.module is not None
        for broken in [mutate(encode(entry.module, entry.order), entry.order, bytes((0, 1, seed % 251)), DAMAGES)]
        if broken.expected.damage and not broken.expected.opening
    )
    assert is_fixed(program, broken)
    assert not is_fixed(program, replace(broken, faults=broken.faults * 2))


def test_what_is_not_fixed_still_has_to_be_an_outcome() -> None:
    program = build(b"")
    good, other, crashed = (Look((Observation(Seen(outcome)),)) for outcome in ("malformed", "unlinkable", "crash"))
    assert are_different(program, good, other)
    assert not are_different(program, good, other, fixed=False)
    assert are_different(program, good, crashed, fixed=False)


def test_a_campaign_shares_its_examples_among_processes() -> None:
    with Campaigns(2) as campaigns:
        found, again = campaigns.times(EASY, range(2), 120.0)
        assert None not in (found, again)
        assert campaigns.search(HIDDEN, 0, 0.2) is None


def row(*times: float | None, asked: bool = False) -> Row:
    return Row(FAULTS[EASY], asked, None, times)


def test_one_campaign_that_never_finds_it_is_the_worst() -> None:
    assert (row(3.0, 1.0, 2.0).median, row(3.0, 1.0, 2.0).worst) == (2.0, 3.0)
    assert (row(3.0, None, 2.0).median, row(3.0, None, 2.0).worst) == (3.0, None)
    assert (row(3.0, None, None).median, row(3.0, None, None).cells()[4]) == (None, "no (1 of 3)")
    assert (row().median, row().worst, row().cells()[4]) == (None, None, "")


def test_a_fault_is_missed_if_all_that_was_asked_missed_it() -> None:
    assert [it.is_missed for it in (row(), row(None), row(None, 1.0), row(asked=True), row(1.0, asked=True))] == [
        *(False, True, False, True, False),
    ]


def test_markdown_has_a_line_for_each_fault() -> None:
    odd = Row(Fault("a-b", ("PF-HDR-001",), "Takes a | for b.", Where.IMAGE))
    lines = markdown([row(1.0), odd]).splitlines()
    assert lines[3].endswith(r"| Takes a \| for b. |")
    assert lines[-1] == summary([row(1.0), odd])


def test_the_summary_has_the_medians_and_what_was_not_found() -> None:
    text = (
        "3 faults, 2 found by campaigns, half of them within 2.0 s and all within 3.0 s; "
        "3 of 6 campaigns found nothing in their time."
    )
    assert summary([row(1.0), row(3.0, None, 2.0), row(None, None)]) == text
    assert summary([row(None)]) == "1 faults, 0 found by campaigns; 1 of 1 campaigns found nothing in their time."
    assert summary([row(asked=True)]) == "1 faults, 0 found by the suite's cases alone."


def test_the_catalogue_is_printed() -> None:
    done = CliRunner().invoke(faults, ["--list"])
    assert done.exit_code == 0
    assert all(name in done.output for name in FAULTS)


def test_the_table_of_the_suite_is_written_in_each_form(tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "t.json"), "--markdown", str(tmp_path / "t.md")]
    done = CliRunner().invoke(faults, ["--suite", "least-divided", *files])
    assert done.exit_code == 0, done.output
    assert "1 found by the suite's cases alone" in done.output
    (only,) = json.loads((tmp_path / "t.json").read_text())["faults"]
    assert only["fault"] == "least-divided-without-trap"
    assert "campaign" not in only
    assert only["suite"]["run"] in (tmp_path / "t.md").read_text()


def test_a_fault_that_nothing_finds_makes_the_command_fail() -> None:
    arguments = ["--campaign", HIDDEN, "--limit", "0.2", "--seeds", "1", "--workers", "1"]
    done = CliRunner().invoke(faults, arguments)
    assert done.exit_code == 1, done.output
    assert "0 found by campaigns" in done.output


def test_a_name_of_no_fault_is_refused() -> None:
    done = CliRunner().invoke(faults, ["no-such-fault"])
    assert done.exit_code == 2
    assert "There is no fault no-such-fault" in done.output


def test_a_patch_that_does_not_fit_is_told(tmp_path: Path) -> None:
    patch = tmp_path / "x.patch"
    patch.write_text("Rule: PF-HDR-001\nNothing.\n\n--- a/gone.c\n+++ b/gone.c\n@@ -1 +1 @@\n-a\n+b\n")
    (tmp_path / "source").mkdir()
    fault = Fault("c-x", ("PF-HDR-001",), "Nothing.", Where.C, patch=patch)
    with pytest.raises(RuntimeError, match="c-x: "):
        built(fault, tmp_path / "source", tmp_path / "made")
