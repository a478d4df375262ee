"""Options of the fuzzing tests: how long to look, and at which loader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from packfile_fuzz.campaign.database import DatabaseError, database
from packfile_fuzz.strategies import PROFILES, profile

CHOSEN = "packfile-fuzz"
"""Name under which tests find the settings that were asked for."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("packfile-fuzz", "Packfile fuzzing")
    group.addoption(
        "--fuzz-profile",
        choices=PROFILES,
        default=os.environ.get("HYPOTHESIS_PROFILE", PROFILES[0]),
        help="how long to look: quick (seconds, the default) or long (minutes); or HYPOTHESIS_PROFILE says it",
    )
    group.addoption(
        "--fuzz-loader",
        metavar="CMD",
        help="command of the adapter that strategies and the state machine drive (default: the reference's)",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Where a conftest is found late (`pytest .`), its options were never added.
    name = config.getoption("--fuzz-profile", PROFILES[0])
    directory = os.environ.get("PACKFILE_FUZZ_DATABASE")
    if name not in PROFILES:
        raise pytest.UsageError(f"HYPOTHESIS_PROFILE is {name!r}; here it is one of {', '.join(PROFILES)}")
    try:
        store = database(Path(directory), os.environ.get("PACKFILE_FUZZ_REDIS")) if directory else None
    except DatabaseError as error:
        raise pytest.UsageError(str(error)) from None
    settings.register_profile(CHOSEN, profile(name, store))
