"""From a seeded bug to a case of at most 12 instructions that the suite runs, with nobody's help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from packfile.assembler import assemble
from packfile_fuzz.faults import FAULTS
from packfile_fuzz.faults.judge import command_of, environment
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles.judging import sign
from packfile_fuzz.results import Failure
from packfile_fuzz.triage import remove
from packfile_fuzz.triage.folder import Settings, triage
from packfile_suite.cli import main as suite
from tests.campaign_runs import COMMAND
from tests.triage_judge import broken_failure, compared, shown

WRONG = ("least-divided-without-trap", "weak-treated-as-lazy", "trailing-bytes-accepted")
"""A trap that is missing, a binding that is another one, and a file that should not open."""
DEEP = ("copied-forward", "nan-not-canonical")
"""Memory that is read in a later call, and a value that is told deep in calls, on the way to a trap."""
GOOD = f"{sys.executable} -m packfile adapter"
MOST_INSTRUCTIONS = 12
EXAMPLES = 1
"""Seeds of a campaign, each of which makes a program and a broken file; the first shows the bug."""
LIMIT = 60.0


def first(name: str) -> int:
    """A seed that shows a fault, so that a campaign need not look at hundreds before it."""
    return broken_failure(name, "opening").seed if name == "trailing-bytes-accepted" else shown(name)


@pytest.fixture(params=WRONG)
def campaign(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A seeded bug, and the failures' folder of a campaign against a loader that has it and one that has none."""
    name: str = request.param
    loaders = [f"--loader={name}={' '.join(command_of(FAULTS[name]))}", f"--loader=good={GOOD}"]
    arguments = [*loaders, "--oracle", "loader", "--seed", first(name), "--examples", EXAMPLES]
    done = subprocess.run(
        [COMMAND, "run", *map(str, arguments), "--workers", "1", "--triage", "10s", "--out", tmp_path / "out"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return name, tmp_path / "out" / "failures"


def test_a_seeded_bug_becomes_a_small_case_that_the_suite_runs(campaign: tuple[str, Path]) -> None:
    name, failures = campaign
    found = [path.parent for path in failures.glob("*/triage.json")]
    assert found, f"no failure of {name} was triaged"
    assert {_triage(folder / "triage.json")["signature"]["loader"] for folder in found} == {name}
    case = found[0] / "case.yaml"
    (content,) = yaml.safe_load(case.read_text())
    _has_files(found[0], content)
    assert _instructions(content) <= MOST_INSTRUCTIONS
    assert set(FAULTS[name].rules) & set(content["rules"])
    assert f"kind {_triage(found[0] / 'triage.json')['kind']}" in case.read_text()
    assert CliRunner().invoke(suite, ["lint", "--cases", str(case)]).exit_code == 0
    assert _reproduced(case, content["id"]) == 0
    assert _reproduced(case, content["id"], "--loader", " ".join(command_of(FAULTS[name]))) == 1


@pytest.mark.parametrize("name", DEEP)
def test_what_shows_deep_in_a_program_becomes_one_short_function(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    loaders = {name: tuple(command_of(FAULTS[name]))}
    failure = Failure(shown(name), "program", sign("loader", compared(name, build(from_seed(shown(name))))), "")
    made = triage(failure._replace(signature=failure.signature._replace(loader=name)), Settings(loaders), tmp_path)
    assert made.case is not None
    assert made.case.shows
    (content,) = yaml.safe_load((tmp_path / "case.yaml").read_text())
    assert _instructions(content) <= MOST_INSTRUCTIONS - 5
    assert list(content["modules"]) == ["main"]
    assert content["steps"][0] == {"link": ["main"]}
    assert [step.get("call") for step in content["steps"][1:]] == ["main.f"]
    assert content["summary"].startswith(f"{made.signature.opcode}: expected ")
    assert CliRunner().invoke(suite, ["lint", "--cases", str(tmp_path / "case.yaml")]).exit_code == 0


def _has_files(folder: Path, case: dict[str, Any]) -> None:
    """Each module of a case is there as text and as a file, and how often the failure came."""
    assert case["modules"]
    for module in case["modules"]:
        assert (folder / f"{module}.pkf").read_bytes()
        assemble((folder / f"{module}.pka").read_text())
    assert {"count", "first_seen", "last_seen"} <= json.loads((folder / "signature.json").read_text()).keys()


def _triage(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def _instructions(case: dict[str, Any]) -> int:
    texts = [module if isinstance(module, str) else module["from"] for module in case["modules"].values()]
    return remove.count(assemble(text) for text in texts)


def _reproduced(case: Path, name: str, *options: str) -> int:
    result = CliRunner().invoke(suite, ["reproduce", name, "--cases", str(case), *options])
    return result.exit_code
