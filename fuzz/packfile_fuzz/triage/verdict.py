"""What the suite says of a case that triage wrote: of the reference, and of the loader that differed.

Assumes a file that triage wrote. Promises the outcome of every byte order that the case runs in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packfile_suite.build import Builder
from packfile_suite.case import CaseError
from packfile_suite.execute import Loader, reference_loader, run_case
from packfile_suite.load import load_file
from packfile_suite.plan import variants


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of a case."""

    reference: dict[str, str]
    """Verdict on the reference by byte order: `pass`, `fail`, `crash`, `hang` or `rubbish`."""
    loader: dict[str, str]
    """The same on the loader that differed; empty if that is the reference."""
    error: str = ""
    """Why the case cannot be run, if it cannot."""

    @property
    def shows(self) -> bool:
        """Whether the reference passes, and the loader fails in some byte order."""
        good = bool(self.reference) and set(self.reference.values()) == {"pass"}
        return good and any(verdict != "pass" for verdict in self.loader.values())


def judge_case(file: Path, command: Sequence[str] | None, timeout: float) -> Verdicts:
    """Run the case of a file.

    Args:
        file: The file.
        command: Of the adapter of the loader that differed; None if that is the reference.
        timeout: Seconds for an answer.
    """
    try:
        reference = run(file, reference_loader(timeout))
        loader = run(file, Loader(command, timeout)) if command else {}
    except CaseError as error:
        return Verdicts({}, {}, str(error))
    return Verdicts(reference, loader)


def run(file: Path, loader: Loader) -> dict[str, str]:
    """Verdicts on a loader by case and byte order, of all cases of a file; the loader is ended.

    Raises:
        CaseError: The file holds no cases.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="packfile-fuzz-") as directory:
            builder = Builder(Path(directory))
            return {
                variant.label: run_case(loader, case, builder.files(case, variant)).verdict
                for case in load_file(file)
                for variant in variants(case)
            }
    finally:
        loader.close()
