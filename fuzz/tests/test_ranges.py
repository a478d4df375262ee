"""Ranges of seeds come to the same whoever runs them, and lose nothing."""

import pickle
import sys
from collections import Counter
from pathlib import Path

import pytest

from packfile.layout import ByteOrder
from packfile.model import Module
from packfile.writer import encode
from packfile_fuzz import run
from packfile_fuzz.malformed import CHECKS, Broken, Fault, Problem, expect
from packfile_fuzz.oracles import ORACLES, Options, rates, run_range, unfair
from packfile_fuzz.oracles.broken import examine_mutant
from packfile_fuzz.program import Entry
from packfile_fuzz.results import Tally
from packfile_fuzz.run import Comparison, Loaders, Verdict

STRANGE = str(Path(__file__).parent / "adapters" / "strange.py")
QUICK = Options(oracles=("internal-error", "byte-orders", "counters"))


def without_seconds(tally: Tally) -> dict[str, object]:
    return {name: getattr(tally, name) for name in Tally.__slots__ if name != "seconds"}


def test_parts_of_a_range_add_up_to_it() -> None:
    whole, parts = run_range(96, 24, QUICK), Tally()
    for first in (112, 96, 104):
        parts.add(run_range(first, 8, QUICK))
    assert without_seconds(parts) == without_seconds(whole)
    assert whole.examples == 24
    assert not whole.failures
    assert whole.verdicts["byte-orders equal"] == 24
    assert sum(whole.outcomes.values()) >= 24
    assert any(name.endswith(" ok") for name in whole.instructions)
    assert set(whole.seconds) >= {"generate", "write", "open", "link", "run", "byte-orders"}


def test_options_pickle_and_refuse_what_there_is_not() -> None:
    options = Options(loaders=(("c", ("pf", "adapter")),))
    assert pickle.loads(pickle.dumps(options)) == options  # noqa: S301 - our own bytes
    with pytest.raises(ValueError, match="no oracle lost; there are internal-error, "):
        Options(oracles=("lost",))
    with pytest.raises(ValueError, match="kind is 'good'"):
        Options(kind="good")


def test_an_oracle_that_is_asked_for_alone_is_asked_always() -> None:
    assert ORACLES["kaitai"].every > 4
    assert run_range(1, 4, Options(oracles=("kaitai",))).verdicts["kaitai equal"] >= 4
    assert not run_range(1, 4, Options(oracles=("kaitai", "internal-error"))).verdicts["kaitai equal"]


def test_an_exception_in_one_example_is_a_failure_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    good = run.observe
    calls = Counter[str]()

    def third(*args: object, **options: object) -> object:
        calls["made"] += 1
        if calls["made"] == 3:
            raise KeyError("something of ours")
        return good(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("packfile_fuzz.oracles.base.observe", third)
    tally = run_range(0, 5, Options(oracles=("internal-error",)))
    assert tally.examples == 5
    (failure,) = tally.failures
    assert (failure.seed, failure.kind, failure.signature.oracle) == (2, "program", "internal-error")
    assert "KeyError: 'something of ours'" in failure.message


def test_a_loader_that_differs_fails_by_its_name_once_an_example() -> None:
    options = Options(oracles=("loader",), loaders=(("strange", (sys.executable, STRANGE, "shallow", "0")),))
    tally = run_range(0, 6, options)
    assert tally.verdicts["loader different"] == len(tally.failures) > 0
    assert {failure.signature.loader for failure in tally.failures} == {"strange"}
    assert len({failure.seed for failure in tally.failures}) == len(tally.failures)


def test_loaders_are_kept_from_range_to_range() -> None:
    options = Options(oracles=("loader",), loaders=(("good", (sys.executable, STRANGE, "none")),))
    with options.start() as loaders:
        run_range(0, 2, options, loaders)
        pid = loaders["good"].session().pid
        tally = run_range(2, 2, options, loaders)
        assert loaders["good"].session().pid == pid
    assert tally.verdicts == {"loader equal": 2}
    assert tally.seconds["adapter"] > 0


def test_one_comparison_in_a_hundred_may_be_left_open() -> None:
    fair = Tally(verdicts=Counter({"loader equal": 99, "loader not-comparable": 1, "tiers equal": 5}))
    assert unfair(fair) == {}
    fair.verdicts["loader not-comparable"] = 2
    assert unfair(fair) == {"loader": pytest.approx(2 / 101)}


def test_what_cannot_be_compared_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "packfile_fuzz.oracles.behaviour.compare", lambda *_: Comparison(Verdict.NOT_COMPARABLE, "a limit")
    )
    tally = run_range(0, 3, Options(oracles=("byte-orders",)))
    assert tally.verdicts == {"byte-orders not-comparable": 3}
    assert not tally.failures
    assert unfair(tally) == {"byte-orders": 1.0}


