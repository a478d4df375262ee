"""The command `python -m benchmarks`: one sub-command a group of measurements."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import run


def main(arguments: list[str] | None = None) -> int:
    """Measure a group, print what came out, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measured speeds and ratios.")
    groups = parser.add_subparsers(dest="group", required=True, metavar="GROUP")
    group = groups.add_parser(
        "run", help="instructions a second of both tiers, beside CPython and pywasm", description=run.__doc__
    )
    group.add_argument("--rounds", type=_positive, metavar="N", help=f"how often to measure (default {run.ROUNDS})")
    group.add_argument("--quick", action="store_true", help="only show that it works; the figures say nothing")
    group.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well, each round")
    options = parser.parse_args(arguments)
    try:
        report = run.measure(quick=options.quick, rounds=options.rounds)
    except run.DifferentAnswers as error:
        print(f"the contenders disagree: {error}", file=sys.stderr)
        return 1
    print(run.text(report))
    if report.facts["pywasm"] is None:
        print("\npywasm is not installed: pip install 'packfile[bench]'")
    if options.json:
        options.json.write_text(json.dumps({"group": "run", **asdict(report)}, indent=2) + "\n", encoding="utf-8")
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
