"""The catalogue: every fault, and how one is switched on.

Assumes that the reference is as its sources say. Promises that whatever was switched on is off again at the end of the
block, and that nothing of the reference knows of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml

from packfile.rules import RULES
from packfile_fuzz.faults.edits import Edit, applied
from packfile_fuzz.faults.fault import Fault, Where

_FILES = ("structure", "linking", "verification", "arithmetic", "memory", "calls", "integrity", "translation")
_DATA = Path(__file__).parent / "data"
# The loader that is written in C takes a tenth of the time, but not every PyYAML has it.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _read(name: str) -> Iterator[Fault]:
    for value in yaml.load((_DATA / f"{name}.yaml").read_text(encoding="utf-8"), _Loader):  # noqa: S506 - it is a safe one
        where, edits = Where(value["where"]), _edits(value)
        yield Fault(value["name"], tuple(value["rules"]), value["summary"], where, edits, value["witness"])


def _edits(value: Mapping[str, Any]) -> tuple[Edit, ...]:
    return tuple(Edit(edit["in"], edit["old"], edit["new"], edit.get("times", 1)) for edit in value["edits"])


REFERENCE: tuple[Fault, ...] = tuple(fault for name in _FILES for fault in _read(name))
"""Faults of the reference, which `activate` switches on."""

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in REFERENCE}
"""The same by name."""


def activate(name: str) -> AbstractContextManager[None]:
    """Have the reference of this process be wrong, until the end of the block.

    What is opened within the block is to be closed in it: verdicts are kept with images, and outlive the fault.

    Raises:
        KeyError: There is no such fault.
        EditError: The reference no longer has what the fault changes.
    """
    return applied(FAULTS[name].edits)


def patches(loader: Path) -> Iterator[Fault]:
    """The faults of the loader in C, from the patches in a checkout.

    Args:
        loader: Its directory, which has the patches in `wrong`.

    Raises:
        ValueError: A patch does not begin with its rule and what is wrong.
    """
    for path in sorted(loader.glob("wrong/*.patch")):
        first, summary, *_ = path.read_text(encoding="utf-8").splitlines()
        label, _, rule = first.partition(": ")
        if label != "Rule" or rule not in RULES or not summary:
            raise ValueError(f"{path}: expected `Rule: ` and a rule, then what is wrong; got {first!r}")
        yield Fault(f"c-{path.stem}", (rule,), summary, Where.C, patch=path)
