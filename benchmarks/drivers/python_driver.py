"""Runs the programs for CPython, pywasm or wasmtime: `python python_driver.py ENGINE`.

Imports nothing of this repository, so that it can be started from anywhere.
"""

import io
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[[int], int | float]

PROGRAMS = Path(__file__).parent.parent / "programs"


def cpython(program: str) -> Run:
    """The program in Python, run by this interpreter."""
    run: Run = runpy.run_path(str(PROGRAMS / f"{program}.py"))["run"]
    return run


def pywasm(program: str) -> Run:
    """The program as WebAssembly, run by pywasm."""
    import pywasm as engine  # noqa: PLC0415 - an extra
    import wasmtime as assembler  # noqa: PLC0415 - an extra, for its assembler alone

    runtime = engine.core.Runtime()
    content = bytes(assembler.wat2wasm(_webassembly(program)))
    instance = runtime.instance(engine.core.ModuleDesc.from_reader(io.BytesIO(content)))

    def run(argument: int) -> int | float:
        answer: int | float = runtime.invocate(instance, "run", [argument])[0]
        return answer

    return run


def wasmtime(program: str) -> Run:
    """The program as WebAssembly, compiled by wasmtime."""
    import wasmtime as engine  # noqa: PLC0415 - an extra

    store = engine.Store()
    module = engine.Module(store.engine, _webassembly(program))
    function = engine.Instance(store, module, []).exports(store)["run"]
    assert isinstance(function, engine.Func)

    def run(argument: int) -> int | float:
        answer: int | float = function(store, argument)
        return answer

    return run


def _webassembly(program: str) -> str:
    return (PROGRAMS / f"{program}.wat").read_text(encoding="utf-8")


ENGINES = {"cpython": cpython, "pywasm": pywasm, "wasmtime": wasmtime}


def main(engine: str) -> None:
    """Answer until there are no more lines."""
    programs: dict[str, Run] = {}
    for line in sys.stdin:
        name, argument = line.split()
        if name not in programs:
            programs[name] = ENGINES[engine](name)
        answer = programs[name](int(argument))
        print(answer.hex() if isinstance(answer, float) else answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
