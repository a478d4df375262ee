"""For every test of the repository: where nothing may be missing, a skipped test is a failure."""

import os
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell without job control starts what it puts into the background; tests interrupt the processes they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run of CI in which a test was skipped: a machine that lacks something must not look like a good one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI") or exitstatus != pytest.ExitCode.OK:
        return
    # A case that needs what a loader lacks is reported as skipped, too; the suite has its own rules for those.
    if not all(_is_of_suite(report) for report in reporter.stats.get("skipped", [])):
        reporter.write_line("CI: a skipped test counts as a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_of_suite(report: pytest.TestReport) -> bool:
    """Whether a loader's own words left it out; what cannot be observed is left out by the machine."""
    return ".yaml::" in report.nodeid or "not applicable: " in str(report.longrepr)
