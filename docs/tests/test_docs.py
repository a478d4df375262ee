"""The site as it is built: nothing leads nowhere, and everything that it promises to list is there."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import yaml
from bs4 import BeautifulSoup, Tag

import packfile
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.rules import RULES
from packfile_suite.cli import main
from packfile_suite.in_place.profile import CHECKS
from packfile_suite.load import shipped_cases
from packfile_suite.plan import Filters
from packfile_suite.steps import STEPS

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "conformance" / "cases"
EXPECTED_CASES = 400
"""Cases that the suite has at least once it is whole; with fewer, rules without cases are no news."""
COMMANDS = ("hello", "open", "link", "call", "audit", "close")
MADE_BY_SPHINX = {"genindex.html", "py-modindex.html", "search.html"}


class Page(HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.repeated: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in attrs:
            if name == "id" and value:
                (self.repeated if value in self.ids else self.ids).add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)


@cache
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def internal_links(path: Path, page: Page) -> Iterator[tuple[str, Path, str]]:
    for link in page.links:
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            yield link, target, unquote(parts.fragment)


def section_of(rule: str, site: Path) -> Tag:
    """The section that has the rule's anchor."""
    for path, page in pages(site).items():
        if rule in page.ids:
            found = parsed(path).find(id=rule)
            assert isinstance(found, Tag)
            section = found if found.name == "section" else found.find_parent("section")
            assert isinstance(section, Tag)
            return section
    pytest.fail(f"no page has the anchor #{rule}")


@cache
def all_cases() -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    texts = [path.read_text(encoding="utf-8") for path in sorted(CASES.rglob("*.yaml"))]
    return [case for text in texts for case in yaml.load(text, loader) or []]  # noqa: S506 - a safe loader


def plain(text: str) -> str:
    """The text without the marks and spaces in which pages and sources differ."""
    return re.sub(r"[^\w.,:;+*/<>=()\[\]^&|~?!-]+", "", text)


def test_every_internal_link_leads_to_something(site: Path) -> None:
    known = pages(site)
    dead = []
    for path, page in known.items():
        for link, target, anchor in internal_links(path, page):
            if not target.exists() or (anchor and target in known and anchor not in known[target].ids):
                dead.append(f"{path.relative_to(site)}: {link}")
    assert not dead, "\n".join(dead)


def test_no_id_is_on_a_page_twice(site: Path) -> None:
    repeated = {str(path.relative_to(site)): page.repeated for path, page in pages(site).items() if page.repeated}
    assert not repeated


def test_every_page_is_reached_from_the_front_page(site: Path) -> None:
    known = pages(site)
    reached, waiting = set(), [site / "index.html"]
    while waiting:
        path = waiting.pop()
        if path not in reached and path in known:
            reached.add(path)
            waiting += [target for _, target, _ in internal_links(path, known[path])]
    orphans = {path.relative_to(site).as_posix() for path in known.keys() - reached}
    assert orphans <= MADE_BY_SPHINX


def test_no_page_is_empty_or_unfinished(site: Path) -> None:
    for path in pages(site):
        if path.name in MADE_BY_SPHINX:
            continue
        _, found, article = path.read_text(encoding="utf-8").partition('<article role="main"')
        assert found, f"{path.relative_to(site)} has no article"
        text = " ".join(re.sub(r"<[^>]*>", " ", article.partition("</article>")[0]).split())
        assert len(text) > 40, f"{path.relative_to(site)} is empty: {text!r}"
        assert not re.search(r"\b(TODO|FIXME|TBD|XXX|Lorem)\b", text), path.relative_to(site)
        assert "{insert}" not in text, path.relative_to(site)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_anchor_its_text_and_its_cases(rule: str, site: Path) -> None:
    section = section_of(rule, site)
    text = plain(section.get_text(" "))
    source = RULES[rule]
    stated = source.text.split(": ", 1)[1] if source.source.startswith("spec/instructions.ksy") else source.text
    assert plain(stated) in text
    if source.rationale:
        assert plain(source.rationale) in text
    listed = {str(link["href"]).rsplit("#case-", 1)[1] for link in section.select('.cases a[href*="#case-"]')}
    assert listed == {case["id"] for case in all_cases() if rule in case["rules"]}
    if source.untestable:
        assert plain(source.untestable) in text
    checks = [check for check in CHECKS if check.rule == rule]
    assert all(check.id in text and plain(check.summary) in text for check in checks)
    if not (source.untestable or listed or checks) and len(all_cases()) >= EXPECTED_CASES:
        pytest.fail(f"{rule} lists no case")


def test_every_case_has_a_section(site: Path) -> None:
    anchors = {anchor for page in pages(site).values() for anchor in page.ids if anchor.startswith("case-")}
    assert anchors == {f"case-{case['id']}" for case in all_cases()}


@pytest.mark.parametrize("row", INSTRUCTIONS.values(), ids=lambda row: row.opcode.name.lower())
def test_every_instruction_shows_its_effect_traps_and_rule(row: Any, site: Path) -> None:
    section = parsed(site / "specification" / "instructions.html").find(id=f"instruction-{row.opcode.name.lower()}")
    assert isinstance(section, Tag)
    text = plain(section.get_text(" "))
    assert all(plain(statement) in text for statement in row.effect.split("; "))
    assert all(trap.value in text for trap in row.traps)
    assert section.find(id=row.rule)


@pytest.mark.parametrize("name", packfile.__all__)
def test_every_public_name_is_documented(name: str, site: Path) -> None:
    entry = parsed(site / "python.html").find(id=f"packfile.{name}")
    assert isinstance(entry, Tag)
    described = entry.find_next("dd")
    assert isinstance(described, Tag)
    assert described.get_text(strip=True)


