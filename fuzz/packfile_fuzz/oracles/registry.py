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
        _oracle("lazy-eager", behaviour.lazy_eager, 8),
        _oracle(LOADER, behaviour.loaders),
        _oracle("tiers", behaviour.tiers, 16),
        _oracle("write-decode", files.write_decode, 4),
        _oracle("disassemble", files.disassembly, 128),
        _oracle("convert", files.conversion, 16),
        _oracle("position", position.position, 16),
        _oracle("counters", counters.counters, 8),
        _oracle("kaitai", files.kaitai, 16),
    )
}
"""All of them. Those that are not asked of every seed cost more than the base run: a disassembly twenty times as much.

With these shares all together take about two base runs an example beside the first.
"""
