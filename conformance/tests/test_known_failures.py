"""Known failures as a user meets them: files found and written, and the status of the command each time."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packfile_suite.expect_file import text, updated
from packfile_suite.expectations import Entry, Expectations, RunName

SMALL = Path(__file__).parent / "data" / "small.yaml"
EAGER_WEAK = Path(__file__).parent.parent / "broken_loaders" / "eager_weak.py"
FEW = ("--rule", "PF-FIX-014")
BROKEN = ("--loader", f"{sys.executable} {EAGER_WEAK}", *FEW)
"""A loader that fails a few of these cases."""
GOOD = ("--loader", f"{sys.executable} -m packfile adapter", *FEW)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "packfile_suite", "run", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return call


Run = Callable[..., subprocess.CompletedProcess[str]]


MORE = """
[[expect]]
id = "exe-i_add-edges"
outcome = "hang"
reason = "not run here"

[[expect]]
rule = "PF-FIX-014"
byte_order = "big"
outcome = "crash"
reason = "wrong, and used by one case alone"
"""


def entries(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(path.read_text())["expect"]
    return found


def explain(path: Path) -> None:
    path.write_text(path.read_text().replace('reason = ""', 'reason = "see #7"'))


def test_the_life_of_a_file_of_known_failures(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "packfile-expect.toml"
    written = run(*BROKEN, "--write-expect", file.name)
    assert written.returncode == 1
    assert "need a reason before the file can be used" in written.stdout
    assert all(entry["reason"] == "" and entry["outcome"] == "fail" for entry in entries(file))

    refused = run(*BROKEN)
    assert refused.returncode == 2
    assert "packfile-expect.toml: entry 1: it gives no reason" in refused.stderr

    explain(file)
    found = run(*BROKEN)
    assert found.returncode == 0, found.stdout
    assert f"known failures: packfile-expect.toml, {len(entries(file))} entries" in found.stdout
    assert run(*BROKEN, "--no-expect").returncode == 1
    assert run(*BROKEN, "-n", "2").returncode == 0

    passed = run(*GOOD)
    assert passed.returncode == 1
    assert "is stale" in passed.stdout
    assert run(*FEW).returncode == 0, "the file is of a loader; the reference is none of the user's"

    again = run(*GOOD, "--expect", file.name, "--write-expect", file.name)
    assert again.returncode == 1
    assert "packfile-expect.toml: 0 entries written" in again.stdout
    assert run(*GOOD).returncode == 0


def test_writing_again_keeps_what_holds_and_what_was_not_run(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    run(*BROKEN, "--write-expect", file.name)
    explain(file)
    before = entries(file)
    removed, kept = before[0], before[1:]
    file.write_text(file.read_text().replace(f'id = "{removed["id"]}"', 'id = "exe-i_sub-edges"') + MORE)
    assert run(*BROKEN, "--expect", file.name, "--write-expect", file.name).returncode == 1
    after = entries(file)
    assert [entry for entry in after if entry in kept] == kept
    assert {"id": "exe-i_add-edges", "outcome": "hang", "reason": "not run here"} in after
    assert {"id": removed["id"], "outcome": "fail", "reason": ""} in after
    assert not any(entry.get("rule") for entry in after)


def test_runs_that_differ_get_entries_of_their_own(run: Run, tmp_path: Path) -> None:
    words = Path(EAGER_WEAK).with_name("host_order_words.py")
    loader = ("--loader", f"{sys.executable} {words}", "--rule", "PF-EXE-123")
    assert run(*loader, "--write-expect", "known.toml").returncode == 1
    orders = {entry["byte_order"] for entry in entries(tmp_path / "known.toml")}
    assert {"big", "little"} - {sys.byteorder} <= orders
    assert sys.byteorder not in orders
    assert run(*BROKEN, "--byte-order", "big", "--write-expect", "part.toml").returncode == 1
    assert {entry["byte_order"] for entry in entries(tmp_path / "part.toml")} == {"big"}


def test_what_was_not_run_is_still_expected_where_an_entry_has_to_go() -> None:
    runs = [RunName("exe-x", ("PF-EXE-001",), order, order) for order in ("little", "big")]
    old = Entry(number=1, id="exe-x", rule=None, byte_order=None, outcome="crash", reason="see #7")
    passes = {"case": "exe-x", "byte_orders": "big", "verdict": "pass", "expectation": 1, "failure": None}
    ((entry, _),) = updated(Expectations((old,)), [passes], runs)
    assert (entry.byte_order, entry.outcome, entry.reason) == ("little", "crash", "see #7")


def test_a_file_that_is_there_is_not_lost(run: Run, tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text("# mine\n")
    result = run(*BROKEN, "--write-expect", "known.toml")
    assert result.returncode == 2
    assert "known.toml is there already; give it as --expect, too" in result.stderr
    assert (tmp_path / "known.toml").read_text() == "# mine\n"


def test_a_run_that_was_cut_short_writes_nothing(run: Run, tmp_path: Path) -> None:
    result = run(*BROKEN, "-x", "--write-expect", "known.toml")
    assert result.returncode == 1
    assert "known.toml: not written, since the run was cut short" in result.stdout
    assert not (tmp_path / "known.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--report-jsonl", "none/report.jsonl"), "there is no directory none"),
        (("--junitxml", "none/report.xml"), "there is no directory none"),
        (("--write-expect", "none/known.toml"), "there is no directory none"),
        (("--expect", "none.toml"), "does not exist"),
        (("--timeout", "-1"), "-1.0 is not in the range"),
        (("--prebuilt",), "has no prebuilt files"),
        (("--loader", "no-such-adapter"), "the loader cannot be used"),
        (("--nonsense",), "unrecognized arguments"),
    ],
)
def test_what_cannot_be_used_has_a_status_of_its_own(arguments: tuple[str, ...], complaint: str, run: Run) -> None:
    result = run(*FEW, *arguments)
    assert result.returncode == 2
    assert complaint in result.stderr


def test_cases_of_ones_own_have_a_file_of_their_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "packfile-expect.toml").write_text("nonsense")
    adapter = f"{sys.executable} -m packfile adapter"
    assert run("--cases", SMALL, "--loader", adapter).returncode == 0
    (tmp_path / "own.toml").write_text('[[expect]]\nid = "exe-adds"\noutcome = "fail"\nreason = "x"\n')
    result = run("--cases", SMALL, "--loader", adapter, "--expect", "own.toml")
    assert result.returncode == 1
    assert "exe-adds[little] passes now" in result.stdout


def test_what_is_written_can_be_read_whatever_it_holds() -> None:
    odd = 'a "quoted" \\ \t \x7f \n \u2028 \U0001f600'
    entry = Entry(number=1, id=None, rule="PF-FIX-014", byte_order="big", outcome="fail", reason=odd)
    (row,) = tomllib.loads(text([(entry, "got \x1b\n[[expect]]")]))["expect"]
    assert row == {"rule": "PF-FIX-014", "byte_order": "big", "outcome": "fail", "reason": odd}
    assert json.loads(json.dumps(row)) == row
