"""What goes wrong when an adapter starts is said before the run, and in a run it does not spoil more than it must."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import CHECKS, RUNS, SLACK, processes_with, verdicts_of

RunSuite = Callable[..., pytest.RunResult]


@pytest.fixture
def _short_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_suite.execute.LEAST_START", 2.0)


STARTS = {
    "hello-crash": "at its start: ended with exit status 9",
    "hello-hang": "at its start: gave no answer within 2 s",
    "hello-garbage": "at its start: wrote a line that is not JSON: 'Welcome to my loader!'",
    "hello-more-behind": "at its start: wrote a line that no request asked for: 'Welcome to my loader!'",
    "protocol-2": "at its start: speaks protocol 2, and this suite speaks 1",
    "protocol-as-text": "at its start: speaks protocol '1', and this suite speaks 1",
    "unknown-feature": "(hello_reply): features.1: 'teleports' is not one of ['audit', 'in-place', 'hashed']",
    "feature-twice": "(hello_reply): features: ['audit', 'audit'] has non-unique elements",
    "no-name": "(hello_reply): name: '' ",
    "hello-error": "at its start: answered hello with the error internal",
    "hello-no-outcome": "at its start: answered with an outcome that the protocol does not have, none",
    "hello-surrogate": "at its start: wrote half of a surrogate pair, which is no text: ",
}


@pytest.mark.usefixtures("_short_start")
@pytest.mark.parametrize("fault", STARTS)
def test_an_adapter_that_starts_badly_cannot_be_used(
    fault: str, run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    started = time.monotonic()
    notes = tmp_path / "notes"
    result = run_suite("--loader-timeout", 1, loader=fake("faulty", fault, 0, notes))
    text = result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "the loader cannot be used: at its start: " in text
    assert STARTS[fault] in text
    assert "Traceback" not in text
    assert "\x1b" not in text
    assert not result.stdout.str().strip()
    assert processes_with(str(notes)) == []
    assert time.monotonic() - started < 2 + SLACK


@pytest.mark.usefixtures("_short_start")
@pytest.mark.parametrize("fault", STARTS)
def test_a_new_start_that_goes_wrong_fails_one_case_more(
    fault: str, run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    report, notes = tmp_path / "report.jsonl", tmp_path / "notes"
    result = run_suite(
        "--loader-timeout",
        1,
        "--report-jsonl",
        report,
        loader=fake("faulty", f"crash,{fault},", 3, notes),
    )
    verdicts = verdicts_of(report)
    assert result.ret == 1
    assert len(verdicts) == RUNS + CHECKS
    assert [name for name, verdict in verdicts.items() if verdict != "pass"] == ["exe-adds[little]", "exe-adds[big]"]
    assert "the loader at its start: " in result.stdout.str()
    assert processes_with(str(notes)) == []


def test_a_worker_whose_first_start_goes_wrong_tells(
    run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    loader = fake("faulty", ",hello-crash,", 3, tmp_path / "notes")
    result = run_suite("-n", "1", "--report-jsonl", report, loader=loader)
    assert result.ret == 1
    failed = {name: verdict for name, verdict in verdicts_of(report).items() if verdict != "pass"}
    assert failed == {"exe-adds[little]": "crash"}


def test_what_is_said_after_hello_is_borne_by_the_first_case(
    run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    result = run_suite("--report-jsonl", report, loader=fake("faulty", "hello-more-later,", 0, tmp_path / "notes"))
    assert result.ret == 1
    failed = {name: verdict for name, verdict in verdicts_of(report).items() if verdict != "pass"}
    assert failed == {"exe-adds[little]": "rubbish"}
    assert "'Welcome to my loader!'" in result.stdout.str()


@pytest.mark.usefixtures("_short_start")
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("crash,hello-crash", "is not started again after 3 failures at its start: ended with exit status 9"),
        ("crash,hello-hang", "is not started again after 3 failures at its start: gave no answer within 2 s"),
        ("crash-always", "the loader was killed by SIGSEGV"),
        ("crash-always,", "the loader was killed by SIGSEGV"),
    ],
)
def test_a_loop_of_restarts_comes_to_its_end(
    fault: str, words: str, run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    report, notes = tmp_path / "report.jsonl", tmp_path / "notes"
    started = time.monotonic()
    result = run_suite("--loader-timeout", 1, "--report-jsonl", report, loader=fake("faulty", fault, 3, notes))
    verdicts = verdicts_of(report)
    assert result.ret == 1
    assert len(verdicts) == RUNS + CHECKS
    assert ("pass" in verdicts.values()) == fault.endswith(",")
    assert words in " ".join(result.stdout.str().split())
    assert processes_with(str(notes)) == []
    assert time.monotonic() - started < 6 + 2 * SLACK


def test_a_name_with_control_characters_does_not_reach_the_terminal(
    run_suite: RunSuite, fake: Callable[..., str]
) -> None:
    result = run_suite("-n", "1", loader=fake("faulty", "escapes", 99))
    assert result.ret == 0
    assert "loader: \\x1b[31mred\\x1b[0m\\u202e 1" in result.stdout.str()
    assert "\x1b" not in result.stdout.str()


def test_a_loader_that_becomes_another_one_is_told(
    run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path
) -> None:
    report, notes = tmp_path / "report.jsonl", tmp_path / "notes"
    result = run_suite("--report-jsonl", report, loader=fake("faulty", "crash,other-name,", 3, notes))
    assert result.ret == 1
    assert [name for name, verdict in verdicts_of(report).items() if verdict != "pass"] == [
        "exe-adds[little]",
        "exe-adds[big]",
    ]
    assert (
        "the loader at its start: said other 1.0.0, features: audit, hashed, in-place, but packfile-reference"
        in " ".join(result.stdout.str().split())
    )
