"""Regenerates everything that restates the specification.

python tools/generate.py           writes what differs
python tools/generate.py --check   writes nothing; fails, naming each stale file

spec/ is read and checked first; a specification that contradicts itself is refused and nothing is written. The
compiler for the .ksy files runs on Node.js and is installed into tools/node_modules when it is not there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator import (
    docs_instructions,
    docs_layout,
    docs_rules,
    effects,
    files,
    kaitai,
    layout,
    render_c,
    render_instructions,
    render_javascript,
    render_layout,
    render_rules,
    rules,
    schemas,
    source,
    table,
)

PACKAGE = "reference/src/packfile"
PARSER = f"{PACKAGE}/_kaitai"
DOCS = "docs/generated"
C_HEADER = "loaders/c/src/packfile_format.h"
JAVASCRIPT = "loaders/js/generated"
# Directories in which every file is generated.
OWNED = (PARSER, DOCS, JAVASCRIPT)


def render(root: Path) -> Mapping[str, str]:
    """The text of every generated file by its path from the root."""
    spec = source.load(root)
    packfile = layout.read(spec.packfile)
    instructions = table.read(spec.instructions)
    if spec.effects is None:
        raise source.SpecError("spec/effects.md: missing")
    primitives = effects.read_primitives(spec.effects, instructions.traps)
    segments = [member.id for member in packfile.enums["segment"] if member.value]
    effects.check(instructions.instructions, primitives, instructions.traps, segments)
    terms = rules.read_terms(spec, instructions)
    all_rules = rules.collect(packfile, instructions, spec.rules, terms)
    schema_texts = schemas.render(spec, terms)

    compiled = kaitai.compile_specs({"packfile": spec.packfile, "instructions": spec.instructions})
    kaitai.check_paths(compiled["python"], packfile)
    facts = kaitai.section_facts(kaitai.parser_class(compiled["python"]), packfile)
    return {
        **{f"{PARSER}/{name}": text for name, text in kaitai.package(compiled["python"]).items()},
        f"{PACKAGE}/layout.py": render_layout.render(packfile, facts),
        f"{PACKAGE}/instructions.py": render_instructions.render(instructions),
        f"{PACKAGE}/rules.py": render_rules.render(all_rules),
        C_HEADER: render_c.render(packfile, facts, instructions, all_rules.values()),
        f"{JAVASCRIPT}/table.js": render_javascript.render(packfile, facts, instructions),
        f"{JAVASCRIPT}/Packfile.cjs": render_javascript.parser(compiled["javascript"]),
        f"{DOCS}/packfile.dot": kaitai.graph(compiled["graphviz"]),
        f"{DOCS}/layout.md": docs_layout.render_layout(packfile, facts),
        f"{DOCS}/limits.md": docs_layout.render_limits(packfile),
        f"{DOCS}/instructions.md": docs_instructions.render(instructions),
        f"{DOCS}/rules.md": docs_rules.render(all_rules, spec.rules),
        **schema_texts,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    parser = argparse.ArgumentParser(description="Regenerate everything that restates the specification.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a generated file is stale")
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        default=Path(__file__).resolve().parent.parent,
        help="the repository, or a copy of it (default: the one that this script is in)",
    )
    options = parser.parse_args(arguments)
    try:
        texts = render(options.root)
    except source.SpecError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    if options.check:
        problems = files.stale(options.root, texts, OWNED)
        for problem in problems:
            print(f"generate: {problem}; run `python tools/generate.py` and commit the result", file=sys.stderr)
        return 1 if problems else 0
    for name in files.update(options.root, texts, OWNED):
        print(f"generate: wrote {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
