"""`packfile-suite observe`: what any program does with any file, seen from outside."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from packfile.publish import write_file

from .observe import report
from .observe.calibrate import Calibration, calibrate
from .observe.identity import FileIdentity
from .observe.judge import Bounds, Statement, judge, named_files, status
from .observe.proc import Unobservable, check_platform
from .observe.watch import Observation, observe

_UNUSABLE = 2
_UNITS = {"K": 10, "M": 20, "G": 30}


class _Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's
        text = str(value)
        shift = _UNITS.get(text[-1:].upper(), 0)
        number = text[:-1] if shift else text
        if not number.isascii() or not number.isdigit():
            self.fail(f"{text!r} is no size; write 65536, 64K, 1M or 1G", param, ctx)
        return int(number) << shift


_SIZE = _Size()


@click.command("observe", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--file", "files", multiple=True, metavar="FILE", help="File to watch; by default those that CMD names.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.001),
    default=0.05,
    show_default=True,
    metavar="SECONDS",
    help="Between looks by the clock.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.01),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="After which the command is ended.",
)
@click.option("--clock-only", is_flag=True, help="Do not stop the command, look by the clock alone.")
@click.option("--expect", type=click.Choice(["in-place"]), help="Judge: are the files used in place?")
@click.option(
    "--max-private", type=_SIZE, metavar="SIZE", help="Growth of memory allowed; half of the file by default."
)
@click.option(
    "--max-data",
    type=_SIZE,
    default="0",
    metavar="SIZE",
    help="Private pages allowed in writable private mappings; 0 by default.",
)
@click.option("--max-read", type=_SIZE, metavar="SIZE", help="Bytes that calls may read; 64K at most by default.")
@click.option("--max-touched", type=_SIZE, metavar="SIZE", help="Bytes of the file allowed to be brought in.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what was seen as JSON.",
)
@click.option(
    "--junitxml", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the statements as JUnit."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
def observe_command(
    command: tuple[str, ...],
    files: tuple[str, ...],
    interval: float,
    timeout: float,
    *,
    clock_only: bool,
    json_file: Path | None,
    junitxml: Path | None,
    expect: str | None,
    **bounds: int | None,
) -> None:
    """Run a program and tell what it did with a file: mapped, read, touched, copied or patched.

    Works for any program and any format, on Linux. The program keeps its standard streams; the report goes to standard
    error. Without --expect the exit status is the program's, or 2 if it cannot be run or observed. With it, it is 0 if
    the files were used in place, 1 if not, 2 if that cannot be told. What CMD left running is ended.

    \b
    packfile-suite observe -- sqlite3 my.db "select count(*) from t"
    packfile-suite observe --file big.pkf --expect in-place --max-private 4M -- ./my-vm big.pkf
    packfile-suite observe --file big.pkf --expect in-place --junitxml report.xml -- ./my-vm big.pkf
    """  # noqa: D301 - click wants the character itself
    try:
        check_platform()
        identities = [FileIdentity.of(Path(name)) for name in files or named_files(command)]
        if not identities:
            raise Unobservable("CMD names no file; name one by --file")
        calibration = _calibrate(identities)
        result = observe(command, identities, interval=interval, timeout=timeout, stops=not clock_only)
    except Unobservable as reason:
        click.echo(f"cannot be observed: {reason}", err=True)
        sys.exit(_UNUSABLE)
    wanted = Bounds(bounds["max_private"], bounds["max_data"] or 0, bounds["max_touched"], bounds["max_read"])
    statements = judge(result, calibration, wanted) if expect else []
    _print(result, calibration, statements)
    if json_file is not None:
        _write(json_file, (json.dumps(report.as_json(result, calibration, statements), indent=2) + "\n").encode())
    if junitxml is not None:
        _write(junitxml, report.as_junit(result, statements))
    sys.exit(_exit_status(result, statements))


def _calibrate(identities: list[FileIdentity]) -> Calibration:
    longest = max(identities, key=lambda identity: identity.size)
    # How a file was written decides how it comes in, so the file itself is what to measure with.
    return calibrate(Path(tempfile.gettempdir()), Path(longest.path))


def _exit_status(result: Observation, statements: list[Statement]) -> int:
    if result.timed_out:
        return _UNUSABLE
    if statements:
        # What a program did before it was killed says nothing of what it would have done.
        return max(status(statements), _UNUSABLE if result.status < 0 else 0)
    return result.status if result.status >= 0 else 128 - result.status


def _print(result: Observation, calibration: Calibration, statements: list[Statement]) -> None:
    groups = report.sections(result, calibration)
    if sys.stderr.isatty():
        report.print_rich(groups, statements)
        return
    for line in report.plain(groups, statements):
        click.echo(line, err=True)


def _write(path: Path, data: bytes) -> None:
    try:
        write_file(path, data)
    except OSError as error:
        click.echo(f"cannot write {path}: {error.strerror}", err=True)
        sys.exit(_UNUSABLE)
