"""The loop, with workers that die, raise and vanish as a test wants it."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from packfile_fuzz.campaign.conduct import Campaign, Limits, Unworkable
from packfile_fuzz.campaign.entries import Header
from packfile_fuzz.campaign.ledger import Ledger, create
from packfile_fuzz.campaign.seeds import ENDLESS, SeedSpace, Span
from packfile_fuzz.campaign.state import State, summed
from packfile_fuzz.campaign.task import Answer
from packfile_fuzz.campaign.workers import Died, Done, Event, Lost, Raised
from packfile_fuzz.results import Failure
from tests import campaign_work


def done(span: Span) -> Event:
    return Done(span, Answer(campaign_work.tally(span.first, span.count), span.count / 1000))


class Scripted:
    """Workers that answer in batches; `judge` says what comes of a range, and of those on the same worker."""

    def __init__(self, judge: Callable[[Span], Event], number: int = 2) -> None:
        self.judge, self.number = judge, number
        self.waiting: list[Span] = []
        self.submitted: list[Span] = []
        self.lose_at: set[int] = set()
        self.gone = 0
        self.turns = 0

    def capacity(self) -> int:
        return self.number

    def submit(self, span: Span) -> None:
        self.waiting.append(span)
        self.submitted.append(span)

    def events(self, _wait: float) -> list[Event]:
        self.turns += 1
        if self.turns in self.lose_at:
            raise Lost("gone")
        waiting, self.waiting = self.waiting, []
        events = [self.judge(span) for span in waiting]
        # All ranges that wait at a worker are lost with it.
        return [Died(span) for span in waiting] if any(isinstance(event, Died) for event in events) else events

    def reconnect(self) -> None:
        self.waiting = []
        if self.gone:
            self.gone -= 1
            raise Lost("still gone")

    def close(self) -> None:
        pass


class Session:
    """A campaign of scripted workers over a ledger in a directory."""

    def __init__(self, directory: Path, workers: Scripted, examples: int, seconds: float | None = None) -> None:
        self.path = directory / "ledger.jsonl"
        create(self.path, Header(1, "1", 0, {}))
        self.ledger, self.stop, self.new = Ledger(self.path), threading.Event(), list[Failure]()
        limits, space = Limits(seconds, patience=0.3), SeedSpace(Span(0, examples))
        self.campaign = Campaign(
            workers, space, self.ledger, State(), limits, "program", self.stop, lambda _, new: self.new.extend(new)
        )

    def run(self) -> str:
        try:
            return self.campaign.run()
        finally:
            self.ledger.close()

    def state(self) -> State:
        return summed(self.path)[1]


def deadly(seed: int) -> Callable[[Span], Event]:
    return lambda span: Died(span) if seed in range(span.first, span.end) else done(span)


def test_only_the_seed_that_kills_is_blamed(tmp_path: Path) -> None:
    session = Session(tmp_path, Scripted(deadly(777)), 2000)
    assert session.run() == "complete"
    killed = {found.signature: found for found in session.state().by_signature() if found.signature.oracle != "loader"}
    own = [found for signature, found in killed.items() if signature.outcomes == ("an outcome", "killed")]
    assert [(found.count, found.example.seed) for found in own] == [(1, 777)]
    assert session.state().seeds == 2000
    assert killed[campaign_work.BAD].count == 40
    assert len(session.new) == 3


def test_a_worker_that_dies_by_chance_is_nobodys_fault(tmp_path: Path) -> None:
    deaths = iter([True])
    workers = Scripted(lambda span: Died(span) if span.count == 1 and next(deaths, False) else done(span), number=8)
    session = Session(tmp_path, workers, 8)
    assert session.run() == "complete"
    assert session.state().seeds == 8
    assert {found.signature for found in session.state().by_signature()} == {campaign_work.BAD}


def test_a_seed_that_raises_is_found_and_blamed(tmp_path: Path) -> None:
    raises = lambda span: Raised(span, "KeyError: 'x'") if 70 in range(span.first, span.end) else done(span)  # noqa: E731
    session = Session(tmp_path, Scripted(raises), 500)
    assert session.run() == "complete"
    (own,) = [found for found in session.state().by_signature() if found.signature.oracle == "internal-error"]
    assert (own.example.seed, own.signature.outcomes[1]) == (70, "raised KeyError")
    assert session.state().seeds == 500


@pytest.mark.parametrize("examples", [3, 1000])
def test_work_that_always_raises_is_no_failure_of_examples(tmp_path: Path, examples: int) -> None:
    session = Session(tmp_path, Scripted(lambda span: Raised(span, "OSError: no loader")), examples)
    with pytest.raises(Unworkable, match="no example can be judged: OSError: no loader"):
        session.run()
    assert session.state().seeds == 0
    assert session.state().end == "gave up"


def test_what_was_submitted_to_a_lost_scheduler_is_submitted_again(tmp_path: Path) -> None:
    workers = Scripted(done)
    workers.lose_at, workers.gone = {2, 4, 5}, 1
    session = Session(tmp_path, workers, 3000)
    assert session.run() == "complete"
    assert session.state().seeds == 3000
    assert sum(span.count for span in workers.submitted) > 3000
    assert session.campaign.lost is None


def test_a_scheduler_that_stays_away_ends_the_campaign_with_what_it_has(tmp_path: Path) -> None:
    workers = Scripted(done)
    workers.lose_at, workers.gone = {3}, 1000
    session = Session(tmp_path, workers, ENDLESS)
    with pytest.raises(Unworkable, match=r"still gone; it did not come back within 0.3 seconds"):
        session.run()
    assert session.state().seeds > 0


def test_a_scheduler_without_workers_is_not_waited_for_forever(tmp_path: Path) -> None:
    session = Session(tmp_path, Scripted(done, number=0), 10)
    with pytest.raises(Unworkable, match=r"there was no worker for 0.3 seconds"):
        session.run()


def test_time_ends_a_campaign_and_what_runs_is_waited_for(tmp_path: Path) -> None:
    workers = Scripted(done)
    session = Session(tmp_path, workers, ENDLESS, seconds=0.2)
    assert session.run() == "time"
    assert session.state().seeds == sum(span.count for span in workers.submitted)
    assert 0.2 <= session.state().elapsed < 3


def test_a_stop_ends_a_campaign_that_waits_for_its_scheduler(tmp_path: Path) -> None:
    workers = Scripted(done)
    workers.lose_at, workers.gone = {2}, 1000
    session = Session(tmp_path, workers, ENDLESS)
    threading.Timer(0.1, session.stop.set).start()
    assert session.run() == "interrupted"


def test_ranges_grow_to_about_a_second_and_end_together(tmp_path: Path) -> None:
    workers = Scripted(done)
    assert Session(tmp_path, workers, 20_000).run() == "complete"
    sizes = [span.count for span in workers.submitted]
    assert max(sizes) == 1001, "a thousand seeds a second, and a second a range"
    assert sizes[-1] == 1
    assert len(workers.waiting) == 0


def test_a_ledger_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.campaign.ledger.ROOM", 20_000)
    session, sizes = Session(tmp_path, Scripted(done), 200_000), []
    session.campaign._watch = lambda *_: sizes.append(session.path.stat().st_size)
    assert session.run() == "complete"
    state = session.state()
    assert (state.seeds, state.end) == (200_000, "complete")
    assert state.by_signature() == session.campaign.state.by_signature()
    assert sum(found.count for found in state.by_signature()) == 4001
    # The sum has at most a hundred failures of each signature.
    assert max(sizes) < 100_000
    assert len(sizes) > 50
