"""The groups that open, link and verify measure what they say, end to end; nobody who lies or dies is compared."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import fixups, memory, opening, suite, verifying
from benchmarks.group import Group, NotMeasured
from benchmarks.lineup import LOADERS, Loader
from benchmarks.openers import COPYING_C, FIRST_TIER, REFERENCE, SECOND_TIER, C, Openers
from benchmarks.report import Report

MEASURES = (opening.measure, memory.measure, fixups.measure, verifying.measure)
DEAF = "import sys\nprint(0 if input() == 'ping' else 0, flush=True)\ninput()\nsys.exit('no memory left')\n"
LIAR = "while True:\n    print(0 if input() == 'ping' else 41, flush=True)\n"

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is on PATH as cc")


def run(group: Group, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, object], str]:
    """The report of a quick run by the command, and what it printed."""
    path = tmp_path / "report.json"
    assert command.main([group.name, "--quick", "--json", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    report: dict[str, object] = json.loads(path.read_text())
    assert report["group"] == group.name
    return report, printed.out


def check(report: dict[str, object], printed: str, keys: set[str]) -> None:
    quantities = report["quantities"]
    assert isinstance(quantities, list)
    assert {quantity["key"] for quantity in quantities} == keys
    for quantity in quantities:
        assert quantity["rows"], quantity["title"]
        for row in quantity["rows"]:
            assert row["values"]
            assert len(row["ratios"]) in {0, len(row["values"])}
            if row["contender"] == quantity["peer"] and row["ratios"]:
                assert set(row["ratios"]) == {1.0}
            assert row["contender"] in printed
    left_out = report["left_out"]
    assert isinstance(left_out, list)
    for entry in left_out:
        assert f"left out: {entry['contender']}: {entry['why']}\n" in printed
    verdicts = report["verdicts"]
    assert isinstance(verdicts, list)
    assert printed.count("verdict: ") == len(verdicts)
    for verdict in verdicts:
        assert f"verdict: {verdict['claim']}: " in printed
        assert verdict["words"] in printed


@needs_compiler
def test_opening_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, printed = run(opening.GROUP, tmp_path, capsys)
    keys = {"time-warm", "cpu-warm", "faults", "resident"}
    if "left out: cold files" not in printed:
        keys |= {"time-cold", "cpu-cold"}
    check(report, printed, keys)
    assert "copying Python, big" in printed
    assert not list((Path(__file__).parent.parent / "build/bench").glob("open-*/*.sqlite"))


@needs_compiler
def test_memory_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, printed = run(memory.GROUP, tmp_path, capsys)
    check(report, printed, {"private", "anonymous", "proportional"})
    assert "RLIMIT_DATA" in printed
    copying = next(
        line for line in printed.splitlines() if line.startswith("verdict: 2 processes of copying C on one module of")
    )
    assert copying.endswith("fails in every sample")


def test_fixups_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, printed = run(fixups.GROUP, tmp_path, capsys)
    check(report, printed, {"link", "call", "address"})


@needs_compiler
def test_verifying_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, printed = run(verifying.GROUP, tmp_path, capsys)
    check(report, printed, {"rate", "call"})


def test_the_suite_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "LOADERS", (LOADERS[0], Loader("absent", ("no-such-command",))))
    monkeypatch.setattr(suite, "QUICK_SAMPLE", 1)
    report, printed = run(suite.GROUP, tmp_path, capsys)
    check(report, printed, {"time", "rate"})
    assert "left out: absent: no-such-command is not on PATH\n" in printed


def test_a_loader_that_does_not_conform_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "LOADERS", ())
    wrong = Loader("wrong", (sys.executable, "-c", "while input(): print('hello', flush=True)"))
    with pytest.raises(NotMeasured, match="wrong: the suite ends with exit status 2:\n  "):
        suite.measure(quick=True, added=[wrong])


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__module__)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LIAR, "reference.*: its answer is wrong: expected [0-9]+, got 41; it was asked: "),
        (DEAF, "reference.*: it ended with exit status 1; .*\n.*\n  no memory left"),
    ],
    ids=["lies", "dies"],
)
def test_who_lies_or_dies_is_an_error(
    measure: Callable[..., Report], text: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "opener.py"
    path.write_text(text)
    known = Openers(dict.fromkeys((REFERENCE, FIRST_TIER, SECOND_TIER), (sys.executable, str(path))))
    # The others would only take time.
    known.lacks |= dict.fromkeys(("marshal", "sqlite", "Lua 5.4", "wasmtime", C, COPYING_C), "not wanted")
    monkeypatch.setattr(opening, "QUICK_SIZES", (1 << 12,))
    with pytest.raises(NotMeasured, match=told):
        measure(quick=True, known=known)


def test_what_cannot_be_compiled_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    known = Openers()
    assert known.lacks[COPYING_C] == "no C compiler is on PATH as cc"
    assert known.lacks["Lua 5.4"] == "lua5.4 is not on PATH"
    report = fixups.measure(quick=True, rounds=1, known=known)
    assert [entry.contender for entry in report.left_out] == ["C"]
    assert [verdict.words for verdict in report.verdicts if verdict.claim.startswith("C: ")] == [
        "not measured: left out"
    ] * 3


def fake(name: str, outcome: Report | NotMeasured) -> Group:
    def measure(*, quick: bool, rounds: int | None) -> Report:
        assert (quick, rounds) == (True, None)
        if isinstance(outcome, NotMeasured):
            raise outcome
        return outcome

    return Group(name, f"what {name} is", "", 1, measure, lambda _: f"text of {name}", lambda r: r.quantities)


def test_all_goes_on_after_a_group_that_fails_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report({"cpu": "any"}, 1, True, [], [], [])
    monkeypatch.setattr(command, "GROUPS", [fake("one", NotMeasured("it broke")), fake("two", report)])
    assert command.main(["all", "--quick", "--json-dir", str(tmp_path / "json")]) == 1
    printed = capsys.readouterr()
    assert "=== two: what two is\ntext of two\n" in printed.out
    assert printed.err == "one: nothing is measured: it broke\nnot measured: one\n"
    assert [path.name for path in (tmp_path / "json").iterdir()] == ["two.json"]
