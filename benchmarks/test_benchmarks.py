"""The benchmarks run, measure what they say, and compare what gives one answer. No test asserts a time."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.contenders import CPYTHON, FIRST, PYWASM, SECOND
from benchmarks.measure import Spread, interleaved
from benchmarks.programs import PROGRAMS, Program

ROOT = Path(__file__).parent.parent
TIERS = [f"{tier}, {order}" for order in ("little", "big") for tier in (FIRST, SECOND)]
CONTENDERS = [*TIERS, CPYTHON, PYWASM]


def test_the_command_measures_every_program_with_every_contender(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    line = [sys.executable, "-m", "benchmarks", "run", "--quick", "--json", str(output)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(output.read_text())
    assert report["group"] == "run"
    assert report["facts"]["cpu"]
    assert [result["program"] for result in report["results"]] == [program.name for program in PROGRAMS]
    for result in report["results"]:
        assert [row["contender"] for row in result["rows"]] == CONTENDERS
        assert f"{result['program']}({result['argument']}) = " in done.stdout
        assert "first tier, little takes" in done.stdout
        assert "second tier, little takes" in done.stdout
        for row in result["rows"]:
            assert len(row["seconds"]) == report["rounds"] == run.QUICK_ROUNDS
            assert min(row["seconds"]) > 0
            assert bool(row["rates"]) == (row["contender"] in TIERS)


def test_the_command_measures_what_digests_cost(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    line = [sys.executable, "-m", "benchmarks", "digests", "--quick", "--json", str(output)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(output.read_text())
    assert report["group"] == "digests"
    rows = [row for quantity in report["quantities"] for row in quantity["rows"]]
    assert [(row["contender"], len(row["values"])) for row in rows] == [("without digests", 2), ("with digests", 2)] * 4
    assert done.stdout.count("as multiples of without digests") == len(report["quantities"])


def test_contenders_that_disagree_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Program("fib", 9, 9, 9, lambda n: n)
    monkeypatch.setattr(run, "PROGRAMS", [wrong])
    with pytest.raises(run.DifferentAnswers, match="fib: answers"):
        run.measure(quick=True)


def test_instructions_are_counted() -> None:
    counted = {result.program: result.instructions for result in run.measure(quick=True, rounds=1).results}
    # fib(9) makes 109 calls: 55 of them execute 3 instructions, and 54 of them 8.
    assert counted["fib"] == 55 * 3 + 54 * 8
    # loop(200): four before the loop, five in each turn, two after it.
    assert counted["loop"] == 4 + 5 * 200 + 2


def test_each_claim_of_the_tiers_is_judged() -> None:
    rows = [
        run.Row("first tier, little", [8.0, 9.0], [], []),
        run.Row("first tier, big", [80.0, 90.0], [], []),
        run.Row("second tier, little", [2.0, 2.0], [], []),
        run.Row("CPython", [0.5, 0.4], [], []),
        run.Row("pywasm", [80.0, 270.0], [], []),
    ]
    words = {v.claim: (v.spread, v.words) for v in run.judge([run.Result("fib", 1, 1, 1, rows)])}
    assert words == {
        "by the median of the programs, the first tier takes at least 4 times as long as the second": (
            (4.25, 4.25, 4.25),
            "holds in every sample",
        ),
        "fib: the second tier takes at most 4.5 times as long as CPython": (
            (4.0, 4.5, 5.0),
            "holds by the median alone",
        ),
        "fib: pywasm takes at least 20 times as long as the first tier": (
            (10.0, 20.0, 30.0),
            "holds by the median alone",
        ),
    }


def test_rounds_are_interleaved_and_every_other_goes_backwards() -> None:
    order: list[str] = []

    def sample(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = interleaved({name: partial(sample, name) for name in "abc"}, 3)
    assert order == list("abccbaabc")
    assert taken == {"a": [1, 6, 7], "b": [2, 5, 8], "c": [3, 4, 9]}


def test_a_spread_is_least_median_and_greatest() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 2.0]) == (1.0, 2.5, 5.0)
