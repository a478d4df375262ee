"""Results as Markdown: of each group its figures, its tables and its verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.facts import Facts
from benchmarks.measure import Spread, number
from benchmarks.plots import by_key
from benchmarks.report import Quantity
from benchmarks.report_text import place
from benchmarks.verdicts import Verdict


def section(name: str, title: str, report: Any, quantities: Sequence[Quantity], figures: bool) -> str:  # noqa: ANN401 - each group has its own
    """What one group found.

    Args:
        name: The group's name, with which its figures' names begin.
        title: What it measures.
        report: What it found; verdicts that have a `line` are listed.
        quantities: What of it goes into tables.
        figures: Whether there are figures beside this text.
    """
    return "\n".join(_lines(name, title, report, quantities, figures)) + "\n"


def summary(reports: Mapping[str, Any], facts: Facts) -> str:
    """What was claimed and what was measured, of all groups in one table.

    Args:
        reports: What each group found, by its name; of verdicts without a spread nothing is told.
        facts: The machine.
    """
    known = ", ".join(f"{key} {value}" for key, value in facts.items() if value is not None)
    lines = [
        f"Measured with {known}.",
        "",
        "| group | claim | measured: median (least to greatest) | |",
        "|---|---|---|---|",
    ]
    for name, report in reports.items():
        for verdict in getattr(report, "verdicts", ()):
            if isinstance(verdict, Verdict) and verdict.spread is not None:
                least, median, greatest = (number(value) for value in verdict.spread)
                measured = f"{median}{verdict.unit} ({least} to {greatest})"
                lines.append(f"| `{name}` | {verdict.claim} | {measured} | {verdict.words} |")
    return "\n".join(lines) + "\n"


def _lines(name: str, title: str, report: Any, quantities: Sequence[Quantity], figures: bool) -> Iterator[str]:  # noqa: ANN401 - as above
    facts: Facts = report.facts
    yield f"## `{name}`: {title}"
    yield ""
    known = ", ".join(f"{key} {value}" for key, value in facts.items() if value is not None)
    yield f"{known}; {report.rounds} rounds{', quick, so the figures say nothing' if report.quick else ''}."
    left_out = getattr(report, "left_out", ())
    if left_out:
        yield ""
        yield from (f"- left out: {entry.contender}: {entry.why}" for entry in left_out)
    for key, panels in by_key(quantities).items():
        yield ""
        yield f"### {panels[0].title} ({panels[0].unit})"
        if figures:
            yield ""
            yield f"![{panels[0].title}, as in the table below]({name}-{key}.svg)"
        yield ""
        yield from _table(panels)
    lines = [verdict.line for verdict in getattr(report, "verdicts", ()) if hasattr(verdict, "line")]
    if lines:
        yield ""
        yield from (f"- {line}" for line in lines)


def _table(panels: Sequence[Quantity]) -> Iterator[str]:
    peers = " or ".join(dict.fromkeys(panel.peer for panel in panels))
    places = panels[0].at_title
    own = panels[0].unit != f"multiples of {panels[0].peer}"
    heads = [*(["of"] if panels[0].panel else []), *([places] if places else []), "contender", panels[0].unit]
    heads += [f"times {peers}"] if own else []
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for panel in panels:
        for at in dict.fromkeys(row.at for row in panel.rows):
            for row in panel.rows:
                if row.at == at:
                    cells = [*([panel.panel] if panel.panel else []), *([place(panel, at)] if places else [])]
                    cells += [row.contender, _cell(row.values), *([_cell(row.ratios)] if own else [])]
                    yield f"| {' | '.join(cells)} |"


def _cell(values: Sequence[float]) -> str:
    return " / ".join(number(value) for value in Spread.of(values)) if values else ""
