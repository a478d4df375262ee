"""`packfile-suite check-adapter`: good adapters pass, and each check goes red for the adapter that it is there for."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from packfile_suite.adapter_checks import CHECKS
from packfile_suite.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLE = f"{sys.executable} {ROOT / 'spec' / 'adapter_example.py'}"
KIT = f"{sys.executable} {ROOT / 'loaders' / 'kit' / 'python' / 'adapter.py'}"
ALL = {check.name for check in CHECKS}
FORMS = {"open-fields", "link-fields", "call-fields", "close-fields", "audit-fields"}
REFUSALS = {
    "unknown-command",
    "broken-line",
    "id",
    "command",
    *FORMS,
    "unknown-handle",
    "surrogate",
    "path",
    "handles",
    "goes-on",
}

FAULTS: dict[str, set[str]] = {
    "no-hello": {"start"},
    "protocol-2": {"hello"},
    "unknown-feature": {"hello", "undeclared-feature"},
    "another-hello": {"one-reply"},
    "chatty": ALL - {"start", "hello", "undeclared-feature"},
    "prompts": ALL - {"start", "hello", "undeclared-feature"},
    "same-id": ALL - {"start", "hello", "undeclared-feature", "end"},
    "backwards": {"order", "goes-on"},
    "line-a-read": {"pieces", "long-line", "broken-line"},
    "short-buffer": {"long-line", "broken-line"},
    "one-writer": {"any-writer"},
    "strict": {"unknown-fields", "long-line"},
    "guesses": {"unknown-command"},
    "hidden-audit": {"undeclared-feature"},
    "skips-empty": {"broken-line"},
    "own-id": {"broken-line", "goes-on"},
    "takes-lists": {"broken-line"},
    "not-utf8": {"broken-line"},
    "surrogates": {"broken-line"},
    "any-id": {"id", "goes-on"},
    "null-command": {"command"},
    "careless-open": {"open-fields"},
    "careless-link": {"link-fields"},
    "careless-call": {"call-fields"},
    "numbers-for-texts": {"call-fields"},
    "careless-close": {"close-fields"},
    "careless-audit": {"audit-fields"},
    "unknown-is-internal": {"unknown-handle", "link-fields", "call-fields", "handles"},
    "missing-is-malformed": {"path"},
    "half-names": {"surrogate"},
    "same-handle": {"surrogate", "handles"},
    "rounds": {"integers"},
    "rounds-log": {"integers"},
    "quiets": {"floats"},
    "forgets": {"order", "goes-on"},
    "gives-up": REFUSALS | {"order", "any-writer"},
    "exit-status": {"end"},
    "lingers": {"end"},
}
"""What is red for each fault, and nothing else."""

HANGS = {"skips-empty", "forgets"}
"""Faults for which a reply is waited for in vain."""

NOT_CHECKED = {
    "no-calls": ("refuses call", {"call-fields", "unknown-handle", "surrogate", "integers", "floats"}),
    "no-links": ("refuses link", {"link-fields", "unknown-handle", "surrogate", "integers", "floats"}),
    "rejects": ("open gives malformed for a good file", {"handles", "integers", "floats"}),
}


def check(loader: str | None, *options: str) -> Result:
    words = [] if loader is None else ["--loader", loader]
    return CliRunner().invoke(main, ["check-adapter", *words, *options], catch_exceptions=False)


def results(loader: str, *options: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(check(loader, "--json", *options).output)["checks"]
    return {row["check"]: row for row in rows}


def of_result(rows: dict[str, dict[str, Any]], result: str) -> set[str]:
    return {name for name, row in rows.items() if row["result"] == result}


def test_the_reference_is_an_adapter() -> None:
    result = check(None)
    assert result.exit_code == 0, result.output
    assert result.output.endswith("\n26 checks: 25 ok, 0 failed, 1 not checked\n")
    assert "not checked: the adapter declares audit" in result.output


def test_the_example_is_an_adapter() -> None:
    result = check(EXAMPLE)
    assert result.exit_code == 0, result.output
    assert "25 ok, 0 failed, 1 not checked" in result.output


def test_what_needs_a_loader_is_not_checked_and_never_passed() -> None:
    result = check(KIT)
    assert result.exit_code == 0, result.output
    for name in ("path", "handles", "integers", "floats"):
        line = next(line for line in result.output.splitlines() if line.startswith(f"{name} "))
        assert line.endswith("not checked: the adapter refuses open")


@pytest.mark.parametrize("fault", NOT_CHECKED)
def test_a_check_that_cannot_be_made_says_why(fault: str, fake: Callable[..., str]) -> None:
    rows = results(fake("faulty_protocol", fault))
    reason, names = NOT_CHECKED[fault]
    assert not of_result(rows, "failed")
    assert of_result(rows, "not checked") == {*names, "undeclared-feature"}
    assert all(reason in rows[name]["reason"] for name in names)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_makes_its_checks_red_and_no_other(fault: str, fake: Callable[..., str]) -> None:
    rows = results(fake("faulty_protocol", fault), "--timeout", "6" if fault in HANGS else "30")
    assert of_result(rows, "failed") == FAULTS[fault], {name: row.get("came") for name, row in rows.items()}
    if fault != "no-hello":
        assert of_result(rows, "ok")


def test_every_check_is_red_for_an_adapter_that_is_there_for_it() -> None:
    few = [red for red in FAULTS.values() if len(red) < 5]
    assert set.union(*few) == ALL


def test_a_flood_on_standard_error_disturbs_nothing(fake: Callable[..., str]) -> None:
    assert not of_result(results(fake("faulty_protocol", "flood")), "failed")


def test_a_failure_says_all_there_is(fake: Callable[..., str]) -> None:
    result = check(fake("faulty_protocol", "missing-is-malformed"))
    assert result.exit_code == 1
    table, _, text = result.output.partition("\n\n")
    assert "path " in table
    assert "FAILED" in table
    for part in (
        "path: a path that cannot be opened gets bad-request",
        '  sent      {"id": ',
        '.missing"}',
        '"outcome": "malformed"}',
        '"error": "bad-request"}',
        '  says      spec/adapter.md, "Errors"',
    ):
        assert part in text


def test_a_failure_shows_the_end_of_standard_error() -> None:
    result = check(f"{sys.executable} -c 'import sys; sys.exit(\"no \\x1b[31mlicence\")'")
    assert result.exit_code == 2
    assert "came      the adapter ended with exit status 1" in result.output
    assert "  | no \ufffd[31mlicence" in result.output


@pytest.mark.parametrize("loader", ["true", "cat", "/no/such/loader", "sh -c 'echo hello'", "sleep 60"])
def test_what_is_no_adapter_cannot_be_used(loader: str) -> None:
    started = time.monotonic()
    result = check(loader, "--timeout", "1")
    assert result.exit_code == 2, result.output
    assert f"{len(CHECKS)} checks: 0 ok, 1 failed, {len(CHECKS) - 1} not checked" in result.output
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("arguments", [["--loader", ""], ["--loader", "'"], ["--timeout", "0"], ["--timeout", "nan"]])
def test_a_wrong_command_line_says_so(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["check-adapter", *arguments], catch_exceptions=False)
    assert result.exit_code == 2
    assert "Error: " in result.output


def test_an_adapter_that_hangs_takes_no_longer_than_the_limit_of_each_check(fake: Callable[..., str]) -> None:
    started = time.monotonic()
    result = check(fake("faulty", "hang", 1), "--timeout", "0.5")
    assert result.exit_code in {1, 2}
    assert time.monotonic() - started < len(CHECKS) * 1.5


def test_every_section_is_one_of_the_protocol() -> None:
    text = (ROOT / "spec" / "adapter.md").read_text("utf-8")
    assert all(f"\n## {check.section}\n" in text for check in CHECKS)
