"""Whether a file was used in place: statements, each with what was seen and how much was allowed.

A statement holds, fails, or cannot be told; what cannot be told never counts as held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .calibrate import Calibration
from .identity import FileIdentity
from .proc import PAGE, Unobservable
from .watch import FileRecord, Observation

OK, FAILED, UNOBSERVABLE = "ok", "failed", "unobservable"
_HEAD = 64 * 1024
_NOISES = 4
"""A bound that is not some times the noise tells nothing."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is allowed, in bytes; None stands for the default."""

    private: int | None = None
    """Growth of anonymous memory; half of the file by default."""
    data: int = 0
    """Private pages of writable, private mappings of the file."""
    touched: int | None = None
    """Bytes of the file that may be brought in; not judged by default."""
    read: int | None = None
    """Bytes that calls may take of it; by default a sixteenth of the file, from a page to 64 KiB."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that holds, fails, or cannot be told of a file."""

    file: str
    name: str
    verdict: str
    text: str


def judge(result: Observation, calibration: Calibration, bounds: Bounds) -> list[Statement]:
    """The statements about every file."""
    return [
        Statement(record.identity.path, name, verdict, text)
        for record in result.files
        for name, verdict, text in _statements(record, result, calibration, bounds)
    ]


def status(statements: Sequence[Statement]) -> int:
    """0 if all hold, 1 if one fails, 2 if one cannot be told."""
    verdicts = {statement.verdict for statement in statements}
    return 1 if FAILED in verdicts else 2 if UNOBSERVABLE in verdicts or not verdicts else 0


def _statements(
    file: FileRecord, result: Observation, calibration: Calibration, bounds: Bounds
) -> Iterator[tuple[str, str, str]]:
    size, blind = file.identity.size, result.why_not
    if not file.mapped:
        if file.was_read and not blind:
            yield "mapped", FAILED, f"no mapping of the file was made; calls read {amount(file.was_read)} of it"
        else:
            reason = blind or "the command neither mapped nor read it"
            yield "mapped", UNOBSERVABLE, f"nothing was seen of the file: {reason}"
            return
    else:
        yield "mapped", OK, f"{amount(file.mapped)} mapped, {', '.join(sorted(file.permissions))}"
    yield "not read", *_read(file, blind, _most_read(size) if bounds.read is None else bounds.read)
    yield "not writable", *_writable(file, blind, bounds)
    yield "not patched", *_patched(file, blind, bounds)
    yield "not copied", *_copied(file, blind, calibration, bounds)
    if bounds.touched is not None:
        yield "not scanned", *_scanned(file, blind, calibration, bounds.touched)


def _most_read(size: int) -> int:
    """What may be read to see what kind of file it is: a page, and a little more of a long file."""
    return min(max(PAGE, min(size // 16, _HEAD)), size // 2)


def _read(file: FileRecord, blind: str, bound: int) -> tuple[str, str]:
    if blind:
        return UNOBSERVABLE, f"which calls read the file was not seen: {blind}"
    verdict = FAILED if file.was_read > bound else OK
    return verdict, f"calls read {amount(file.was_read)}; at most {amount(bound)} may be"


def _writable(file: FileRecord, blind: str, bounds: Bounds) -> tuple[str, str]:
    wrong = {each for each in file.permissions if "w" in each and (each.endswith("s") or not bounds.data)}
    if wrong:
        return FAILED, f"mapped {', '.join(sorted(wrong))}; no mapping may be writable"
    if blind:
        return UNOBSERVABLE, f"no writable mapping was seen, but there may have been one: {blind}"
    return OK, "no mapping that may not be is writable"


def _patched(file: FileRecord, blind: str, bounds: Bounds) -> tuple[str, str]:
    # A page may be private only for an instant between looks; pagemap keeps what any of them saw.
    private = max(file.private, len(file.patched) * PAGE)
    if file.private_read_only or private > bounds.data:
        text = f"{amount(private)} of its mappings are private pages; at most {amount(bounds.data)} may be"
        return FAILED, text
    if blind:
        return UNOBSERVABLE, f"no private page was seen, but there may have been one: {blind}"
    return OK, f"{amount(private)} of its mappings are private pages, of at most {amount(bounds.data)}"


def _copied(file: FileRecord, blind: str, calibration: Calibration, bounds: Bounds) -> tuple[str, str]:
    bound = file.identity.size // 2 if bounds.private is None else bounds.private
    if file.copied is None:
        return UNOBSERVABLE, f"how much memory there was before the file was used was not seen: {blind}"
    seen = f"anonymous memory grew by {amount(file.copied)}; at most {amount(bound)} may be"
    if bound < _NOISES * calibration.noise:
        return UNOBSERVABLE, f"{seen}, which is too little to be told from noise: use a longer file"
    return FAILED if file.copied > bound else OK, seen


def _scanned(file: FileRecord, blind: str, calibration: Calibration, bound: int) -> tuple[str, str]:
    touched = max(file.resident, len(file.touched) * PAGE)
    seen = f"{amount(touched)} of the file were brought in; at most {amount(bound)} may be"
    if touched > bound:
        return FAILED, seen
    if blind:
        return UNOBSERVABLE, f"{seen}, but there may have been more: {blind}"
    if bound < calibration.window:
        return UNOBSERVABLE, f"{seen}, but one touch brings in {amount(calibration.window)}"
    return OK, seen


def amount(size: int) -> str:
    """Bytes in a unit that a person reads."""
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.3g} {unit}" if size % (1 << shift) else f"{size >> shift} {unit}"
    return f"{size} bytes"


def named_files(command: Sequence[str]) -> list[str]:
    """The arguments of a command that name a file, each once."""
    found = []
    for argument in command[1:]:
        try:
            FileIdentity.of(Path(argument))
        except (Unobservable, ValueError):
            continue
        if argument not in found:
            found.append(argument)
    return found
