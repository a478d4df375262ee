"""`packfile-suite lint` and `coverage`: the suite judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from packfile.rules import RULES

from .choose import all_cases, placed, places
from .output import print_table

if TYPE_CHECKING:
    from .coverage import Coverage


@click.command()
@placed
def lint(cases: tuple[Path, ...]) -> None:
    """Check that the cases are right: each negative case has the defects that it states, and no other.

    \b
    packfile-suite lint
    packfile-suite lint --cases my-cases/
    """  # noqa: D301 - click wants the character itself
    from .lint import lint as judge  # noqa: PLC0415 - what it needs is slow to import

    problems, count = judge(places(cases))
    for problem in problems:
        click.echo(str(problem))
    click.echo(f"{count} cases, {len(problems)} problems")
    sys.exit(1 if problems else 0)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--gaps", is_flag=True, help="Only what has no case.")
@placed
def coverage(cases: tuple[Path, ...], *, as_json: bool, gaps: bool) -> None:
    """Show which cases each rule, instruction and trap has, the checks of the in-place profile among them.

    The exit status is 1 if one has neither a case nor a stated reason.

    \b
    packfile-suite coverage
    packfile-suite coverage --gaps
    packfile-suite coverage --json
    """  # noqa: D301 - click wants the character itself
    from . import coverage as measuring  # noqa: PLC0415 - what it needs is slow to import

    found = measuring.measure(all_cases(cases))
    if not cases:
        measuring.measure_profile(found)
    missing = found.gaps()
    if as_json:
        click.echo(json.dumps(measuring.as_json(found), indent=2))
        sys.exit(1 if missing else 0)
    if not gaps:
        rules = [(rule, str(len(ids)), _first(ids, RULES[rule].untestable)) for rule, ids in found.rules.items()]
        print_table(("rule", "cases", "first of them"), rows=rules)
        click.echo()
        rows = [(name, str(len(ids)), _traps(found, name)) for name, ids in found.instructions.items()]
        print_table(("instruction", "cases", "traps"), rows)
        click.echo()
    for gap in missing:
        click.echo(gap)
    untestable = sum(bool(rule.untestable) for rule in RULES.values())
    text = f"{len(found.rules)} rules ({untestable} untestable)"
    click.echo(f"{text}, {len(found.instructions)} instructions, {len(found.traps)} traps: {len(missing)} gaps")
    sys.exit(1 if missing else 0)


def _first(ids: list[str], untestable: str | None) -> str:
    return f"untestable: {untestable}" if untestable else ", ".join(ids[:2])


def _traps(found: Coverage, name: str) -> str:
    return ", ".join(f"{code} ({len(ids)})" for (of, code), ids in found.traps.items() if of == name)