def test_every_stage_has_a_rate() -> None:
    with Loaders({"good": [sys.executable, STRANGE, "none"]}) as loaders:
        found = rates(0.05, loaders)
    assert list(found) == ["generate", "write", "verify", "run", "differential", "adapter good"]
    assert all(rate > 0 for rate in found.values())


def test_broken_files_are_judged_by_their_checks() -> None:
    tally = run_range(0, 30, Options(oracles=(), kind="malformed"))
    assert not tally.failures
    assert set(tally.verdicts) == {f"{check} equal" for check in CHECKS}
    assert set(tally.verdicts.values()) == {30}
    assert any(rule.startswith("PF-") for rule in tally.rules)


def test_broken_files_go_through_loaders() -> None:
    loaders = (("good", (sys.executable, STRANGE, "none")), ("bad", (sys.executable, STRANGE, "accepting")))
    tally = run_range(0, 30, Options(oracles=("loader",), loaders=loaders, kind="malformed"))
    assert tally.verdicts["loader equal"] >= 30
    assert {failure.signature.loader for failure in tally.failures} == {"bad"}
    assert {failure.kind for failure in tally.failures} == {"malformed"}
    assert any(failure.signature.outcomes[0] == "malformed" for failure in tally.failures)


def digests_too_long(_seed: int) -> tuple[Entry, Broken]:
    """A file whose digest tree is too long by a digest, with all that this takes to be its only fault."""
    module = Module(rodata=b"some", digests=True)
    order = ByteOrder.LITTLE
    file = bytearray(encode(module, order)) + bytes(32)
    at = 64 + 12 + 8  # the length of the last of two sections
    for place, value in ((16, len(file)), (at, int.from_bytes(file[at : at + 4], "little") + 32)):
        file[place : place + 4] = value.to_bytes(4, "little")
    expected = expect(bytes(file))
    assert expected.opening == {"PF-INT-002"}
    fault = Fault("sections[1].length", "a digest more", (), expected.opening, "open")
    return Entry("main", module, order), Broken(bytes(file), order, (fault,), expected)


@pytest.mark.parametrize(("fault", "count"), [("unhashed", 0), ("careless", 1)])
def test_digests_bind_only_loaders_that_check_them(fault: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.oracles.broken.broken_from_seed", digests_too_long)
    loaders = ((fault, (sys.executable, STRANGE, fault)),)
    tally = run_range(0, 1, Options(oracles=("loader",), loaders=loaders, kind="malformed"))
    assert [failure.signature.outcomes for failure in tally.failures] == [("malformed", "ok")] * count


def test_a_loader_that_dies_of_a_broken_file_is_told_whatever_is_broken() -> None:
    loaders = (("dying", (sys.executable, STRANGE, "dying")),)
    tally = run_range(0, 3, Options(oracles=("loader",), loaders=loaders, kind="malformed"))
    assert tally.verdicts == {"loader different": 3} | {f"{check} equal": 3 for check in CHECKS}
    assert {failure.signature.outcomes for failure in tally.failures} == {("an outcome", "crash")}


def test_a_fault_of_ours_with_a_broken_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.oracles.broken.judge", lambda _broken: 1 // 0)
    (failure,) = run_range(3, 1, Options(oracles=(), kind="malformed")).failures
    assert failure.signature.oracle == "internal-error"
    assert "a broken file: ZeroDivisionError" in failure.message


def test_a_check_that_finds_something_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("opening", "malformed", "ok", "PF-HDR-004", "open: expected malformed, got ok")
    monkeypatch.setattr("packfile_fuzz.oracles.broken.judge", lambda _broken: [problem])
    (failure,) = run_range(3, 1, Options(oracles=(), kind="malformed")).failures
    assert failure.signature == ("opening", ("malformed", "ok"), "PF-HDR-004", "", "reference")
    assert failure.message == problem.message


@pytest.mark.parametrize("shorter", [Module(data=bytes(255), bss_size=256), Module(data=bytes(256), bss_size=255)])
def test_memory_of_a_broken_file_is_looked_at_as_far_as_that_file_has_it(shorter: Module) -> None:
    """With the length that a segment had before, every loader seemed to differ."""
    content = encode(shorter, ByteOrder.LITTLE)
    broken = Broken(content, ByteOrder.LITTLE, (), expect(content))
    command = {"again": [sys.executable, "-m", "packfile", "adapter"]}
    with Loaders(command) as loaders:
        judgement = examine_mutant(Entry("main", Module(data=bytes(256), bss_size=256)), broken, loaders)
    assert judgement.differences == []
    assert [comparison.verdict for oracle, comparison in judgement.comparisons if oracle == "loader"] == [Verdict.EQUAL]
