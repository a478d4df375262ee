"""What fuzzing finds and counts, as plain values that pickle and that JSON can hold.

Assumes nothing. Promises that counts add up: the sum of two ranges' results is that of the ranges run together,
whatever their order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class Signature(NamedTuple):
    """What makes two failures the same one."""

    oracle: str
    """Name of the oracle."""
    outcomes: tuple[str, str]
    """What was expected and what came, such as `("trap divide-by-zero", "ok")`."""
    detail: str
    """Rule id or trap code, where there is one, else an empty string."""
    opcode: str
    """Mnemonic at the first divergence, or an empty string."""
    loader: str
    """Name of the loader that differs; `reference` for the reference."""


class Failure(NamedTuple):
    """An example that an oracle found wrong."""

    seed: int
    """What the generator was given: `generator.from_seed` gives the example's bytes."""
    kind: str
    """`program` or `malformed`: which generator it came from."""
    signature: Signature
    """What is wrong, without what differs from example to example."""
    message: str
    """What is wrong, for people."""


@dataclass(slots=True)
class Tally:
    """What a range of seeds came to."""

    examples: int = 0
    """Examples that were made and judged."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Calls by outcome in the reference, traps with their codes."""
    instructions: Counter[str] = field(default_factory=Counter)
    """Examples by `mnemonic outcome`: what an instruction that was run came to, `ok` or a trap."""
    rules: Counter[str] = field(default_factory=Counter)
    """Examples by rule id that an outcome named."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Comparisons by `oracle verdict`; a verdict is equal, different or not-comparable."""
    seconds: dict[str, float] = field(default_factory=dict)
    """CPU seconds by stage."""
    failures: list[Failure] = field(default_factory=list)
    """All of them, by ascending seed."""

    def add(self, other: Self) -> None:
        """Count what another range came to as well."""
        self.examples += other.examples
        for name in ("outcomes", "instructions", "rules", "verdicts"):
            getattr(self, name).update(getattr(other, name))
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.failures = sorted([*self.failures, *other.failures])
