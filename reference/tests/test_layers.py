"""Layers import downward only."""

import ast
from pathlib import Path

import pytest

import packfile

ROOT = Path(packfile.__file__).parent

LAYERS = (
    {"errors", "layout", "instructions", "rules", "_kaitai"},
    {"digests", "recent"},
    {"parse"},
    {"image"},
    {"verify"},
    {"host"},
    {"link"},
    {"machine"},
    {"translate"},
    {"process"},
    {"audit"},
    {"__init__"},
    {"adapter"},
    {"hostlib"},
    {"cli"},
    {"__main__"},
)
"""Modules of the loader, lowest first; those of one layer do not import each other, but for generated ones."""

BESIDE = ("model", "publish", "writer", "decoder", "asm_names", "asm_lexer", "asm_values", "asm_data", "asm_registers",
          "asm_resolve", "asm_code", "assembler", "disassembler", "redigest")  # fmt: skip
"""A module as data: these know the layout, digests and each other, and nothing of the loader. Only `cli` uses them."""


def modules() -> dict[str, set[str]]:
    """Every module of the package and those that it imports, by their first name below `packfile`."""
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        name = relative.parts[0].removesuffix(".py")
        imported = found.setdefault(name, set())
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 or name == "_kaitai", f"{path}: relative import"
                names = [
                    f"{node.module}.{alias.name}" if node.module == "packfile" else node.module or ""
                    for alias in node.names
                ]
            for imported_name in names:
                parts = imported_name.split(".")
                if parts[0] == "packfile" and len(parts) > 1:
                    imported.add(parts[1])
    known = set(found)
    return {name: {i if i in known else "__init__" for i in imports} - {name} for name, imports in found.items()}


def rank(name: str) -> int:
    for level, layer in enumerate(LAYERS):
        if name in layer:
            return level
    raise AssertionError(f"packfile.{name} has no place among the layers of {__file__}")


GRAPH = modules()


@pytest.mark.parametrize("name", sorted(set(GRAPH) - set(BESIDE)))
def test_a_layer_of_the_loader_imports_only_those_below_it(name: str) -> None:
    allowed = {"cli", "hostlib"}
    for imported in GRAPH[name]:
        if imported in BESIDE:
            assert name in allowed, f"packfile.{name} imports {imported}, which is not part of the loader"
        else:
            assert rank(imported) < rank(name) or {imported, name} <= LAYERS[0], f"packfile.{name} imports {imported}"


@pytest.mark.parametrize("name", BESIDE)
def test_what_treats_a_module_as_data_knows_nothing_of_the_loader(name: str) -> None:
    allowed = LAYERS[0] | LAYERS[1] | set(BESIDE)
    assert GRAPH[name] <= allowed, f"packfile.{name} imports {GRAPH[name] - allowed}"


def test_nothing_in_the_reference_knows_of_the_suite() -> None:
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        assert "packfile_suite" not in text
        assert "packfile_fuzz" not in text
