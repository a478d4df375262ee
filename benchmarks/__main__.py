"""The command `python -m benchmarks`: one sub-command a group of measurements."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import digests, loaders, run
from benchmarks.group import Group, NotMeasured

GROUPS = (run.GROUP, loaders.GROUP, digests.GROUP)


def main(arguments: list[str] | None = None) -> int:
    """Measure a group, print what came out, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measured speeds and ratios.")
    commands = parser.add_subparsers(required=True, metavar="GROUP")
    for group in GROUPS:
        command = commands.add_parser(group.name, help=group.help, description=group.description)
        command.set_defaults(group=group)
        command.add_argument(
            "--rounds", type=_positive, metavar="N", help=f"how often to measure (default {group.rounds})"
        )
        command.add_argument("--quick", action="store_true", help="only show that it works; the figures say nothing")
        command.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well, each round")
        group.add_options(command)
    options = parser.parse_args(arguments)
    try:
        return _measure(options.group, options)
    except NotMeasured as error:
        print(f"nothing is measured: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _measure(group: Group, options: argparse.Namespace) -> int:
    report = group.measure(options)
    print(group.text(report))
    if options.json:
        document = {"group": group.name, **asdict(report)}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


def _write(path: Path | None, group: str, report: dict[str, object]) -> None:
    if path:
        path.write_text(json.dumps({"group": group, **report}, indent=2) + "\n", encoding="utf-8")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
