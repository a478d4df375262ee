"""The loop of a campaign: deals out ranges, writes down what comes, and finds the seed that kills workers.

Assumes workers that may die, and a scheduler that may go away. Promises that a range is written down once or not at
all; that a seed is blamed for the death of a worker only if one died while it ran alone; and an end in order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from packfile_fuzz.results import Failure, Signature, Tally

from .entries import Ended, Finished
from .ledger import Ledger
from .seeds import SeedSpace, Span
from .state import State
from .workers import Died, Done, Event, Lost, Raised, Workers

_TURN = 0.25
"""Seconds to wait for results at a time; a signal is heeded after as many."""
_PROBE = 8
"""Seeds of the first ranges, when nobody knows yet how long one takes."""
_GROWTH = 8
"""Times that the size of a range may grow at once."""
_PARTS = 8
"""Parts of a range that is tried again, to find the seed that spoils it."""
_GRACE = 3.0
"""Seconds that ranges may take beyond the campaign's time."""
_SPOILT = 5
"""Examples that may raise before any was judged; more means that nothing works."""
_SHORTEST, _LONGEST, _RATIO = 1.0, 30.0, 600.0
"""Seconds of a range: a 600th of the campaign, so that a ledger of a week can still be read at once."""


class Unworkable(Exception):
    """The campaign cannot go on; the text says why. The ledger is whole."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to end, and when to give up."""

    seconds: float | None
    """Wall seconds of all sessions, or None."""
    patience: float
    """Seconds to wait for a scheduler, or for a worker of it."""


