"""What the tests of the runner share."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import packfile
import packfile_suite
from tests.faults import SLACK, Fault, JudgeFault, check_run, processes_with, verdicts_of

HERE = Path(__file__).parent
SMALL = HERE / "data" / "small.yaml"


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.import_plugin("pytester")


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets processes import what this one can."""
    places = {str(Path(module.__file__ or "").parents[1]) for module in (packfile, packfile_suite)}
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sorted(places), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def fake() -> Callable[..., str]:
    """The command of a fake adapter."""

    def command(name: str, *arguments: object) -> str:
        return " ".join([sys.executable, str(HERE / "adapters" / f"{name}.py"), *map(str, arguments)])

    return command


RunSuite = Callable[..., pytest.RunResult]


@pytest.fixture
def run_suite(pytester: pytest.Pytester) -> RunSuite:
    """Runs the plug-in on cases, by default the small ones, in a pytest of its own."""

    def run(*arguments: object, cases: Path = SMALL, loader: str | None = None) -> pytest.RunResult:
        command: list[object] = ["-p", "packfile_suite.plugin", "-p", "no:cacheprovider", "--cases", cases, cases]
        command += ["--assert=plain", "-p", "no:hypothesispytest"]  # neither is tested here, and both are slow
        command += ["--loader", loader] if loader else []
        return pytester.runpytest_inprocess(*map(str, (*command, *arguments)))

    return run


@pytest.fixture
def judge_fault(run_suite: RunSuite, fake: Callable[..., str], tmp_path: Path) -> JudgeFault:
    """Runs the small cases with a fault in the first process, and checks all that must hold for any fault."""

    def judge(fault: Fault) -> None:
        report, notes = tmp_path / "report.jsonl", tmp_path / "notes"
        loader = fake("faulty", f"{fault.name},", fault.nth, notes)
        started = time.monotonic()
        result = run_suite("--loader-timeout", fault.timeout, "--report-jsonl", report, loader=loader)
        took = time.monotonic() - started
        check_run(fault, result, verdicts_of(report))
        assert processes_with(str(notes)) == []
        assert took < fault.timeout + SLACK

    return judge
