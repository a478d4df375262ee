"""A page of the site for each file of cases, written into `docs/cases/` before the pages are read.

That directory is git's to ignore and this module's to empty: whatever else lies in it is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from sphinx.application import Sphinx

from .cases import DIRECTORY, Case, files, read
from .repository import ROOT, escaped

_SHOWN_LINES = 60
"""Most lines of a case that are shown without being unfolded."""
_SHOWN_RULES = 8
"""Most rules of a file that its area's page names."""
_WRITTEN = "% written by docs/_ext/packfile_docs/case_pages.py"
_INDEX = """\
{written}
# Cases

The cases of the [conformance suite](/suite.md): {cases} in {files} files. Each runs in both byte orders, and those
that link modules in mixtures of them. The rules name their cases; this is the same by file.

{table}

## Rules with and without cases

```{{insert}} coverage
```

{tree}
"""


def write(app: Sphinx) -> None:
    """Write every page that differs, and remove those whose file is gone."""
    directory = Path(app.srcdir) / "cases"
    pages = dict(_pages())
    for path in sorted(directory.rglob("*.md")) if directory.is_dir() else []:
        if path.relative_to(directory).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = directory / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _pages() -> Iterator[tuple[str, str]]:
    found = {file.relative_to(DIRECTORY).with_suffix(""): read(file) for file in files()}
    areas = {area: list(names) for area, names in groupby(found, key=lambda name: name.parent.as_posix())}
    for name, cases in found.items():
        yield f"{name.as_posix()}.md", _page(name, cases)
    for area, names in areas.items():
        yield f"{area}/index.md", _area(area, {name: found[name] for name in names})
    yield "index.md", _index(areas, found)


def _index(areas: Mapping[str, Sequence[Path]], pages: Mapping[Path, Sequence[Case]]) -> str:
    table = ["| Area | Cases | Files |", "| --- | ---: | --- |"]
    for area, names in areas.items():
        links = ", ".join(f"[{_words(name.name)}]({name.as_posix()}.md)" for name in names)
        table.append(f"| [{_words(area)}]({area}/index.md) | {sum(len(pages[name]) for name in names)} | {links} |")
    tree = _tree(f"{_words(area)} <{area}/index>" for area in areas)
    count = sum(map(len, pages.values()))
    return _INDEX.format(written=_WRITTEN, cases=count, files=len(pages), table="\n".join(table), tree=tree)


def _area(area: str, pages: Mapping[Path, Sequence[Case]]) -> str:
    lines = [_WRITTEN, f"# Cases: {_words(area)}", "", "| File | Cases | Rules |", "| --- | ---: | --- |"]
    for name, cases in pages.items():
        rules = sorted({rule for case in cases for rule in case.rules})
        shown = ", ".join(rules[:_SHOWN_RULES])
        more = f" and {len(rules) - _SHOWN_RULES} more" if len(rules) > _SHOWN_RULES else ""
        lines.append(f"| [{_words(name.name)}]({name.name}.md) | {len(cases)} | {shown}{more} |")
    tree = _tree(f"{_words(name.name)} <{name.name}>" for name in pages)
    return "\n".join([*lines, "", tree, ""])


def _tree(entries: Iterable[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", "", *entries, "```"])


def _page(name: Path, cases: Sequence[Case]) -> str:
    file = (DIRECTORY / name).with_suffix(".yaml").relative_to(ROOT).as_posix()
    count = "The one case" if len(cases) == 1 else f"The {len(cases)} cases"
    title = f"# Cases: {_words(name.parent.as_posix())}, {_words(name.name)}"
    lines = [_WRITTEN, title, "", f"{count} of `{file}`.", ""]
    for case in cases:
        lines += _section(case)
    return "\n".join(lines)


def _section(case: Case) -> Iterator[str]:
    features = f"; needs {', '.join(case.features)}" if case.features else ""
    yield from [f"(case-{case.id})=", f"## {escaped(case.id)}", "", f"{escaped(case.summary)}", ""]
    yield from [f"Rules: {', '.join(case.rules)}{features}. Line {case.line} of the file.", ""]
    long = case.text.count("\n") > _SHOWN_LINES
    fence = "`" * max(3, 1 + max(map(len, _runs_of_backticks(case.text)), default=0))
    if long:
        yield from [f'<details class="listing"><summary>{case.text.count(chr(10))} lines</summary>', ""]
    # Its numbers and its assembly would crowd out what people search for.
    yield from [f"{fence}{{code-block}} yaml", ":class: no-search", "", case.text.rstrip("\n"), fence, ""]
    if long:
        yield from ["</details>", ""]


def _runs_of_backticks(text: str) -> Iterator[str]:
    return ("".join(run) for tick, run in groupby(text, key=lambda letter: letter == "`") if tick)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("/", ", ").replace("-", " ")
