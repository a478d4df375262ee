"""`dump`: every byte of a file and what it means."""

from __future__ import annotations

import json

import click

from packfile.cli.commands import FOUND_WANTING, command, json_option
from packfile.cli.listing import section_name
from packfile.cli.records import Heading, Note, Record, Walk
from packfile.cli.sources import UsageFailure, mapped, shown
from packfile.cli.terminal import printable, write

_BYTES = 47
_FIELD = 23


@command(
    "dump",
    "packfile dump fib.pkf",
    "packfile dump --section header --section code fib.pkf",
    "packfile dump --json fib.pkf",
)
@click.argument("file", metavar="FILE")
@click.option(
    "--section",
    "sections",
    metavar="NAME",
    multiple=True,
    help="Show only this one: header, directory, the name of a section, its kind as a number, or gaps.",
)
@json_option
def dump(file: str, sections: tuple[str, ...], as_json: bool) -> None:
    """Show every field of a file: place, bytes and meaning.

    Malformed files are shown as far as they make sense; notes say where they do not. The status is 1 if something could
    not be shown for what it is.
    """
    wanted = frozenset(_normal(section) for section in sections)
    with mapped(file) as content:
        walk = Walk(content, wanted)
        if as_json:
            _write_json(file, len(content), walk)
        else:
            _write_text(file, len(content), walk)
    if walk.stopped:
        raise click.exceptions.Exit(FOUND_WANTING)
    if absent := sorted(wanted - walk.seen):
        raise UsageFailure(f"{shown(file)} has no section {' and no '.join(absent)}")


def _normal(section: str) -> str:
    """The name of a section as `Walk` has it; a kind may be a number."""
    try:
        return section_name(int(section, 0))
    except ValueError:
        return section.lower()


def _write_text(file: str, length: int, walk: Walk) -> None:
    write(f"{printable(shown(file))}: {length} bytes")
    for item in walk.items():
        match item:
            case Heading():
                write(f"  {item.text}" if item.is_row else f"\n{item.text}")
            case Note():
                write(f"0x{item.offset:08x}  ! {item.text}")
            case Record():
                write(_line(item))


def _line(record: Record) -> str:
    start = f"0x{record.offset:08x}  "
    if record.field in ("bytes", "repeated", "gap"):
        return f"{start}{record.content.hex(' '):<{_BYTES}}  {record.value}"
    if record.field == "instruction":
        note = f"  ; {record.meaning}" if record.meaning else ""
        return f"{start}{record.content.hex(' '):<{_FIELD}}  {record.word:>5}  {record.value}{note}"
    meaning = f"  {record.meaning}" if record.meaning else ""
    # What a field is for is said once, at the first row that has it.
    doc = f"  ; {record.doc.split('. ')[0].rstrip('.')}." if record.doc and not record.row else ""
    return f"{start}{record.content.hex(' '):<{_FIELD}}  {record.field:<13}  {record.value}{meaning}{doc}"


def _write_json(file: str, length: int, walk: Walk) -> None:
    """One document, written as it goes, since a file may have a hundred million records."""
    write(f'{{"file": {json.dumps(file)}, "size": {length}, "records": [')
    comma = ""
    for item in walk.items():
        match item:
            case Record():
                write(f"{comma}{json.dumps(item.json())}")
            case Note():
                write(f"{comma}{json.dumps({'offset': item.offset, 'section': item.section, 'note': item.text})}")
            case Heading():
                continue
        comma = ","
    write(f'], "complete": {json.dumps(not walk.stopped)}}}')
