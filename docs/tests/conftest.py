import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1]
_SECONDS = 600


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once for all workers of pytest-xdist; every warning is an error."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    try:
        place.mkdir()
    except FileExistsError:
        return _built_elsewhere(place)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", place / "doctrees", DOCS, place / "html"], capture_output=True, text=True, check=False
    )
    (place / "said").write_text(done.stderr, encoding="utf-8")
    (place / "status").write_text(str(done.returncode), encoding="utf-8")
    return _checked(place)


def _built_elsewhere(place: Path) -> Path:
    end = time.monotonic() + _SECONDS
    while not (place / "status").exists() and time.monotonic() < end:
        time.sleep(0.5)
    return _checked(place)


def _checked(place: Path) -> Path:
    status = (place / "status").read_text(encoding="utf-8")
    if status != "0":
        pytest.fail(f"the site does not build, status {status}:\n{(place / 'said').read_text(encoding='utf-8')}")
    return place / "html"
