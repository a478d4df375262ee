"""The group of commands, and what becomes of their failures."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from packfile import __version__
from packfile.assembler import AssemblyError
from packfile.cli.commands import CANNOT, FOUND_WANTING, command, complain_of
from packfile.cli.comparing import diff
from packfile.cli.dumping import dump
from packfile.cli.running import run
from packfile.cli.showing import info, verify
from packfile.cli.sources import UsageFailure, standard_input
from packfile.cli.terminal import complain
from packfile.cli.writing import assemble, convert, disassemble
from packfile.errors import PackfileError
from packfile.model import ModelError

_EXAMPLES = """\b
Examples:
  packfile assemble fib.pka
  packfile run fib.pkf 20
  packfile verify fib.pkf

FILE may be `-` for standard input. Exit status: 0 for ok; 1 for any other outcome, a finding, a difference, or a text
that cannot be assembled; 2 if a file cannot be read or written, or the command line is wrong."""


@click.group(epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="packfile", message="%(prog)s %(version)s")
def packfile() -> None:
    """Make, run and look into packfiles: bytecode files that are mapped and run in place."""


@command("adapter", "packfile adapter < requests.jsonl")
def adapter() -> None:
    """Serve the adapter protocol on standard input and output.

    So the conformance suite drives this loader; spec/adapter.md describes the protocol. This command works in a bare
    install as well.
    """
    from packfile.adapter import serve  # noqa: PLC0415 - of all commands only this one needs it

    serve(standard_input(), sys.stdout.buffer)


for _command in (assemble, disassemble, run, info, verify, convert, dump, diff, adapter):
    packfile.add_command(_command)


def execute(arguments: Sequence[str]) -> int:
    """Run the command line and give its exit status."""
    try:
        if sys.stdout is None:
            raise UsageFailure("standard output is closed")
        # A name that the terminal cannot show must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        with packfile.make_context("packfile", list(arguments)) as context:
            packfile.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
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
