"""Times on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """The seconds of a time such as `30s`, `5m`, `1h30m` or `7d`.

    Raises:
        click.BadParameter: It is none, or not above 0.
    """
    if text is None:
        return None
    parts = _PART.findall(text)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(map("".join, parts)) != text or not total:
        raise click.BadParameter(f"expected a time above 0 such as 30s, 5m, 8h or 1h30m, got {text!r}")
    return total


def option(*names: str, default: str | None = None, help: str) -> Callable[[F], F]:  # noqa: A002 - click's name for it
    """An option that takes a time and gives seconds; None where it has no default and is left out."""
    return click.option(
        *names, callback=seconds, default=default, show_default=default is not None, metavar="TIME", help=help
    )
