"""What all commands share: examples in their help, how they report an outcome, and their common options."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from packfile.asm_lexer import AssemblyError
from packfile.cli.sources import UsageFailure
from packfile.cli.terminal import Json, complain, document
from packfile.errors import PackfileError, Trap
from packfile.process import TRANSLATE_AFTER
from packfile.rules import RULES

FOUND_WANTING = 1
"""Exit status for an outcome other than ok, a finding, a difference, or a text that cannot be assembled."""
CANNOT = 2
"""Exit status for what was asked wrongly, and for files that cannot be read or written."""


class Command(click.Command):
    """A command that ends with status 1 where a file has an outcome other than ok."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Run it, and turn an outcome into a message and a status."""
        try:
            return super().invoke(ctx)
        except PackfileError as error:
            if ctx.params.get("as_json"):
                document(outcome_json(error))
            complain(str(error))
            raise click.exceptions.Exit(FOUND_WANTING) from None


def command(name: str, *examples: str, negative_numbers: bool = False) -> Callable[[Callable[..., None]], Command]:
    """Decorator that makes a command.

    Args:
        name: Its name.
        examples: Command lines with which its help ends.
        negative_numbers: Whether what looks like an unknown option is an argument, such as -5.
    """
    epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
    settings = {"ignore_unknown_options": negative_numbers}
    return click.command(name, cls=Command, epilog=epilog, context_settings=settings)


json_option = click.option("--json", "as_json", is_flag=True, help="Write one JSON document instead.")
output_option = click.option(
    "-o", "--output", metavar="OUT", help="Where to write; `-` is standard output.", type=click.Path()
)

_TIERS = {"auto": TRANSLATE_AFTER, "always": 1, "off": 0}


def _translate_after(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    if text in _TIERS:
        return _TIERS[text]
    if re.fullmatch("[1-9][0-9]{0,17}", text):
        return int(text)
    raise click.BadParameter(f"{text!a} is not one of {', '.join(_TIERS)}, or a number above 0.")


_F = TypeVar("_F", bound=Callable[..., Any])
_TIER_HELP = (
    "When to translate a function to Python: once it is hot, at its first call, never, or after N of its calls "
    "and backward branches."
)


def tier_option(default: str) -> Callable[[_F], _F]:
    """The option `--tier`."""
    return click.option(
        "--tier",
        "translate_after",
        callback=_translate_after,
        default=default,
        show_default=True,
        metavar="auto|always|off|N",
        help=_TIER_HELP,
    )


byte_order_choice = click.Choice(["host", "little", "big"])


def outcome_json(error: PackfileError) -> dict[str, Json]:
    """An outcome or finding; its keys are always the same."""
    return {
        "outcome": error.outcome,
        "code": error.code if isinstance(error, Trap) else None,
        "rule": error.rule,
        "file": error.file,
        "offset": error.at,
        "message": error.message,
        "expected": error.expected,
        "got": error.got,
        "sentence": sentence(error),
    }


def sentence(error: PackfileError) -> str | None:
    """What the broken rule says."""
    rule = RULES.get(error.rule) if error.rule else None
    return None if rule is None else " ".join(rule.text.split())


def counted(count: int, what: str) -> str:
    """A number of things, such as `1 function` or `2 functions`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def complain_of(error: AssemblyError | OSError | UsageFailure) -> int:
    """Say why something could not be done, and give the exit status for it."""
    if isinstance(error, AssemblyError):
        complain(*(line.expandtabs() for line in str(error).split("\n")))
        return FOUND_WANTING
    reason = str(error)
    if isinstance(error, OSError):
        reason = error.strerror or reason
        reason = f"{error.filename}: {reason}" if isinstance(error.filename, str) else reason
    complain(f"packfile: {reason}")
    return CANNOT
