"""What a program came to, and how two of them differ.

Assumes nothing. Promises that everything that the spec fixes is compared, and nothing else: texts, rule ids and offsets
are kept for diagnosis, and what follows on `exhausted` is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from packfile.layout import MIN_BSS_TOTAL, MIN_DEPTH
from packfile_fuzz.program import Program

OK = "ok"
EXHAUSTED = "exhausted"
OUTCOMES = frozenset({OK, EXHAUSTED, "malformed", "unsupported", "corrupt", "unlinkable", "invalid", "trap"})
"""Those of the spec: what a loader may come to, whatever it is given."""
SHOWN = 8
"""Bytes of memory that a difference shows, from the first that differs on."""
INTERNAL = "internal"
"""Outcome of what raised an exception that is no outcome of the spec."""
Log = tuple[tuple[str, int], ...]
"""What host functions were given: the bank, `i` or `n`, and the value, floats as 64 bits."""


class Verdict(StrEnum):
    """What a comparison comes to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_COMPARABLE = "not-comparable"
    """Only where the spec leaves a limit open: depth past 4,096 frames, and bss past 64 MiB."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an action came to, to link or to call."""

    outcome: str
    """One of the spec, `internal`, or what became of a loader: `crash`, `hang` or `rubbish`."""
    code: str = ""
    """That of a trap."""
    i: tuple[int, ...] = ()
    """Integer results."""
    n: tuple[int, ...] = ()
    """Float results, as the 64 bits of each."""
    log: Log = ()
    """What the call told the host module."""
    fuel: int | None = field(default=None, compare=False)
    """What was left, where that can be asked."""
    rule: str = field(default="", compare=False)
    """The rule that was named, if any."""
    opcode: str = field(default="", compare=False)
    """Mnemonic of the instruction that did not go well, where it is known."""
    said: str = field(default="", compare=False)
    """The message of a failure."""
    told: Log = field(default=(), compare=False)
    """What a call that was exhausted told the host module: that is not compared."""

    def __str__(self) -> str:
        return f"{self.outcome} {self.code}".rstrip()


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a segment at the end of a program."""

    module: str
    """Name of the module."""
    segment: str
    """`data` or `bss`."""
    start: int
    """Offset of the first."""
    content: bytes
    """The bytes."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a program came to."""

    link: Seen
    """Of opening and linking."""
    calls: tuple[Seen, ...] = ()
    """Of each call, if linking was ok."""
    memory: tuple[Part, ...] | None = None
    """What the segments of all modules hold at the end; None where that is not fixed, or not asked."""

    @property
    def steps(self) -> tuple[Seen, ...]:
        """Linking and the calls."""
        return (self.link, *self.calls)

    @property
    def is_exhausted(self) -> bool:
        """Whether anything was, so that the spec does not fix the rest."""
        return any(step.outcome == EXHAUSTED for step in self.steps)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two observations, or two other things, compare."""

    verdict: Verdict
    """What it comes to."""
    message: str = ""
    """The difference, for people."""
    outcomes: tuple[str, str] = ("", "")
    """What was expected and what came, in few words."""
    detail: str = ""
    """Rule id or trap code, where there is one."""
    opcode: str = ""
    """Mnemonic of the instruction that is to blame, where it is known at once."""
    loader: str = "reference"
    """Which loader differs."""
    place: tuple[str, str, int] | None = None
    """Module, segment and offset of the first byte that differs, where memory does."""


EQUAL = Comparison(Verdict.EQUAL)


def different(message: str, expected: str, got: str, detail: str = "", opcode: str = "") -> Comparison:
    """A difference."""
    return Comparison(Verdict.DIFFERENT, message, (expected, got), detail, opcode)


def compare(program: Program, expected: Observation, got: Observation) -> Comparison:
    """Whether both are what the spec says of the program."""
    for number, (wanted, came) in enumerate(zip(expected.steps, got.steps, strict=False)):
        if EXHAUSTED in (wanted.outcome, came.outcome):
            if wanted.outcome == came.outcome:
                return _compare_rest(program, expected, got, number + 1)
            if _is_open(program, number, (wanted, came)):
                return Comparison(Verdict.NOT_COMPARABLE, f"{_name(program, number)}: past a limit of the spec")
        if wanted != came or _fuel_differs(wanted, came):
            return _difference(_name(program, number), wanted, came)
    return _compare_ends(expected, got) or _compare_memory(expected, got)


def _compare_rest(program: Program, expected: Observation, got: Observation, start: int) -> Comparison:
    """After an exhausted call each later one is exhausted, and has no effect (PF-EXE-016)."""
    for number, (wanted, came) in enumerate(zip(expected.steps, got.steps, strict=False)):
        if number >= start and wanted != came:
            return _difference(_name(program, number), wanted, came)
    return _compare_ends(expected, got) or EQUAL


def _compare_ends(expected: Observation, got: Observation) -> Comparison | None:
    """Whether one has more steps than the other, as where a loader fails after its last answer."""
    count = len(expected.steps)
    if len(got.steps) > count:
        after = got.steps[count]
        return different(f"after the last call: {after.said}", "nothing more", str(after))
    if len(got.steps) < count:
        return different("not all calls were made", f"{len(expected.calls)} calls", f"{len(got.calls)} calls")
    return None


def _is_open(program: Program, number: int, steps: tuple[Seen, Seen]) -> bool:
    """Whether a loader may be exhausted there and another not (PF-LIM-009, PF-LIM-010)."""
    if any(step.outcome not in (OK, EXHAUSTED, "trap", "invalid", "unlinkable") for step in steps):
        return False
    if number == 0:
        return sum(entry.module.bss_size for entry in program.entries if entry.module) > MIN_BSS_TOTAL
    return program.calls[number - 1].depth > MIN_DEPTH


def _fuel_differs(wanted: Seen, came: Seen) -> bool:
    return wanted.fuel != came.fuel and wanted.fuel is not None and came.fuel is not None


def _name(program: Program, number: int) -> str:
    if number == 0:
        return "link"
    call = program.calls[number - 1]
    return f"call {number} ({call.module}.{call.function or 'its entry'})"


def _difference(where: str, wanted: Seen, came: Seen) -> Comparison:
    """A difference of two steps, which differ."""
    outcomes = str(wanted), str(came)
    opcode = came.opcode or wanted.opcode
    if outcomes[0] != outcomes[1]:
        said = f" ({came.said})" if came.said else ""
        detail = came.code or wanted.code or came.rule or wanted.rule
        return different(f"{where}: expected {wanted}, got {came}{said}", *outcomes, detail, opcode)
    for what, one, other in _values(wanted, came):
        if one != other:
            message = f"{where}: {wanted}, expected {what} {_shown(one)}, got {_shown(other)}"
            return different(message, *outcomes, what, opcode)
    raise AssertionError("the steps are equal")


def _values(wanted: Seen, came: Seen) -> Iterator[tuple[str, object, object]]:
    yield "log", wanted.log, came.log
    yield "integer results", wanted.i, came.i
    yield "float results", tuple(map(_bits, wanted.n)), tuple(map(_bits, came.n))
    yield "fuel", wanted.fuel, came.fuel


def _bits(value: int) -> str:
    return f"{value:016x}"


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _compare_memory(expected: Observation, got: Observation) -> Comparison:
    if expected.memory is None or got.memory is None:
        return EQUAL
    for wanted, came in zip(expected.memory, got.memory, strict=True):
        if wanted.content == came.content:
            continue
        pairs = zip(wanted.content, came.content, strict=False)
        at = next((i for i, (x, y) in enumerate(pairs) if x != y), len(came.content))
        one, other = wanted.content[at : at + SHOWN].hex(), came.content[at : at + SHOWN].hex()
        where = f"{wanted.segment} of {wanted.module} at {wanted.start + at}"
        found = different(f"{where}: expected {one}, got {other}", OK, OK, "memory")
        return replace(found, place=(wanted.module, wanted.segment, wanted.start + at))
    return EQUAL
