"""What a campaign asks of its workers, and what it hears from them.

Assumes nothing. Promises plain values; `cluster` is where dask stands behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .seeds import Span
from .task import Answer


class Lost(Exception):
    """The scheduler does not answer; what was submitted and has not come will not come."""


@dataclass(frozen=True, slots=True)
class Done:
    """A range was done."""

    span: Span
    answer: Answer


@dataclass(frozen=True, slots=True)
class Died:
    """The worker of a range died, of the range or of something else."""

    span: Span


@dataclass(frozen=True, slots=True)
class Raised:
    """A range ended in an exception: a bug, or nothing works at all."""

    span: Span
    text: str
    """The exception, on one line."""


Event = Done | Died | Raised


class Workers(Protocol):
    """What does ranges."""

    def capacity(self) -> int:
        """How many ranges can be done at once. Raises Lost."""

    def submit(self, span: Span) -> None:
        """Have a range done. Raises Lost."""

    def events(self, wait: float) -> list[Event]:
        """What has come since, at most after so many seconds. Raises Lost."""

    def reconnect(self) -> None:
        """Start anew after a loss. Raises Lost."""

    def close(self) -> None:
        """End everything."""
