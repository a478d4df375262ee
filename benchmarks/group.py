"""What a group of measurements is to the command line."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
    add_options: Callable[[ArgumentParser], None]
    """Add what it takes beside `--rounds`, `--quick` and `--json`."""
    measure: Callable[[Namespace], Any]
    """Gives a report, which is a dataclass, or raises NotMeasured."""
    text: Callable[[Any], str]
    """A report as people read it."""


def no_options(_parser: ArgumentParser) -> None:
    """For a group that takes none of its own."""
