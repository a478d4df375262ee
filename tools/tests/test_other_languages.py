"""What is generated for C and JavaScript says the same as what is generated for Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from packfile import instructions, layout
from packfile.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "loaders/c/src/packfile_format.h"
TABLE = ROOT / "loaders/js/generated/table.js"
PRINTING = r"""
#include "packfile_format.h"
#include <stdio.h>
#define INSTRUCTION(op, id, ID, mnemonic, words, terminator, rule, a, b, c, literal) \
  printf("instruction %d %s %d %d %s %s %s %s %s %d\n", op, mnemonic, words, terminator, rule, #a, #b, #c, #literal, \
         op == PF_OP_##ID);
#define SECTION(ID, id, row, unit, greatest) \
  printf("section %u %u %d %u\n", PF_SECTION_KIND_##ID, (unsigned)row, unit, (unsigned)greatest);
#define TRAP(ID, number, name) printf("trap %s %d\n", name, number);
int main(void) {
  const unsigned char magic[] = {PF_MAGIC};
  for (unsigned k = 0; k < PF_MAGIC_LENGTH; k++) printf("magic %u\n", magic[k]);
  PF_INSTRUCTIONS(INSTRUCTION)
  PF_SECTIONS(SECTION)
  PF_TRAPS(TRAP)
  VALUES
  return 0;
}
"""


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}")
    return path


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What a C program that includes the header prints of it: a list of words a line."""
    text = HEADER.read_text(encoding="utf-8")
    names = re.findall(r"^#define (PF_\w+) (?:UINT\d+_C|\d\w+$|\d\w+ /)", text, re.MULTILINE)
    values = "\n".join(f'  printf("value {name} %llu\\n", (unsigned long long)({name}));' for name in names)
    folder = tmp_path_factory.mktemp("c")
    (folder / "facts.c").write_text(PRINTING.replace("  VALUES", values), encoding="utf-8")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-I", str(HEADER.parent)]
    subprocess.run([tool("cc"), *flags, "-o", str(folder / "facts"), str(folder / "facts.c")], check=True)
    done = subprocess.run([str(folder / "facts")], capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def rows(printed: list[list[str]], first: str) -> list[list[str]]:
    return [line[1:] for line in printed if line[0] == first]


def operand_places(row: instructions.Instruction) -> list[str]:
    """What stands in a, b, c and the literal word, in the header's names."""
    places = ["PF_OPERAND_NONE"] * 4
    for operand in row.operands:
        first = operand.position - 1 if operand.position else 3
        for k in range(operand.size if operand.position else 1):
            places[first + k] = "PF_OPERAND_CONTINUED" if k else f"PF_OPERAND_{operand.name.upper()}"
    return places


def test_the_c_header_has_every_instruction_section_and_trap(printed: list[list[str]]) -> None:
    assert bytes(int(byte) for (byte,) in rows(printed, "magic")) == layout.MAGIC
    assert rows(printed, "instruction") == [
        [str(op.value), row.mnemonic, str(row.words), str(int(row.terminator)), row.rule, *operand_places(row), "1"]
        for op, row in instructions.INSTRUCTIONS.items()
    ]
    assert rows(printed, "section") == [
        [str(kind.value), str(section.row_size), str(int(section.unit_aligned)), str(section.max_length)]
        for kind, section in layout.SECTIONS.items()
    ]
    assert [name for name, _ in rows(printed, "trap")] == [trap.value for trap in instructions.TrapCode]


def test_the_c_header_has_every_limit_enum_offset_and_rule(printed: list[list[str]]) -> None:
    got = {name: int(value) for name, value in rows(printed, "value")}
    for name in (
        "HEADER_SIZE",
        "NO_ENTRY",
        "FIRST_SKIPPABLE_KIND",
        *(n for n in dir(layout) if n.startswith(("MAX_", "DIGEST_"))),
    ):
        assert got.pop(f"PF_{name}") == getattr(layout, name)
    for enum in ("ByteOrder", "SectionKind", "ImportKind", "Binding", "Segment"):
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum).upper()
        for member in getattr(layout, enum):
            assert got.pop(f"PF_{prefix}_{member.name}") == member
    for name, fields in layout.FIELDS.items():
        assert got.pop(f"PF_SIZEOF_{name.upper()}") == sum(field.size for field in fields)
        for field in fields:
            assert got.pop(f"PF_AT_{name.upper()}_{field.name.upper()}") == field.offset
    text = HEADER.read_text(encoding="utf-8")
    assert re.findall(r'^#define PF_RULE_\w+ "(.*)"$', text, re.MULTILINE) == list(RULES)
    for name in [name for name in got if name.startswith(("PF_OP_", "PF_OPERAND_", "PF_MIN_"))] + ["PF_MAGIC_LENGTH"]:
        got.pop(name)
    assert not got


def exported() -> Any:
    script = f"import * as table from '{TABLE}'; console.log(JSON.stringify(table));"
    done = subprocess.run(
        [tool("node"), "--no-warnings", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_javascript_table_says_what_the_python_tables_say() -> None:
    table = exported()
    assert bytes(table["MAGIC"]) == layout.MAGIC
    assert table["VALUES"]["max_fuel"] == layout.MAX_FUEL
    assert table["TOO_SHORT"] == layout.TOO_SHORT
    for path, check in layout.CHECKS.items():
        assert (table["CHECKS"][path]["rule"], table["CHECKS"][path]["outcome"]) == (check.rule, check.outcome)
    for name, fields in layout.FIELDS.items():
        got = {key: (field["offset"], field["type"]) for key, field in table["ROWS"][name]["fields"].items()}
        assert got == {field.name: (field.offset, field.type) for field in fields}
    assert {int(op) for op in table["INSTRUCTIONS"]} == {op.value for op in instructions.INSTRUCTIONS}
    for op, row in instructions.INSTRUCTIONS.items():
        made = table["INSTRUCTIONS"][str(op.value)]
        assert (made["mnemonic"], made["words"], made["rule"]) == (row.mnemonic, row.words, row.rule)
        assert [(o["name"], o["position"], o["size"]) for o in made["operands"]] == [
            (o.name, o.position, o.size) for o in row.operands
        ]
