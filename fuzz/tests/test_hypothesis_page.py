"""The example of `hypothesis.md` passes with a good loader, and shows a small example for a bad one."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis.database import InMemoryExampleDatabase

import packfile
import packfile_fuzz
import packfile_suite
from packfile_fuzz.strategies import PROFILES, profile, program_of
from packfile_fuzz.strategies.witness import shows
from tests.chosen import REFERENCE

PAGE = Path(__file__).parents[1] / "hypothesis.md"
FAULT = "literal-in-host-order"


def run(directory: Path, loader: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """The page's test module, as a user runs it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    test = directory / "test_my_loader.py"
    test.write_text(code, encoding="utf-8")
    places = {str(Path(str(module.__file__)).parents[1]) for module in (packfile, packfile_fuzz, packfile_suite)}
    kept = {name: value for name, value in os.environ.items() if name not in ("HYPOTHESIS_PROFILE", "CI")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *options, str(test)],
        cwd=directory,
        env=kept | {"MY_LOADER": shlex.join(loader), "PYTHONPATH": os.pathsep.join(sorted(places))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_good_loader_passes(tmp_path: Path) -> None:
    done = run(tmp_path, REFERENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_a_bad_loader_fails_with_a_small_example(tmp_path: Path) -> None:
    done = run(tmp_path, [sys.executable, "-m", "packfile_fuzz.faults", FAULT], "-k", "test_programs")
    assert done.returncode == 1, done.stdout + done.stderr
    printed = re.search(r'program=program_of\(\s*"([0-9a-f: ]+)",?\s*\)', done.stdout)
    assert printed, done.stdout
    program = program_of(printed[1])
    assert shows(FAULT, program)
    functions = [f for entry in program.entries if entry.module is not None for f in entry.module.functions]
    assert sum(len(function.code) for function in functions) <= 12
    assert ".export func" in done.stdout
    assert "; call " in done.stdout


def test_the_example_on_the_page_shows_what_it_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    first, shown = re.findall(r'program_of\("([^"]+)"\)', text)
    assert shows("least-divided-without-trap", program_of(first))
    assert shows(FAULT, program_of(shown))


def test_profiles_are_as_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"tries {profile('quick').max_examples} examples" in text
    assert f"tries {profile('long').max_examples:,}" in text
    assert profile("quick").derandomize
    assert profile("quick").database is None
    assert not profile("long").derandomize
    assert profile("long").database is not None


def test_a_database_is_used_and_then_not_every_run_is_the_same() -> None:
    store = InMemoryExampleDatabase()
    for name in PROFILES:
        assert profile(name, store).database is store
        assert not profile(name, store).derandomize


def test_a_profile_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        profile("endless")
    monkeypatch.setenv("HYPOTHESIS_PROFILE", "endless")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", str(PAGE.parent / "tests" / "test_fuzz.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=PAGE.parents[1])
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "endless" in done.stderr
