"""The calibrating process finds how much one touch of a mapped file brings in."""

import os
from pathlib import Path

import pytest

from packfile_suite.observe.calibrate import LARGEST_WINDOW, calibrate
from packfile_suite.observe.proc import PAGE


@pytest.mark.parametrize("directory", ["/dev/shm", None])  # noqa: S108 - tmpfs is what is meant
def test_a_touch_brings_in_a_window(directory: str | None, tmp_path: Path) -> None:
    if directory is not None and not os.access(directory, os.W_OK):
        pytest.skip(f"there is no {directory} here")
    found = calibrate(Path(directory) if directory else tmp_path)
    assert PAGE <= found.window <= LARGEST_WINDOW
    assert found.window % PAGE == 0
    assert found.noise >= PAGE
    assert found.faults >= 1


def test_a_short_file_is_its_own_window(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"x" * (PAGE + 1))
    assert calibrate(tmp_path, path).window == 2 * PAGE
