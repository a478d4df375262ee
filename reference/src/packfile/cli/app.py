"""The group of commands, and what becomes of their failures."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from packfile import __version__
from packfile.asm_lexer import AssemblyError
from packfile.cli.commands import CANNOT, FOUND_WANTING, complain_of
from packfile.cli.sources import UsageFailure
from packfile.cli.terminal import complain
from packfile.errors import PackfileError
from packfile.model import ModelError

_MODULES = {
    "adapter": "serving",
    "assemble": "writing",
    "convert": "writing",
    "diff": "comparing",
    "digest": "writing",
    "disassemble": "writing",
    "dump": "dumping",
    "info": "showing",
    "map": "mapping",
    "run": "running",
    "verify": "showing",
}
"""Module of each command. It is imported when it is needed, since importing all takes longer than most commands."""
_EXAMPLES = """\b
Examples:
  packfile assemble fib.pka
  packfile run fib.pkf
  packfile verify fib.pkf

FILE may be `-` for standard input. Exit status: 0 for ok; 1 for any other outcome, a finding, a difference, or a text
that cannot be assembled; 2 if a file cannot be read or written, or the command line is wrong."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click has it
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _MODULES:
            return None
        found = getattr(importlib.import_module(f"packfile.cli.{_MODULES[cmd_name]}"), cmd_name)
        assert isinstance(found, click.Command)
        return found


@click.group(
    cls=_Commands, no_args_is_help=False, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="packfile", message="%(prog)s %(version)s")
def packfile() -> None:
    """Make, run and look into packfiles: bytecode files that are mapped and run in place."""


def execute(arguments: Sequence[str]) -> int:
    """Run the command line and give its exit status."""
    try:
        if sys.stdout is None:
            raise UsageFailure("standard output is closed")
        # A name that the terminal cannot show must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        with packfile.make_context("packfile", list(arguments)) as group:
            packfile.invoke(group)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        # Not shown by click, which would write what stands in the arguments as it is.
        context = error.ctx if isinstance(error, click.UsageError) else None
        if context:
            help_text = context.get_usage() if arguments else context.get_help()
            complain(*help_text.split("\n"))
        complain(f"packfile: {error.format_message()}")
        return error.exit_code
    except (PackfileError, ModelError) as error:
        complain(str(error))
        return FOUND_WANTING
    except BrokenPipeError:
        raise
    except (AssemblyError, OSError, UsageFailure) as error:
        return complain_of(error)
    except MemoryError:
        complain("packfile: there is not enough memory for this")
        return CANNOT
    return 0
