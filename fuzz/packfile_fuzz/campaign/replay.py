"""Examples that failed once, judged again.

Assumes that the generator is of the version that they were saved under. Promises that a failure which a campaign saved
is found again, by whoever has the database, until it is mended.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis.database import ExampleDatabase

from packfile_fuzz.campaign.database import saved
from packfile_fuzz.oracles import ORACLES, Oracle, examine
from packfile_fuzz.oracles.broken import examine_broken
from packfile_fuzz.run import Loaders


def replay(store: ExampleDatabase, oracles: Sequence[Oracle] = tuple(ORACLES.values())) -> list[str]:
    """What is still wrong with the examples of a database: for each failure the example and what an oracle says.

    Args:
        store: The database.
        oracles: What programs are judged by; broken files are asked all that can be asked without a loader.
    """
    with Loaders({}) as loaders:
        programs = [(data.hex(), examine(data, oracles, loaders)) for data in saved(store, "program")]
    broken = [(f"broken {int(data)}", examine_broken(int(data))) for data in saved(store, "malformed")]
    return [
        f"{name}: {signature.oracle}: {message}"
        for name, judgement in (*programs, *broken)
        for signature, message in judgement.differences
    ]
