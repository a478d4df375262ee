"""The ledger keeps what it was given, and says what is wrong with one that was damaged."""

import errno
import json
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from packfile_fuzz.campaign.entries import Ended, Finished, Header
from packfile_fuzz.campaign.found import KEPT
from packfile_fuzz.campaign.ledger import Ledger, LedgerError, create, read
from packfile_fuzz.campaign.seeds import SeedSpace, Span, Spans, Twice
from packfile_fuzz.campaign.state import State, summed
from packfile_fuzz.results import Failure, Tally
from tests import campaign_work

HEADER = Header(1, "1.0.0", 0, {"kind": "program", "loaders": ["./a b"]})


def entry(first: int, count: int, at: float = 1.0) -> Finished:
    return Finished(Span(first, count), at, at, campaign_work.tally(first, count))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jsonl"
    create(path, HEADER)
    return path


def write(path: Path, *entries: Finished | Ended) -> None:
    ledger = Ledger(path)
    ledger.append(entries)
    ledger.close()


def test_what_is_written_is_read(path: Path) -> None:
    entries: list[Finished | Ended] = [entry(0, 10), entry(300, 100, 2.5), Ended("time", 3.0, 2.75)]
    write(path, *entries)
    header, found = read(path)
    assert header == HEADER
    assert list(found) == entries


@pytest.mark.parametrize("cut", [1, 2, 40, 300])
def test_a_torn_last_line_is_dropped_and_written_over(path: Path, cut: int) -> None:
    write(path, entry(0, 10), entry(10, 50))
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(summed(path)[1].spans) == [Span(0, 10)]
    write(path, entry(10, 7))
    assert list(summed(path)[1].spans) == [Span(0, 17)]


def test_a_torn_line_longer_than_a_block_is_dropped(path: Path) -> None:
    write(path, entry(0, 10))
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    write(path, entry(10, 1))
    assert summed(path)[1].seeds == 11


def test_a_damaged_line_in_the_middle_is_refused(path: Path) -> None:
    write(path, entry(0, 10), entry(10, 10))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[1][:50] + "\n", lines[2]]))
    with pytest.raises(LedgerError, match=r"ledger.jsonl:2: expected a finished range, got a damaged line"):
        summed(path)


def test_a_seed_that_is_there_twice_is_refused(path: Path) -> None:
    write(path, entry(0, 10), entry(20, 5), entry(9, 4))
    with pytest.raises(LedgerError, match="expected every seed once, got 9 twice"):
        summed(path)


@pytest.mark.parametrize("text", ["", "hello\n", "[]\n", '{"ledger": 1}\n', '"ledger"\n'])
def test_what_is_no_ledger_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(LedgerError, match="expected the ledger of a campaign"):
        read(path)


def test_a_ledger_of_another_version_is_refused(path: Path) -> None:
    path.write_text(json.dumps(HEADER.as_json() | {"ledger": 2}) + "\n")
    with pytest.raises(LedgerError, match="expected version 1 of the ledger, got 2"):
        read(path)


def test_two_campaigns_never_write_one_ledger(path: Path) -> None:
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match="another campaign is writing it"):
        Ledger(path)
    ledger.close()
    Ledger(path).close()


