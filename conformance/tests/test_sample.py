"""A sample is the same for the same seed, is taken from what else was asked for, and says that it is only a sample."""

from collections.abc import Callable
from pathlib import Path

import pytest

from packfile_suite.plan import Sample
from tests.faults import RUNS, verdicts_of

RunSuite = Callable[..., pytest.RunResult]
NAMES = [f"exe-case-{number}" for number in range(1000)]


def last_line(result: pytest.RunResult) -> str:
    return next(line for line in reversed(result.outlines) if line.startswith(("conformant", "not conformant")))


def test_a_seed_always_gives_the_same_cases_and_another_seed_others() -> None:
    sample = Sample(50, 7).of(NAMES)
    assert len(sample) == 50
    assert sample == Sample(50, 7).of(reversed(NAMES))
    assert len(sample & Sample(50, 8).of(NAMES)) < 15
    assert sample < Sample(51, 7).of(NAMES)


def test_a_new_case_moves_at_most_one_other_out() -> None:
    for number in range(20):
        old, new = Sample(50, number).of(NAMES), Sample(50, number).of([*NAMES, "exe-new"])
        assert len(old - new) <= 1


def test_every_case_is_in_the_sample_of_some_seed() -> None:
    seen = set().union(*(Sample(100, seed).of(NAMES) for seed in range(100)))
    assert seen == set(NAMES)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_the_summary_says_that_it_was_a_sample(workers: list[str], run_suite: RunSuite, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    result = run_suite("--sample", 3, "--seed", 1, "--report-jsonl", report, *workers)
    verdicts = verdicts_of(report)
    count = len(verdicts)
    assert result.ret == 0
    assert last_line(result) == (
        f"conformant in a sample of 3 of 6 cases, seed 1: executed {count} / unsupported 0 / selected {count}, failed 0"
    )
    assert {name.split("[")[0] for name in verdicts} == Sample(3, 1).of(
        [
            "exe-adds",
            "exe-unreachable-traps",
            "hdr-version-two",
            "hdr-reserved",
            "fix-between-modules",
            "sec-audit-clean",
        ]
    )
    assert '"sample": "a sample of 3 of 6 cases, seed 1"' in report.read_text().splitlines()[-1]


def test_a_whole_run_names_no_sample(run_suite: RunSuite, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    result = run_suite("--report-jsonl", report)
    assert last_line(result).startswith(f"conformant: executed {RUNS}")
    assert "sample" not in report.read_text()


def test_a_sample_of_everything_still_says_that_it_is_one(run_suite: RunSuite) -> None:
    result = run_suite("--sample", 100)
    assert last_line(result).startswith(f"conformant in a sample of 6 of 6 cases, seed 0: executed {RUNS}")
    assert "protocol" not in result.stdout.str()


def test_a_sample_is_of_what_else_was_asked_for(run_suite: RunSuite) -> None:
    result = run_suite("--sample", 1, "--byte-order", "big", "-k", "hdr or sec")
    assert last_line(result).startswith("conformant in a sample of 1 of 3 cases, seed 0: executed 1 ")
    assert run_suite("--sample", 1, "--rule", "PF-FIX").ret == 0


def test_a_failing_sample_is_not_conformant(run_suite: RunSuite, fake: Callable[..., str]) -> None:
    result = run_suite("--sample", 2, loader=fake("accepting"))
    assert result.ret == 1
    assert last_line(result).startswith("not conformant in a sample of 2 of 6 cases, seed 0: ")


def test_a_sample_of_nothing_fails(run_suite: RunSuite) -> None:
    result = run_suite("--sample", 2, "--rule", "PF-XIP")
    assert result.ret not in (0, None)
    assert "NOT CONFORMANT: no case was selected: nothing has been shown" in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--seed", 1], "needs --sample"), (["--sample", 0], "a sample has at least one case")],
)
def test_an_option_without_sense_is_refused(options: list[object], words: str, run_suite: RunSuite) -> None:
    result = run_suite(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str()
