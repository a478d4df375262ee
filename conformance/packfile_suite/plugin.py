"""The pytest plug-in: each case in each byte order is an item of its own.

    pytest conformance/
    pytest -p packfile_suite.plugin --pyargs packfile_suite --loader "CMD"

It is no entry point, so it does nothing to other runs of pytest: `conformance/conftest.py` loads it, or `-p`.
"""

from __future__ import annotations

import gc
import shlex
from collections.abc import Generator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .case import Case, CaseError
from .execute import Loader, reference_loader
from .expectations import ExpectationError, Expectations, RunName, read_expectations, run_names
from .in_place.profile import runs as profile_runs
from .items import CaseFile, CaseItem, ProtocolItem
from .load import case_files, check_unique, load, shipped_cases
from .paths import cases_directory, prebuilt_archive, shown
from .plan import Filters, Sample
from .profile_items import ProfileItem
from .protocol import CHECKS
from .recorder import NewFile, Recorder
from .report import printable
from .sample import Sampler
from .session import LoaderFailed
from .steps import STEPS
from .suite import SUITE, Suite

DEFAULT_TIMEOUT = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the suite's options."""
    group = parser.getgroup("packfile", "Packfile conformance suite")
    group.addoption("--loader", metavar="CMD", help="command of the adapter under test (default: the reference)")
    # pytest-timeout has a --timeout of its own.
    names = ["--loader-timeout"] if find_spec("pytest_timeout") else ["--loader-timeout", "--timeout"]
    group.addoption(*names, dest="loader_timeout", type=float, default=DEFAULT_TIMEOUT, help="seconds for one answer")
    group.addoption(
        "--rule", action="append", default=[], metavar="PF-..", help="cases of this rule, or of all that begin so"
    )
    group.addoption(
        "--stage", action="append", default=[], help="cases whose first failure is malformed, trap, ...; or ok"
    )
    group.addoption("--feature", action="append", default=[], help="cases that need this feature")
    group.addoption("--up-to", choices=STEPS, help="cases that need only the steps of a loader up to this one")
    group.addoption("--byte-order", action="append", default=[], help="little, big, mixed, or little,big,...")
    group.addoption("--sample", metavar="N", type=int, help="only N cases of those that are asked for otherwise")
    group.addoption("--seed", metavar="S", type=int, help="which N cases; 0 by default")
    group.addoption("--expect", metavar="FILE", help="expectation file (packfile-expect.toml)")
    group.addoption("--write-expect", metavar="FILE", help="write an expectation file for the failures of this run")
    group.addoption("--report-jsonl", metavar="FILE", help="write a JSON line for each run of a case")
    group.addoption("--prebuilt", action="store_true", help="take the files from the installed package; build none")
    group.addoption(
        "--cases", action="append", default=[], metavar="DIR", help="cases to collect instead of the suite's own"
    )


