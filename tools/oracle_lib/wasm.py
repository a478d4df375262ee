"""WebAssembly as an oracle: what wasmtime makes of a module and arguments.

Functions take and give `i64` alone, floats as their bits, so that no NaN passes through a float of the host.
Cranelift is told to make every NaN that arithmetic produces canonical, which is WebAssembly's deterministic profile
and PF-EXE-003.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import wasmtime

from oracle_lib.operands import MASK, signed

_TRAPS: Final = {
    wasmtime.TrapCode.UNREACHABLE: "unreachable",
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO: "divide-by-zero",
    wasmtime.TrapCode.INTEGER_OVERFLOW: "integer-overflow",
    wasmtime.TrapCode.BAD_CONVERSION_TO_INTEGER: "invalid-conversion",
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: "out-of-bounds",
}
"""Names of traps in Packfile; a trap that is not here has no counterpart."""


class Trap(Exception):
    """The function trapped; `code` is Packfile's name of the trap."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def engine() -> wasmtime.Engine:
    """An engine with canonical NaNs, and memories of any number of bytes so that bounds are exact."""
    config = wasmtime.Config()
    config.cranelift_nan_canonicalization = True
    config.wasm_custom_page_sizes = True
    return wasmtime.Engine(config)


class Instance:
    """A running WebAssembly module."""

    def __init__(self, shared: wasmtime.Engine, text: str) -> None:
        self._store = wasmtime.Store(shared)
        instance = wasmtime.Instance(self._store, wasmtime.Module(shared, text), [])
        self._functions = {
            name: item for name, item in instance.exports(self._store).items() if isinstance(item, wasmtime.Func)
        }

    def call(self, function: str, arguments: Sequence[int]) -> list[int]:
        """Results of a call, as unsigned 64-bit integers.

        Raises:
            Trap: The function trapped.
        """
        try:
            given = self._functions[function](self._store, *(signed(argument & MASK) for argument in arguments))
        except wasmtime.Trap as trap:
            if trap.trap_code is None:
                raise
            raise Trap(_TRAPS[trap.trap_code]) from None
        results = given if isinstance(given, list) else [] if given is None else [given]
        return [result & MASK for result in results]
