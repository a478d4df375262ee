"""What implementers put into their CI: the wheel, and the templates, each run as its user would."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from packfile_suite.cli import main

ROOT = Path(__file__).parents[2]
CI = ROOT / "conformance" / "ci"
SCRIPT = CI / "packfile-conformance.sh"
ACTION = CI / "github" / "action.yml"
WORKFLOW = CI / "github" / "example-workflow.yml"
GITLAB = CI / "packfile.gitlab-ci.yml"
BROKEN = ROOT / "conformance" / "broken_loaders" / "eager_weak.py"
FEW = "mixed"
"""A byte order with few runs, some of which the broken loader fails."""

BIG = ("--byte-order", "big")
"""The files of one byte order, which are run; all of them are compared with what the cases make."""

Environment = dict[str, str]


@pytest.fixture
def bare() -> Environment:
    """The environment without what leads to this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PACKFILE_"))}


def do(command: list[Any], where: Path, environment: Environment) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", place, ROOT]
    done = do(command, place, {name: value for name, value in os.environ.items() if name != "PYTHONPATH"})
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of this module install the suite, so that it is downloaded once."""
    return tmp_path_factory.mktemp("installed") / ".packfile-suite"


@pytest.mark.slow
def test_three_lines_install_the_wheel_and_judge_the_reference(
    wheel: Path, venv: Path, bare: Environment, tmp_path: Path
) -> None:
    assert wheel.stat().st_size < 3_000_000
    for line in (
        [sys.executable, "-m", "venv", venv],
        [venv / "bin" / "pip", "install", "-q", f"{wheel}[suite]"],
        [venv / "bin" / "packfile-suite", "run", "--prebuilt", "--loader", f"{venv}/bin/packfile adapter", *BIG],
    ):
        done = do(line, tmp_path, bare)
        assert done.returncode == 0, done.stdout + done.stderr
    headline = re.compile(r"^conformant: executed (\d{3,4}) / unsupported 0 / selected \1, failed 0$", re.MULTILINE)
    assert headline.search(done.stdout)
    check = do([venv / "bin" / "packfile-suite", "export", "--check"], tmp_path, bare)
    assert check.returncode == 0, check.stdout
    assert re.search(r"the prebuilt files: \d{4} files compared, 0 differ", check.stdout)
    own = do([venv / "bin" / "packfile-suite", "run", "--prebuilt", "--cases", ROOT / "conformance"], tmp_path, bare)
    assert own.returncode == 2
    assert "leave --cases out" in own.stderr


EVIL = "x $(touch pwned) `touch pwned`; touch pwned\n--version"


def check_statuses(command: list[Any], environment: Environment, venv: Path, where: Path) -> None:
    """The three statuses, and that no value becomes a command of the shell."""
    good = f"{venv}/bin/packfile adapter"
    evil = {f"PACKFILE_{name}": EVIL for name in ("LOADER", "EXPECT", "BYTE_ORDER", "TIMEOUT")}
    for changed, status in (
        (evil, 2),
        ({"PACKFILE_LOADER": f"{venv}/bin/python {BROKEN}"}, 1),
        ({"PACKFILE_LOADER": good}, 0),
    ):
        done = do(command, where, {**environment, **changed})
        assert done.returncode == status, done.stdout + done.stderr
    assert not (where / "pwned").exists()


@pytest.mark.slow
def test_the_shell_recipe_judges(wheel: Path, venv: Path, bare: Environment, tmp_path: Path) -> None:
    environment = {**bare, "PACKFILE_SUITE": f"{wheel}[suite]", "PACKFILE_VENV": str(venv), "PYTHON": sys.executable}
    environment |= {"PACKFILE_BYTE_ORDER": FEW, "PACKFILE_REPORT": "the report.xml", "PACKFILE_TIMEOUT": "20"}
    check_statuses(["sh", SCRIPT], environment, venv, tmp_path)
    assert (tmp_path / "the report.xml").stat().st_size > 1000
    evil = do(["sh", SCRIPT], tmp_path, {**environment, "PACKFILE_LOADER": EVIL})
    assert evil.returncode == 2
    assert "the loader cannot be used" in evil.stderr
    assert not (tmp_path / "pwned").exists()
    unset = do(["sh", SCRIPT], tmp_path, environment)
    assert unset.returncode == 2
    assert "PACKFILE_LOADER is not set" in unset.stderr
    missing = {**environment, "PACKFILE_LOADER": "x", "PACKFILE_SUITE": "./none.whl"}
    assert do(["sh", SCRIPT], tmp_path, missing).returncode == 2


def action_step() -> dict[str, Any]:
    (step,) = [step for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if "run" in step]
    return dict(step)


@pytest.mark.slow
def test_the_steps_of_the_action_judge(venv: Path, bare: Environment, tmp_path: Path) -> None:
    action, step = yaml.safe_load(ACTION.read_text()), action_step()
    inputs = {name: value.get("default", "") for name, value in action["inputs"].items()} | {"byte-order": FEW}
    known = {f"inputs.{name}": value for name, value in inputs.items()}
    known |= {"steps.python.outputs.python-path": sys.executable, "runner.temp": str(venv.parent)}
    values = {
        name: re.sub(r"\$\{\{ *(\S+) *\}\}", lambda match: known[match[1]], text) for name, text in step["env"].items()
    }
    script = tmp_path / "step.sh"
    script.write_text(step["run"])
    # So GitHub's runners call bash.
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
    environment = {**bare, **values, "GITHUB_ACTION_PATH": str(ACTION.parent)}
    check_statuses(command, environment, Path(values["PACKFILE_VENV"]), tmp_path)


@pytest.mark.slow
def test_the_job_for_gitlab_judges(wheel: Path, venv: Path, bare: Environment, tmp_path: Path) -> None:
    job = yaml.safe_load(GITLAB.read_text())[".packfile-conformance"]
    script = tmp_path / "job.sh"
    script.write_text("set -e\n" + "\n".join(job["script"]) + "\n")
    environment = {**bare, **job["variables"], "PACKFILE_SUITE": f"{wheel}[suite]", "PACKFILE_BYTE_ORDER": FEW}
    check_statuses(["sh", script], environment, venv, venv.parent)
    assert (venv.parent / job["artifacts"]["reports"]["junit"]).stat().st_size > 1000
    missing = {**environment, "PACKFILE_LOADER": "x", "PACKFILE_SUITE": "./none.whl"}
    assert do(["sh", script], venv.parent, missing).returncode == 2


@pytest.mark.parametrize(
    ("schema", "file", "key"),
    [
        ("vendor.github-actions", ACTION, "runs"),
        ("vendor.github-workflows", WORKFLOW, "jobs"),
        ("vendor.gitlab-ci", GITLAB, "script"),
    ],
)
def test_the_templates_have_the_form_that_their_services_state(
    schema: str, file: Path, key: str, tmp_path: Path
) -> None:
    # A job whose name begins with a dot may be anything to the schema; extended, it has another.
    text = file.read_text().replace("\n.packfile-conformance:", "\npackfile-conformance:")
    copy = tmp_path / file.name
    for content, status in ((text, 0), (re.sub(rf"(?m)^( *){key}:", r"\1misspelt:", text), 1)):
        copy.write_text(content)
        done = do(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, copy], tmp_path, {**os.environ}
        )
        assert done.returncode == status, done.stdout


def test_every_option_in_a_template_is_one_of_the_command() -> None:
    known = set(re.findall(r"--[a-z-]+", CliRunner().invoke(main, ["run", "--help"]).output))
    for file in (SCRIPT, GITLAB):
        used = set(re.findall(r"--[a-z-]+", re.split('packfile-suite"? run', file.read_text())[1]))
        assert used == {"--prebuilt", "--loader", "--expect", "--byte-order", "--timeout", "--junitxml"}
        assert used <= known


def test_no_value_of_an_input_stands_in_a_script() -> None:
    assert "${{" not in action_step()["run"]
    assert {"PACKFILE_LOADER", "PACKFILE_EXPECT"} <= action_step()["env"].keys()
    names = set(re.findall(r"PACKFILE_[A-Z_]+", SCRIPT.read_text()))
    assert {name for name in action_step()["env"] if name != "PYTHON"} <= names
    assert set(re.findall(r"PACKFILE_[A-Z_]+", GITLAB.read_text())) <= names


def test_the_example_workflow_gives_the_action_inputs_that_it_has() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["conformance"]["steps"]
    (used,) = [step for step in steps if "conformance/ci/github" in step.get("uses", "")]
    inputs = yaml.safe_load(ACTION.read_text())["inputs"]
    assert used["with"].keys() <= inputs.keys()
    assert {name for name, value in inputs.items() if value.get("required")} <= used["with"].keys()