def test_the_examples_of_messages_fit_their_schema(site: Path) -> None:
    schema = json.loads((ROOT / "spec" / "adapter.schema.json").read_text(encoding="utf-8"))
    requests: dict[int, str] = {}
    seen = set()
    blocks = parsed(site / "specification" / "adapter.html").select("#adapter-messages .highlight-json pre")
    for line in "".join(block.get_text() for block in blocks).split("\n"):
        if not line:
            continue
        message = json.loads(line)
        if "command" in message:
            requests[message["id"]] = message["command"]
            if message["command"] not in COMMANDS:
                continue  # the example of a command that no adapter knows
            name = "request"
        else:
            command = requests.pop(message["id"])
            name = "error" if "error" in message else f"{command}_reply" if message["outcome"] == "ok" else "failure"
        seen.add(name)
        jsonschema.validate(message, {"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"})
    assert not requests
    replies = {f"{command}_reply" for command in COMMANDS}
    assert seen == {"request", "failure", "error", *replies}


def guide() -> str:
    return (ROOT / "docs" / "write-a-loader.md").read_text(encoding="utf-8")


def chosen(arguments: str) -> Filters:
    """What a printed command chooses, as the command itself reads it."""
    given = main.commands["run"].make_context("run", shlex.split(arguments)).params
    return Filters(given["rule"], given["stage"], given["feature"], given["byte_order"], given["up_to"])


def test_the_commands_of_the_guide_select_cases(site: Path) -> None:
    known = parsed(site / "suite-commands.html").get_text()
    commands = re.findall(r"^ {4,6}packfile-suite run (--loader \S+ ?.*)$", guide(), re.MULTILINE)
    assert len(commands) > 12
    assert any(f"--rule {INSTRUCTIONS[Opcode.I_ADD].rule}" in command for command in commands)
    for command in commands:
        assert all(f"{word} " in known for word in shlex.split(command) if word.startswith("-")), command
        assert any(map(chosen(command).admit, shipped_cases())), command


def test_the_steps_of_the_guide_add_up_to_the_suite() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (\d+) \|$", guide(), re.MULTILINE)
    assert tuple(step for step, _ in rows) == STEPS
    counts = [sum(map(Filters(up_to=step).admit, shipped_cases())) for step, _ in rows]
    assert [int(count) for _, count in rows] == counts
    assert counts[-1] == len(shipped_cases())
    whole = [step for step in STEPS if f"--up-to {step}\n" in guide()]
    assert whole == list(STEPS[:-1])
    assert '"./my-adapter" -n auto\n' in guide()  # the last step's is the run without a choice


def test_the_first_commands_of_the_guide_give_a_working_adapter(tmp_path: Path) -> None:
    block = re.search(r"((?: {4}\S.*\n)+)\n[^\n]*\n?[^\n]*Then\n\n {4}(packfile-suite check-adapter .*)\n", guide())
    assert block
    lines = [line.strip() for line in block[1].splitlines()]
    assert lines[:3] == [
        "python3 -m venv .venv",
        '.venv/bin/pip install -q ".[suite]"',
        'export PATH="$PWD/.venv/bin:$PATH"',
    ]
    (tmp_path / "loaders").symlink_to(ROOT / "loaders")
    (tmp_path / "packfile-suite").write_text(f'#!/bin/sh\nexec {sys.executable} -m packfile_suite "$@"\n')
    (tmp_path / "packfile-suite").chmod(0o755)
    paths = os.pathsep.join(str(ROOT / part) for part in ("reference/src", "conformance"))
    surroundings = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": paths}
    script = "\n".join(["set -e", *lines[3:], block[2]])
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed, " in done.stdout


def test_the_pictures_show_what_the_text_beside_them_says(site: Path) -> None:
    page = parsed(site / "in-pictures.html")
    pictures = page.select("svg.page-map")
    assert [str(text.get_text()) for text in page.select("figcaption code")] == [
        "packfile map fib.pka --call fib 20",
        "packfile map shapes_main.pka --with shapes_lib.pka",
        "packfile map big.pkf --call f700",
        "packfile map table.pkf --call below 1",
        "packfile map counters.pkf --call count 40000",
    ]
    shown = [[text.get_text() for text in picture.select("text")] for picture in pictures]

    def row(picture: int, name: str) -> list[str]:
        at = shown[picture].index(name)
        return shown[picture][at + 1 : at + 5]

    assert row(0, "present") == ["1", "1", "2", "2"]
    assert (row(2, "exports"), row(2, "functions")) == (["0", "0", "2", "6"], ["0", "0", "1", "4"])
    assert (row(2, "code"), row(2, "present")) == (["0", "0", "16", "16384"], ["1", "1", "21", "16394"])
    assert (row(3, "code"), row(3, "present")) == (["0", "0", "1", "1"], ["1", "1", "16", "16386"])
    assert "big-endian" in shown[3][0]
    assert (row(4, "data"), row(4, "private")[:3]) == (["0", "0", "1", "32"], ["0", "0", "1"])
    assert [len(picture.select("path.private")) for picture in pictures[1:]] == [2, 1, 1, 2]  # each legend has one


def test_the_page_of_benchmarks_shows_every_figure_of_the_committed_run(site: Path) -> None:
    results = ROOT / "docs" / "_static" / "benchmarks" / "results.md"
    html = (site / "benchmarks.html").read_text(encoding="utf-8")
    figures = (
        re.findall(r"^!\[.*\]\((.+\.svg)\)$", results.read_text(encoding="utf-8"), re.MULTILINE)
        if results.exists()
        else []
    )
    assert [name for name in figures if f"_images/{name}" not in html] == []
    assert bool(figures) != ("No run is committed in this version." in html)
