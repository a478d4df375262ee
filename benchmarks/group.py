"""What a group of measurements is to the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.report import Quantity


class NotMeasured(Exception):
    """Raised when there is nothing to tell: contenders disagree or fail. Its text is for people."""


@dataclass(frozen=True)
class Group:
    """A sub-command."""

    name: str
    help: str
    description: str
    rounds: int
    """How often it measures unless told otherwise."""
    measure: Callable[..., Any]
    """Takes `quick` and `rounds`, and `added` of a group that takes loaders; gives a report, which is a dataclass, or
    raises NotMeasured."""
    text: Callable[[Any], str]
    """A report as people read it."""
    quantities: Callable[[Any], Sequence["Quantity"]]
    """What of a report is drawn and put into tables."""
    takes_loaders: bool = False
    """Whether `--loader` adds to what it measures."""
