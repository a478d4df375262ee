"""Which byte orders a case runs in, and which of all runs were asked for."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .case import Case, HexBytes, Patched
from .steps import STEPS, step_of

ORDERS = ("little", "big")
_MOST_MODULES_MIXED = 3


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of writing the modules of a case: the byte order of each."""

    label: str
    """`little` or `big` if all are; `little,big` where they differ; `fixed` for bytes whose order no one chose."""
    orders: Mapping[str, str]
    """Byte order by name of module."""

    @property
    def kind(self) -> str:
        """`little`, `big`, `fixed`, or `mixed`."""
        return self.label if self.label in {*ORDERS, "fixed"} else "mixed"


def variants(case: Case) -> list[Variant]:
    """Every way in which the case runs: all little, all big, and modules that are linked together in every mixture.

    More than three of them have too many mixtures, so they alternate, once in each phase.
    """
    used = case.used_modules
    free = [name for name in used if case.depends_on_order(name)]
    fixed = {name: _fixed_order(case, name) for name in used if name not in free}
    if case.byte_order != "both":
        return [Variant(case.byte_order, {**dict.fromkeys(free, case.byte_order), **fixed})]
    if not free:
        stated = set(fixed.values())
        return [Variant(stated.pop() if len(stated) == 1 else "fixed", fixed)]
    result = [Variant(order, {**dict.fromkeys(free, order), **fixed}) for order in ORDERS]
    together = [name for name in free if name in case.linked_together]
    for orders in _mixtures(len(together)):
        mixed = dict(zip(together, orders, strict=True))
        # What is never linked with another module has no one to be mixed with.
        label = ",".join(orders) if len(orders) <= _MOST_MODULES_MIXED else f"alternating-from-{orders[0]}"
        result.append(Variant(label, {**dict.fromkeys(free, orders[0]), **mixed, **fixed}))
    return result


def _mixtures(count: int) -> list[tuple[str, ...]]:
    if count <= _MOST_MODULES_MIXED:
        return [orders for orders in itertools.product(ORDERS, repeat=count) if len(set(orders)) > 1]
    return [tuple(ORDERS[(at + phase) % 2] for at in range(count)) for phase in range(2)]


def _fixed_order(case: Case, name: str) -> str:
    """The byte order that a file of fixed bytes states, so far as it states one."""
    module = case.modules[name]
    while isinstance(module, Patched) and isinstance(module.base, str):
        module = case.modules[module.base]
    stated = module.little[8:9] if isinstance(module, HexBytes) else b""
    return {b"\x01": "little", b"\x02": "big"}.get(stated, "fixed")


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of the cases, the same for the same seed.

    Each case has a place by a digest of its name and the seed, so that a new case moves few others in or out.
    """

    size: int
    """How many cases, each in all its byte orders."""
    seed: int

    def of(self, names: Iterable[str]) -> set[str]:
        """The names of the cases that are in the sample."""
        return set(sorted(names, key=self._place)[: self.size])

    def _place(self, name: str) -> bytes:
        return hashlib.sha256(f"{self.seed}:{name}".encode()).digest()

    def text(self, count: int | None) -> str:
        """The sample in words; `count` is the number of cases that it was taken from, as far as it is known."""
        size = str(self.size) if count is None else f"{min(self.size, count)} of {count}"
        return f"a sample of {size} cases, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; an empty field asks for everything."""

    rules: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    byte_orders: tuple[str, ...] = ()
    up_to: str | None = None
    """The last step of building a loader that may be needed."""

    def __bool__(self) -> bool:
        return bool(self.rules or self.stages or self.features or self.byte_orders or self.up_to)

    def admit(self, case: Case) -> bool:
        """Whether the case was asked for, in some byte order."""
        if self.rules and not any(rule.startswith(asked) for rule in case.rules for asked in self.rules):
            return False
        if self.stages and case.stage not in self.stages:
            return False
        if self.up_to is not None and STEPS.index(step_of(case)) > STEPS.index(self.up_to):
            return False
        return not self.features or any(feature in case.needs for feature in self.features)

    def admit_variant(self, variant: Variant) -> bool:
        """Whether this way of running an admitted case was asked for."""
        return not self.byte_orders or variant.kind in self.byte_orders or variant.label in self.byte_orders

    def runs(self, cases: Iterable[Case]) -> list[tuple[Case, Variant]]:
        """Every run that was asked for."""
        return [
            (case, variant)
            for case in cases
            if self.admit(case)
            for variant in variants(case)
            if self.admit_variant(variant)
        ]
