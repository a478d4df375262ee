"""All rules in one place: those of the .ksy files and those of spec/rules/*.md.

Assumes a read layout and instruction table. Promises that each id has one text, and that level, time and outcome are
ones that spec/stages.md lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from generator.layout import Layout
from generator.source import Source, SpecError, one_line, table_names
from generator.table import WHERE, InstructionTable

PREFIXES = (
    "PF-HDR-",
    "PF-DIR-",
    "PF-SEC-",
    "PF-FUN-",
    "PF-CODE-",
    "PF-FIX-",
    "PF-EXE-",
    "PF-LIM-",
    "PF-INT-",
    "PF-XIP-",
)
LEVELS = ("must", "should", "may")
HEADING = re.compile(r"### (PF-[A-Z]+-\d{3}) \((\w+), (\w+)(?:, ([\w -]+))?\)")


@dataclass(frozen=True)
class Rule:
    """One requirement."""

    id: str
    level: str
    time: str
    outcome: str | None
    text: str
    rationale: str | None
    source: str
    untestable: str | None


@dataclass(frozen=True)
class Terms:
    """The closed lists that rules draw from."""

    times: tuple[str, ...]
    outcomes: tuple[str, ...]
    traps: tuple[str, ...]


def read_terms(source: Source, table: InstructionTable) -> Terms:
    """Read the lists of spec/stages.md."""
    outcomes = table_names(source.stages, "Outcomes")
    times = table_names(source.stages, "When a rule is checked")
    if not outcomes or not times:
        raise SpecError("spec/stages.md: no table under `## Outcomes` or under `## When a rule is checked`")
    return Terms(times, outcomes, tuple(table.traps))


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in re.split(r"\n\s*\n", text.strip()) if paragraph.strip()]


def _parse_rule(match: re.Match[str], body: str, path: str) -> Rule:
    text, rationale, untestable = [], None, None
    for paragraph in _paragraphs(body):
        quote = re.sub(r"^> ?", "", paragraph, flags=re.MULTILINE) if paragraph.startswith(">") else None
        if quote is not None:
            if not quote.startswith("Rationale: ") or rationale is not None:
                raise SpecError(f"{path}: {match[1]}: a blockquote is the rule's one `Rationale: `")
            rationale = one_line(quote.removeprefix("Rationale: "))
        elif paragraph.startswith("Untestable: "):
            untestable = one_line(paragraph.removeprefix("Untestable: "))
        elif rationale or untestable:
            raise SpecError(f"{path}: {match[1]}: text after the rationale or the reason for being untestable")
        else:
            text.append(one_line(paragraph))
    if not text:
        raise SpecError(f"{path}: {match[1]}: has no text")
    return Rule(match[1], match[2], match[3], match[4], "\n\n".join(text), rationale, path, untestable)


def parse_markdown(text: str, path: str) -> Iterator[Rule]:
    """The rules of one file of spec/rules/."""
    last = ""
    for block in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
        heading, _, body = block.partition("\n")
        if not heading.startswith("### "):
            continue
        match = HEADING.fullmatch(heading.strip())
        if match is None:
            raise SpecError(f"{path}: {heading!r} is not `### PF-AREA-000 (level, time[, outcome])`")
        if match[1] <= last:
            raise SpecError(f"{path}: {match[1]} stands after {last}")
        last = match[1]
        yield _parse_rule(match, body, path)


def _check_rule(rule: Rule, terms: Terms) -> None:
    if not rule.id.startswith(PREFIXES) or not re.fullmatch(r"PF-[A-Z]+-\d{3}", rule.id):
        raise SpecError(f"{rule.source}: {rule.id}: not an area that rules have: {', '.join(PREFIXES)}")
    if rule.level not in LEVELS:
        raise SpecError(f"{rule.source}: {rule.id}: the level {rule.level} is none of {', '.join(LEVELS)}")
    if rule.time not in terms.times:
        raise SpecError(f"{rule.source}: {rule.id}: the time {rule.time} is none of {', '.join(terms.times)}")
    allowed = [outcome for outcome in terms.outcomes if outcome != "ok"]
    if rule.outcome and rule.outcome not in [*allowed, *(f"trap {trap}" for trap in terms.traps)]:
        raise SpecError(f"{rule.source}: {rule.id}: the outcome {rule.outcome} is none that spec/stages.md lists")


def _stated(layout: Layout, table: InstructionTable) -> Iterator[Rule]:
    for check in layout.checks:
        place = f"spec/packfile.ksy#{check.path}"
        yield Rule(check.rule, "must", check.time, check.outcome, check.text, None, place, None)
    for row in table.instructions:
        outcome = "trap" if row.traps else None
        text = f"`{row.mnemonic}`: {row.doc}"
        yield Rule(row.rule, "must", "call", outcome, text, None, f"{WHERE}#{row.id}", None)


def _referred(layout: Layout) -> Iterator[tuple[str, str]]:
    for value in layout.values:
        if value.rule:
            yield value.rule, f"the limit {value.name}"
    for name, rule in layout.too_short.items():
        yield rule, f"`-too-short` of {name}"


def collect(layout: Layout, table: InstructionTable, files: Mapping[str, str], terms: Terms) -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the ids."""
    written: Iterable[Rule] = [rule for path, text in files.items() for rule in parse_markdown(text, path)]
    rules: dict[str, Rule] = {}
    for rule in [*_stated(layout, table), *written]:
        _check_rule(rule, terms)
        if rule.id in rules:
            raise SpecError(f"{rule.source}: {rule.id} is stated already in {rules[rule.id].source}")
        rules[rule.id] = rule
    for rule_id, place in _referred(layout):
        if rule_id not in rules:
            raise SpecError(f"spec/packfile.ksy: {place} refers to {rule_id}, which no attribute and no page states")
    return dict(sorted(rules.items()))
