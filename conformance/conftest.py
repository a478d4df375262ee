"""Makes the cases of this directory items of pytest."""

from pathlib import Path

import pytest

OWN_TESTS = Path(__file__).parent / "tests"


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    # `pytest_plugins` may only stand in the top directory, where it would concern all other tests as well.
    pluginmanager.import_plugin("packfile_suite.plugin")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`pytest conformance/` judges a loader; the runner's own tests run where they, or all tests, are asked for."""
    named = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    if collection_path == OWN_TESTS and not any(path.is_relative_to(OWN_TESTS) for path in named):
        return True
    return None
