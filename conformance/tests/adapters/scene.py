"""What a fault has at hand when it is its turn."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOR_EVER = 600.0


@dataclass(frozen=True)
class Scene:
    """A request, the right answer to it, and a file for what the test wants to know."""

    request: dict[str, Any]
    reply: dict[str, Any]
    notes: Path

    @property
    def line(self) -> str:
        """The right answer as a line."""
        return json.dumps(self.reply) + "\n"


Fault = Callable[[Scene], None]


def say(text: str) -> None:
    """Writes to standard output at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def hang() -> None:
    """Does nothing, for longer than any test waits."""
    time.sleep(FOR_EVER)
