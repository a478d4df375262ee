"""Files of the repository as pages of the site: read where they are, never copied.

Assumes the layout of the checkout. Promises that each file that is shown is a dependency of the page that shows it, so
that a build after a change shows the change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

ROOT: Final = Path(__file__).resolve().parents[3]

PAGES: Final[Mapping[str, str]] = {
    "conformance/README.md": "suite",
    "fuzz/README.md": "fuzzing",
    "fuzz/campaigns.md": "campaigns",
    "fuzz/faults.md": "faults",
    "fuzz/guided/README.md": "guided",
    "fuzz/hypothesis.md": "hypothesis",
    "loaders/README.md": "loaders",
    "docs/ci.md": "ci",
    "docs/assembly.md": "assembly",
    "docs/cli.md": "cli",
    "spec/adapter.md": "specification/adapter",
    "spec/adapter.schema.json": "specification/files",
    "spec/adapter_example.py": "specification/adapter",
    "spec/case.schema.json": "specification/files",
    "spec/effects.md": "specification/effects",
    "spec/history.md": "specification/history",
    "spec/instructions.ksy": "specification/files",
    "spec/instructions.md": "specification/words",
    "spec/manifest.schema.json": "specification/files",
    "spec/packfile.ksy": "specification/files",
    "spec/replay_example.py": "ci",
    "spec/security.md": "specification/security",
    "spec/stages.md": "specification/stages",
    "spec/versioning.md": "specification/versioning",
}
"""Where the site shows a file of the repository. Files of `spec/rules/` follow their names."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def read(env: BuildEnvironment, path: str) -> str:
    """Text of a file of the repository, which the page that is being read then depends on."""
    env.note_dependency(str(ROOT / path))
    return (ROOT / path).read_text(encoding="utf-8")


def docname_of(path: str) -> str | None:
    """The page that shows a file, or a place in it: given from the root, or by its bare name if it is of `spec/`."""
    path = path.partition("#")[0]
    if path.startswith("spec/rules/") and path.endswith(".md"):
        return f"specification/rules/{path.removeprefix('spec/rules/').removesuffix('.md')}"
    return PAGES.get(path) or PAGES.get(f"spec/{path}")


def page(env: BuildEnvironment, path: str, title: str | None = None, level: int | str = 1) -> str:
    """A Markdown file as text for a page of the site.

    Args:
        env: The environment, whose current page shows it.
        path: The file, from the root.
        title: Replaces the text of its first heading.
        level: Level that its first heading gets; those below it follow.
    """
    text = _outside_code(read(env, path), lambda line: _link(line, path))
    if title is not None:
        text = re.sub(r"^# .+$", f"# {title}", text, count=1, flags=re.MULTILINE)
    return shifted(text, int(level) - 1)


def shifted(text: str, levels: int) -> str:
    """Markdown with its headings moved down, or up where `levels` is negative."""

    def move(line: str) -> str:
        match = re.match(r"(#{1,6}) ", line)
        return "#" * (len(match[1]) + levels) + line[len(match[1]) :] if match else line

    return _outside_code(text, move) if levels else text


def headings(text: str, level: int) -> Iterator[tuple[str, str]]:
    """Pairs of heading and text below it, for the headings of a level; what precedes the first has none."""
    parts = re.split(rf"^{'#' * level} (.+)$", text, flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def blocks(text: str, label: str) -> Iterator[tuple[str, str]]:
    """Pairs of label and text, for each label of MyST, `(label)=`, that matches; what precedes the first has none."""
    parts = re.split(rf"^\(({label})\)=\n", text, flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def escaped(text: str) -> str:
    """Text as Markdown that shows it as it is, but for code in backticks, which stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<>\[\]{}#$|~!&])", r"\\\1", part) for part in parts)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    lines, fence = [], None
    for line in text.splitlines():
        match = _FENCE.match(line)
        if match and fence is None:
            fence = match[1]
        elif match and fence is not None and match[1].startswith(fence) and line.strip() == match[1]:
            fence = None
        elif fence is None:
            lines.append(change(line))
            continue
        lines.append(line)
    return "\n".join(lines) + "\n"


def _link(line: str, path: str) -> str:
    """The line with its links to files of the repository led to their pages."""

    def lead(match: re.Match[str]) -> str:
        target, _, anchor = match[2].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        file = (ROOT / path).parent.joinpath(target).resolve()
        found = docname_of(file.relative_to(ROOT).as_posix()) if file.is_relative_to(ROOT) else None
        if found is None:
            raise ExtensionError(f"{path}: the site has no page for the link to {target}")
        return f"{match[1]}(/{found}.md{f'#{anchor}' if anchor else ''})"

    return re.sub(r"(\[[^\]]*\])\(([^)\s]+)\)", lead, line)
