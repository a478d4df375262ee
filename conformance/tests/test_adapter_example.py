"""The example of spec/adapter.md is short, and it is an adapter."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "spec" / "adapter_example.py"


def test_the_example_stays_below_a_hundred_lines() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 100


def test_the_example_passes_the_cases_of_the_fixups() -> None:
    loader = f"{sys.executable} {EXAMPLE}"
    command = [sys.executable, "-m", "packfile_suite", "run", "--loader", loader, "--rule", "PF-FIX"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "loader: example 1" in done.stdout
