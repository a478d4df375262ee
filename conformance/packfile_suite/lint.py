"""Whether the cases are right: above all, whether each negative case has the defects that it states and no other.

Each finding is a sentence with file, line and case. Nothing here runs a loader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packfile.rules import RULES

from .build import Builder
from .case import Assembly, Audit, Case, CaseError, Open, Patched, expected
from .findings import broken_rules
from .load import case_files, load_file
from .paths import shown
from .plan import variants
from .sparse import SparseBytes
from .summary import MOST_UNSUPPORTED

AREAS = ("hdr", "dir", "sec", "fun", "code", "fix", "call", "exe", "fuel", "mem", "lim", "int", "xip", "proto")
"""Words that an id may begin with, so that cases about one thing stand together in every list."""


_DECIDED_FIRST = ("PF-HDR-002", "PF-HDR-003", "PF-HDR-004", "PF-HDR-007")
"""Rules whose order PF-HDR-010 fixes, before all others."""

_BY_ENTRY = "PF-DIR-012"
"""The rule that the first defect of a directory decides; only its own cases have files with two outcomes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a case."""

    file: str
    line: int
    case: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'case {self.case}: ' if self.case else ''}{self.message}"


def lint(places: Iterable[Path]) -> tuple[list[Problem], int]:
    """Everything wrong with the cases at the places, and how many cases there are."""
    problems: list[Problem] = []
    cases: list[Case] = []
    for file in case_files(places):
        try:
            cases += load_file(file)
        except CaseError as error:
            problems.append(Problem(error.file, error.line, error.case, error.message))
    if not cases and not problems:
        problems.append(Problem(", ".join(map(shown, places)), 0, None, "there is no case"))
    builder = Builder(Path())
    for case in cases:
        for check in _CHECKS:
            problems += [Problem(shown(case.file), case.line, case.id, text) for text in check(case)]
        problems += [Problem(shown(case.file), case.line, case.id, text) for text in _files(case, builder)]
    problems += _across(cases)
    return problems, len(cases)


def _names(case: Case) -> Iterator[str]:
    if case.id.split("-")[0] not in AREAS:
        yield f"its id begins with no area: {', '.join(AREAS)}"


def _expectations(case: Case) -> Iterator[str]:
    for step in case.steps:
        expect = expected(step)
        if expect.rule is None:
            if expect.outcome in {"malformed", "unsupported", "invalid", "unlinkable", "exhausted", "corrupt"}:
                yield f"it expects {expect.outcome} without saying by which rule"
            continue
        if expect.rule not in case.rules:
            yield f"it expects {expect.rule}, which its `rules` do not name"
        stated = RULES[expect.rule].outcome
        if stated is not None and stated.split()[0] != expect.outcome:
            yield f"it expects {expect.outcome} by {expect.rule}, whose outcome is {stated}"
        if stated is None and RULES[expect.rule].time != "link":
            yield f"it expects {expect.outcome} by {expect.rule}, which is no check"


def _unused(case: Case) -> Iterator[str]:
    bases = {module.base for module in case.modules.values() if isinstance(module, Patched)}
    for name in case.modules.keys() - set(case.used_modules) - bases:
        yield f"no step uses module {name}"


def _modules(case: Case) -> Iterator[str]:
    """Whether the failure that a step expects of a file is one of those that the file is said to have."""
    for step in case.steps:
        if not isinstance(step, Open | Audit) or step.expect.rule is None:
            continue
        module = case.modules[step.module]
        if isinstance(module, Assembly) or module.breaks is None:
            continue
        if step.expect.rule not in module.breaks:
            breaks = ", ".join(module.breaks) or "nothing"
            yield f"it expects {step.expect.rule} of {step.module}, which breaks {breaks}"
        decisive = next((rule for rule in _DECIDED_FIRST if rule in module.breaks), None)
        outcomes = {RULES[rule].outcome for rule in module.breaks if RULES[rule].time == "open"}
        if decisive is None and len(outcomes) > 1 and isinstance(step, Open) and _BY_ENTRY not in case.rules:
            yield f"{step.module} breaks rules with different outcomes, so that the order of checks would decide"
        if decisive is not None and RULES[decisive].outcome != step.expect.outcome:
            yield f"it expects {step.expect.outcome}, and {decisive} is decided before (PF-HDR-010)"


def _files(case: Case, builder: Builder) -> Iterator[str]:
    """Builds every file and compares what it breaks with what the case says.

    What was patched is judged in every byte order, since a patch may mean another thing in each; assembly in one.
    """
    seen: set[str] = set()
    done: set[tuple[str, str]] = set()
    broken: set[str] = set()
    for name, order in (pair for variant in variants(case) for pair in variant.orders.items()):
        again = name in seen and isinstance(case.modules[name], Assembly)
        if again or (name, order) in done:
            continue
        try:
            content = builder.content(case, name, order)
            twin = None if name in seen else builder.twin(case, name, order)
        except CaseError as error:
            yield error.message
            return
        seen.add(name)
        done.add((name, order))
        rules, complaint = _judge(case, name, content)
        broken |= rules
        if complaint:
            yield f"module {name} ({order}): {complaint}"
        if twin is not None:
            yield from _judge_twin(case, name, order, twin)
    for expect in map(expected, case.steps):
        wants_code = expect.outcome == "invalid" and expect.rule is not None and _is_of_code(expect.rule)
        if wants_code and expect.rule not in broken:
            yield f"it expects {expect.rule}, which none of its modules breaks"


def _is_of_code(rule: str) -> bool:
    return rule.startswith(("PF-CODE-", "PF-FUN-", "PF-LIM-006")) and rule not in {"PF-FUN-005", "PF-FUN-006"}


def _judge(case: Case, name: str, content: SparseBytes) -> tuple[frozenset[str], str | None]:
    rules, disagreement, first = broken_rules(content)
    if disagreement:
        return rules, disagreement
    module = case.modules[name]
    if _BY_ENTRY in case.rules and first is not None:
        wanted = {step.expect.outcome for step in case.steps if isinstance(step, Open) and step.module == name}
        if wanted - {RULES[first].outcome}:
            return rules, f"it breaks {first} first, so opening it is {RULES[first].outcome} ({_BY_ENTRY})"
    if isinstance(module, Assembly):
        unnamed = rules.difference(case.rules)
        text = f"it breaks {', '.join(sorted(unnamed))}, which the case's `rules` do not name" if unnamed else None
        return rules, text
    stated = frozenset(module.breaks or ())
    if rules == stated:
        return rules, None
    said, found = (", ".join(sorted(what)) or "nothing" for what in (stated, rules))
    return rules, f"`breaks` says {said}, and it breaks {found}"


def _judge_twin(case: Case, name: str, order: str, twin: SparseBytes) -> Iterator[str]:
    module = case.modules[name]
    if (
        isinstance(module, Patched)
        and isinstance(module.base, str)
        and not isinstance(case.modules[module.base], Assembly)
    ):
        return  # judged by its own `breaks`, if a step uses it
    rules, disagreement, _ = broken_rules(twin)
    if disagreement:
        yield f"module {name} ({order}) before its patches: {disagreement}"
    if rules:
        yield f"module {name} ({order}) breaks {', '.join(sorted(rules))} before its patches"


_CHECKS: Sequence[Callable[[Case], Iterator[str]]] = (_names, _expectations, _unused, _modules)


def _across(cases: Sequence[Case]) -> Iterator[Problem]:
    for what in ("id", "summary"):
        groups: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            groups[getattr(case, what).lower()].append(case)
        for same in groups.values():
            for case in same[1:]:
                other = f"{same[0].id} at {shown(same[0].file)}:{same[0].line}"
                yield Problem(shown(case.file), case.line, case.id, f"it has the {what} of {other}")
    runs = [(case, len(variants(case))) for case in cases]
    optional = sum(count for case, count in runs if case.needs)
    total = sum(count for _, count in runs)
    if optional > MOST_UNSUPPORTED * total and total > _MANY:
        share = f"{optional} of {total} runs need optional features"
        message = (
            f"{share}: a loader without any could not pass, since at most {MOST_UNSUPPORTED:.0%} may be unsupported"
        )
        yield Problem("conformance/cases", 0, None, message)


_MANY = 200
