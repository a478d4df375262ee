"""Makes the cases of this directory items of pytest."""  # noqa: INP001 - no package, like all tests

import pytest


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    # `pytest_plugins` may only stand in the top directory, where it would concern all other tests as well.
    pluginmanager.import_plugin("packfile_suite.plugin")
