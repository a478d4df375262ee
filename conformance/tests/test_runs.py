"""Runs of pytest with the plug-in: what counts as green, what the summary says, and what is left to read."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

RunSuite = Callable[..., pytest.RunResult]
RUNS = 14  # of the small cases: six, of which one has two modules
HERE = Path(__file__).parent


def headline(result: pytest.RunResult) -> str:
    return next(line for line in reversed(result.outlines) if line.startswith(("conformant:", "not conformant:")))


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_good_loader_is_green_and_the_summary_counts(run_suite: RunSuite) -> None:
    result = run_suite()
    assert result.ret == 0
    assert headline(result) == f"conformant: executed {RUNS} / unsupported 0 / selected {RUNS}, failed 0"
    text = result.stdout.str()
    assert re.search(r"^FIX +4 +4 +4 +0 +0 +0$", text, re.MULTILINE)
    assert re.search(r"^mixed +2 +2 +2 +0 +0 +0$", text, re.MULTILINE)
    assert "loader: packfile-reference" in text
    assert "diagnosis: 100 % exact (4 of 4 rules named exactly, 0 not named)" in text


def test_a_rejecting_and_an_accepting_loader_are_red(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    rejected = run_suite(loader=fake("rejecting"))
    assert rejected.ret == 1
    # Only the case that expects just this is right.
    assert f"failed {RUNS - 2 + 6}" in headline(rejected)
    accepted = run_suite(loader=fake("accepting"))
    assert accepted.ret == 1
    assert headline(accepted).startswith("not conformant: executed 14")
    assert "no-such-command: expected the error unsupported-command, got ok" in accepted.stdout.str()
    assert "KeyError" not in accepted.stdout.str()


def test_a_command_that_is_no_adapter_is_refused_before_the_run(run_suite: RunSuite) -> None:
    result = run_suite(loader="true")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "the loader cannot be used: at its start: ended with exit status 0" in result.stderr.str()


def test_a_crash_fails_one_case_and_its_text_says_all(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    loader = fake("faulty", "crash", 3)
    result = run_suite("--byte-order", "little", "-k", "adds or between", loader=loader)
    # Its third command is the call in one case and the link of two modules in the other.
    assert result.ret == 1
    text = result.stdout.str()
    assert "Traceback" not in text
    for part in (
        "exe-adds [little]",
        "a function adds its two arguments",
        "rule      PF-EXE-002: Arguments are copied from the caller's windows",
        "step      2 of 2: call main.add(i = [2, 3]) in process",
        "expected  ok, i = [5]",
        "got       crash: the loader was killed by SIGSEGV",
        f"reproduce packfile-suite reproduce exe-adds --byte-order little --loader '{loader}'",
        "  | about to \\x1b[31mfail",
    ):
        assert part in text
    match = re.search(r"file +main \(little\): (\S+)", text)
    assert match is not None
    assert Path(match[1]).read_bytes().startswith(b"\x89PKF")


def test_files_are_removed_after_a_green_run(
    run_suite: RunSuite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_suite().ret == 0
    assert not list(tmp_path.glob("packfiles-*"))


def test_selecting_nothing_fails(run_suite: RunSuite) -> None:
    for choice in (["--rule", "PF-XIP"], ["--stage", "exhausted"], ["--feature", "hashed"], ["-k", "nosuchcase"]):
        result = run_suite(*choice)
        assert result.ret not in (0, None)
        assert "NOT CONFORMANT: no case was selected: nothing has been shown" in result.stdout.str()


def test_executing_nothing_fails(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite("--feature", "audit", loader=fake("faulty", "no-audit"))
    assert result.ret == 1
    assert "no case was executed" in result.stdout.str()
    assert headline(result) == "not conformant: executed 0 / unsupported 2 / selected 2, failed 0"


def test_what_a_loader_lacks_is_counted_and_not_run(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite(loader=fake("faulty", "no-audit", 99))
    assert result.ret == 0
    assert headline(result) == f"conformant: executed {RUNS - 2} / unsupported 2 / selected {RUNS}, failed 0"
    assert "left out: 2 cases need audit" in result.stdout.str()


def test_an_undeclared_feature_must_be_refused(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite(loader=fake("faulty", "hides-audit", 99))
    assert result.ret == 1
    assert "audit: expected the error unsupported-command, got ok" in result.stdout.str()


def test_leaving_out_too_much_fails(run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path) -> None:
    text = (HERE / "data" / "small.yaml").read_text()
    needy = text.replace("  summary: a function adds", "  features: [hashed]\n  summary: a function adds")
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "needy.yaml").write_text(needy)
    result = run_suite(cases=cases, loader=fake("faulty", "no-audit", 99))
    assert result.ret == 1
    assert "NOT CONFORMANT: 29 % of the cases were left out as unsupported; at most 20% may be" in result.stdout.str()


def test_answering_unsupported_to_what_is_not_optional_fails(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite(loader=fake("faulty", "unsupported", 99))
    assert result.ret == 1
    assert "the error unsupported-command" in result.stdout.str()
    assert "unsupported 0" in headline(result)


def test_a_run_that_stops_early_is_not_taken_for_a_whole_one(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite("-x", loader=fake("faulty", "wrong-id", 2))
    assert result.ret == 1
    assert re.search(
        r"NOT CONFORMANT: the run was cut short: \d+ of 14 selected cases came to an end", result.stdout.str()
    )


def test_diagnosis_is_scored_and_decides_nothing(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    none = run_suite(loader=fake("faulty", "no-rules", 99))
    assert none.ret == 0
    assert "diagnosis: 0 % exact (0 of 4 rules named exactly, 4 not named)" in none.stdout.str()
    other = run_suite(loader=fake("faulty", "other-rules", 99))
    assert other.ret == 0
    assert "diagnosis: 50 % exact (2 of 4 rules named exactly, 0 not named)" in other.stdout.str()


def test_an_adapter_that_does_not_end_well_fails(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite(loader=fake("faulty", "exit-status", 99))
    assert result.ret == 1
    assert (
        "end of standard input: expected exit status 0, but the loader ended with exit status 4" in result.stdout.str()
    )
    assert "failed 1" in headline(result)


def test_workers_give_the_same_summary(run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path) -> None:
    loader = fake("faulty", "no-audit", 99)
    alone, shared = tmp_path / "alone.jsonl", tmp_path / "shared.jsonl"
    first = run_suite("--report-jsonl", alone, loader=loader)
    second = run_suite("--report-jsonl", shared, "-n", "2", loader=loader)
    assert headline(first) == headline(second)
    verdicts = [
        sorted((str(line["case"]), str(line["byte_orders"]), str(line["verdict"])) for line in lines_of(path)[:-1])
        for path in (alone, shared)
    ]
    assert verdicts[0] == verdicts[1]


def test_a_dead_worker_fails_the_run(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite("-n", "1", "--max-worker-restart", "0", loader=fake("faulty", "kills-parent", 3))
    assert result.ret not in (0, None)
    assert "NOT CONFORMANT: the worker died while it ran" in result.stdout.str()
    assert headline(result).startswith("not conformant")


def test_an_interrupted_run_fails_and_leaves_nothing_behind(fake: Callable[..., str], tmp_path: Path) -> None:
    pids, report = tmp_path / "pids", tmp_path / "report.jsonl"
    command = [sys.executable, "-m", "packfile_suite", "run", "--cases", str(HERE / "data"), "--timeout", "60"]
    command += ["--loader", fake("faulty", "hang-with-child", 3, pids), "--report-jsonl", str(report)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not (pids.exists() and pids.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert "NOT CONFORMANT: the run was cut short: 0 of 14" in output
    assert "cut short" in str(lines_of(report)[-1]["problems"])
    time.sleep(0.1)
    for pid in map(int, pids.read_text().split()):
        status = Path(f"/proc/{pid}/stat")
        assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_json_lines_hold_each_run_and_end_with_the_summary(
    run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "report.jsonl"
    run_suite("--report-jsonl", path, loader=fake("faulty", "other-rules", 99))
    *runs, last = lines_of(path)
    assert len(runs) == RUNS + 6
    one = next(run for run in runs if run["case"] == "hdr-reserved" and run["byte_order"] == "big")
    assert one["verdict"] == "pass"
    assert one["rules"] == ["PF-HDR-006"]
    assert one["stage"] == "malformed"
    counts = {"executed": RUNS, "unsupported": 0, "unobservable": 0, "not_applicable": 0, "selected": RUNS}
    assert last["summary"] == {**counts, "failed": 0}
    assert last["diagnosis"] == {"exact": 2, "without_rule": 0, "of": 4}
    assert last["problems"] == []


def test_junit_has_properties(run_suite: RunSuite, tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    run_suite("--junitxml", path)
    case = next(node for node in ET.parse(path).iter("testcase") if node.get("name") == "hdr-reserved[big]")  # noqa: S314
    properties = {node.get("name"): node.get("value") for node in case.iter("property")}
    expected = {"case": "hdr-reserved", "rule": "PF-HDR-006", "byte_order": "big", "verdict": "pass"}
    assert properties == expected


def test_a_wrong_case_stops_the_run(run_suite: RunSuite, tmp_path: Path) -> None:
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "wrong.yaml").write_text("- id: exe-x\n  rules: [PF-EXE-002]\n  summary: nothing is here at all\n")
    result = run_suite(cases=cases)
    assert result.ret not in (0, 1, None)
    assert "wrong.yaml:1: case exe-x: 'modules' is a required property" in result.stdout.str()


def test_other_tests_in_the_same_run_are_left_alone(pytester: pytest.Pytester) -> None:
    (pytester.path / "cases").mkdir()
    (pytester.path / "cases" / "small.yaml").write_text((HERE / "data" / "small.yaml").read_text())
    pytester.makepyfile(test_other="def test_other():\n    pass\n")
    options = ["-p", "packfile_suite.plugin", "--cases", "cases"]
    result = pytester.runpytest_inprocess(*options, "-k", "test_other")
    assert result.ret == 0
    assert "conformant" not in result.stdout.str()
    without = pytester.runpytest_inprocess()
    assert without.ret == 0
    without.assert_outcomes(passed=1)
