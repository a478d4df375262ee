"""Each loader that is wrong in one line fails, in a case for the rule that it breaks; the loader as it is conforms."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from packfile.rules import RULES

LOADER = Path(__file__).resolve().parents[1]
PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
ENOUGH = 20


class Judged(NamedTuple):
    """What the suite said of a loader."""

    status: int
    output: str
    failed: list[dict[str, Any]]
    """The reports of the runs that failed."""


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"


def make(source: Path) -> None:
    # Nobody waits for the programs of the suite, but everybody for the compiler.
    run(["make", "CC=cc", "OPTIMIZE=-O0", "BUILD=build/wrong", "EXTRA=-Wno-error", "build/wrong/pf"], source)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loader as it is, built, so that of each other one only what its patch changes has to be."""
    for tool in ("make", "cc", "patch"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    source = tmp_path_factory.mktemp("good") / "c"
    shutil.copytree(LOADER, source, ignore=shutil.ignore_patterns("build", "wrong"))
    make(source)
    return source


def judge(good: Path, folder: Path, patch: Path | None, *choice: str) -> Judged:
    """Build the loader with a patch, or as it is, and run the suite, or what is chosen of it."""
    source = folder / "c"
    shutil.copytree(good, source)
    if patch is not None:
        run(["patch", "--strip=1", "--fuzz=0", "--input", str(patch)], source)
        make(source)
    report = folder / "report.jsonl"
    loader = shlex.join([str(source / "build/wrong/pf"), "adapter"])
    command = [sys.executable, "-m", "packfile_suite", "run", "--loader", loader, "--timeout", "2", *choice]
    done = subprocess.run(
        [*command, "--report-jsonl", str(report)], cwd=folder, capture_output=True, text=True, check=False
    )
    rows = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return Judged(done.returncode, done.stdout, [row for row in rows if row.get("failed")])


def rule_of(patch: Path) -> str:
    """The rule that a patch breaks."""
    first, text, *_ = patch.read_text(encoding="utf-8").splitlines()
    label, _, rule = first.partition(": ")
    assert (label, rule in RULES, bool(text)) == ("Rule", True, True), f"{patch.name} has no `Rule: ` and text"
    return rule


def test_there_are_enough_of_them() -> None:
    assert len(PATCHES) >= ENOUGH


def test_the_loader_as_it_is_conforms(good: Path, tmp_path: Path) -> None:
    choice = [word for rule in sorted({rule_of(patch) for patch in PATCHES}) for word in ("--rule", rule)]
    judged = judge(good, tmp_path, None, *choice)
    assert judged.status == 0, judged.output[-4000:]
    assert not judged.failed


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_wrong_line_is_found_and_its_rule_named(good: Path, patch: Path, tmp_path: Path) -> None:
    rule = rule_of(patch)
    # Not to save time alone: what fails among other cases says nothing of whether this rule has one that sees it.
    judged = judge(good, tmp_path, patch, "--rule", rule)
    assert judged.status == 1, judged.output[-4000:]
    cases = sorted({row["case"] for row in judged.failed if rule in row["rules"]})
    assert cases, f"{len(judged.failed)} runs fail, none of them a case of {rule}: {judged.failed[:3]}"
    assert f"{rule}: " in judged.output, "the text of the failure does not name the rule"
