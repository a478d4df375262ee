"""Options that name an example and what it is judged by, for the commands that look at one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def example(command: F) -> F:
    """Adds the options."""
    options = (
        click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the example."),
        click.option(
            "--kind",
            type=click.Choice(["program", "malformed"]),
            default="program",
            show_default=True,
            help="Which generator it comes from.",
        ),
        click.option(
            "--loader", "loaders", multiple=True, metavar="[NAME=]CMD", help="Command of an adapter; may be repeated."
        ),
        click.option("--oracle", "oracles", multiple=True, metavar="NAME", help="Only this oracle; may be repeated."),
    )
    for option in reversed(options):
        command = option(command)
    return command
