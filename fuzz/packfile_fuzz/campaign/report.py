"""The report of a campaign, as JSON, Markdown and HTML.

Assumes what the ledger says, and nothing else. Promises that the same ledger makes the same reports; that each file is
whole; and that the HTML is one file that needs no other.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from packfile.instructions import INSTRUCTIONS
from packfile.publish import write_file
from packfile.rules import RULES

from . import view
from .entries import Header
from .folders import FOLDER, summary
from .found import Found
from .state import State

FILES = ("report.json", "report.md", "report.html")
"""Names of the reports."""
_RUNNING = "cut off"
"""How a campaign ended whose ledger does not say."""


def report_data(header: Header, state: State) -> dict[str, Any]:
    """All that the reports say, as JSON holds it."""
    tally = state.tally
    rows = view.coverage(tally)
    found = sorted(state.by_signature(), key=lambda one: -one.count)
    return {
        "campaign": header.as_json(),
        "end": state.end or _RUNNING,
        "problems": view.problems(state),
        "totals": _totals(state),
        "stages": [_stage(name, seconds, tally.examples) for name, seconds in sorted(tally.seconds.items())],
        "outcomes": [
            {"outcome": name, "count": count, "share": view.share(count, tally.outcomes.total())}
            for name, count in sorted(tally.outcomes.items(), key=lambda item: (-item[1], item[0]))
        ],
        "comparisons": [
            {**row._asdict(), "incomparable_share": row.incomparable_share} for row in view.comparisons(tally)
        ],
        "coverage": [row._asdict() for row in rows],
        "never_run": [row.mnemonic for row in rows if not row.reached],
        "rules": {
            "named": view.named_rules(tally),
            "of": len(view.NAMED_RULES),
            "never_named": [{"rule": rule, "text": RULES[rule].text} for rule in view.unnamed_rules(tally)],
        },
        "failures": [{**summary(one), "reproduce": reproduce(header, one)} for one in found],
    }


def _totals(state: State) -> dict[str, Any]:
    tally = state.tally
    return {
        "examples": tally.examples,
        "elapsed": round(state.elapsed, 3),
        "rate": view.share(tally.examples, 1) / state.elapsed if state.elapsed else 0.0,
        "calls": view.ran(tally),
        "exhausted_share": view.exhausted_share(tally),
        "pairs": len(tally.instructions),
        "instructions": len({name.partition(" ")[0] for name in tally.instructions}),
        "instructions_of": len(INSTRUCTIONS),
        "failures": sum(found.count for found in state.found.values()),
        "signatures": len(state.found),
    }


def _stage(name: str, seconds: float, examples: int) -> dict[str, Any]:
    return {"stage": name, "seconds": seconds, "rate": examples / seconds if seconds else 0.0}


def reproduce(header: Header, found: Found) -> str:
    """The command that runs the example of the lowest seed again."""
    example = found.example
    command = ["packfile-fuzz", "reproduce", "--seed", str(example.seed), "--kind", example.kind]
    for loader in header.options.get("loaders", ()):
        command += ["--loader", loader]
    return shlex.join(command)


def to_markdown(data: dict[str, Any]) -> str:
    """The report for those who read it as text."""
    totals = data["totals"]
    lines = ["# Fuzzing campaign", "", verdict(data), ""]
    lines += [f"- **{problem}**" for problem in data["problems"]]
    lines += _table(("what", "number"), [(name, _number(value)) for name, value in totals.items()])
    lines += ["", "## Failures", ""]
    lines += _table(
        ("count", "failure", "first seed", "first seen", "last seen", "reproduce"),
        [(one["count"], title(one), one["seed"], one["first_seen"], one["last_seen"], f"`{one['reproduce']}`")
         for one in data["failures"]],
    )  # fmt: skip
    lines += ["", "## Rates by stage", ""]
    stages = [(one["stage"], f"{one['seconds']:.1f}", f"{one['rate']:.0f}") for one in data["stages"]]
    lines += _table(("stage", "CPU seconds", "examples/s"), stages)
    lines += ["", "## Outcomes", ""]
    outcomes = [(one["outcome"], one["count"], f"{one['share']:.2%}") for one in data["outcomes"]]
    lines += _table(("outcome", "calls", "share"), outcomes)
    lines += ["", "## Comparisons", ""]
    lines += _table(
        ("oracle", "equal", "different", "not comparable", "share"),
        [(one["oracle"], one["equal"], one["different"], one["incomparable"], f"{one['incomparable_share']:.2%}")
         for one in data["comparisons"]],
    )  # fmt: skip
    lines += ["", "## Instructions", ""]
    rows = [(row["mnemonic"], reached(row), ", ".join(row["missing"])) for row in data["coverage"]]
    lines += _table(("instruction", "examples by outcome", "never reached"), rows)
    lines += ["", f"## Rules that no outcome named: {len(data['rules']['never_named'])} of {data['rules']['of']}", ""]
    lines += _table(("rule", "text"), [(one["rule"], one["text"]) for one in data["rules"]["never_named"]])
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    if not rows:
        return ["None."]
    head = [_cells(columns), "|".join(["", *("---" for _ in columns), ""])]
    return head + [_cells(row) for row in rows]


def _cells(row: Sequence[object]) -> str:
    cells = (" ".join(str(cell).split()).replace("|", "\\|").replace("<", "&lt;") for cell in row)
    return f"| {' | '.join(cells)} |"


def to_html(data: dict[str, Any]) -> str:
    """The report for a browser."""
    return _TEMPLATE.render(data=data, verdict=verdict(data))


def verdict(data: dict[str, Any]) -> str:
    """What came of it, in a sentence or two."""
    totals = data["totals"]
    what = f"{totals['examples']} examples in {view.duration(totals['elapsed'])}"
    failures = (
        f"{totals['failures']} failures of {totals['signatures']} signatures" if totals["failures"] else "no failure"
    )
    return f"{what}: {failures}. It ended so: {data['end']}."


def title(failure: dict[str, Any]) -> str:
    """A signature in a few words."""
    expected, came = failure["outcomes"]
    words = [f"{failure['oracle']}: expected {expected}, got {came}", failure["detail"], failure["opcode"]]
    words += [f"({failure['loader']})"] if failure["loader"] else []
    return " ".join(word for word in words if word)


def reached(row: dict[str, Any]) -> str:
    """What an instruction came to."""
    return ", ".join(f"{outcome} {count}" for outcome, count in row["reached"].items()) or "never run"


def _number(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def folder_of(failure: dict[str, Any]) -> str:
    """Path of a signature's folder within that of the campaign."""
    return f"{FOLDER}/{failure['slug']}/"


_ENVIRONMENT = jinja2.Environment(
    autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
)
_ENVIRONMENT.filters |= {
    "title": title,
    "reached": reached,
    "number": _number,
    "folder": folder_of,
    "percent": "{:.2%}".format,
}
_TEMPLATE = _ENVIRONMENT.from_string((Path(__file__).parent / "report.html.jinja").read_text(encoding="utf-8"))


def write_reports(directory: Path, header: Header, state: State) -> dict[str, Any]:
    """Write the three files; gives what they say.

    Raises:
        OSError: They cannot be written.
    """
    data = report_data(header, state)
    texts = (json.dumps(data, indent=2) + "\n", to_markdown(data), to_html(data))
    for name, text in zip(FILES, texts, strict=True):
        write_file(directory / name, text.encode())
    return data
