"""`docs/generated/layout.md` and `limits.md`: the layout for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.kaitai import SectionFacts
from generator.layout import Layout, Row
from generator.markdown import code, finish, page, rule_link, table

SOURCE = "spec/packfile.ksy"


def _title(name: str) -> str:
    return "Directory entry" if name == "section" else name.replace("_", " ").capitalize()


def _enum_link(name: str) -> str:
    return f"[{code(name)}](#layout-enum-{name})"


def _row(layout: Layout, row: Row) -> Iterator[str]:
    rules = {check.attribute: check for check in layout.checks_of(row.name)}
    yield from [f"(layout-{row.name})=", f"## {_title(row.name)}", "", f"{row.doc} It takes {row.size} bytes.", ""]
    yield from table(
        ["Offset", "Size", "Field", "Type", "Rule", "Meaning"],
        [
            [
                str(field.offset),
                str(field.size),
                code(field.name),
                code(field.type) + (f", {_enum_link(field.enum)}" if field.enum else ""),
                rule_link(rules[field.name].rule if field.name in rules else None),
                field.doc,
            ]
            for field in row.fields
        ],
    )
    names = {field.name for field in row.fields}
    besides = [check for check in rules.values() if check.attribute not in names]
    if besides:
        yield from ["Checked besides:", ""]
        yield from table(
            ["Rule", "Time", "Outcome", "Text"], [[rule_link(c.rule), c.time, c.outcome, c.text] for c in besides]
        )
    derived = layout.derived.get(row.name)
    if derived:
        yield from ["Follows from the fields:", ""]
        yield from table(["Name", "Value", "Meaning"], [[code(d.name), code(d.expression), d.doc] for d in derived])


def _sections(layout: Layout, facts: Mapping[str, SectionFacts]) -> Iterator[str]:
    yield from ["(layout-enum-section_kind)=", "## Section kinds", ""]
    rows = []
    for member in layout.enums["section_kind"]:
        fact = facts[member.id]
        rows.append(
            [
                code(f"{member.value:#x}" if member.value > 0xFFFF else str(member.value)),
                code(member.id),
                f"[{_title(fact.row)}](#layout-{fact.row})" if fact.row else "bytes",
                "unit" if fact.unit_aligned else "8",
                f"{fact.max_length:,}",
                member.doc,
            ]
        )
    yield from table(["Kind", "Name", "Holds", "Aligned to", "Greatest length", "Meaning"], rows)


def render_layout(layout: Layout, facts: Mapping[str, SectionFacts]) -> str:
    """The page of the binary layout."""
    lines = [*page("Layout", "layout", SOURCE), layout.doc, ""]
    for row in layout.rows.values():
        lines += _row(layout, row)
    lines += _sections(layout, facts)
    for name, members in layout.enums.items():
        if name != "section_kind":
            title = _title(name) + "s"
            lines += [f"(layout-enum-{name})=", f"## {title}", ""]
            lines += table(["Value", "Name", "Meaning"], [[str(m.value), code(m.id), m.doc] for m in members])
    return finish(lines)


def render_limits(layout: Layout) -> str:
    """The page of limits."""
    lines = [*page("Limits", "limits", SOURCE)]
    lines += table(
        ["Limit", "Value", "Unit", "Rule", "Of what"],
        [
            [f"`{v.name}`", f"{v.value:,}", v.unit, rule_link(v.rule), v.doc]
            for v in layout.values
            if v.unit is not None
        ],
    )
    lines += ["Constants that are no limits:", ""]
    lines += table(
        ["Constant", "Value", "Meaning"],
        [[f"`{v.name}`", f"{v.value:#x}", v.doc] for v in layout.values if v.unit is None],
    )
    return finish(lines)
