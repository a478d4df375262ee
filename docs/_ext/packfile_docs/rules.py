"""Pages of rules and of instructions: the generated text, and after each rule the cases that are evidence for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from packfile.rules import RULES
from packfile_suite.in_place.profile import CHECKS

from .cases import Case, by_rule
from .repository import blocks, escaped, page, read, shifted

GENERATED_RULES = "docs/generated/rules.md"
GENERATED_INSTRUCTIONS = "docs/generated/instructions.md"
RULE = r"PF-[A-Z]+-\d{3}"
_OPEN_LIST = 6
"""Most cases that are listed without being unfolded."""
_INSTRUCTIONS_SOURCE = "spec/instructions.ksy"


def rules_page(env: BuildEnvironment, name: str) -> str:
    """A page of rules: title and introduction from `spec/rules/`, then every rule of the area, wherever it stands."""
    path = f"spec/rules/{name}.md"
    introduction = re.split(r"^### ", page(env, path), maxsplit=1, flags=re.MULTILINE)[0]
    cases = by_rule(env)
    parts = [introduction]
    for rule, text in _generated(env, area_of(env, name)).items():
        parts += [f"({rule})=\n{text}", case_list(rule, cases.get(rule, ()))]
    return "\n".join(parts)


def area_of(env: BuildEnvironment, name: str) -> str:
    """The area of the rules that a page of `spec/rules/` states, such as `PF-FIX`."""
    areas = set(re.findall(r"^### (PF-[A-Z]+)-", read(env, f"spec/rules/{name}.md"), re.MULTILINE))
    if len(areas) != 1:
        raise ExtensionError(f"spec/rules/{name}.md: expected rules of one area, found {sorted(areas) or 'none'}")
    return str(areas.pop())


def instructions_page(env: BuildEnvironment, title: str) -> str:
    """The instruction reference. The section of an instruction is also that of its rule, so it has both labels."""
    cases = by_rule(env)
    text = page(env, GENERATED_INSTRUCTIONS, title)
    parts = []
    for label, block in blocks(text, r"instruction-[a-z0-9_]+"):
        rule = re.search(rf"Rule: \[({RULE})\]", block) if label else None
        if rule is None:
            parts.append(f"({label})=\n{block}" if label else block)
            continue
        rest = re.sub(rf"Rule: \[{rule[1]}\]\(#{rule[1]}\)", f"Rule: {_statement(rule[1])}", block)
        # The rule has no title of its own that search could find; the mark makes this its main entry.
        entry = f"```{{index}} ! single: {rule[1]}\n```\n"
        parts += [f"{entry}({rule[1]})=\n({label})=\n{rest}", case_list(rule[1], cases.get(rule[1], ()))]
    return "\n".join(parts)


def case_list(rule: str, cases: Sequence[Case]) -> str:
    """The cases of a rule, as links with their summaries, or the check of the in-place profile."""
    checks = [check for check in CHECKS if check.rule == rule]
    observed = "".join(f"Observed by `{check.id}`: {escaped(check.summary)}\n\n" for check in checks)
    if not cases:
        return observed or ("" if RULES[rule].untestable else "No case tests it yet.\n")
    lines = "".join(f"- [`{case.id}`](#case-{case.id}): {escaped(case.summary)}\n" for case in cases)
    count = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
    if len(cases) <= _OPEN_LIST:
        return f":::{{container}} cases\n{count}:\n\n{lines}:::\n"
    return f'<details class="cases"><summary>{count}</summary>\n\n{lines}\n</details>\n'


def coverage(env: BuildEnvironment) -> str:
    """A table of the areas: how many rules have a case, cannot have one, or have none yet."""
    cases = by_rule(env)
    areas: dict[str, list[str]] = {}
    for rule in RULES:
        areas.setdefault(rule.rsplit("-", 1)[0], []).append(rule)
    rows = [["Area", "Rules", "With a case or check", "Untestable", "Without"]]
    rows += [[area, *map(str, _counts(members, cases))] for area, members in areas.items()]
    rows.append(["all", *map(str, _counts(RULES, cases))])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * 4)
    return "\n".join(lines) + "\n"


def _counts(rules: Iterable[str], cases: Mapping[str, Sequence[Case]]) -> tuple[int, int, int, int]:
    members = list(rules)
    checked = {check.rule for check in CHECKS}
    covered = sum(rule in cases or rule in checked for rule in members)
    untestable = sum(rule not in cases and RULES[rule].untestable is not None for rule in members)
    return len(members), covered, untestable, len(members) - covered - untestable


def _generated(env: BuildEnvironment, area: str) -> Mapping[str, str]:
    """Generated text of the rules of an area, but for those that are rows of the instruction table."""
    text = dict(blocks(read(env, GENERATED_RULES), r"rules-pf-[a-z]+")).get(f"rules-{area.lower()}", "")
    rules = {rule: shifted(block, -1) for rule, block in blocks(text, RULE) if rule}
    return {rule: block for rule, block in rules.items() if not RULES[rule].source.startswith(_INSTRUCTIONS_SOURCE)}


def _statement(rule: str) -> str:
    """A rule's id, level, time and outcome, as the generated pages put them."""
    row = RULES[rule]
    words = [f"**{row.level}**", f"time `{row.time}`", *([f"outcome `{row.outcome}`"] if row.outcome else [])]
    return f"{rule}, {', '.join(words)}"
