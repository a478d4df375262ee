"""What people are told of a campaign is what the counters say."""

import io
import json
import os
import pty
import re
import select
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from packfile.instructions import INSTRUCTIONS
from packfile.rules import RULES
from packfile_fuzz.campaign import view
from packfile_fuzz.campaign.entries import Finished, Header
from packfile_fuzz.campaign.folders import slug
from packfile_fuzz.campaign.judging import JudgingError, judge, named
from packfile_fuzz.campaign.report import report_data, to_html, to_markdown
from packfile_fuzz.campaign.seeds import Span
from packfile_fuzz.campaign.session import Outcome
from packfile_fuzz.campaign.state import State
from packfile_fuzz.cli import main
from packfile_fuzz.cli.start import status
from packfile_fuzz.oracles import ORACLES
from packfile_fuzz.results import Failure, Tally
from tests import campaign_work
from tests.campaign_runs import COMMAND, LIMIT, environment, lines

HEADER = Header(1, "1.0.0", 0, {"kind": "program", "loaders": ["./my adapter"]})


def state_of(tally: Tally) -> State:
    state = State()
    state.add(Finished(Span(0, max(1, tally.examples)), 1e9, 10.0, tally))
    return state


def test_a_tenth_of_calls_that_are_exhausted_is_a_problem() -> None:
    assert view.problems(state_of(Tally(outcomes=Counter(ok=901, exhausted=99)))) == []
    (problem,) = view.problems(
        state_of(Tally(outcomes=Counter({"ok": 890, "trap host": 10, "exhausted": 100, "malformed": 9000})))
    )
    assert problem == "10.0% of the calls that ran were exhausted; expected less than 10%"


def test_a_hundredth_of_comparisons_that_are_not_comparable_is_a_problem_of_their_oracle() -> None:
    verdicts = Counter({"tiers equal": 99_000, "loader equal": 990, "loader not-comparable": 10})
    assert view.problems(state_of(Tally(verdicts=verdicts))) == []
    verdicts["loader not-comparable"] = 11
    (problem,) = view.problems(state_of(Tally(verdicts=verdicts)))
    assert problem == "1.1% of the comparisons of loader were not comparable; expected at most 1%"


def test_few_calls_say_nothing_of_shares() -> None:
    assert (
        view.problems(state_of(Tally(outcomes=Counter(exhausted=999), verdicts=Counter({"a not-comparable": 9})))) == []
    )


def test_a_problem_of_the_campaign_is_a_failure() -> None:
    bad = report_data(HEADER, state_of(Tally(outcomes=Counter(exhausted=1000))))
    good = report_data(HEADER, state_of(Tally(outcomes=Counter(ok=1000))))
    failed = report_data(HEADER, state_of(campaign_work.tally(0, 8)))
    assert [status(Outcome("time", data, None)) for data in (good, bad, failed)] == [0, 1, 1]
    assert status(Outcome("interrupted", failed, None)) == 130
    assert bad["problems"][0] in to_markdown(bad)
    assert bad["problems"][0] in to_html(bad)


def test_coverage_names_what_was_never_reached() -> None:
    rows = {row.mnemonic: row for row in view.coverage(campaign_work.tally(0, 5))}
    assert len(rows) == len(INSTRUCTIONS)
    assert rows["i_add"] == view.Row("i_add", {"ok": 5}, ())
    assert rows["i_div_s"].reached == {"trap divide-by-zero": 5}
    assert rows["i_div_s"].missing[0] == "ok"
    assert rows["unreachable"].missing == ("trap unreachable",)


def test_rules_that_an_outcome_can_name_are_those_of_files_and_code() -> None:
    assert {RULES[rule].outcome for rule in view.NAMED_RULES} == {
        "malformed",
        "unsupported",
        "corrupt",
        "unlinkable",
        "invalid",
    }
    assert view.named_rules(Tally(rules=Counter({view.NAMED_RULES[0]: 3, "PF-EXE-001": 1}))) == 1


def test_markdown_has_one_line_a_row_whatever_a_message_says() -> None:
    failure = Failure(1, "program", campaign_work.BAD._replace(detail="a|b\nc"), "x|y\nz")
    text = to_markdown(report_data(HEADER, state_of(Tally(1, failures=[failure]))))
    (row,) = [line for line in text.splitlines() if "a\\|b c" in line]
    assert row.count(" | ") == 5
    assert "packfile-fuzz reproduce --seed 1 --kind program --loader './my adapter'" in row


def test_signatures_that_differ_have_folders_that_differ() -> None:
    base = campaign_work.BAD
    others = [base._replace(detail=detail) for detail in ("x", "x ", "../../x", "X", "x" * 500)]
    names = {slug(one) for one in [base, *others]}
    assert len(names) == 6
    assert all(re.fullmatch(r"[a-z0-9-]{1,120}", name) for name in names)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.4, "59s"), (61, "1m 01s"), (3600, "1h 00m 00s"), (90061, "25h 01m 01s")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert view.duration(seconds) == text


def test_loaders_have_names_of_their_own() -> None:
    assert named(["node js/adapter.js", "./c-loader", "mine=python -m x"]) == (
        ("adapter", ("node", "js/adapter.js")),
        ("c-loader", ("./c-loader",)),
        ("mine", ("python", "-m", "x")),
    )


@pytest.mark.parametrize(
    ("loaders", "oracles", "message"),
    [
        (["./a", "b/a"], [], "two loaders are named a"),
        (["'"], [], "as a shell takes it"),
        ([" "], [], "the command of an adapter"),
        ([], ["tears"], "no oracle tears"),
    ],
)
def test_what_cannot_be_judged_is_said_before(loaders: list[str], oracles: list[str], message: str) -> None:
    with pytest.raises(JudgingError, match=message):
        judge("program", loaders, oracles)


def test_an_adapter_that_does_not_start_is_status_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--loader", "/nowhere/adapter", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "the loader adapter cannot be used" in result.stderr
    assert not (tmp_path / "out").exists()


def test_oracles_are_listed() -> None:
    result = CliRunner().invoke(main, ["oracles"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == list(ORACLES)


def test_rates_are_measured_by_stage() -> None:
    result = CliRunner().invoke(main, ["rates", "--time", "0.05s", "--json"])
    assert result.exit_code == 0, result.output
    rates = json.loads(result.stdout)
    assert {"generate", "write", "verify", "run", "differential"} <= set(rates)
    assert all(rate > 0 for rate in rates.values())


def _shown(terminal: io.FileIO) -> Iterator[bytes]:
    """What a terminal is sent until nobody can send more, which Linux reports as an error."""
    while select.select([terminal], [], [], LIMIT)[0]:
        try:
            yield terminal.read(65536)
        except OSError:
            return


def test_a_terminal_sees_a_table_that_is_drawn_again(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [str(COMMAND), "run", "--out", str(tmp_path / "out"), "--examples", "60", "--workers", "1"]
    settings = environment(tmp_path) | {"TERM": "xterm", "COLUMNS": "150", "LINES": "40"}
    process = subprocess.Popen(command, env=settings, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    with process, os.fdopen(ours, "rb", buffering=0) as terminal:
        seen = b"".join(_shown(terminal))
        _, said = process.communicate(timeout=LIMIT)
    assert (process.returncode, said) == (0, b"")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    for word in ("examples", "outcomes", "coverage", "not comparable", "no failure", "on 1 workers", "rules"):
        assert word in text
    assert seen.count(b"not comparable") > 1
    assert sum(line["tally"]["examples"] for line in lines(tmp_path) if "tally" in line) == 120, (
        "a program and a broken file for every seed"
    )
