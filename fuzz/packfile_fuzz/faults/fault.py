"""What a fault is.

Assumes nothing. Promises plain values: a fault does nothing until it is activated.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from packfile_fuzz.faults.edits import Edit


class Where(enum.StrEnum):
    """The layer of the reference that is wrong, or the loader in C."""

    PARSER = "parser"
    IMAGE = "image"
    VERIFIER = "verifier"
    LINKER = "linker"
    MACHINE = "machine"
    PROCESS = "process"
    DIGESTS = "digests"
    AUDIT = "audit"
    TRANSLATOR = "translator"
    C = "c"


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to be wrong."""

    name: str
    """Its name, the only one so."""
    rules: tuple[str, ...]
    """Rules that it breaks, the one that must catch it first."""
    summary: str
    """What the loader does, as a sentence."""
    where: Where
    """What is wrong."""
    edits: tuple[Edit, ...] = ()
    """What makes the reference so; none for the loader in C."""
    witness: str = ""
    """Id of a case or in-place check of the suite that sees it; of the reference's only."""
    patch: Path | None = None
    """What makes the loader in C so."""

    @property
    def translate_after(self) -> int:
        """Calls after which the reference has to translate a function for the fault to show: 1, or 0 for never."""
        return int(self.where is Where.TRANSLATOR)
