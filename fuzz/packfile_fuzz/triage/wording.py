"""What a case says for people: its id, its summary, and the comment above it.

Assumes a specimen that fails. Promises text of printable characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packfile_fuzz.generator import VERSION
from packfile_fuzz.malformed import CHECKS
from packfile_fuzz.results import Failure, Signature
from packfile_fuzz.triage.edits import Edit
from packfile_fuzz.triage.specimen import Specimen
from packfile_suite.report import printable

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a case comes from, for its comment."""

    failure: Failure
    """The failure that was found."""
    signature: Signature
    """That of the minimised case, with the opcode at the first divergence."""
    message: str
    """What differs in the minimised case."""


def slug(specimen: Specimen, signature: Signature) -> str:
    """What differs, as part of an id."""
    expected, got = signature.outcomes
    words = signature.opcode or " ".join(edit.path or edit.verb for edit in (specimen.edits or ())[:1])
    words = words or (f"{got} for {expected}" if got != expected else signature.detail) or signature.oracle
    return re.sub(r"[^a-z0-9_]+", "-", words.lower()).strip("-")


def summary(specimen: Specimen, origin: Origin) -> str:
    """What is expected of what, and what came."""
    signature = origin.signature
    expected, got = signature.outcomes
    if expected == got:
        # Both ended so, and what they gave differs.
        wanted, _, came = origin.message.partition(", expected ")[2].partition(", got ")
        expected, got = wanted or expected, came or f"{got} ({signature.detail})"
    what = signature.opcode or ", ".join(map(_done, specimen.edits or ()))
    where = f"{what}: " if what else ""
    text = printable(f"{where}expected {expected}, and {signature.loader} gave {got}, found by fuzzing")
    text = text.replace(",)", ")").replace("'", "")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _done(edit: Edit) -> str:
    """What is done to a file, in few words."""
    match edit.verb:
        case "set":
            return f"{edit.path} is {edit.value}"
        case "append":
            return f"bytes appended: {len(edit.data)}"
        case "truncate":
            return f"bytes left: {edit.value}"
    return " ".join(filter(None, (edit.verb.replace("_", " "), edit.path)))


def _said(message: str) -> str:
    """A message on one line, without directories that are gone by now."""
    return printable(" ".join(re.sub(r"/\S*/(?=[^/\s]+\.pkf)", "", message).split())[:300])


def comment(specimen: Specimen, origin: Origin) -> Iterator[str]:
    """Where the case comes from, and how far it is to be trusted, line by line."""
    failure, signature = origin.failure, origin.signature
    yield f"Found by packfile-fuzz: seed {failure.seed}, kind {failure.kind}, generator version {VERSION}."
    yield f"Oracle {signature.oracle}, loader {signature.loader}: {_said(origin.message)}"
    if signature.oracle in CHECKS:
        yield "What is expected is a reading of the specification, and the reference says something else."
    elif signature.loader == "reference":
        yield "What is expected is what the reference gives when it runs as usual; the oracle ran it in another way,"
        yield "or looked at something else than outcomes. Which is right is for people to say."
    else:
        yield "What is expected is what the reference gives. If it is the reference that is wrong, turn it."
    if specimen.edits is None and len({entry.order for entry in specimen.program.entries if entry.module}) > 1:
        orders = ",".join(str(entry.order.name).lower() for entry in specimen.program.entries if entry.module)
        yield f"It was seen with files in these orders: {orders}."
