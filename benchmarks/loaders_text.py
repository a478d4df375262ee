"""A report of the group `loaders` as people read it."""

from collections.abc import Iterator, Sequence

from benchmarks.lineup import CLAIMED, LUA
from benchmarks.loaders_report import Report, Result
from benchmarks.measure import Spread
from benchmarks.report import Quantity, Row

_NAME = 22


def text(report: Report) -> str:
    """All of it."""
    return "\n".join(_lines(report))


def quantities(report: Report) -> list[Quantity]:
    """What of a report is drawn: the times beside Lua's, of a contender by the argument that it was measured with."""
    return [
        Quantity(
            key="time",
            title=f"Time of a run beside that of {LUA}",
            unit=f"multiples of {LUA}",
            peer=LUA,
            rows=list(_best_rows(report.results, program)),
            panel=program,
        )
        for program in dict.fromkeys(result.program for result in report.results)
    ]


def _best_rows(results: Sequence[Result], program: str) -> Iterator[Row]:
    found = [row for result in results if result.program == program for row in result.rows if row.per_lua]
    # Lua is there once for each argument, and by definition with the same value.
    for name in dict.fromkeys(row.contender for row in found):
        ratios = next(row.per_lua for row in found if row.contender == name)
        yield Row(name, 1, ratios, ratios)


def _lines(report: Report) -> Iterator[str]:
    yield ", ".join(f"{name} {value}" for name, value in report.facts.items() if value is not None)
    yield "taking part: " + "; ".join(f"{taker.name} ({taker.version})" for taker in report.contenders)
    for left_out in report.left_out:
        yield f"left out: {left_out.contender}: {left_out.why}"
    yield f"CPU time, {report.rounds} rounds: least, median and greatest; read from {' or '.join(report.clocks)}"
    if report.quick:
        yield "quick, so the figures say nothing"
    yield ""
    yield f"{'':{_NAME}}{'ms a run':^30}{'M instructions/s':^27}{'times ' + LUA:^27}".rstrip()
    for result in report.results:
        yield from _result(result)
    yield from _calls(report.results)
    yield from _empty_calls(report)
    yield from _verdicts(report)


def _result(result: Result) -> Iterator[str]:
    yield f"{_title(result)} = {result.answer}, {result.instructions:,} instructions"
    for row in result.rows:
        cells = [_cells([1000 * value for value in row.seconds], 10, 3)]
        cells.append(_cells([rate / 1e6 for rate in row.rates], 9, 2))
        cells.append(_cells(row.per_lua, 9, 2))
        yield f"  {row.contender:{_NAME - 2}}{''.join(cells)}".rstrip()


def _calls(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if any(row.calls for row in result.rows):
            yield ""
            yield f"M calls/s in {_title(result)}, which makes {result.calls:,} calls"
            for row in result.rows:
                yield f"  {row.contender:{_NAME - 2}}{_cells([rate / 1e6 for rate in row.calls], 10, 3)}"


def _empty_calls(report: Report) -> Iterator[str]:
    yield ""
    yield "microseconds of one empty `call` request through the adapter, which are part of each run above"
    for contender, values in report.empty_calls.items():
        yield f"  {contender:{_NAME - 2}}{_cells([1e6 * value for value in values], 10, 1)}"


def _verdicts(report: Report) -> Iterator[str]:
    yield ""
    for verdict in report.verdicts:
        least, median, greatest = verdict.per_lua
        yield (
            f"{verdict.program}({verdict.argument}): {verdict.contender}: {median:.2f} x the time of {LUA} "
            f"({least:.2f} to {greatest:.2f}): {verdict.words}"
        )
    if not report.verdicts:
        absent = " and ".join(
            left_out.contender for left_out in report.left_out if left_out.contender in {CLAIMED, LUA}
        )
        yield f"Whether {CLAIMED} is at least as fast as {LUA} is not measured, without {absent}."


def _title(result: Result) -> str:
    return f"{result.program}({result.argument})"


def _cells(values: Sequence[float], width: int, digits: int) -> str:
    if not values:
        return " " * 3 * width
    return "".join(f"{value:{width}.{digits}f}" for value in Spread.of(values))
