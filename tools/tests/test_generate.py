"""What `tools/generate.py` promises: files that follow spec/, and no file from a spec/ that contradicts itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATE = ROOT / "tools" / "generate.py"
KSY = "spec/packfile.ksy"
TABLE = "spec/instructions.ksy"


def generate(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(GENERATE), *arguments], capture_output=True, text=True, check=False, env=env
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the generator reads and writes."""
    for name in ("spec", "docs/generated", "reference/src/packfile", "loaders/js/generated"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    header = "loaders/c/src/packfile_format.h"
    (tmp_path / header).parent.mkdir(parents=True)
    shutil.copy(ROOT / header, tmp_path / header)
    return tmp_path


def edit(copy: Path, file: str, old: str, new: str, after: str = "") -> None:
    """Replace the first `old` that follows `after`, and make sure that there is one."""
    path = copy / file
    text = path.read_text(encoding="utf-8")
    start = text.index(after)
    assert old in text[start:], f"{old!r} is not in {file} after {after!r}"
    path.write_text(text[:start] + text[start:].replace(old, new, 1), encoding="utf-8")


def snapshot(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_committed_files_are_what_spec_gives() -> None:
    done = generate("--check")
    assert (done.returncode, done.stderr) == (0, "")


STALE = {
    "a limit": (
        KSY,
        "value: 64\n        -unit",
        "value: 32\n        -unit",
        ["layout.py", "limits.md", "packfile.py", "packfile_format.h", "table.js", "Packfile.cjs"],
    ),
    "a doc of an instruction": (TABLE, '"Traps, always."', '"Always traps."', ["instructions.py", "rules.py"]),
    "nothing but a comment": (TABLE, "divide-by-zero\n", "divide-by-zero\n      # nothing\n", []),
    "a new trap code": (
        TABLE,
        "      -name: host\n",
        '      -name: host\n      doc: "x"\n    15:\n      id: late\n      -name: late\n',
        [
            "spec/case.schema.json",
            "spec/adapter.schema.json",
            "spec/manifest.schema.json",
            "instructions.py",
            "instructions.md",
        ],
    ),
    "a rule": ("spec/rules/code.md", "is zero.", "is 0.", ["rules.py", "rules.md"]),
    "an outcome": (
        "spec/stages.md",
        "| `exhausted` |",
        "| `late` | | |\n| `exhausted` |",
        ["spec/adapter.schema.json", "spec/manifest.schema.json"],
    ),
}


@pytest.mark.parametrize("change", STALE)
def test_a_changed_fact_makes_its_files_stale(copy: Path, change: str) -> None:
    file, old, new, expected = STALE[change]
    edit(copy, file, old, new)
    before = snapshot(copy)
    checked = generate("--check", "--root", str(copy))
    assert checked.returncode == (1 if expected else 0), checked.stderr
    for name in expected:
        assert f"{name}: stale; run `python tools/generate.py`" in checked.stderr
    assert snapshot(copy) == before, "--check wrote something"


def test_missing_changed_and_left_over_files_are_named_and_mended(copy: Path) -> None:
    clean = snapshot(copy)
    (copy / "docs/generated/limits.md").unlink()
    (copy / "docs/generated/old.md").write_text("no longer generated", encoding="utf-8")
    edit(copy, "reference/src/packfile/layout.py", "MAX_SECTIONS: Final = 64", "MAX_SECTIONS: Final = 65")
    checked = generate("--check", "--root", str(copy))
    assert checked.returncode == 1
    assert "docs/generated/limits.md: missing" in checked.stderr
    assert "docs/generated/old.md: nothing generates it any more" in checked.stderr
    assert "reference/src/packfile/layout.py: stale" in checked.stderr
    assert generate("--root", str(copy)).returncode == 0
    assert snapshot(copy) == clean


def test_without_node_the_error_says_so(tmp_path: Path) -> None:
    done = generate("--check", env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 2
    assert "Node.js" in done.stderr


# What is refused: the file, the text to replace and its replacement, the text it follows, and a part of the error.
REFUSED = {
    "unknown operand": (TABLE, "[off24]", "[off25]", "id: jmp\n", "unknown operand `off25`"),
    "operands too wide": (
        TABLE,
        "[i_src, off16]",
        "[i_src, i_src, off16]",
        "id: jmp_if\n",
        "the operands take 4 bytes",
    ),
    "two literals": (TABLE, "[i_dst, function]", "[i_dst, function, slot]", "id: lfn\n", "more than one literal"),
    "unknown trap": (TABLE, "[unreachable]", "[unreachable, gremlins]", "id: unreachable\n", "unknown trap `gremlins`"),
    "trap twice": (TABLE, "[unreachable]", "[unreachable, unreachable]", "id: unreachable\n", "twice"),
    "op twice": (TABLE, "0x41:", "0x40:", "", "the key 64 stands here twice"),
    "op too great": (TABLE, "0x99:", "0x199:", "", "does not fit a byte"),
    "id twice": (TABLE, "id: i_sub\n", "id: i_add\n", "", "the id `i_add` stands there twice"),
    "mnemonic twice": (TABLE, '"bound?"', '"call"', "", "the mnemonic `call` is call's already"),
    "rule twice": (TABLE, "PF-EXE-148", "PF-EXE-147", "", "the rule `PF-EXE-147` is i_add's already"),
    "rule of a page twice": (TABLE, "PF-EXE-148", "PF-EXE-001", "", "PF-EXE-001 is stated already"),
    "no doc": (TABLE, 'doc: "Sum."', 'doc: ""', "id: n_add\n", "n_add: missing `doc`"),
    "no rule": (TABLE, "      -rule: PF-EXE-147\n", "", "id: i_add\n", "missing `-rule`"),
    "no traps": (TABLE, "      -traps: []\n", "", "id: i_add\n", "are lists"),
    "misspelt key": (TABLE, "-terminator", "-terminater", "id: jmp\n", "unknown key -terminater"),
    "operand without bank": (TABLE, "      -bank: i\n", "", "id: i_dst\n", "`-bank`"),
    "trap named otherwise": (TABLE, "-name: misaligned", "-name: crooked", "", "crooked"),
    "effect that does not parse": (TABLE, "jump(off)", "jump(off", "id: jmp\n", "does not parse"),
    "no primitive": (TABLE, "jump(off)", "leap(off)", "id: jmp\n", "`leap` is not a primitive"),
    "wrong arity": (TABLE, "jump(off)", "jump(off, off)", "id: jmp\n", "takes 1 arguments and is given 2"),
    "named argument": (TABLE, "jump(off)", "jump(distance=off)", "id: jmp\n", "not in the language"),
    "no such code": (TABLE, "trap(unreachable)", "trap(gremlins)", "id: unreachable\n", "no trap code"),
    "no such segment": (TABLE, "base(rodata)", "base(stack)", "id: lrodata\n", "`stack` is not a value"),
    "true division": (TABLE, "i[b] + i[c]", "i[b] / i[c]", "id: i_add\n", "not in the language"),
    "float constant": (TABLE, "i[b] + i[c]", "i[b] + i[c] + 0.5", "id: i_add\n", "not in the language"),
    "boolean constant": (TABLE, "i[b] + i[c]", "i[b] + i[c] + True", "id: i_add\n", "not in the language"),
    "conditional": (TABLE, "i[b] + i[c]", "i[b] if i[c] else 0", "id: i_add\n", "not in the language"),
    "comprehension": (TABLE, "i[b] + i[c]", "[x for x in i]", "id: i_add\n", "not in the language"),
    "chained comparison": (TABLE, "i[b] == i[c]", "0 == i[b] == i[c]", "id: i_eq\n", "not in the language"),
    "augmented assignment": (TABLE, "i[a] = i[b]", "i[a] += i[b]", "id: i_mov\n", "a statement is"),
    "assignment to a name": (TABLE, "i[a] = i[b]", "x = i[b]", "id: i_mov\n", "a statement is"),
    "bare expression": (TABLE, "i[a] = i[b]", "i[b]", "id: i_mov\n", "a statement is"),
    "write to a source": (TABLE, "i[a] = i[b]", "i[b] = i[b]", "id: i_mov\n", "writes i[b], which no operand declares"),
    "read of a destination": (TABLE, "i[b] + i[c]", "i[a] + i[c]", "id: i_add\n", "reads i[a], which no operand"),
    "wrong bank": (TABLE, "n[b], n[c]", "i[b], n[c]", "id: n_add\n", "reads i[b], which no operand"),
    "register by number": (TABLE, "i[a] = i[b]", "i[a] = i[7]", "id: i_mov\n", "is not i[...] or n[...]"),
    "value of another": (TABLE, "i[b] + i[c]", "i[b] + i[c] + imm", "id: i_add\n", "`imm` is not a value"),
    "unread operand": (TABLE, "i[b] + i[c]", "i[b] + 1", "id: i_add\n", "never reads the register c"),
    "unwritten operand": (TABLE, "i[a] = wrap(i[b] + i[c])", "jump(i[b] + i[c])", "id: i_add\n", "never writes"),
    "unused immediate": (TABLE, "i[a] = imm", "i[a] = 0", "id: i_imm\n", "never uses `imm`"),
    "unused window": (TABLE, "leave(a, b)", "leave(a, a)", "id: ret\n", "never uses the window b"),
    "trap not named": (TABLE, "-traps: [unreachable]", "-traps: []", "", "can raise unreachable"),
    "trap never raised": (TABLE, "-traps: []", "-traps: [host]", "id: i_add\n", "cannot raise host"),
    "trap of a primitive": (
        TABLE,
        "[misaligned, no-segment,",
        "[no-segment,",
        "id: i_load64\n",
        "can raise misaligned",
    ),
    "bytes misaligned": (
        TABLE,
        "[no-segment,",
        "[misaligned, no-segment,",
        "id: i_load8_s\n",
        "cannot raise misaligned",
    ),
    "constraint without rule": (KSY, "        -rule: PF-HDR-004\n", "", "id: version\n", "go together"),
    "rule without constraint": (KSY, "        valid: 1\n", "", "id: version\n", "go together"),
    "constraint without time": (KSY, "        -time: open\n", "", "id: version\n", "missing `-time`"),
    "unknown time": (KSY, "-time: open", "-time: never", "id: version\n", "the time never"),
    "unknown outcome": (KSY, "-outcome: unsupported", "-outcome: odd", "id: version\n", "the outcome odd"),
    "unknown area": (KSY, "PF-HDR-004", "PF-HUH-004", "id: version\n", "PF-HUH-004: not an area"),
    "limit without unit": (KSY, "        -unit: modules\n", "", "max_modules:", "missing `-unit`"),
    "limit of no rule": (KSY, "PF-LIM-007", "PF-LIM-099", "max_modules:", "PF-LIM-099, which no attribute"),
    "too short of no rule": (KSY, "-too-short: PF-DIR-001", "-too-short: PF-DIR-099", "", "PF-DIR-099, which no"),
    "header of another size": (KSY, "value: 64", "value: 68", "header_size:", "header_size is 68"),
    "unknown type": (KSY, "type: u4", "type: u3", "id: entry\n", "does not know the type u3"),
    "enum not of integers": (KSY, "    1:\n", "    one:\n", "  binding:\n", "is not an integer"),
    "what ksc refuses": (KSY, "_io.size", "_io.sizes", "", "Kaitai Struct compiler complains"),
    "row size of its own": (KSY, "? sizeof<import_row>", "? 28", "", "row_size of imports is 28"),
    "not YAML": (KSY, "meta:", "meta: [", "", "not YAML"),
    "rule on two pages": ("spec/rules/limits.md", "PF-LIM-005", "PF-LIM-001", "", "PF-LIM-001 is stated already"),
    "rules out of order": (
        "spec/rules/code.md",
        "PF-CODE-002",
        "PF-CODE-000",
        "",
        "PF-CODE-000 stands after PF-CODE-001",
    ),
    "level": ("spec/rules/code.md", "(must,", "(shall,", "", "the level shall"),
    "heading of a rule": ("spec/rules/code.md", "(must, call, invalid)", "", "", "is not `### PF-"),
    "trap that is none": (
        "spec/rules/fixups.md",
        "trap unbound-import",
        "trap unbound",
        "",
        "the outcome trap unbound",
    ),
    "rule without text": ("spec/rules/code.md", "The op of every", "> Rationale: the op of every", "", "has no text"),
    "text after the rationale": (
        "spec/rules/code.md",
        "\n### PF-CODE-008",
        "\nMore.\n\n### PF-CODE-008",
        "",
        "text after",
    ),
    "primitive twice": ("spec/effects.md", "### `u(x)`", "### `wrap(x)`", "", "wrap is declared twice"),
    "heading of a primitive": ("spec/effects.md", "### `u(x)`", "### u(x)", "", "declares no primitive"),
    "trap of no primitive": ("spec/effects.md", "Traps: misaligned", "Traps: gremlins", "", "unknown trap `gremlins`"),
    "no table of outcomes": ("spec/stages.md", "## Outcomes", "## Ends", "", "no table under"),
    "no list for a schema": ("spec/adapter.schema.json", '"feature": {', '"oddity": {', "", "no list in spec/"),
    "not JSON": ("spec/case.schema.json", "{", "{,", "", "not JSON"),
}


@pytest.mark.parametrize("defect", REFUSED)
def test_a_contradiction_is_refused_and_nothing_is_written(copy: Path, defect: str) -> None:
    file, old, new, after, message = REFUSED[defect]
    edit(copy, file, old, new, after)
    before = snapshot(copy)
    done = generate("--root", str(copy))
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(copy) == before
