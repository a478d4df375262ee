from collections.abc import Callable
from pathlib import Path

import pytest

from packfile.layout import ByteOrder


@pytest.fixture(params=ByteOrder, ids=lambda order: order.name.lower())
def order(request: pytest.FixtureRequest) -> ByteOrder:
    """Each byte order."""
    value = request.param
    assert isinstance(value, ByteOrder)
    return value


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes bytes to a new file and gives its path."""
    count = 0

    def write_file(data: bytes) -> Path:
        nonlocal count
        count += 1
        path = tmp_path / f"module{count}.pkf"
        path.write_bytes(data)
        return path

    return write_file


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded, also those of other processes."""
    figures = [
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "figures" and getattr(report, "when", None) == "call"
    ]
    if figures:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)