def _given(config: pytest.Config, name: str, default: Any = None) -> Any:  # noqa: ANN401 - an option
    # Where a conftest is found late (`pytest .`), its options were never added.
    return config.getoption(name, default)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the options, and starts a named loader once, so that a wrong command is reported as such."""
    if SUITE in config.stash:
        return
    command = _given(config, "loader")
    filters = Filters(
        rules=tuple(_given(config, "rule", [])),
        stages=tuple(_given(config, "stage", [])),
        features=tuple(_given(config, "feature", [])),
        byte_orders=tuple(_given(config, "byte_order", [])),
        up_to=_given(config, "up_to"),
    )
    timeout = _given(config, "loader_timeout", DEFAULT_TIMEOUT)
    if command is not None and not command.strip():
        raise pytest.UsageError("--loader is empty")  # else the reference would be judged in its place
    suite = Suite(
        loader=Loader(shlex.split(command), timeout) if command else reference_loader(timeout),
        named=bool(command),
        filters=filters,
        expectations=_expectations(config),
        sample=_sample(config),
        prebuilt=_prebuilt(config),
        roots=tuple(Path(path).resolve() for path in _given(config, "cases", [])) or (cases_directory().resolve(),),
    )
    config.stash[SUITE] = suite
    if suite.sample is not None:
        config.pluginmanager.register(Sampler(suite, suite.sample), "packfile-sampler")
    if hasattr(config, "workerinput"):
        return
    if command and not config.option.collectonly:
        _check_loader(suite)
    new = _new_expectations(config)
    recorder = Recorder(config, suite, _given(config, "report_jsonl"), NewFile(new, _cases(config)) if new else None)
    config.pluginmanager.register(recorder, "packfile-recorder")


def _check_loader(suite: Suite) -> None:
    try:
        suite.loader.session()
    except LoaderFailed as failure:
        end = "".join(f"\n  | {printable(line)}" for line in failure.stderr.splitlines()[-10:])
        command = shlex.join(suite.loader.command)
        raise pytest.UsageError(
            f"the loader cannot be used: {printable(failure.message)}\n  command: {command}{end}"
        ) from None


def _sample(config: pytest.Config) -> Sample | None:
    size, seed = _given(config, "sample"), _given(config, "seed")
    if size is None:
        if seed is not None:
            raise pytest.UsageError("--seed says which sample is taken, and needs --sample")
        return None
    if size < 1:
        raise pytest.UsageError(f"--sample {size}: a sample has at least one case")
    return Sample(size, seed or 0)


def _cases(config: pytest.Config) -> Sequence[Case]:
    given = [Path(place) for place in _given(config, "cases", [])]
    return load(case_files(given)) if given else shipped_cases()


def _new_expectations(config: pytest.Config) -> Path | None:
    """Where the failures of this run are to be written, if anywhere."""
    name, old = _given(config, "write_expect"), _given(config, "expect")
    if not name:
        return None
    path = Path(name)
    if path.exists() and not (old and path.samefile(old)):
        raise pytest.UsageError(
            f"--write-expect: {path} is there already; give it as --expect, too, to bring it up to date"
        )
    if not path.absolute().parent.is_dir():
        raise pytest.UsageError(f"--write-expect: there is no directory {path.parent}")
    return path


def _prebuilt(config: pytest.Config) -> Path | None:
    if not _given(config, "prebuilt"):
        return None
    archive = prebuilt_archive()
    if archive is None:
        raise pytest.UsageError("--prebuilt: this installation has no prebuilt files: they come with the wheel")
    if _given(config, "cases"):
        raise pytest.UsageError("--prebuilt: there are prebuilt files of the suite's own cases only; leave --cases out")
    return archive


def _expectations(config: pytest.Config) -> Expectations:
    path = _given(config, "expect")
    if not path:
        return Expectations()
    try:
        profile = (RunName.of(check.case, variant) for check, variant in profile_runs())
        return read_expectations(Path(path), [*run_names(_cases(config)), *profile])
    except (ExpectationError, CaseError) as error:
        raise pytest.UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the loader."""
    suite = config.stash.get(SUITE, None)
    if suite is not None:
        suite.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Has nobody look for garbage among cases, which live as long as the run: that takes a fifth of a short one."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        if was_enabled:
            gc.enable()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Takes YAML files below the directory of cases."""
    suite = parent.config.stash.get(SUITE, None)
    if suite is None or file_path.suffix != ".yaml":
        return None
    resolved = file_path.resolve()
    if not any(resolved.is_relative_to(root) for root in suite.roots):
        return None
    collector: CaseFile = CaseFile.from_parent(parent, path=file_path, nodeid=shown(file_path))
    suite.collected = True
    return collector


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what was not asked for, and adds the checks of the protocol to a whole run."""
    suite = config.stash[SUITE]
    cases = [item for item in items if isinstance(item, CaseItem)]
    if not cases:
        return
    try:
        check_unique({id(item.case): item.case for item in cases}.values())
    except CaseError as error:
        raise pytest.UsageError(str(error)) from None
    dropped = {
        item for item in cases if not (suite.filters.admit(item.case) and suite.filters.admit_variant(item.variant))
    }
    if dropped:
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=list(dropped))
    if _are_whole_suite(suite, cases) and suite.sample is None:
        for check, variant in profile_runs():
            if suite.filters.admit(check.case) and suite.filters.admit_variant(variant):
                items.append(ProfileItem.make(session, check, variant))
    if not suite.filters and suite.sample is None:
        for name in CHECKS:
            item: ProtocolItem = ProtocolItem.from_parent(session, name=name, nodeid=f"packfile-suite::{name}")
            items.append(item)


def _are_whole_suite(suite: Suite, cases: list[CaseItem]) -> bool:
    """Whether every file of the suite's own cases was collected; the profile belongs to the suite, not to any file."""
    own = cases_directory().resolve()
    return suite.roots == (own,) and {item.path.resolve() for item in cases} >= set(case_files((own,)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Makes sure that there is a loader before a long run of failures says so."""
    suite = session.config.stash[SUITE]
    has_cases = any(isinstance(item, CaseItem) for item in session.items)
    if has_cases and not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        _check_loader(suite)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Gives the report what the summary needs, so that it also travels from xdist's workers."""
    report = yield
    record = getattr(item, "record", None)
    if record is not None and report.when == "call":
        report.packfile = record  # type: ignore[attr-defined]
    return report
