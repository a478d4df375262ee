"""How long to look: settings of hypothesis for CI and for people.

Assumes nothing; hypothesis's own profile for CI, which it loads by itself, is not relied on. Promises that `quick` does
the same on each run, unless there is a database of examples that failed.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

QUICK, LONG = "quick", "long"
PROFILES = (QUICK, LONG)
"""What can be asked for."""
KEPT = ".hypothesis/examples"
"""Where `long` keeps what failed, from the current directory, as hypothesis does by itself."""


def profile(name: str, database: ExampleDatabase | None = None) -> settings:
    """The settings of a profile.

    Args:
        name: `quick`, which takes seconds a test, or `long`, which takes minutes.
        database: Where examples that failed are kept; nowhere in `quick`, and in `.hypothesis` in `long`, if not given.

    Raises:
        KeyError: There is no such profile.
    """
    if name not in PROFILES:
        raise KeyError(name)
    # What is slow here is a program's own fuel, or another process.
    common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=False)
    if name == LONG:
        # Named, since with CI set hypothesis would keep nothing.
        kept = DirectoryBasedExampleDatabase(KEPT) if database is None else database
        return settings(common, max_examples=10_000, stateful_step_count=50, derandomize=False, database=kept)
    phases = [phase for phase in Phase if phase is not Phase.explain]
    quick = settings(common, max_examples=50, stateful_step_count=25, phases=phases)
    if database is None:
        return settings(quick, derandomize=True, database=None)
    return settings(quick, derandomize=False, database=database)
