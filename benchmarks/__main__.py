"""The command `python -m benchmarks`: one sub-command a group of measurements, and `all`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import digests, fixups, loaders, memory, opening, plots, run, suite, verifying
from benchmarks.facts import facts
from benchmarks.group import Group, NotMeasured
from benchmarks.lineup import loader_option
from benchmarks.markdown import section, summary

GROUPS = (
    run.GROUP,
    loaders.GROUP,
    opening.GROUP,
    memory.GROUP,
    fixups.GROUP,
    verifying.GROUP,
    digests.GROUP,
    suite.GROUP,
)
RESULTS = "results.md"
"""What `all --plot DIR` writes beside the figures."""
SUMMARY = "summary.md"
"""What it writes for README: claims and what was measured."""


def main(arguments: list[str] | None = None) -> int:
    """Measure a group or all, print what came out, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measured speeds and ratios.")
    commands = parser.add_subparsers(required=True, metavar="GROUP")
    for group in GROUPS:
        command = commands.add_parser(group.name, help=group.help, description=group.description)
        command.set_defaults(groups=[group], json_dir=None)
        command.add_argument(
            "--rounds", type=_positive, metavar="N", help=f"how often to measure (default {group.rounds})"
        )
        command.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well, each round")
        if group.takes_loaders:
            loader_option(command)
        _common(command)
    command = commands.add_parser("all", help="every group, one after the other", description="Every group in turn.")
    command.set_defaults(groups=GROUPS, rounds=None, json=None, loader=[])
    command.add_argument("--json-dir", type=Path, metavar="DIR", help="write a file of everything for each group there")
    _common(command)
    options = parser.parse_args(arguments)
    try:
        if options.plot:
            plots.require()
        return _measure_all(options)
    except NotMeasured as error:
        print(f"nothing is measured: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--quick", action="store_true", help="only show that it works; the figures say nothing")
    command.add_argument("--plot", type=Path, metavar="DIR", help="write figures there as PNG and SVG")


def _measure_all(options: argparse.Namespace) -> int:
    groups: Sequence[Group] = options.groups
    failed = []
    sections = []
    reports: dict[str, Any] = {}
    for number, group in enumerate(groups):
        if len(groups) > 1:
            print(f"{'' if number == 0 else chr(10)}=== {group.name}: {group.help}", flush=True)
        try:
            reports[group.name], section_text = _measure(group, options)
            sections.append(section_text)
        except NotMeasured as error:
            if len(groups) == 1:
                raise
            # What other groups can tell is told nevertheless.
            print(f"{group.name}: nothing is measured: {error}", file=sys.stderr, flush=True)
            failed.append(group.name)
    if options.plot and len(groups) > 1:
        (options.plot / RESULTS).write_text("\n".join(sections), encoding="utf-8")
        (options.plot / SUMMARY).write_text(summary(reports, facts()), encoding="utf-8")
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(group: Group, options: argparse.Namespace) -> tuple[Any, str]:
    """Measure one group, print and keep what came out; gives it, and as Markdown."""
    added = {"added": options.loader} if group.takes_loaders else {}
    report = group.measure(quick=options.quick, rounds=options.rounds, **added)
    print(group.text(report), flush=True)
    document = {"group": group.name, **asdict(report)}
    paths = [options.json] if options.json else []
    if options.json_dir:
        options.json_dir.mkdir(parents=True, exist_ok=True)
        paths.append(options.json_dir / f"{group.name}.json")
    for path in paths:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    quantities = group.quantities(report)
    if options.plot:
        for path in plots.draw(quantities, options.plot, group.name):
            print(f"wrote {path}")
    return report, section(group.name, group.help, report, quantities, figures=bool(options.plot))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
