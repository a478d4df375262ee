"""Pieces of the generated pages, in MyST Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from generator.emit import header


def page(title: str, target: str, *sources: str) -> list[str]:
    """The head of a page."""
    return [header("%% %s", *sources), "", f"({target})=", f"# {title}", ""]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return [*("| " + " | ".join(cells) + " |" for cells in lines), ""]


def code(text: str) -> str:
    """Text in the type of code."""
    return f"`{text}`"


def rule_link(rule: str | None) -> str:
    """A link to a rule on the page of rules."""
    return f"[{rule}](#{rule})" if rule else ""


def finish(lines: Iterable[str]) -> str:
    """The page as text, with one line break at its end."""
    return "\n".join(lines).rstrip() + "\n"
