"""Times on the command line."""

from __future__ import annotations

import re

import click

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
