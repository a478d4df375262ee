"""The file of known failures has to stay true."""

from collections.abc import Callable
from pathlib import Path

import pytest

RunSuite = Callable[..., pytest.RunResult]

ADDS = '[[expect]]\nid = "exe-adds"\noutcome = "{}"\nreason = "see #1"\n'


@pytest.fixture
def expect(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "packfile-expect.toml"
        path.write_text(text)
        return path

    return write


def test_an_expected_failure_is_no_failure(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    # The third command of the first case is its call, and each crash begins anew.
    loader = fake("faulty", "crash", 3)
    choice = ("-k", "adds")
    assert run_suite(*choice, loader=loader).ret == 1
    result = run_suite(*choice, "--expect", expect(ADDS.format("crash")), loader=loader)
    assert result.ret == 0
    result.assert_outcomes(xfailed=2, deselected=18)
    assert "conformant: executed 2 / unsupported 0 / selected 2, failed 0" in result.stdout.str()


def test_another_kind_of_failure_is_one(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    file = expect(ADDS.format("fail"))
    result = run_suite("-k", "adds", "--expect", file, loader=fake("faulty", "crash", 3))
    assert result.ret == 1
    assert "entry 1 (exe-adds) of the expectation file expects fail, and this is crash." in result.stdout.str()


def test_an_entry_whose_case_passes_is_stale(run_suite: RunSuite, expect: Callable[[str], Path]) -> None:
    result = run_suite("-k", "adds", "--expect", expect(ADDS.format("fail")))
    assert result.ret == 1
    assert (
        "entry 1 (exe-adds) of the expectation file is stale: exe-adds[little] passes now; remove the entry,"
        in result.stdout.str()
    )


def test_an_entry_for_a_rule_is_stale_if_all_its_cases_pass(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    file = expect('[[expect]]\nrule = "PF-EXE-002"\noutcome = "crash"\nreason = "see #1"\n')
    assert run_suite("-k", "adds", "--expect", file, loader=fake("faulty", "crash", 3)).ret == 0
    result = run_suite("--expect", file)
    assert result.ret == 1
    assert "NOT CONFORMANT: entry 1 (PF-EXE-002) of the expectation file is stale" in result.stdout.str()


def test_a_failure_without_an_entry_is_new(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    file = expect('[[expect]]\nid = "exe-adds"\nbyte_order = "big"\noutcome = "crash"\nreason = "see #1"\n')
    result = run_suite("-k", "adds", "--expect", file, loader=fake("faulty", "crash", 3))
    assert result.ret == 1
    result.assert_outcomes(xfailed=1, failed=1, deselected=18)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[expect]]\nid = "exe-none"\noutcome = "fail"\nreason = "x"\n', "entry 1: the suite has no case exe-none"),
        (
            '[[expect]]\nid = "exe-add"\noutcome = "fail"\nreason = "x"\n',
            "the suite has no case exe-add; did you mean exe-adds",
        ),
        (
            '[[expect]]\nid = "exe-adds"\nbyte_order = "mixed"\noutcome = "fail"\nreason = "x"\n',
            "entry 1 (exe-adds [mixed]): there is no such byte order; it has little, big",
        ),
        (
            ADDS.format("fail") + ADDS.format("crash"),
            "entry 2 (exe-adds): entry 1 (exe-adds) already speaks of all its runs; remove one of them",
        ),
        (
            '[[expect]]\nrule = "PF-XIP-001"\noutcome = "fail"\nreason = "x"\n',
            "entry 1 (PF-XIP-001): the rule has no case",
        ),
        (
            '[[expect]]\nrule = "PF-EXE-999"\noutcome = "fail"\nreason = "x"\n',
            "entry 1: the suite has no rule PF-EXE-999; did you mean PF-EXE-",
        ),
        ('[[expect]]\nid = "exe-adds"\noutcome = "fail"\n', "entry 1: it gives no reason"),
        ('[[expect]]\nid = "exe-adds"\noutcome = "fail"\nreason = " "\n', "entry 1: it gives no reason"),
        (
            '[[expect]]\nid = "exe-adds"\noutcome = "skip"\nreason = "x"\n',
            "entry 1: outcome must be one of fail, crash",
        ),
        ('[[expect]]\noutcome = "fail"\nreason = "x"\n', "entry 1: it must name either an id or a rule"),
        ('[[expect]]\nid = "exe-adds"\noutcome = "fail"\nreason = "x"\nwhy = "y"\n', "entry 1: unknown key why"),
        ('[[expected]]\nid = "exe-adds"\n', "unknown key expected"),
        ("nothing", "packfile-expect.toml: "),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    text: str, complaint: str, run_suite: RunSuite, expect: Callable[[str], Path]
) -> None:
    result = run_suite("--expect", expect(text))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert complaint in result.stderr.str()


def test_an_entry_with_a_byte_order_says_more_than_one_without(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    big = ADDS.format("fail").replace("outcome", 'byte_order = "big"\noutcome')
    result = run_suite("-k", "adds", "--expect", expect(ADDS.format("crash") + big), loader=fake("faulty", "crash", 3))
    result.assert_outcomes(xfailed=1, failed=1, deselected=18)
    assert "entry 2 (exe-adds [big]) of the expectation file expects fail, and this is crash." in result.stdout.str()


def test_an_entry_for_what_the_loader_does_not_declare_is_stale(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    file = expect('[[expect]]\nid = "sec-audit-clean"\noutcome = "fail"\nreason = "see #2"\n')
    result = run_suite("--expect", file, loader=fake("faulty", "no-audit", 99))
    assert result.ret == 1
    assert "entry 1 (sec-audit-clean) of the expectation file is stale: the loader has not" in result.stdout.str()
    assert run_suite("--expect", file, "--rule", "PF-EXE", loader=fake("faulty", "no-audit", 99)).ret == 0


def test_a_check_of_the_adapter_can_be_expected_to_fail(
    run_suite: RunSuite, fake: Callable[..., str], expect: Callable[[str], Path]
) -> None:
    file = expect('[[expect]]\nid = "protocol-end-of-input-ends-it"\noutcome = "fail"\nreason = "see #3"\n')
    assert run_suite("--expect", file, loader=fake("faulty", "exit-status", 99)).ret == 0
    result = run_suite("--expect", file)
    assert result.ret == 1
    assert "protocol-end-of-input-ends-it passes now; remove the entry" in result.stdout.str()
