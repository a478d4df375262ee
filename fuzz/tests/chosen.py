"""What the options of `fuzz/conftest.py` asked for, where tests need it."""

from __future__ import annotations

import shlex
import sys

import pytest
from hypothesis import settings

CHOSEN = settings.get_profile("packfile-fuzz")
"""Settings of the profile."""
REFERENCE = [sys.executable, "-m", "packfile", "adapter"]


def loader(config: pytest.Config) -> list[str]:
    """Command of the adapter."""
    command: str | None = config.getoption("--fuzz-loader", None)
    return shlex.split(command) if command else REFERENCE
