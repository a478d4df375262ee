"""The command `packfile-suite`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from .choose import all_cases, choosing, filters, placed, places
from .cli_case import reproduce, show
from .cli_check import check_adapter
from .cli_export import export
from .cli_judge import coverage, lint
from .cli_matrix import matrix
from .cli_observe import observe_command
from .expectations import FILE_NAME
from .output import print_table
from .paths import shown
from .steps import step_of


class _NewFile(click.Path):
    """A file to write, in a directory that is there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The path as it was given."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.absolute().parent.is_dir():
            self.fail(f"there is no directory {path.parent}", param, ctx)
        return value


_NEW_FILE = _NewFile(dir_okay=False, writable=True)
_CONFORMANT, _FAILURES, _UNUSABLE = 0, 1, 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="packfile")
def main() -> None:
    """Judge loaders of packfiles by the conformance suite.

    \b
    packfile-suite run                               the reference
    packfile-suite run --loader "./my-adapter"       another loader
    packfile-suite check-adapter --loader "..."      the adapter, before it can do anything
    packfile-suite reproduce CASE --loader "..."     one case, line by line
    """  # noqa: D301 - click wants the character itself


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--loader", metavar="CMD", help="Command of the adapter; the reference by default.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds for one answer.",
)
@choosing
@placed
@click.option("--sample", metavar="N", type=click.IntRange(min=1), help="Only N cases of those asked for otherwise.")
@click.option("--seed", metavar="S", type=int, help="Which N cases; 0 by default.")
@click.option("--prebuilt", is_flag=True, help="Take the files from the installed package; build none.")
@click.option("-k", "keyword", metavar="EXPRESSION", help="Words of the case's name, as in pytest.")
@click.option("-n", "workers", metavar="N", help="Processes, or `auto`.")
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure; the run counts as cut short.")
@click.option(
    "--expect",
    type=click.Path(exists=True, dir_okay=False),
    help=f"File of known failures; with --loader, {FILE_NAME} of the working directory if there is one.",
)
@click.option("--no-expect", is_flag=True, help=f"Leave {FILE_NAME} alone.")
@click.option("--write-expect", type=_NEW_FILE, metavar="FILE", help="Write a file of the failures of this run.")
@click.option("--report-jsonl", type=_NEW_FILE, metavar="FILE", help="Write a JSON line for each run of a case.")
@click.option("--junitxml", type=_NEW_FILE, metavar="FILE", help="Write a JUnit report.")
@click.option("-v", "--verbose", count=True, help="Name every case.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def run(pytest_arguments: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click's
    """Run the suite against a loader.

    The exit status is 0 if it conforms, 1 if not, 2 if the adapter or the command line cannot be used.

    \b
    packfile-suite run --loader "node my-adapter.js" -n auto
    packfile-suite run --loader ./adapter --up-to machine
    packfile-suite run --loader ./adapter --rule PF-FIX --byte-order big
    packfile-suite run --loader ./adapter --stage trap -- --maxfail=3
    packfile-suite run --loader ./adapter --sample 50 --seed 7
    packfile-suite run --loader ./adapter --write-expect packfile-expect.toml
    packfile-suite run --loader ./adapter --expect packfile-expect.toml --report-jsonl report.jsonl
    """  # noqa: D301 - click wants the character itself
    import pytest  # noqa: PLC0415 - slow to import

    if options["expect"] is not None and options["no_expect"]:
        raise click.UsageError("--expect and --no-expect contradict each other.")
    if options["expect"] is None and _finds_expectations(options):
        options["expect"] = FILE_NAME
    status = pytest.main([*_pytest_arguments(options), *pytest_arguments])
    sys.exit(exit_status(int(status)))


def _finds_expectations(options: dict[str, Any]) -> bool:
    """Whether the file of the working directory is meant: it speaks of the user's loader and of the suite's cases."""
    own = options["loader"] is not None and not options["cases"] and not options["no_expect"]
    return own and Path(FILE_NAME).is_file()


def _pytest_arguments(options: dict[str, Any]) -> list[str]:
    cases = places(options["cases"])
    # The user's own pytest.ini, conftest.py and plug-ins have no business here.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    arguments = ["-p", "packfile_suite.plugin", "--noconftest", "-c", os.devnull, "--rootdir", "."]
    # Node ids are the same everywhere, and pytest shows them as they are if its root is here.
    arguments += ["-p", "no:cacheprovider", "--assert=plain", "-q", *map(str, cases)]
    for place in options["cases"]:
        arguments += ["--cases", str(place)]
    for name in ("rule", "stage", "feature", "byte_order"):
        for value in options[name]:
            arguments += [f"--{name.replace('_', '-')}", value]
    arguments += ["--loader-timeout", str(options["timeout"])]
    flags = {"loader": "--loader", "keyword": "-k", "workers": "-n", "expect": "--expect"}
    flags |= {"report_jsonl": "--report-jsonl", "junitxml": "--junitxml", "up_to": "--up-to"}
    flags |= {"sample": "--sample", "seed": "--seed", "write_expect": "--write-expect"}
    for name, flag in flags.items():
        if options[name] is not None:
            arguments += [flag, str(options[name])]
    arguments += ["-p", "xdist.plugin"] if options["workers"] else []
    arguments += ["-x"] if options["exitfirst"] else []
    arguments += ["--prebuilt"] if options["prebuilt"] else []
    return arguments + ["-v"] * (options["verbose"] + 1 if options["verbose"] else 0)


def exit_status(status: int) -> int:
    """The command's status for one of pytest's: an interrupted or empty run has failed, other troubles are unusable."""
    return {0: _CONFORMANT, 1: _FAILURES, 2: _FAILURES, 5: _FAILURES}.get(status, _UNUSABLE)


@main.command(name="list")
@choosing
@placed
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_cases(
    rule: tuple[str, ...],
    stage: tuple[str, ...],
    feature: tuple[str, ...],
    byte_order: tuple[str, ...],
    up_to: str | None,
    cases: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """List cases, each with the number of its runs: one for each byte order and mixture.

    \b
    packfile-suite list --rule PF-FIX
    packfile-suite list --stage trap --json
    packfile-suite list --up-to image
    """  # noqa: D301 - click wants the character itself
    chosen: dict[str, dict[str, Any]] = {}
    row: dict[str, Any]
    for case, variant in filters(rule, stage, feature, byte_order, up_to).runs(all_cases(cases)):
        row = {"id": case.id, "summary": case.summary, "rules": list(case.rules), "stage": case.stage}
        row["step"] = step_of(case)
        row |= {"features": list(case.needs), "file": shown(case.file), "line": case.line, "byte_orders": []}
        chosen.setdefault(case.id, row)["byte_orders"].append(variant.label)
    if as_json:
        click.echo(json.dumps(list(chosen.values()), indent=2))
        return
    rows = [
        (row["id"], row["rules"][0], row["stage"], str(len(row["byte_orders"])), row["summary"])
        for row in chosen.values()
    ]
    print_table(("case", "rule", "stage", "runs", "summary"), rows)
    click.echo(f"{len(rows)} cases, {sum(len(row['byte_orders']) for row in chosen.values())} runs")


for _command in (
    check_adapter,
    show,
    reproduce,
    matrix,
    export,
    lint,
    coverage,
    observe_command,
):
    main.add_command(_command)

if __name__ == "__main__":
    main()
