"""Makes the cases of this directory items of pytest."""

import pytest


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    # `pytest_plugins` may only stand in the top directory, where it would concern all other tests as well.
    pluginmanager.import_plugin("packfile_suite.plugin")
