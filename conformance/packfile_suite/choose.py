"""Options of the command line that choose cases, and how a named case is found."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .case import Case, CaseError
from .in_place.profile import CHECKS
from .load import case_files, load
from .paths import cases_directory
from .plan import Filters, Variant, variants
from .steps import STEPS

F = TypeVar("F", bound=Callable[..., Any])

_STAGES = ("ok", "malformed", "unsupported", "corrupt", "unlinkable", "invalid", "trap", "exhausted")


def choosing(command: F) -> F:
    """Adds the options that choose cases."""
    options = (
        click.option("--rule", multiple=True, metavar="PF-..", help="Cases of this rule, or of all that begin so."),
        click.option(
            "--stage", multiple=True, type=click.Choice(_STAGES), help="Cases by the first failure they expect."
        ),
        click.option("--feature", multiple=True, help="Cases that need this feature."),
        click.option(
            "--up-to",
            type=click.Choice(STEPS),
            help="Cases that need only the steps of a loader up to this one.",
        ),
        click.option("--byte-order", multiple=True, metavar="ORDER", help="little, big, mixed, or such as little,big."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def placed(command: F) -> F:
    """Adds the option that replaces the suite's cases."""
    path = click.Path(exists=True, path_type=Path)
    return click.option(
        "--cases", multiple=True, type=path, metavar="DIR", help="Cases to use instead of the suite's."
    )(command)


def places(cases: tuple[Path, ...]) -> tuple[Path, ...]:
    """Where cases are taken from."""
    return cases or (cases_directory(),)


def all_cases(cases: tuple[Path, ...]) -> list[Case]:
    """Every case there. Ends the command with status 2 if one is written wrongly."""
    try:
        return load(case_files(places(cases)))
    except CaseError as error:
        raise click.UsageError(str(error)) from None


def filters(
    rule: tuple[str, ...],
    stage: tuple[str, ...],
    feature: tuple[str, ...],
    byte_order: tuple[str, ...],
    up_to: str | None = None,
) -> Filters:
    """What the options ask for."""
    return Filters(rule, stage, feature, byte_order, up_to)


def named_case(cases: tuple[Path, ...], name: str) -> Case:
    """The case of that id. Ends the command with status 2 if there is none."""
    found = {case.id: case for case in all_cases(cases)}
    if name in {check.id for check in CHECKS}:
        raise click.UsageError(
            f"{name} is a check of the in-place profile: it has no steps to show. "
            f"`packfile-suite run -k {name}` runs it, with --loader for another loader than the reference."
        )
    if name not in found:
        close = difflib.get_close_matches(name, found, 3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise click.UsageError(f"There is no case {name}.{hint}")
    return found[name]


def named_variant(case: Case, label: str | None) -> Variant:
    """The variant of that label, by default the first. Ends the command with status 2 if there is none."""
    there = {variant.label: variant for variant in variants(case)}
    if label is None:
        return next(iter(there.values()))
    if label not in there:
        raise click.UsageError(f"{case.id} has no byte order {label}. It has {', '.join(there)}.")
    return there[label]