class Campaign:
    """One session of a campaign."""

    def __init__(
        self,
        workers: Workers,
        space: SeedSpace,
        ledger: Ledger,
        state: State,
        limits: Limits,
        kind: str,
        stop: threading.Event,
        watch: Callable[[Campaign, list[Failure]], None],
    ) -> None:
        """Prepare.

        Args:
            workers: What does ranges.
            space: What is left to do.
            ledger: Where to write down what is done.
            state: What was done before; is added to.
            limits: When to end.
            kind: Of the examples, for a failure that no oracle reports.
            stop: Set from elsewhere to end the session.
            watch: Called every turn, and with the first failures of a signature once they are on the disk.
        """
        self._workers, self._space, self._ledger, self.state = workers, space, ledger, state
        self._limits, self._kind, self._stop, self._watch = limits, kind, stop, watch
        self._begun = time.monotonic() - state.elapsed
        self._running: set[Span] = set()
        self._again: deque[Span] = deque()
        self._suspects: deque[Span] = deque()
        self._alone: Span | None = None
        self._spoilt: list[tuple[Span, str]] = []
        self._rate = 0.0
        self._size = _PROBE
        self._idle_since: float | None = None
        self.capacity = 0
        """Workers, as far as is known."""
        self.lost: str | None = None
        """Why there is no connection to the scheduler; None while there is one."""

    @property
    def elapsed(self) -> float:
        """Wall seconds of all sessions."""
        return time.monotonic() - self._begun

    @property
    def left(self) -> int:
        """Seeds that are not done."""
        waiting = (*self._running, *self._again, *self._suspects)
        return self._space.left + sum(span.count for span in waiting)

    def run(self) -> str:
        """Go on until an end: `complete`, `time` or `interrupted`.

        Raises:
            Unworkable: The scheduler is lost for good, or no example can be judged.
            OSError: The ledger cannot be written.
        """
        try:
            end = self._loop()
        except Unworkable:
            self._ledger.append([self._add(Ended("gave up", time.time(), self.elapsed))])
            raise
        self._ledger.append([self._add(Ended(end, time.time(), self.elapsed))])
        return end

    def _add(self, entry: Ended) -> Ended:
        self.state.add(entry)
        return entry

    def _loop(self) -> str:
        limit = self._limits.seconds
        while True:
            if self._stop.is_set():
                return "interrupted"
            late = self.elapsed - limit if limit is not None else -1.0
            if late >= _GRACE or (late >= 0 and not self._running):
                return "time"
            try:
                if late < 0:
                    self._deal()
                if not self._running and not self.left:
                    return self._completed()
                self._take(self._workers.events(_TURN))
            except Lost as error:
                self._reconnect(error)
            self._watch(self, [])

    def _completed(self) -> str:
        if self._spoilt:
            raise Unworkable(f"no example can be judged: {self._spoilt[0][1]}")
        return "complete"

    def _deal(self) -> None:
        """Keep the workers busy, and a little ahead."""
        self.capacity = self._workers.capacity()
        self._be_patient()
        if self._alone:
            return
        if self._suspects:
            if not self._running:
                self._alone = self._suspects.popleft()
                self._submit(self._alone)
            return
        # Nothing waits at a worker that may die of what it does, or it would be under suspicion as well.
        ahead = 1 if self._again else 2
        while len(self._running) < ahead * self.capacity:
            span = self._again.popleft() if self._again else self._space.take(self._next_size())
            if span is None:
                return
            self._submit(span)

    def _submit(self, span: Span) -> None:
        self._running.add(span)
        self._workers.submit(span)

    def _next_size(self) -> int:
        """Seeds of the next range: enough for its time, but no more than lets all workers end together."""
        elapsed, limit = self.elapsed, self._limits.seconds
        seconds = min(max(_SHORTEST, elapsed / _RATIO), _LONGEST)
        if limit is not None:
            seconds = min(seconds, max((limit - elapsed) / 2, 0.05))
        if self._rate:
            self._size = min(int(self._rate * seconds) + 1, self._size * _GROWTH)
        return max(1, min(self._size, -(-self._space.left // (2 * max(1, self.capacity)))))

    def _be_patient(self) -> None:
        now = time.monotonic()
        if self.capacity:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > self._limits.patience:
            raise Unworkable(f"there was no worker for {self._limits.patience:g} seconds")

    def _take(self, events: list[Event]) -> None:
        finished: list[Finished] = []
        for event in events:
            self._running.discard(event.span)
            match event:
                case Done(span, answer):
                    self._measure(span, answer.seconds)
                    finished.append(self._finished(span, answer.tally))
                case Died(span) if span == self._alone:
                    finished.append(self._finished(span, self._blame(span, "killed", "the worker died of it, or hung")))
                case Died(span) if span.count == 1:
                    self._suspects.append(span)
                case Raised(span, text) if span.count == 1:
                    self._spoilt.append((span, text))
                case _:
                    self._again.extend(event.span.parts(_PARTS))
            if event.span == self._alone:
                self._alone = None
        self._write(finished)
        self._write(self._judge_spoilt())

    def _judge_spoilt(self) -> list[Finished]:
        """Ranges of one example that raised, once others did not: so it was the example."""
        if not self.state.tally.examples:
            if len(self._spoilt) >= _SPOILT:
                raise Unworkable(f"no example can be judged: {self._spoilt[0][1]}")
            return []
        spoilt, self._spoilt = self._spoilt, []
        return [
            self._finished(span, self._blame(span, f"raised {text.partition(':')[0]}", text)) for span, text in spoilt
        ]

    def _blame(self, span: Span, came: str, message: str) -> Tally:
        signature = Signature("internal-error", ("an outcome", came), "", "", "")
        return Tally(1, failures=[Failure(span.first, self._kind, signature, message)])

    def _finished(self, span: Span, tally: Tally) -> Finished:
        return Finished.of(span, time.time(), self.elapsed, tally)

    def _write(self, finished: list[Finished]) -> None:
        if not finished:
            return
        self._ledger.append(finished)
        new = [failure for entry in finished for failure in self.state.add(entry)]
        if self._ledger.is_large:
            self._ledger.replace(self.state.summed())
        if new:
            self._watch(self, new)

    def _measure(self, span: Span, seconds: float) -> None:
        rate = span.count / max(seconds, 1e-6)
        self._rate = rate if not self._rate else 0.7 * self._rate + 0.3 * rate

    def _reconnect(self, error: Lost) -> None:
        """Wait for the scheduler; what was submitted is not done."""
        self._again.extend(sorted(self._running))
        self._running.clear()
        self._alone = None
        self.lost = str(error)
        until = time.monotonic() + self._limits.patience
        while not self._stop.is_set():
            self._watch(self, [])
            try:
                self._workers.reconnect()
            except Lost as again:
                if time.monotonic() > until:
                    raise Unworkable(
                        f"{again}; it did not come back within {self._limits.patience:g} seconds"
                    ) from None
                self._stop.wait(_TURN)
            else:
                self.lost = None
                return
