"""`packfile-suite check-adapter`: the adapter judged apart from its loader."""

from __future__ import annotations

import json
import math
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .adapter_checks import CHECKS, Finding, run_checks
from .execute import reference_loader
from .output import print_table
from .probe import Probe

_GOOD, _FAILURES, _UNUSABLE = 0, 1, 2
_STDERR_LINES = 10


@click.command(name="check-adapter")
@click.option("--loader", metavar="CMD", help="Command of the adapter; the reference's by default.")
@click.option("--timeout", type=click.FloatRange(min=0.5), default=10.0, show_default=True, help="Seconds for a check.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check_adapter(loader: str | None, timeout: float, *, as_json: bool) -> None:
    """Check that an adapter speaks the protocol, whatever its loader can do.

    What needs a command that the adapter refuses is said to be not checked. The exit status is 0 if nothing failed, 1
    if something did, 2 if the adapter cannot be used: it does not start, or does not answer hello.

    \b
    packfile-suite check-adapter --loader "python adapter.py"
    packfile-suite check-adapter --loader ./adapter --timeout 2 --json
    """  # noqa: D301 - click wants the character itself
    reference = reference_loader(timeout)
    try:
        command = shlex.split(loader) if loader is not None else reference.command
    except ValueError as error:
        raise click.UsageError(f"--loader: expected a command as a shell takes it: {error}.") from None
    if not command:
        raise click.UsageError("--loader is empty; expected the command of an adapter.")
    if not math.isfinite(timeout):
        raise click.UsageError(f"--timeout: expected a number of seconds, got {timeout}.")
    environment = reference.environment if loader is None else None
    with tempfile.TemporaryDirectory(prefix="packfile-") as directory:
        probe = Probe(command, timeout, Path(directory), environment)
        try:
            findings = list(run_checks(probe))
        finally:
            probe.end()
    if as_json:
        click.echo(json.dumps({"hello": probe.hello, "checks": [_as_json(finding) for finding in findings]}, indent=2))
    else:
        _print(findings)
    failed = [finding.check for finding in findings if finding.wrong]
    sys.exit(_UNUSABLE if CHECKS[0] in failed else _FAILURES if failed else _GOOD)


def _print(findings: Sequence[Finding]) -> None:
    if not findings[0].wrong:
        rows = [(finding.check.name, finding.check.promise, _result(finding)) for finding in findings]
        print_table(("check", "the adapter's promise", "result"), rows)
    for finding in findings:
        if finding.wrong:
            click.echo(_explained(finding))
    counts = Counter(finding.result for finding in findings)
    numbers = f"{counts['ok']} ok, {counts['failed']} failed, {counts['not checked']} not checked"
    click.echo(f"\n{len(findings)} checks: {numbers}")


def _result(finding: Finding) -> str:
    if finding.result == "not checked":
        return f"not checked: {finding.reason}"
    return "FAILED" if finding.wrong else "ok"


def _explained(finding: Finding) -> str:
    wrong = finding.wrong
    assert wrong is not None
    lines = [f"\n{finding.check.name}: {finding.check.promise}"]
    lines += [f"  sent      {wrong.sent}", f"  came      {wrong.came}", f"  expected  {wrong.expected}"]
    lines.append(f'  says      spec/adapter.md, "{finding.check.section}"')
    said = "".join(char if char.isprintable() else "�" if char != "\n" else char for char in wrong.stderr).splitlines()
    if said:
        lines.append("  standard error ended with")
        lines += [f"  | {line}" for line in said[-_STDERR_LINES:]]
    return "\n".join(lines)


def _as_json(finding: Finding) -> dict[str, Any]:
    check, wrong = finding.check, finding.wrong
    row = {"check": check.name, "promise": check.promise, "section": check.section, "result": finding.result}
    if finding.reason:
        row["reason"] = finding.reason
    if wrong is not None:
        row |= {"sent": wrong.sent, "came": wrong.came, "expected": wrong.expected, "stderr": wrong.stderr}
    return row
