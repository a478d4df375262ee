"""Makes the cases of this directory items of pytest."""

pytest_plugins = ["packfile_suite.plugin"]
