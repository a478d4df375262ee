"""The command `python -m benchmarks`: one sub-command a group of measurements."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import digests, run


def main(arguments: list[str] | None = None) -> int:
    """Measure a group, print what came out, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measured speeds and ratios.")
    groups = parser.add_subparsers(dest="group", required=True, metavar="GROUP")
    for name, module, about in (
        ("run", run, "instructions a second of the first tier, beside CPython and pywasm"),
        ("digests", digests, "what checking digests costs"),
    ):
        group = groups.add_parser(name, help=about, description=module.__doc__)
        rounds = f"how often to measure (default {module.ROUNDS})"
        group.add_argument("--rounds", type=_positive, metavar="N", help=rounds)
        group.add_argument("--quick", action="store_true", help="only show that it works; the figures say nothing")
        group.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well, each round")
    options = parser.parse_args(arguments)
    if options.group == "digests":
        costs = digests.measure(quick=options.quick, rounds=options.rounds)
        print(digests.text(costs))
        _write(options.json, "digests", asdict(costs))
        return 0
    try:
        report = run.measure(quick=options.quick, rounds=options.rounds)
    except run.DifferentAnswers as error:
        print(f"the contenders disagree: {error}", file=sys.stderr)
        return 1
    print(run.text(report))
    if report.facts["pywasm"] is None:
        print("\npywasm is not installed: pip install 'packfile[bench]'")
    _write(options.json, "run", asdict(report))
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
