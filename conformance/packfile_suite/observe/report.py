"""What was seen, as text for people, as JSON, and as JUnit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from .calibrate import Calibration
from .judge import FAILED, OK, Statement, amount
from .proc import PAGE
from .watch import FileRecord, Moment, Observation, describe_pages, page_count

_MOST_MOMENTS = 8

Rows = list[tuple[str, str]]


def sections(result: Observation, calibration: Calibration | None) -> list[tuple[str, Rows]]:
    """Titles, each with what there is to say under it."""
    found = [
        (f"{file.identity.path}: {amount(file.identity.size)}", _file_rows(file, calibration, result))
        for file in result.files
    ]
    return [*found, ("the command", _process_rows(result))]


def _file_rows(file: FileRecord, calibration: Calibration | None, result: Observation) -> Rows:
    rows = [("mapped", f"{amount(file.mapped)}, {', '.join(sorted(file.permissions))}" if file.mapped else "no")]
    if file.mapped:
        rows.append(("touched", _touched(file, calibration)))
        rows.append(("private pages", _private(file)))
    calls = [
        f"{name} {file.read_calls[name]} times, {amount(file.read_bytes[name])}" for name in sorted(file.read_calls)
    ]
    rows.append(("read by calls", "; ".join(calls) or ("not seen" if result.why_not else "no")))
    if any(file.positions.values()):
        rows.append(
            (
                "furthest position",
                ", ".join(f"{amount(at)} (descriptor {n})" for n, at in sorted(file.positions.items())),
            )
        )
    if file.copied is not None:
        share = f", {100 * file.copied / file.identity.size:.3g} % of the file" if file.identity.size else ""
        rows.append(("memory after its first use", f"grew by {amount(max(0, file.copied))}{share}"))
    return rows


def _touched(file: FileRecord, calibration: Calibration | None) -> str:
    coarse = f"; one touch brings in {amount(calibration.window)}" if calibration else ""
    if not file.pages_seen:
        return f"{amount(file.resident)}{coarse}"
    text = f"{len(file.touched)} of {page_count(file.identity)} pages ({amount(len(file.touched) * PAGE)})"
    return f"{text}: {describe_pages(file.touched)}{coarse}" if file.touched else f"{text}{coarse}"


def _private(file: FileRecord) -> str:
    if not file.pages_seen:
        return amount(file.private)
    return f"{len(file.patched)}: {describe_pages(file.patched)}" if file.patched else "none"


def _process_rows(result: Observation) -> Rows:
    ended = f"exit status {result.status}" if result.status >= 0 else f"signal {-result.status}"
    ended = "stopped after its time was over" if result.timed_out else ended
    watched = f"stopped where there was something to see; {result.looks} looks"
    if result.why_not:
        watched = f"by the clock alone, {result.looks} looks: {result.why_not}"
    rows = [
        ("ended", f"{ended} after {result.seconds:.2f} s, {result.processes} process{'es' * (result.processes != 1)}"),
        ("peak memory", amount(result.peak)),
        ("anonymous memory", f"grew by {amount(result.growth)}, {amount(result.swap)} swapped"),
        ("read by all calls", f"{amount(result.called)}, {amount(result.disk)} from the disk"),
        ("faults", f"{result.minor_faults} minor, {result.major_faults} major"),
        ("over time", _history(result.history)),
        ("watched", watched),
    ]  # fmt: skip
    return rows + [("not seen", problem) for problem in result.problems]


def _history(history: Sequence[Moment]) -> str:
    if not history:
        return "no look was in time"
    step = max(1, -(-len(history) // _MOST_MOMENTS))
    chosen = sorted({*range(0, len(history), step), len(history) - 1})
    return ", ".join(f"{history[at].seconds:.2f} s {amount(history[at].anonymous + history[at].file)}" for at in chosen)


def plain(groups: Iterable[tuple[str, Rows]], statements: Iterable[Statement]) -> list[str]:
    """The report as lines."""
    lines = []
    for title, rows in groups:
        width = max(len(name) for name, _ in rows)
        lines += [title, *(f"  {name.ljust(width)}  {text}" for name, text in rows)]
    lines += [f"{each.verdict}: {each.file}: {each.name}: {each.text}" for each in statements]
    return lines


def print_rich(groups: Iterable[tuple[str, Rows]], statements: Iterable[Statement]) -> None:
    """The report on a terminal, on standard error: standard output is the command's."""
    from rich.console import Console  # noqa: PLC0415 - only where a person looks
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    for title, rows in groups:
        table = Table(title=Text(title), title_justify="left", show_header=False)
        for name, text in rows:
            table.add_row(Text(name), Text(text))
        console.print(table)
    for each in statements:
        colour = {OK: "green", FAILED: "bold red"}.get(each.verdict, "yellow")
        console.print(Text(f"{each.verdict}: {each.file}: {each.name}: {each.text}", style=colour))


def as_json(result: Observation, calibration: Calibration | None, statements: Sequence[Statement]) -> dict[str, Any]:
    """Everything, in bytes and seconds."""
    value = dataclasses.asdict(result)
    for row, file in zip(value["files"], result.files, strict=True):
        row.update(row.pop("identity"))
        row.update(permissions=sorted(file.permissions), was_read=file.was_read, copied=file.copied)
        row.update(pages_touched=len(file.touched), pages_patched=len(file.patched))
        row.update({name: describe_pages(getattr(file, name), most=1 << 20) for name in ("touched", "patched")})
    value["calibration"] = dataclasses.asdict(calibration) if calibration else None
    value["statements"] = [dataclasses.asdict(statement) for statement in statements]
    return value


def as_junit(result: Observation, statements: Sequence[Statement]) -> bytes:
    """A test case for each statement; one that cannot be told is an error, not a success."""
    counts = {verdict: sum(each.verdict == verdict for each in statements) for verdict in ("failed", "unobservable")}
    suite = ET.Element(
        "testsuite",
        name="packfile-suite observe",
        tests=str(len(statements)),
        failures=str(counts["failed"]),
        errors=str(counts["unobservable"]),
        skipped="0",
        time=f"{result.seconds:.3f}",
    )
    for each in statements:
        case = ET.SubElement(suite, "testcase", classname=each.file, name=each.name)
        if each.verdict != OK:
            kind = "failure" if each.verdict == FAILED else "error"
            ET.SubElement(case, kind, message=each.text)
        else:
            ET.SubElement(case, "system-out").text = each.text
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True))
