"""A case as data: what a YAML file says, checked and in a form that needs no further interpretation.

Assumes nothing of where it came from (`load` reads the YAML). Promises that integers are decimal strings and floats
16 hexadecimal digits, as in the adapter protocol, and that an outcome has its trap code if it is a trap.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

OPTIONAL_FEATURES = {"audit": "audit"}
"""Features that come with a command of their own, and that command: a loader without the feature refuses it."""

DEFAULT_FUEL = 10_000_000
DEFAULT_DEPTH = 1_000


class CaseError(Exception):
    """Raised for a case that is written wrongly: where, which case, and why."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, case: str | None = None) -> None:
        place = f"{file}:{line}: " if file else ""
        super().__init__(f"{place}{f'case {case}: ' if case else ''}{message}")
        self.message, self.file, self.line, self.case = message, file, line, case


LogEntry = tuple[str, str]
"""`("i", "-1")` or `("n", "3ff0000000000000")`."""


@dataclass(frozen=True, slots=True)
class Expect:
    """What must come of a step."""

    outcome: str = "ok"
    rule: str | None = None
    code: str | None = None
    i: tuple[str, ...] = ()
    n: tuple[str, ...] = ()
    log: tuple[LogEntry, ...] = ()

    def __str__(self) -> str:
        text = self.outcome
        text += f": {self.code}" if self.code else f" ({self.rule})" if self.rule else ""
        return text + describe_values(self.i, self.n, self.log)


def describe_values(i: Sequence[str], n: Sequence[str], log: Sequence[LogEntry]) -> str:
    """Results and log as people read them, each float with its value beside its bits; empty ones left out."""
    text = f", i = [{', '.join(i)}]" if i else ""
    text += f", n = [{', '.join(map(describe_float, n))}]" if n else ""
    entries = [value if bank == "i" else describe_float(value) for bank, value in log]
    return text + (f", log = [{', '.join(entries)}]" if log else "")


def describe_float(bits: str) -> str:
    """The bits of a float and what they mean."""
    return f"{bits} ({struct.unpack('>d', bytes.fromhex(bits))[0]!r})"


@dataclass(frozen=True, slots=True)
class Assembly:
    """A module as assembly text."""

    text: str


@dataclass(frozen=True, slots=True)
class HexBytes:
    """A file as bytes: one for each byte order, or the same whatever the order."""

    little: bytes
    big: bytes
    fixed: bool
    breaks: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Patched:
    """A module with changes: another of the case's modules, or assembly text."""

    base: str | Assembly
    patches: tuple[Mapping[str, Any], ...]
    breaks: tuple[str, ...]


Module = Assembly | HexBytes | Patched


@dataclass(frozen=True, slots=True)
class Open:
    """Opens a module's file."""

    module: str
    expect: Expect


@dataclass(frozen=True, slots=True)
class Link:
    """Makes a process of modules: pairs of name in the set and module of the case, None for the host module."""

    modules: tuple[tuple[str, str | None], ...]
    process: str
    expect: Expect


@dataclass(frozen=True, slots=True)
class Call:
    """Calls a function, or the entry function where `function` is None."""

    process: str
    module: str
    function: str | None
    i: tuple[str, ...]
    n: tuple[str, ...]
    fuel: str
    depth: str
    expect: Expect
    row: int | None = None
    """Its number in the table that it comes from."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Audits a module's file."""

    module: str
    expect: Expect


@dataclass(frozen=True, slots=True)
class Close:
    """Closes a module's image or a process."""

    name: str


Step = Open | Link | Call | Audit | Close


@dataclass(frozen=True)
class Case:
    """One case.

    A table is one step in the file and one `Call` for each row here; `numbers` gives each its number in the file.
    """

    id: str
    rules: tuple[str, ...]
    features: tuple[str, ...]
    summary: str
    byte_order: str
    oracle: str | None
    modules: Mapping[str, Module]
    steps: tuple[Step, ...]
    numbers: tuple[int, ...]
    file: Path
    line: int
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def area(self) -> str:
        """The area of its first rule, such as `FIX`."""
        return self.rules[0].split("-")[1]

    @cached_property
    def stage(self) -> str:
        """The first expected outcome other than ok, or ok."""
        return next((outcome for step in self.steps if (outcome := expected(step).outcome) != "ok"), "ok")

    @cached_property
    def broken_on_purpose(self) -> frozenset[str]:
        """The rules that some module states to break."""
        stated = (module.breaks for module in self.modules.values() if not isinstance(module, Assembly))
        return frozenset(rule for rules in stated for rule in rules or ())

    @cached_property
    def used_modules(self) -> tuple[str, ...]:
        """The modules that steps name, in the order of the case; others are only there to be changed."""
        used: set[str | None] = set()
        for step in self.steps:
            if isinstance(step, Open | Audit):
                used.add(step.module)
            elif isinstance(step, Link):
                used.update(module for _, module in step.modules)
        return tuple(name for name in self.modules if name in used)

    @cached_property
    def linked_together(self) -> frozenset[str]:
        """The modules that some step links with another one."""
        together: set[str] = set()
        for step in self.steps:
            if isinstance(step, Link):
                linked = {module for _, module in step.modules if module is not None}
                together |= linked if len(linked) > 1 else set()
        return frozenset(together)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The features without which a loader cannot run it."""
        implied = {"audit"} if any(isinstance(step, Audit) for step in self.steps) else set()
        return tuple(sorted(implied.union(self.features)))

    def depends_on_order(self, name: str) -> bool:
        """Whether the module's bytes depend on the byte order; fixed bytes do not."""
        module = self.modules[name]
        if isinstance(module, Patched) and isinstance(module.base, str):
            return self.depends_on_order(module.base)
        return not (isinstance(module, HexBytes) and module.fixed)


def expected(step: Step) -> Expect:
    """What must come of the step; a close must be ok."""
    return Expect() if isinstance(step, Close) else step.expect


def float_bits(value: float | str) -> str:
    """A float as 16 hexadecimal digits of its bits."""
    return value if isinstance(value, str) else struct.pack(">d", value).hex()


def integer_text(value: float | str) -> str:
    """A 64-bit integer in decimal; ValueError if it is not within 64 signed bits."""
    number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{value} is not a signed 64-bit integer")
    return str(number)
