"""The Kaitai Struct compiler: running it, and reading facts off the parser that it generates.

Promises that both descriptions compile without a message for every language listed, and that a section's facts are the
parser's own answers.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

from generator.emit import header
from generator.layout import Layout
from generator.source import Parsed, SpecError

LANGUAGES = ("python", "cpp_stl", "javascript", "rust", "go", "java", "graphviz")
TOOLS = Path(__file__).resolve().parent.parent
# ksc writes untyped code.
Parser: TypeAlias = Any


@dataclass(frozen=True)
class SectionFacts:
    """What the parser answers for one section kind."""

    row: str | None
    row_size: int
    unit_aligned: bool
    max_length: int


def _string_keys(value: Parsed) -> Parsed:
    # JSON has no integer keys; ksc takes enum values as decimal strings.
    if isinstance(value, dict):
        return {str(key): _string_keys(item) for key, item in value.items()}
    return [_string_keys(item) for item in value] if isinstance(value, list) else value


def _node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise SpecError("the Kaitai Struct compiler needs Node.js: no `node` on the path")
    if not (TOOLS / "node_modules" / "kaitai-struct-compiler").is_dir():
        if npm is None:
            raise SpecError("tools/node_modules is missing and there is no `npm` on the path to install it")
        done = subprocess.run(
            [npm, "ci", "--no-fund", "--no-audit"], cwd=TOOLS, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SpecError(f"`npm ci` in tools/ failed:\n{done.stdout}{done.stderr}")
    return node


def compile_specs(specs: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """Compile `packfile`, which imports the rest; gives {language: {file name: text}}."""
    request = {"languages": LANGUAGES, "main": "packfile", "specs": _string_keys(dict(specs))}
    done = subprocess.run(
        [_node(), "compile_ksy.mjs"], cwd=TOOLS, input=json.dumps(request), capture_output=True, text=True, check=False
    )
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise SpecError(f"tools/compile_ksy.mjs failed:\n{done.stdout}{done.stderr}") from None
    if done.returncode != 0 or done.stderr or "output" not in answer:
        raise SpecError("the Kaitai Struct compiler complains:\n" + "\n".join(answer.get("problems", [done.stderr])))
    output: Mapping[str, Mapping[str, str]] = answer["output"]
    return output


def parser_class(python: Mapping[str, str]) -> Parser:
    """The class `Packfile` of the generated Python parser."""
    namespace: dict[str, Any] = {"__name__": "packfile"}
    exec(compile(python["packfile.py"], "packfile.py", "exec"), namespace)  # noqa: S102 - ksc wrote it just now
    return namespace["Packfile"]


def check_paths(python: Mapping[str, str], layout: Layout) -> None:
    """Refuse if the parser's validation errors and the layout's checks differ in their paths."""
    raised = set(re.findall(r'raise kaitaistruct\.Validation\w+\(.*u"([^"]+)"\)', python["packfile.py"]))
    stated = {check.path for check in layout.checks}
    if raised != stated:
        raise SpecError(f"the parser and the checks disagree about {', '.join(sorted(raised ^ stated))}")


def section_facts(parser: Parser, layout: Layout) -> Mapping[str, SectionFacts]:
    """Ask the parser's own expressions about each section kind, without a file."""
    limits = {value.name: value.value for value in layout.values}

    def section(kind: int, unit_log2: int) -> Parser:
        made = parser.Body.Section.__new__(parser.Body.Section)
        made.kind_id = kind
        made._parent = SimpleNamespace(**limits, unit_log2=unit_log2)  # noqa: SLF001 - as the parser would
        return made

    facts = {}
    for member in layout.enums["section_kind"]:
        # Any two units tell whether the alignment follows the unit.
        small, large = section(member.value, 20), section(member.value, 21)
        row = layout.section_rows.get(member.id)
        size = layout.rows[row].size if row else 1
        if small.row_size != size:
            raise SpecError(
                f"spec/packfile.ksy: row_size of {member.id} is {small.row_size}, but its row has {size} bytes"
            )
        facts[member.id] = SectionFacts(row, size, small.alignment != large.alignment, small.max_length)
    return facts


def package(python: Mapping[str, str]) -> Mapping[str, str]:
    """The parser as the files of a Python package."""
    note = ("# %s", "spec/packfile.ksy", "spec/instructions.ksy")
    about = '"""The parser that the Kaitai Struct compiler makes of spec/packfile.ksy."""'
    files = {"__init__.py": f"{header(*note)}\n{about}\n"}
    for name, text in python.items():
        # ksc writes imports between its own files as top-level ones.
        relative = re.sub(r"^import (packfile|instructions)$", r"from . import \1", text, flags=re.MULTILINE)
        about = header("# %s", f"spec/{name.removesuffix('.py')}.ksy")
        files[name] = f"{about}\n# ruff: noqa\n# fmt: off\n{relative.rstrip()}\n"
    return files


def graph(graphviz: Mapping[str, str]) -> str:
    """The diagram of the layout in the language of Graphviz."""
    return f"{header('// %s', 'spec/packfile.ksy')}\n{graphviz['packfile.dot'].rstrip()}\n"
