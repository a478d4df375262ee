"""The step of building a loader to which a case belongs, so that steps can go green one after the other.

A case belongs to the first step after which a loader that was built in this order passes it. "Write a loader in a
day" (`docs/write-a-loader.md`) says what to build in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packfile.instructions import INSTRUCTIONS

from .case import DEFAULT_DEPTH, DEFAULT_FUEL, Assembly, Call, Case, Close, Link, Open, Patched, expected

STEPS = ("image", "function", "verify", "machine", "link", "limits", "audit")
FIRST_INSTRUCTIONS = frozenset({"i_add", "i_imm", "i_mov", "ret"})
"""What a loader needs to show that it calls a function; everything else belongs to the step `machine`."""

_MNEMONICS = frozenset({".word", *(row.mnemonic for row in INSTRUCTIONS.values())})
_CALLS = frozenset({"call", "calli", "callr"})
_IMPORT = re.compile(r"^\s*\.import\b", re.MULTILINE).search
_WORDS = re.compile(r"^[ \t]*(?:\w+:[ \t]*)?(\.?[a-z]\w*)", re.MULTILINE).findall


def step_of(case: Case) -> str:
    """The step to which the case belongs."""
    if case.needs:
        return "audit"
    if all(isinstance(step, Open | Close) for step in case.steps):
        return "image"
    calls = [step for step in case.steps if isinstance(step, Call)]
    outcomes = {expected(step).outcome for step in case.steps}
    if "exhausted" in outcomes or any(map(_limited, calls)) or any(rule.startswith("PF-LIM") for rule in case.rules):
        return "limits"
    if not calls or "unlinkable" in outcomes or _links(case):
        return "link"
    found = [_MNEMONICS if text is None else _MNEMONICS.intersection(_WORDS(text)) for text in _texts(case)]
    used = frozenset[str]().union(*found)
    simple = used <= FIRST_INSTRUCTIONS
    if "invalid" not in outcomes:
        return "function" if simple else "machine"
    # What is never executed need not be implemented; a verifier needs no more than the table of instructions.
    executes = used & _CALLS or any(call.expect.outcome != "invalid" for call in calls)
    return "verify" if simple or not executes else "machine"


def _limited(call: Call) -> bool:
    return (call.fuel, call.depth) != (str(DEFAULT_FUEL), str(DEFAULT_DEPTH))


def _links(case: Case) -> bool:
    """Whether modules meet: several, the host's, or one with imports."""
    links = [step.modules for step in case.steps if isinstance(step, Link)]
    if any(len(modules) > 1 or modules[0][1] is None for modules in links if modules):
        return True
    return any(text is not None and _IMPORT(text) for text in _texts(case))


def _texts(case: Case) -> Iterator[str | None]:
    """The assembly text of each module, before patches; None for bytes, which can hold anything."""
    for name in case.used_modules:
        module = case.modules[name]
        while isinstance(module, Patched):
            module = case.modules[module.base] if isinstance(module.base, str) else module.base
        yield module.text if isinstance(module, Assembly) else None
