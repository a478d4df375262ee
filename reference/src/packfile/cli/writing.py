"""`assemble`, `disassemble`, `convert` and `digest`: commands that write a file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from packfile.cli.commands import byte_order_choice, command, output_option
from packfile.cli.sources import (
    SOURCE_SUFFIX,
    STANDARD_INPUT,
    UsageFailure,
    byte_order,
    mapped,
    module_of,
    shown,
)
from packfile.cli.terminal import printable, write
from packfile.disassembler import disassemble as disassembled
from packfile.publish import replacing
from packfile.redigest import redigest
from packfile.writer import convert as converted
from packfile.writer import decode, encode, write_file

_STANDARD_OUTPUT = "-"


@command(
    "assemble",
    "packfile assemble fib.pka",
    "packfile assemble fib.pka -o fib-big.pkf --byte-order big",
    "packfile assemble fib.pka --digests",
    "packfile assemble - -o fib.pkf < fib.pka",
)
@click.argument("source", metavar="SRC.pka")
@output_option
@click.option("--digests", is_flag=True, help="Add digests, by which a loader finds damage; so does `.digests` in SRC.")
@click.option(
    "--byte-order", "order", type=byte_order_choice, default="host", show_default=True, help="Byte order of the file."
)
def assemble(source: str, output: str | None, digests: bool, order: str) -> None:
    """Assemble a text into a packfile.

    Without -o the file stands beside the text, with the suffix .pkf; that of standard input goes to standard output.
    The code is not verified; `packfile verify` does that.
    """
    if output is None and source == STANDARD_INPUT:
        output = _STANDARD_OUTPUT
    elif output is None:
        output = str(Path(source).with_suffix(".pkf"))
        if output == source:
            raise UsageFailure(f"{source}: the packfile would replace the text; -o names another file")
    module = module_of(source)
    publish(output, encode(replace(module, digests=digests or module.digests), byte_order(order)))


@command("disassemble", "packfile disassemble fib.pkf", "packfile disassemble fib.pkf -o copy.pka")
@click.argument("file", metavar="FILE")
@output_option
def disassemble(file: str, output: str | None) -> None:
    """Write a packfile as assembly.

    The text assembles to the same module, and so to the same bytes. Functions that no loader would run are written as
    well.
    """
    with mapped(file) as content:
        text = disassembled(decode(content))
    if output in (None, _STANDARD_OUTPUT):
        sys.stdout.write(text)
    else:
        assert output is not None
        replace_file(output, text.encode())


@command(
    "convert",
    "packfile convert fib.pkf -o fib-big.pkf --byte-order big",
    "packfile convert fib-big.pkf -o fib.pkf --byte-order host",
)
@click.argument("file", metavar="FILE")
@click.option("-o", "--output", metavar="OUT", required=True, help="Where to write; `-` is standard output.")
@click.option("--byte-order", "order", type=byte_order_choice, required=True, help="Byte order of the new file.")
def convert(file: str, output: str, order: str) -> None:
    """Write a packfile in another byte order.

    A loader runs files of both orders, so this is never needed; it is what a package may do when it is installed.
    OUT may be FILE: it is replaced in one step, and who has it mapped goes on seeing the old one.
    """
    with mapped(file) as content:
        changed = converted(content, byte_order(order))
    publish(output, changed)


@command(
    "digest",
    "packfile digest fib.pkf",
    "packfile digest fib.pkf -o checked.pkf",
    "packfile digest fib.pkf --remove",
)
@click.argument("file", metavar="FILE")
@output_option
@click.option("--remove", is_flag=True, help="Take the digests away.")
def digest(file: str, output: str | None, remove: bool) -> None:
    """Add digests to a packfile, or compute them anew.

    Shows their root.

    The digests that FILE has are not looked at, so this makes damage look right: check it first with `packfile verify`.
    Without -o FILE is replaced, in one step; who has it mapped goes on seeing the old one.
    """
    if output is None and (file == STANDARD_INPUT or file.endswith(SOURCE_SUFFIX)):
        raise UsageFailure(f"{shown(file)}: it is no packfile that could be replaced; -o names where to write")
    with mapped(file) as content:
        if output == _STANDARD_OUTPUT:
            _refuse_terminal()
            with tempfile.TemporaryFile() as temporary:
                redigest(content, temporary.fileno(), digests=not remove)
                shutil.copyfileobj(temporary, sys.stdout.buffer)
            return
        target = output or file
        with _named(target), replacing(target) as descriptor:
            root = redigest(content, descriptor, digests=not remove)
    write(f"{printable(target)}: {'no digests' if remove else f'digest root {root.hex()}'}")


def _refuse_terminal() -> None:
    if sys.stdout.isatty():
        raise UsageFailure("a packfile is not text for a terminal; name a file with -o, or redirect standard output")


def publish(output: str, content: bytes) -> None:
    """Write a packfile to a path, or to standard output unless that is a terminal."""
    if output != _STANDARD_OUTPUT:
        replace_file(output, content)
    else:
        _refuse_terminal()
        sys.stdout.buffer.write(content)


def replace_file(output: str, content: bytes) -> None:
    """Write a file beside its place, and rename it."""
    with _named(output):
        write_file(output, content)


@contextmanager
def _named(output: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # The user knows this name, and not that of the temporary file beside it.
        raise OSError(error.errno, error.strerror, output) from None
