"""A campaign as it runs: a table that is drawn again on a terminal, a line every few seconds elsewhere.

Assumes that it is called every turn of the campaign. Promises to print at most that often, and to change nothing.
"""

from __future__ import annotations

import time
from collections import deque

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from packfile.instructions import INSTRUCTIONS
from packfile_fuzz.results import Failure
from packfile_suite.output import is_terminal
from packfile_suite.report import printable

from .conduct import Campaign
from .state import State
from .view import NAMED_RULES, comparisons, duration, exhausted_share, named_rules, share

_WINDOW = 10.0
"""Seconds over which the current rate is taken."""
_LINES = 5.0
"""Seconds from one plain line to the next."""
_SHOWN = 12
"""Signatures that the table shows."""


class Progress:
    """Prints how a campaign is going."""

    def __init__(self, seconds: float | None, examples: int | None) -> None:
        """Prepare for a campaign of so many wall seconds and so many examples, in all its sessions."""
        self._seconds, self._examples = seconds, examples
        self._samples: deque[tuple[float, int, int]] = deque()
        self._live = Live(console=Console(), auto_refresh=False, transient=True) if is_terminal() else None
        self._printed = time.monotonic()

    def start(self) -> None:
        """Begin to draw."""
        if self._live:
            self._live.start()

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._live:
            self._live.stop()

    def show(self, campaign: Campaign, new: list[Failure]) -> None:
        """Print how it is going, if it is time; a new signature is always printed."""
        for failure in new:
            self._say(f"new: {failure_line(failure)}")
        now = time.monotonic()
        self._samples.append((now, campaign.state.tally.examples, campaign.state.seeds))
        while now - self._samples[0][0] > _WINDOW and len(self._samples) > 2:
            self._samples.popleft()
        if self._live:
            self._live.update(self._table(campaign), refresh=True)
        elif now - self._printed >= _LINES:
            self._printed = now
            click.echo(self.line(campaign))

    def _say(self, text: str) -> None:
        if self._live:
            self._live.console.print(Text(text))
        else:
            click.echo(text)

    @property
    def rate(self) -> float:
        """Examples a second, of late."""
        return self._per_second(1)

    def _per_second(self, column: int) -> float:
        first, last = self._samples[0], self._samples[-1]
        return (last[column] - first[column]) / (last[0] - first[0]) if last[0] > first[0] else 0.0

    def eta(self, campaign: Campaign) -> str:
        """Time that is left, as far as can be said."""
        left = []
        if self._seconds is not None:
            left.append(max(0.0, self._seconds - campaign.elapsed))
        seeds = self._per_second(2)
        if self._examples is not None and seeds:
            left.append(campaign.left / seeds)
        return duration(min(left)) if left else "unknown"

    def line(self, campaign: Campaign) -> str:
        """How it is going, on one line."""
        state = campaign.state
        parts = [
            f"{duration(campaign.elapsed)}",
            f"{state.tally.examples} examples",
            f"{self.rate:.0f}/s",
            f"{campaign.capacity} workers",
            f"exhausted {exhausted_share(state.tally):.1%}",
            coverage_text(state),
            failures_text(state),
            f"left {self.eta(campaign)}",
        ]
        return ", ".join([*parts, campaign.lost] if campaign.lost else parts)

    def _table(self, campaign: Campaign) -> RenderableType:
        state = campaign.state
        table = Table.grid(padding=(0, 2))
        rows = [
            ("time", f"{duration(campaign.elapsed)}, left {self.eta(campaign)}"),
            ("examples", f"{state.tally.examples}, {self.rate:.0f}/s on {campaign.capacity} workers"),
            ("outcomes", mix_text(state)),
            ("coverage", coverage_text(state)),
            ("not comparable", incomparable_text(state)),
            ("failures", failures_text(state)),
        ]
        if campaign.lost:
            rows.append(("scheduler", campaign.lost))
        for name, text in rows:
            table.add_row(Text(name, style="bold"), Text(text))
        failures = Table.grid(padding=(0, 2))
        found = sorted(state.found.values(), key=lambda found: -found.count)
        for one in found[:_SHOWN]:
            failures.add_row(Text(str(one.count)), Text(failure_line(one.example)))
        return Group(table, failures)


def failure_line(failure: Failure) -> str:
    """A failure on one line that a terminal can show."""
    oracle, (expected, came), detail, opcode, loader = failure.signature
    words = [f"{oracle}:", f"expected {expected},", f"got {came}", *(word for word in (detail, opcode) if word)]
    words += [f"({loader})"] if loader else []
    return printable(f"{' '.join(words)}; {failure.kind} seed {failure.seed}: {failure.message}")


def mix_text(state: State) -> str:
    """Outcomes by their share, the most common first."""
    outcomes = state.tally.outcomes
    return (
        ", ".join(f"{name} {share(count, outcomes.total()):.1%}" for name, count in outcomes.most_common(8)) or "none"
    )


def coverage_text(state: State) -> str:
    """What was reached, in a few words."""
    seen = {name.partition(" ")[0] for name in state.tally.instructions}
    pairs = f"{len(state.tally.instructions)} instruction outcomes of {len(seen)}/{len(INSTRUCTIONS)} instructions"
    return f"{pairs}, {named_rules(state.tally)}/{len(NAMED_RULES)} rules"


def incomparable_text(state: State) -> str:
    """Share of comparisons that were not comparable, over all oracles."""
    rows = comparisons(state.tally)
    return f"{share(sum(row.incomparable for row in rows), sum(row.total for row in rows)):.2%}"


def failures_text(state: State) -> str:
    """How many failures there are, and of how many signatures."""
    number = sum(found.count for found in state.found.values())
    return f"{number} failures of {len(state.found)} signatures" if number else "no failure"
