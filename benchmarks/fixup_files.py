"""Modules for the group `fixups`: with as many imports as wanted, and with loops of calls and of addresses."""

from pathlib import Path

from packfile.assembler import assemble
from packfile.layout import Binding, ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Import, Module, Signature
from packfile.writer import encode

UNROLLED = 100
"""How often a loop does what it measures before it jumps back."""
_EMPTY = Signature()


def write_imports(folder: Path, count: int, binding: Binding, order: ByteOrder) -> tuple[Path, Path]:
    """A module `main` that imports so many functions of a module `lib`, and that module."""
    ret = assemble(".export func first () -> ()\n  ret\n", "ret")
    names = [f"function_{number}" for number in range(count)]
    exports = sorted((Export(name, ImportKind.FUNCTION, Segment.NONE, 0, 0) for name in names), key=lambda e: e.name)
    function = Function(_EMPTY, 0, 0, ret.functions[0].code)
    lib = Module(functions=(function,), exports=tuple(exports))
    imports = tuple(Import(ImportKind.FUNCTION, binding, "lib", name, _EMPTY.word) for name in names)
    main = Module(functions=(function,), imports=imports, exports=ret.exports)
    paths = tuple(folder / f"{name}-{binding.name}-{count}.pkf" for name in ("main", "lib"))
    for path, module in zip(paths, (main, lib), strict=True):
        path.write_bytes(encode(module, order))
    return paths[0], paths[1]


def write_loops(folder: Path, order: ByteOrder) -> tuple[Path, Path]:
    """A module `main` whose exports each do one thing over and over, and the module `lib` that it imports from."""
    text = [
        ".import eager func lib.target () -> () as far",
        ".import eager func main.target () -> () as near",
        ".import eager data lib.place 8 as place_far",
        ".data",
        "place_near: .zero 8",
        ".export func target () -> ()",
        "  ret",
        *_loop("empty", ""),
        *_loop("direct", "call target"),
        *_loop("near_slot", "calli near"),
        *_loop("far_slot", "calli far"),
        *_loop("address", "ldata i1, place_near"),
        *_loop("data_slot", "ldslot i1, place_far"),
    ]
    lib = ".data\nplace: .zero 8\n.export data place\n.export func target () -> ()\n  ret\n"
    paths = folder / "main.pkf", folder / "lib.pkf"
    for path, source in zip(paths, ("\n".join(text), lib), strict=True):
        path.write_bytes(encode(assemble(source, path.stem), order))
    return paths


def _loop(name: str, line: str) -> list[str]:
    return [
        f".export func {name} (i) -> ()",
        "again:",
        *[f"  {line}"] * UNROLLED,
        "  i_add_imm i0, i0, -1",
        "  jmp_if i0, again",
        "  ret",
    ]
