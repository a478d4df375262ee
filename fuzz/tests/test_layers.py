"""The parts of the fuzzing package import downward only, and nothing below it knows of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fuzz" / "packfile_fuzz"
LAYERS = (
    "program",
    "results",
    "generator",
    "malformed",
    "run",
    "oracles",
    "triage",
    "campaign",
    "faults",
    "guided",
    "cli",
)
"""Lowest first."""
FRONT = {"strategies": ("program", "generator", "malformed", "run", "oracles", "faults")}
"""What stands beside the layers, and what it may import; the faults are for finding the smallest examples of them."""


def parts() -> list[str]:
    return sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1, f"{path} imports from outside its part by a relative name"
            assert path.parent != PACKAGE, f"{path} imports a part by a relative name"
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ([f"{node.module}.{alias.name}" for alias in node.names] + [node.module])
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def imports_of(part: str) -> set[str]:
    files = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else (PACKAGE / part).rglob("*.py")
    names = [name.split(".") for file in files for name in imported(file)]
    return {name[1] for name in names if name[0] == "packfile_fuzz" and len(name) > 1} & set(parts()) - {part}


@pytest.mark.parametrize("part", [part for part in parts() if part != "__init__"])
def test_a_part_imports_only_those_below_it(part: str) -> None:
    below = FRONT[part] if part in FRONT else LAYERS[: LAYERS.index(part)]
    assert imports_of(part) <= set(below)


def test_nothing_below_knows_of_fuzzing() -> None:
    files = [*(ROOT / "reference" / "src").rglob("*.py"), *(ROOT / "conformance" / "packfile_suite").rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if "packfile_fuzz" in path.read_text(encoding="utf-8")] == []
