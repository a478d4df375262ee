"""Steps of building a loader: with those up to one it passes the cases of these, and every case belongs to one."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from packfile_suite.build import Builder
from packfile_suite.case import Case
from packfile_suite.cli import main
from packfile_suite.execute import Loader, run_case
from packfile_suite.load import shipped_cases
from packfile_suite.plan import Filters, variants
from packfile_suite.steps import STEPS, step_of


def of_step(step: str) -> list[Case]:
    return [case for case in shipped_cases() if step_of(case) == step]


def failures(cases: list[Case], command: str, directory: Path) -> list[str]:
    loader, builder = Loader(command.split(), timeout=30.0), Builder(directory)
    try:
        return [
            f"{case.id}: {failure.got} {failure.stderr}"
            for case in cases
            if (failure := run_case(loader, case, builder.files(case, variants(case)[0])).failure)
        ]
    finally:
        loader.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_loader_that_is_built_up_to_a_step_passes_its_cases(
    step: str, fake: Callable[..., str], tmp_path: Path
) -> None:
    every = 1 if step in {"function", "verify"} else 4  # elsewhere the case itself says what it needs
    assert not failures(of_step(step)[::every], fake("limited", step), tmp_path)


@pytest.mark.parametrize(("before", "step"), list(itertools.pairwise(STEPS)))
def test_a_step_is_needed_by_the_cases_of_it(before: str, step: str, fake: Callable[..., str], tmp_path: Path) -> None:
    cases = of_step(step)
    cases = cases[:: len(cases) // 12]
    assert len(failures(cases, fake("limited", before), tmp_path)) > len(cases) / 3


def test_steps_add_up_to_the_suite() -> None:
    selected = [{case.id for case in shipped_cases() if Filters(up_to=step).admit(case)} for step in STEPS]
    assert all(before < after for before, after in itertools.pairwise(selected))
    assert len(selected[0]) > 100
    assert selected[-1] == {case.id for case in shipped_cases()}


def test_what_is_no_step_is_refused() -> None:
    result = CliRunner().invoke(main, ["list", "--up-to", "engine"])
    assert result.exit_code == 2
    assert "'image', 'function', 'verify', 'machine', 'link', 'limits', 'audit'" in result.output


def test_a_run_takes_the_step(run_suite: Callable[..., pytest.RunResult]) -> None:
    run_suite("--up-to", "image").stdout.fnmatch_lines(["*executed 4 / unsupported 0 / selected 4*"])
