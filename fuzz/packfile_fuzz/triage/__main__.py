"""`python -m packfile_fuzz.triage`: one failure, as a process that can be ended whatever it does.

Assumes a request as `packfile_fuzz.triage.queue` writes it, on standard input.
"""

import json
import signal
import sys
from pathlib import Path

from packfile_fuzz.results import Failure, Signature
from packfile_fuzz.triage.folder import Settings, triage


def main() -> None:
    """Triage what standard input asks for."""
    # So that adapters end with this process, and their files go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    asked = json.load(sys.stdin)
    seed, kind, signature, message = asked["failure"]
    oracle, outcomes, *rest = signature
    failure = Failure(seed, kind, Signature(oracle, tuple(outcomes), *rest), message)
    loaders = {name: tuple(command) for name, command in asked["loaders"]}
    triage(failure, Settings(loaders, asked["timeout"], asked["seconds"]), Path(asked["folder"]))


if __name__ == "__main__":
    main()
