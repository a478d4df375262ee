"""Examples that failed once, judged again.

Assumes that the generator is of the version that they were saved under. Promises that a failure which a campaign saved
is found again, by whoever has the database, until it is mended.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis.database import ExampleDatabase

from packfile_fuzz.campaign.database import saved
from packfile_fuzz.oracles import ORACLES, Oracle, examine
from packfile_fuzz.run import Loaders


def replay(store: ExampleDatabase, oracles: Sequence[Oracle] = tuple(ORACLES.values())) -> list[str]:
    """What is still wrong with the programs of a database: the bytes and what an oracle says, for each failure."""
    wrong = []
    with Loaders({}) as loaders:
        for data in saved(store, "program"):
            differences = examine(data, oracles, loaders).differences
            wrong += [f"{data.hex()}: {signature.oracle}: {message}" for signature, message in differences]
    return wrong
