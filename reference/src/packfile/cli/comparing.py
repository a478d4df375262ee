"""`diff`: what two modules say differently, whatever their byte orders."""

from __future__ import annotations

import click

from packfile.cli.changes import Change, changes
from packfile.cli.commands import FOUND_WANTING, command, counted, json_option
from packfile.cli.sources import STANDARD_INPUT, UsageFailure, mapped, shown
from packfile.cli.terminal import document, printable, write
from packfile.layout import FIELDS, ByteOrder
from packfile.model import Module
from packfile.writer import decode


@command(
    "diff",
    "packfile diff fib.pkf fib-big.pkf",
    "packfile diff fib.pkf fib.pka",
    "packfile diff --json fib.pkf fib-big.pkf",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@json_option
def diff(first: str, second: str, as_json: bool) -> None:
    """Compare two modules field by field, and function by function.

    Functions and exports are matched by name; what has no name is matched by its order. The byte order of the files
    does not count. The status is 1 if the modules differ.
    """
    if first == second == STANDARD_INPUT:
        raise UsageFailure("standard input can be one of the two files only")
    files = [first, second]
    (one, one_order), (other, other_order) = map(_decoded, files)
    found = changes(one, other)
    orders = [order.name.lower() for order in (one_order, other_order)]
    if as_json:
        differences = [change.json() for change in found]
        document({"files": files, "byte_orders": orders, "equal": not found, "differences": differences})
    else:
        _write(files, orders, found)
    if found:
        raise click.exceptions.Exit(FOUND_WANTING)


def _decoded(file: str) -> tuple[Module, ByteOrder]:
    order_at = next(field.offset for field in FIELDS["header"] if field.name == "byte_order")
    with mapped(file) as content:
        return decode(content), ByteOrder(content[order_at])


def _write(files: list[str], orders: list[str], found: list[Change]) -> None:
    names = [f"{printable(shown(file))} ({order})" for file, order in zip(files, orders, strict=True)]
    if not found:
        write(f"{names[0]} and {names[1]} are the same module")
        return
    for change in found:
        write(change.text())
    write(f"{names[0]} and {names[1]} differ: {counted(len(found), 'difference')}")
