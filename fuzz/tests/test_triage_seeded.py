"""From a seeded bug to a case of at most 12 instructions that the suite runs, with nobody's help."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from packfile.assembler import assemble
from packfile_fuzz.faults import FAULTS
from packfile_fuzz.faults.judge import command_of, environment
from packfile_fuzz.triage import remove
from packfile_suite.cli import main as suite
from tests.campaign_runs import COMMAND

WRONG = ("least-divided-without-trap", "weak-treated-as-lazy", "trailing-bytes-accepted")
"""A trap that is missing, a binding that is another one, and a file that should not open."""
MOST_INSTRUCTIONS = 12
LIMIT = 120.0


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The failures' folder of one campaign against all three loaders."""
    directory = tmp_path_factory.mktemp("seeded")
    loaders = [f"--loader={name}={' '.join(command_of(FAULTS[name]))}" for name in WRONG]
    arguments = ["--oracle", "loader", "--seed", "29", "--examples", "27", "--workers", "1", "--triage", "10s"]
    done = subprocess.run(
        [COMMAND, "run", *loaders, *arguments, "--out", directory / "out"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return directory / "out" / "failures"


@pytest.mark.parametrize("name", WRONG)
def test_a_seeded_bug_becomes_a_small_case_that_the_suite_runs(failures: Path, name: str) -> None:
    found = [path.parent for path in failures.glob("*/triage.json") if _triage(path)["signature"]["loader"] == name]
    assert found, f"no failure of {name} was triaged"
    case = found[0] / "case.yaml"
    (content,) = yaml.safe_load(case.read_text())
    assert _instructions(content) <= MOST_INSTRUCTIONS
    assert set(FAULTS[name].rules) & set(content["rules"]) or name == "weak-treated-as-lazy"
    assert f"kind {_triage(found[0] / 'triage.json')['kind']}" in case.read_text()
    assert CliRunner().invoke(suite, ["lint", "--cases", str(case)]).exit_code == 0
    assert _reproduced(case, content["id"]) == 0
    assert _reproduced(case, content["id"], "--loader", " ".join(command_of(FAULTS[name]))) == 1


def test_each_module_of_a_case_is_there_as_text_and_as_a_file(failures: Path) -> None:
    for folder in failures.iterdir():
        (content,) = yaml.safe_load((folder / "case.yaml").read_text())
        for module in content["modules"]:
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
