"""`docs/generated/rules.md`: every rule, by area."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from generator.markdown import finish, page
from generator.rules import PREFIXES, Rule


def _area_titles(files: Mapping[str, str]) -> Mapping[str, str]:
    """Title of each area: that of the page which states its first rule."""
    titles: dict[str, str] = {}
    for text in files.values():
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        for prefix in re.findall(r"^### (PF-[A-Z]+-)", text, re.MULTILINE):
            titles.setdefault(prefix, title[1] if title else prefix)
    return titles


def _rule(rule: Rule) -> Iterator[str]:
    yield from [f"({rule.id})=", f"### {rule.id}", ""]
    words = [f"**{rule.level}**", f"time `{rule.time}`"]
    words += [f"outcome `{rule.outcome}`"] if rule.outcome else []
    yield from [f"{', '.join(words)}, from `{rule.source}`", "", rule.text, ""]
    if rule.rationale:
        yield from [f"> Rationale: {rule.rationale}", ""]
    if rule.untestable:
        yield from [f"No case tests it: {rule.untestable}", ""]


def render(rules: Mapping[str, Rule], files: Mapping[str, str]) -> str:
    """The page of rules."""
    titles = _area_titles(files)
    lines = page("Rules", "rules", "spec/packfile.ksy", "spec/instructions.ksy", "spec/rules/*.md")
    for prefix in PREFIXES:
        members = [rule for rule in rules.values() if rule.id.startswith(prefix)]
        if members:
            lines += [f"(rules-{prefix.strip('-').lower()})=", f"## {titles.get(prefix, prefix.strip('-'))}", ""]
            for rule in members:
                lines += _rule(rule)
    return finish(lines)
