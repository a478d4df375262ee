"""All of triage for one failure, written into its folder.

Assumes a failure of this version of the generator. Promises that each file is whole, and that `triage.json`, which is
written last, says what came of it, also where nothing did.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from packfile.disassembler import disassemble
from packfile.publish import write_file
from packfile.writer import encode
from packfile_fuzz.results import Failure, Signature
from packfile_fuzz.triage.case import can_be_written, order_of, text_of
from packfile_fuzz.triage.divergence import first_divergence
from packfile_fuzz.triage.judge import Judge
from packfile_fuzz.triage.minimise import Minimal, minimise, size
from packfile_fuzz.triage.specimen import NotMinimisable, Specimen, broken_of, from_failure
from packfile_fuzz.triage.verdict import Verdicts, judge_case
from packfile_fuzz.triage.wording import Origin

CASE, SUMMARY = "case.yaml", "triage.json"
"""Names of the files."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to triage."""

    loaders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Commands of adapters, by name."""
    timeout: float = 10.0
    """Seconds that an adapter has for an answer."""
    seconds: float = 60.0
    """How long minimising may take."""


@dataclass(frozen=True, slots=True)
class Triage:
    """What came of a failure."""

    signature: Signature
    """That of the failure; of the smallest case where there is one, with the opcode at the first divergence."""
    seed: int
    """Of the example."""
    kind: str
    """Of the example."""
    message: str
    """What differs, or why there is no case."""
    seconds: float
    """Wall seconds."""
    runs: int = 0
    """Candidates that were judged."""
    instructions: int | None = None
    """Of the case; None if there is none."""
    complete: bool = False
    """Whether nothing more could be left out."""
    case: Verdicts | None = None
    """What the suite says of the case; None if there is none."""


def triage(failure: Failure, settings: Settings, folder: Path) -> Triage:
    """Minimise a failure, and write what is left of it into a folder.

    Raises:
        OSError: A file cannot be written.
    """
    begun = time.monotonic()
    found = _attempt(failure, settings, folder, settings.seconds)
    left = settings.seconds - (time.monotonic() - begun)
    if found.case is not None and not found.case.shows and failure.signature.loader in settings.loaders and left > 0:
        # What the loader ran before may matter; started anew for each candidate, it takes many times as long.
        again = _attempt(failure, settings, folder, left, is_alone=True)
        found = replace(again, runs=found.runs + again.runs)
    found = replace(found, seconds=round(time.monotonic() - begun, 3))
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / SUMMARY, (json.dumps(as_json(found), indent=2) + "\n").encode())
    return found


def _attempt(failure: Failure, settings: Settings, folder: Path, seconds: float, *, is_alone: bool = False) -> Triage:
    loaders = {name: tuple(command) for name, command in settings.loaders.items()}
    with Judge(failure.signature, loaders, settings.timeout, is_alone=is_alone) as judge:
        try:
            minimal = minimise(from_failure(failure.seed, failure.kind), judge, seconds)
            reason = "it does not fail alone: what was run before it may matter"
        except NotMinimisable as error:
            minimal, reason = None, str(error)
        if minimal is None:
            return Triage(failure.signature, failure.seed, failure.kind, reason, 0.0, judge.runs)
        return _written(failure, minimal, judge, settings, folder)


def as_json(found: Triage) -> dict[str, Any]:
    """What came of a failure, as JSON holds it."""
    case = None if found.case is None else asdict(found.case)
    return {**_fields(found), "signature": found.signature._asdict(), "case": case}


def _fields(found: Triage) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Triage.__slots__}


def _written(failure: Failure, minimal: Minimal, judge: Judge, settings: Settings, folder: Path) -> Triage:
    specimen, found = minimal.specimen, minimal.found
    opcode = _opcode(specimen, judge) or found.opcode
    signature = judge.signature._replace(outcomes=found.outcomes, detail=found.detail, opcode=opcode)
    folder.mkdir(parents=True, exist_ok=True)
    _write_modules(specimen, folder)
    verdicts = None
    if can_be_written(specimen.program):
        text = text_of(specimen, Origin(failure, signature, found.message), order_of(specimen))
        write_file(folder / CASE, text.encode())
        verdicts = judge_case(folder / CASE, settings.loaders.get(signature.loader), settings.timeout)
    return Triage(
        signature,
        failure.seed,
        failure.kind,
        found.message,
        0.0,
        judge.runs,
        size(specimen),
        minimal.complete,
        verdicts,
    )


def _opcode(specimen: Specimen, judge: Judge) -> str:
    if specimen.edits is not None or not judge.is_of_runs:
        return ""
    return first_divergence(specimen.program, lambda program: bool(judge.differences(program)))


def _write_modules(specimen: Specimen, folder: Path) -> None:
    """Each module as text and as a file, in the byte order that it failed in."""
    for entry in specimen.program.entries:
        if entry.module is not None:
            name = "".join(letter if letter.isalnum() else "-" for letter in entry.name)
            made = broken_of(specimen) if specimen.edits is not None else None
            content = encode(entry.module, entry.order) if made is None else made[1].content
            write_file(folder / f"{name}.pka", disassemble(entry.module).encode())
            write_file(folder / f"{name}.pkf", content)
