"""The oracles by name.

Assumes nothing. Promises that names stay: signatures of failures and command lines hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from packfile_fuzz.oracles import behaviour, counters, files, position
from packfile_fuzz.oracles.base import Example, Oracle
from packfile_fuzz.run import Comparison

INTERNAL_ERROR = "internal-error"
"""The oracle that also stands for exceptions in the fuzzer itself."""
LOADER = "loader"
"""The oracle that asks adapters; it says nothing where there are none."""


def _oracle(name: str, check: Callable[[Example], Iterable[Comparison]], every: int = 1) -> Oracle:
    summary = (check.__doc__ or "").strip()
    return Oracle(name, summary, check, every)


ORACLES: Mapping[str, Oracle] = {
    oracle.name: oracle
    for oracle in (
        _oracle(INTERNAL_ERROR, behaviour.internal_error),
        _oracle("byte-orders", behaviour.byte_orders),
        _oracle("lazy-eager", behaviour.lazy_eager),
        _oracle(LOADER, behaviour.loaders),
        _oracle("tiers", behaviour.tiers),
        _oracle("write-decode", files.write_decode),
        _oracle("disassemble", files.disassembly),
        _oracle("convert", files.conversion),
        _oracle("position", position.position),
        _oracle("counters", counters.counters),
        _oracle("kaitai", files.kaitai),
    )
}
"""All of them. How often the costly ones are asked is measured: each takes about as long as the cheap ones."""
