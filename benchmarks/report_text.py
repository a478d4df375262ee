"""A report of quantities as people read it."""

from collections.abc import Iterator, Sequence

from benchmarks.measure import Spread, number
from benchmarks.report import Quantity, Report

_KIBI = 1024
_UNITS = ("bytes", "KiB", "MiB", "GiB")


def text(report: Report) -> str:
    """All of it."""
    return "\n".join(_lines(report))


def size(count: float) -> str:
    """A number of bytes, in the greatest unit of which there is about one."""
    power = 0
    while count >= _KIBI * 0.99 and power < len(_UNITS) - 1:
        count /= _KIBI
        power += 1
    return f"{count:.4g} {_UNITS[power]}"


def place(quantity: Quantity, at: float) -> str:
    """Where a row was measured."""
    return size(at) if quantity.at_unit == "bytes" else f"{at:,.0f}"


def _lines(report: Report) -> Iterator[str]:
    yield ", ".join(f"{name} {value}" for name, value in report.facts.items() if value is not None)
    for left_out in report.left_out:
        yield f"left out: {left_out.contender}: {left_out.why}"
    yield f"{report.rounds} rounds: least, median and greatest"
    if report.quick:
        yield "quick, so the figures say nothing"
    yield from report.notes
    for quantity in report.quantities:
        yield from _quantity(quantity)
    yield ""
    for verdict in report.verdicts:
        yield verdict.line


def _quantity(quantity: Quantity) -> Iterator[str]:
    yield ""
    width = max(len(name) for name in (*quantity.contenders, quantity.at_title))
    yield f"{quantity.full_title}, {quantity.unit}; then as multiples of {quantity.peer}"
    for at in dict.fromkeys(row.at for row in quantity.rows):
        if quantity.at_title:
            yield f" {quantity.at_title}: {place(quantity, at)}"
        for row in quantity.rows:
            if row.at == at:
                yield f"  {row.contender:{width}}{_cells(row.values)}  {_cells(row.ratios)}".rstrip()


def _cells(values: Sequence[float]) -> str:
    return "".join(f"{number(value):>12}" for value in Spread.of(values)) if values else " " * 36
