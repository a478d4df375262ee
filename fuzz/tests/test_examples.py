"""Committed examples still show what they were committed for, and the reference no longer fails them."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from packfile_fuzz.faults import FAULTS
from packfile_fuzz.malformed import Broken, judge
from packfile_fuzz.oracles import examine
from packfile_fuzz.program import Program
from packfile_fuzz.strategies import broken_of, content_of, program_of, witness
from packfile_fuzz.strategies.__main__ import main
from packfile_fuzz.strategies.witness import shows
from tests.examples import EVERY, Failed


def size(value: Program | Broken) -> int:
    """Words of code of a program, or faults of a file."""
    if isinstance(value, Broken):
        return len(value.faults)
    modules = [entry.module for entry in value.entries if entry.module is not None]
    return sum(len(function.code) for module in modules for function in module.functions if function.i_registers != 18)


@pytest.mark.parametrize("failed", EVERY, ids=lambda failed: failed.fault)
def test_an_example_shows_its_fault_and_nothing_else(failed: Failed) -> None:
    assert shows(failed.fault, failed.value), (
        "find it anew: python -m packfile_fuzz.strategies, then commit what it says"
    )
    if isinstance(failed.value, Broken):
        assert judge(failed.value) == []
    else:
        assert examine(failed.value).differences == []
    assert size(failed.value) <= 12


def test_there_are_ten_of_as_many_faults() -> None:
    assert len({failed.fault for failed in EVERY}) == len(EVERY) >= 10
    assert all(failed.fault in FAULTS for failed in EVERY)


def test_a_witness_is_found_and_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "MAKERS", {"malformed": (broken_of, 16)})
    asked = ["gap-between-sections-accepted", "--strategy", "malformed", "--examples", "400"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    printed = re.fullmatch(r'broken_of\("([0-9a-f: ]*)"\)\n', result.output)
    assert printed
    assert shows(asked[0], broken_of(printed[1]))
    assert len(content_of(printed[1]).replace(b"\0", b"")) <= 8


def test_what_no_example_shows_is_said() -> None:
    result = CliRunner().invoke(main, ["long-function-accepted", "--examples", "5"])
    assert result.exit_code == 1
    assert result.output == "Error: none of 5 examples of programs shows long-function-accepted\n"
    assert not shows("long-function-accepted", program_of(b""))
