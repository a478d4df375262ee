"""`reference/src/packfile/rules.py`: the rules as Python."""

from __future__ import annotations

from collections.abc import Mapping

from generator.emit import Call, Code, Node, Table, Text, expression, header
from generator.rules import Rule

PRELUDE = '''
"""Every rule of the specification by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One requirement."""

    id: str
    """Its id, never renumbered or reused."""
    level: str
    """`must`, `should` or `may`."""
    time: str
    """When a loader reports that it is broken: `open`, `link`, `call`, `access` or `audit`."""
    outcome: str | None
    """What a loader reports, such as `malformed`, `trap` or `trap unbound-import`; None where it is no check."""
    text: str
    """The requirement."""
    rationale: str | None
    """Why it is so."""
    source: str
    """The file of spec/ that states it, and the place in it for a .ksy."""
    untestable: str | None
    """Why no case can test it; None where cases do."""
'''


def _optional(text: str | None) -> Node:
    return Code("None") if text is None else Text(text)


def _call(rule: Rule) -> Node:
    arguments: list[tuple[str | None, Node]] = [
        ("id", Text(rule.id)),
        ("level", Text(rule.level)),
        ("time", Text(rule.time)),
        ("outcome", _optional(rule.outcome)),
        ("text", Text(rule.text)),
        ("rationale", _optional(rule.rationale)),
        ("source", Text(rule.source)),
        ("untestable", _optional(rule.untestable)),
    ]
    return Call("Rule", tuple(arguments))


def render(rules: Mapping[str, Rule]) -> str:
    """The text of rules.py."""
    rows: list[tuple[Node, Node]] = [(Text(rule.id), _call(rule)) for rule in rules.values()]
    lines = [
        header("# %s", "spec/packfile.ksy", "spec/instructions.ksy", "spec/rules/*.md"),
        *PRELUDE.strip("\n").splitlines(),
        "",
        "",
        *expression(Table(tuple(rows)), "RULES: Final[Mapping[str, Rule]] = "),
        '"""Every rule, sorted by id."""',
    ]
    return "\n".join(lines) + "\n"
