"""What the suite says of a fault: which of its cases sees it first, without any fuzzing.

Assumes the suite's cases and, for in-place faults, a system whose /proc can be read. Promises the first case that fails
in a fixed order: cases of the fault's first rule, then of its other rules, then all others in the order of their files.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import packfile
import packfile_fuzz
from packfile_fuzz.faults.fault import Fault
from packfile_suite.build import Builder, BuiltFile
from packfile_suite.case import Case
from packfile_suite.execute import Loader, Result, run_case
from packfile_suite.in_place.checks import Lab
from packfile_suite.in_place.modules import Workshop
from packfile_suite.in_place.profile import Check
from packfile_suite.in_place.profile import run as run_check
from packfile_suite.in_place.profile import runs as profile_runs
from packfile_suite.load import shipped_cases
from packfile_suite.plan import Variant, variants

TIMEOUT = 5.0
"""Seconds in which a loader has to answer; a fault may make it hang."""
_BUILDING = 300.0
"""Seconds that building a loader may take."""


@dataclass(frozen=True, slots=True)
class Run:
    """One way of running a case or an in-place check."""

    case: Case
    variant: Variant
    check: Check | None = None

    @property
    def name(self) -> str:
        """As the suite names it."""
        return f"{self.case.id}[{self.variant.label}]"


class Caught(NamedTuple):
    """The first run of the suite that fails, and what went wrong in it."""

    run: str
    """Name of the run."""
    rules: tuple[str, ...]
    """Rules that its case is for."""
    got: str
    """What came, in words; `crash`, `hang` or `rubbish` before it, if the loader did not answer."""
    tried: int
    """Runs up to this one."""

    def as_json(self) -> dict[str, Any]:
        """It as JSON holds it."""
        return {**self._asdict(), "rules": list(self.rules)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` gave; raises KeyError or TypeError if it is none."""
        return cls(data["run"], tuple(data["rules"]), data["got"], data["tried"])


class Suite:
    """The suite's cases, and the files that they are made of, each built once for all faults."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="packfile-faults-")
        self._builder = Builder(Path(self._directory.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._directory.cleanup()

    def first_failure(self, loader: Loader, rules: Sequence[str]) -> Caught | None:
        """The first run that a loader fails; None if it passes all that it has the features for."""
        said = loader.hello()
        features = () if said is None else said.features
        ordered = sorted(_runs(), key=lambda run: _rank(run.case, rules))
        able = (run for run in ordered if all(feature in features for feature in run.case.needs))
        for tried, run in enumerate(able, 1):
            failure = self.run(loader, run).failure
            if failure is not None:
                got = failure.got if failure.kind == "fail" else f"{failure.kind}: {failure.got}"
                return Caught(run.name, run.case.rules, got, tried)
        return None

    def files(self, run: Run) -> dict[str, BuiltFile]:
        """The files of a run, by name of module."""
        return self._builder.files(run.case, run.variant)

    def run(self, loader: Loader, run: Run) -> Result:
        """What comes of one run."""
        if run.check is None:
            return run_case(loader, run.case, self.files(run))
        with tempfile.TemporaryDirectory(prefix="in-place-", dir=self._directory.name) as directory:
            lab = Lab(loader, Path(directory), Workshop(Path(directory)))
            seen = run_check(run.check, lab, run.variant.label)
        if seen.unobservable:
            raise RuntimeError(f"{run.name} cannot be observed here: {seen.unobservable}")
        return seen


@functools.cache
def _runs() -> tuple[Run, ...]:
    """Every run of the suite: cases in every byte order, then the in-place profile, which takes longer."""
    cases = [Run(case, variant) for case in shipped_cases() for variant in variants(case)]
    return (*cases, *(Run(check.case, variant, check) for check, variant in profile_runs()))


def runs_of(case: str) -> list[Run]:
    """Every run of the case or in-place check of that id."""
    return [run for run in _runs() if run.case.id == case]


def _rank(case: Case, rules: Sequence[str]) -> int:
    return min((rules.index(rule) for rule in case.rules if rule in rules), default=len(rules))


def command_of(fault: Fault) -> list[str]:
    """The command of a loader with a fault of the reference."""
    return [sys.executable, "-m", "packfile_fuzz.faults", fault.name]


def environment() -> dict[str, str]:
    """An environment in which that command finds the packages, installed or not."""
    places = dict.fromkeys(str(Path(str(package.__file__)).parents[1]) for package in (packfile, packfile_fuzz))
    path = os.pathsep.join(filter(None, [*places, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


@contextmanager
def loader_of(fault: Fault, command: Sequence[str] | None = None) -> Iterator[Loader]:
    """A loader with a fault, ended at the end of the block.

    Args:
        fault: The fault.
        command: How it is started, if it is not the reference.
    """
    loader = Loader(command or command_of(fault), TIMEOUT, environment())
    try:
        yield loader
    finally:
        loader.close()


def built(fault: Fault, source: Path, directory: Path) -> list[str]:
    """Build the loader in C with a fault, and give the command of its adapter.

    Args:
        fault: One with a patch.
        source: The directory of the loader's source.
        directory: An empty one, for the source with the patch and what is built of it.

    Raises:
        RuntimeError: A tool is missing, the patch does not fit, or what it makes is not C.
    """
    assert fault.patch is not None
    shutil.copytree(source, directory, ignore=shutil.ignore_patterns("build", "wrong"), dirs_exist_ok=True)
    for command in (
        ["patch", "--strip=1", "--fuzz=0", "--input", str(fault.patch)],
        ["make", f"--jobs={os.cpu_count() or 1}", "CC=cc", "BUILD=build/wrong", "EXTRA=-Wno-error", "build/wrong/pf"],
    ):
        try:
            done = subprocess.run(  # noqa: S603 - the patches are the repository's own
                command, cwd=directory, capture_output=True, text=True, check=False, timeout=_BUILDING
            )
        except OSError as error:
            raise RuntimeError(f"{fault.name}: cannot run {command[0]}: {error.strerror}") from None
        if done.returncode:
            raise RuntimeError(f"{fault.name}: {command[0]} failed:\n{done.stdout}{done.stderr}")
    return [str(directory / "build/wrong/pf"), "adapter"]