@contextmanager
def full(size: int) -> Iterator[None]:
    """A disk on which no file has more than so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_with_the_file_and_leaves_no_part_of_a_line(path: Path) -> None:
    write(path, entry(0, 10))
    ledger, before = Ledger(path), path.read_bytes()
    with full(len(before) + 100), pytest.raises(OSError, match=r"ledger\.jsonl") as raised:
        ledger.append([entry(10, 10), entry(20, 10)])
    assert raised.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    state = summed(path)[1]
    with full(len(before) // 2), pytest.raises(OSError, match=r"large"):
        ledger.replace(state.summed())
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    ledger.append([entry(10, 10)])
    ledger.close()
    assert summed(path)[1].seeds == 20


def test_one_entry_takes_the_place_of_all_and_says_the_same(path: Path) -> None:
    write(path, *(entry(first, 50, at=first) for first in (0, 100, 50, 400)))
    before = summed(path)[1]
    ledger = Ledger(path)
    ledger.replace(before.summed())
    with pytest.raises(LedgerError, match="another campaign is writing it"):
        Ledger(path)
    header, after = summed(path)
    assert (header, list(after.spans)) == (HEADER, [Span(0, 150), Span(400, 50)])
    assert (after.tally, after.found, after.elapsed) == (before.tally, before.found, before.elapsed)
    more = entry(200, 50, at=7.0)
    ledger.append([more])
    ledger.close()
    before.add(more)
    assert summed(path)[1].by_signature() == before.by_signature()
    assert len(path.read_text().splitlines()) == 3
    Ledger(path).close()


def test_a_ledger_that_was_replaced_while_it_was_opened_is_not_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_file: int, _how: int) -> None:
        path.rename(path.with_suffix(".old"))
        create(path, HEADER)

    monkeypatch.setattr("packfile_fuzz.campaign.ledger.fcntl.flock", late)
    with pytest.raises(LedgerError, match="another campaign is writing it"):
        Ledger(path)


def test_of_a_range_that_fails_throughout_all_failures_are_counted_and_few_are_written(path: Path) -> None:
    rows = [Failure(seed, "program", campaign_work.BAD, "it differs") for seed in range(5000)]
    rare = Failure(4000, "program", campaign_work.RARE, "it died")
    write(path, Finished.of(Span(0, 5000), 1.0, 1.0, Tally(5000, failures=sorted([*rows, rare]))))
    assert path.stat().st_size < 25_000
    first, second = summed(path)[1].by_signature()
    assert (first.count, [failure.seed for failure, _ in first.failures]) == (5000, list(range(KEPT)))
    assert (second.count, second.example) == (1, rare)


def test_spans_that_are_done_are_joined_in_whatever_order_they_come() -> None:
    spans = [Span(first, 10) for first in range(0, 10_000, 10)]
    Random(1).shuffle(spans)  # noqa: S311 - for a test
    done = Spans(spans[:-1])
    gap = spans[-1]
    assert list(done) == [Span(0, gap.first), Span(gap.end, 10_000 - gap.end)]
    done.add(gap)
    assert (list(done), done.count) == ([Span(0, 10_000)], 10_000)


@pytest.mark.parametrize("again", [Span(9, 1), Span(5, 10), Span(0, 30), Span(29, 4), Span(12, 9), Span(20, 1)])
def test_spans_never_hold_a_seed_twice(again: Span) -> None:
    done = Spans([Span(0, 10), Span(20, 10)])
    with pytest.raises(Twice):
        done.add(again)
    assert (list(done), done.count) == ([Span(0, 10), Span(20, 10)], 20)


def test_headers_differ_by_any_option_and_say_so() -> None:
    other = Header(2, "1.0.0", 0, {"kind": "both", "loaders": ["./a b"], "work": "x"})
    assert HEADER.differences(HEADER) == []
    assert other.differences(HEADER) == ["generator: 2, not 1", "kind: both, not program", "work: x, not None"]


def test_sums_do_not_depend_on_the_order() -> None:
    entries = [entry(first, 50, at=first) for first in range(0, 1000, 50)]
    forward, backward = State(), State()
    for one in entries:
        forward.add(one)
    for one in reversed(entries):
        backward.add(one)
    assert forward.tally.outcomes == backward.tally.outcomes == Counter(ok=950, exhausted=50)
    assert forward.by_signature() == backward.by_signature()
    assert list(forward.spans) == [Span(0, 1000)]
    assert forward.seeds == backward.seeds == 1000


def test_every_failure_is_counted_and_those_of_the_lowest_seeds_are_kept() -> None:
    state = State()
    for first in (5000, 0):
        failures = [Failure(seed, "program", campaign_work.BAD, "") for seed in range(first, first + 300)]
        state.add(Finished(Span(first, 300), first, first, Tally(300, failures=failures)))
    (found,) = state.by_signature()
    assert (found.count, found.first_seen, found.last_seen) == (600, 0, 5000)
    assert [failure.seed for failure, _ in found.failures] == list(range(KEPT))


@pytest.mark.parametrize("descending", [False, True])
def test_seeds_are_handed_out_once(descending: bool) -> None:
    space = SeedSpace(Span(10, 90), [Span(20, 10), Span(95, 30), Span(0, 12)], descending=descending)
    assert space.left == 8 + 65
    seen: list[int] = []
    for turn, size in enumerate([7, 1, 30, 100, 2, 100, 100]):
        span = space.take(size)
        if span is None:
            break
        if turn == 2:
            space.put_back(span)
            continue
        seen += range(span.first, span.end)
    while (span := space.take(3)) is not None:
        seen += range(span.first, span.end)
    assert sorted(seen) == [*range(12, 20), *range(30, 95)]
    assert (seen[0] > 80) is descending
    assert space.left == 0


def test_parts_are_the_whole() -> None:
    assert list(Span(3, 10).parts(4)) == [Span(3, 2), Span(5, 3), Span(8, 2), Span(10, 3)]
    assert list(Span(3, 2).parts(8)) == [Span(3, 1), Span(4, 1)]
