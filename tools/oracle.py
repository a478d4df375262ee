"""Computes the expected values of the numeric conformance cases with WebAssembly.

python tools/oracle.py           writes conformance/cases/numeric/*.yaml where they differ
python tools/oracle.py --check   writes nothing; fails, naming each stale file

The semantics of Packfile's arithmetic are WebAssembly's (spec/instructions.md), so an implementation of WebAssembly
says what the instructions give. Nothing of Packfile's reference takes part.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import wasmtime

from generator import files
from oracle_lib import case_text, cases, control, conversions, floats, integers, memory, wasm

Group = Callable[[wasmtime.Engine], list[cases.Recipe]]

DIRECTORY = "conformance/cases/numeric"
FILES: Mapping[str, Sequence[Group]] = {
    "integer_arithmetic.yaml": [integers.arithmetic],
    "integer_bits.yaml": [integers.bits],
    "integer_compare.yaml": [integers.compare],
    "float_arithmetic.yaml": [floats.arithmetic],
    "float_rounding.yaml": [floats.rounding],
    "float_bits.yaml": [floats.bits],
    "float_compare.yaml": [floats.compare],
    "conversions.yaml": [
        conversions.to_integer,
        conversions.to_float,
        conversions.reinterpretations,
        conversions.binary32,
    ],
    "constants.yaml": [conversions.loads_of_constants],
    "loads.yaml": [memory.loads],
    "stores.yaml": [memory.stores, memory.ranges],
    "jumps.yaml": [control.jumps, control.others],
}


def solved(groups: Sequence[Group]) -> list[cases.Case]:
    """The cases of a file."""
    engine = wasm.engine()
    return [cases.solve(recipe, engine) for group in groups for recipe in group(engine)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    parser = argparse.ArgumentParser(description="Compute the numeric conformance cases with WebAssembly.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    parser.add_argument("--root", type=Path, metavar="DIR", default=Path(__file__).resolve().parent.parent)
    given = parser.parse_args(arguments)

    made = {name: solved(groups) for name, groups in FILES.items()}
    texts = {f"{DIRECTORY}/{name}": case_text.render(solutions) for name, solutions in made.items()}
    if given.check:
        problems = files.stale(given.root, texts, [DIRECTORY])
        for problem in problems:
            print(problem, file=sys.stderr)
        if problems:
            print("run: python tools/oracle.py", file=sys.stderr)
        return 1 if problems else 0
    for name in files.update(given.root, texts, [DIRECTORY]):
        print(name)
    for name, solutions in made.items():
        print(f"{name}: {len(solutions)} cases, {sum(case.row_count() for case in solutions)} rows")
    print(f"{sum(map(len, made.values()))} cases, {sum(c.row_count() for s in made.values() for c in s)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
