"""`packfile-suite show` and `reproduce`: one case, in full."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import yaml

from packfile.disassembler import disassemble
from packfile.writer import decode

from .build import Builder
from .case import Case, CaseError
from .choose import named_case, named_variant, placed
from .execute import Loader, reference_loader, run_case
from .output import hex_dump, print_yaml
from .paths import shown
from .report import failure_text, printable, rule_text
from .session import LoaderFailed, Session
from .sparse import SparseBytes

_SHORT = 1 << 20


@click.command()
@click.argument("case")
@click.option("--byte-order", metavar="ORDER", help="Of the files; the case's first by default.")
@placed
def show(case: str, byte_order: str | None, cases: tuple[Path, ...]) -> None:
    """Show a case, its rules, and its files as listing and hex dump.

    \b
    packfile-suite show fix-weak-missing-calli-traps
    packfile-suite show fix-weak-missing-calli-traps --byte-order big
    """  # noqa: D301 - click wants the character itself
    found = named_case(cases, case)
    variant = named_variant(found, byte_order)
    click.echo(f"# {shown(found.file)}:{found.line}")
    print_yaml(source_text(found))
    for rule in found.rules:
        click.echo(f"\n{rule_text(rule)}")
    builder = Builder(Path())
    for name, order in variant.orders.items():
        try:
            content = builder.content(found, name, order)
        except CaseError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"\n{name} ({order}), {content.length} bytes")
        listing = _listing(content)
        if listing:
            click.echo("\n".join(f"    {line}" for line in listing.splitlines()))
        click.echo("\n".join(hex_dump(content.runs())))


def source_text(case: Case) -> str:
    """The case as it stands in its file."""
    lines = case.file.read_text("utf-8").splitlines()[case.line - 1 :]
    end = next((at for at, line in enumerate(lines[1:], 1) if line and not line.startswith((" ", "#"))), len(lines))
    text = "\n".join(lines[:end]).rstrip()
    return text if _ALIAS(text) is None else yaml.dump([case.raw], Dumper=_Blocks, sort_keys=False, width=110).rstrip()


_ALIAS = re.compile(r"[:{\[,-] *\*[a-z_]").search


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and repeats what aliases stood for."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's
        return True


def _as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _as_block)


def _listing(content: SparseBytes) -> str | None:
    """The module as assembly; None for a file that cannot be decoded."""
    if content.length > _SHORT:
        return None
    try:
        return disassemble(decode(content.read(0, content.length)))
    except Exception:  # noqa: BLE001 - a broken file is the usual thing here, and any way of refusing it will do
        return None


class _Shown(Session):
    """A session whose dialogue is printed."""

    def _talk(self, message: dict[str, Any]) -> dict[str, Any]:
        click.echo(f"-> {json.dumps(message)}")
        reply = super()._talk(message)
        click.echo(f"<- {json.dumps(reply)}")
        return reply


def _announce(number: int, step: str, wanted: str) -> None:
    click.echo(f"\nstep {number}: {step}; expected: {wanted}")


class _ShownLoader(Loader):
    session_class = _Shown


@click.command()
@click.argument("case")
@click.option("--byte-order", metavar="ORDER", help="little, big, or such as little,big; the case's first by default.")
@click.option("--loader", metavar="CMD", help="Command of the adapter; the reference by default.")
@click.option("--timeout", type=float, default=10.0, show_default=True, help="Seconds for one answer.")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), help="Where to write the files.")
@click.option("--write-only", is_flag=True, help="Write the files and stop.")
@placed
def reproduce(
    case: str,
    byte_order: str | None,
    loader: str | None,
    timeout: float,
    directory: Path | None,
    cases: tuple[Path, ...],
    *,
    write_only: bool,
) -> None:
    """Write the files of a case, run it and show every line that is exchanged.

    The exit status is 0 if the case passes, 1 if not, 2 if the adapter cannot be used.

    \b
    packfile-suite reproduce fix-weak-missing-calli-traps --byte-order big --loader "./my-adapter"
    packfile-suite reproduce fix-weak-missing-calli-traps --directory . --write-only
    """  # noqa: D301 - click wants the character itself
    found = named_case(cases, case)
    variant = named_variant(found, byte_order)
    builder = Builder(directory or Path(tempfile.mkdtemp(prefix="packfile-")))
    try:
        files = builder.files(found, variant)
    except CaseError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{found.id} [{variant.label}]: {found.summary}")
    for name, file in files.items():
        click.echo(f"{name} ({file.byte_order}): {file.path}")
    if write_only:
        return
    command = shlex.split(loader) if loader else None
    tested = _ShownLoader(command, timeout) if command else reference_loader(timeout, _ShownLoader)
    try:
        tested.session()
        result = run_case(tested, found, files, _announce)
    except LoaderFailed as failure:
        for line in (f"the loader cannot be used: {failure.message}", *failure.stderr.splitlines()):
            click.echo(printable(line), err=True)
        sys.exit(2)
    finally:
        tested.close()
    if result.failure is None:
        click.echo("pass")
        return
    click.echo("\n" + failure_text(found, variant, result.failure, files, command))
    sys.exit(1)
