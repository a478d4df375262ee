"""Campaigns as a user runs them: what they find, what they write, and how they say it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner

from packfile_fuzz.cli import main
from packfile_fuzz.generator import VERSION
from tests import campaign_work
from tests.campaign_runs import (
    Result,
    assert_whole,
    expected_seeds,
    failing_seeds,
    lines,
    processes,
    report,
    run,
    spans,
)

EXAMPLES = 1000
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a campaign that came to its end."""
    directory = tmp_path_factory.mktemp("campaign")
    result = run(directory, "quick", "--examples", EXAMPLES, "--workers", 2)
    assert (result.status, result.err) == (1, "")
    assert "new: byte-order: expected ok, got trap divide-by-zero" in result.out
    assert f"{EXAMPLES} examples in" in result.out
    return directory


def here(*arguments: object) -> Result:
    """The command in this process, which is quicker, for what starts no worker."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return Result(result.exit_code, result.stdout, result.stderr)


def resume(directory: Path, *options: object) -> Result:
    return here(
        "run", "--work", "tests.campaign_work:quick", "--examples", EXAMPLES, "--out", directory / "out", *options
    )


def test_every_seed_is_judged_once_and_every_failure_is_written_down(done: Path) -> None:
    assert_whole(done, EXAMPLES)
    assert failing_seeds(done) == expected_seeds(EXAMPLES)
    assert not processes(done)


def test_the_report_counts_what_the_ranges_came_to(done: Path) -> None:
    data = report(done)
    tally = campaign_work.tally(0, EXAMPLES)
    assert data["totals"]["examples"] == EXAMPLES
    assert data["end"] == "complete"
    assert {row["oracle"]: row["count"] for row in data["failures"]} == {"byte-order": 20, "loader": 1}
    assert {row["oracle"]: row["seed"] for row in data["failures"]} == {"byte-order": 7, "loader": 333}
    assert {row["outcome"]: row["count"] for row in data["outcomes"]} == tally.outcomes
    assert data["totals"]["exhausted_share"] == 0.05
    assert data["comparisons"][0]["equal"] == EXAMPLES
    assert "i_sub" in data["never_run"]
    assert "PF-HDR-002" not in [row["rule"] for row in data["rules"]["never_named"]]


def test_a_signature_has_a_folder_with_its_failures(done: Path) -> None:
    folders = {folder.name.rpartition("-")[0]: folder for folder in (done / "out" / "failures").iterdir()}
    assert len(folders) == 2
    folder = folders["byte-order-trap-divide-by-zero-not-ok-divide-by-zero-i-div-s-reference"]
    summary = json.loads((folder / "signature.json").read_text())
    assert (summary["count"], summary["seed"], summary["opcode"]) == (20, 7, "i_div_s")
    rows = [json.loads(line) for line in (folder / "failures.jsonl").read_text().splitlines()]
    assert [row["seed"] for row in rows] == list(range(7, EXAMPLES, 50))
    assert {row["kind"] for row in rows} == {"program"}
    assert summary["first_seen"] <= min(row["seen"] for row in rows) <= summary["last_seen"]


def test_the_other_order_finds_the_same(done: Path, tmp_path: Path) -> None:
    result = run(tmp_path, "quick", "--examples", EXAMPLES, "--workers", 1, "--descending")
    assert result.status == 1
    assert_whole(tmp_path, EXAMPLES)
    assert next(line["first"] for line in lines(tmp_path)) == spans(tmp_path)[-1].first
    first, second = report(done), report(tmp_path)
    for row in (*first["failures"], *second["failures"]):
        del row["first_seen"], row["last_seen"]
    for name in ("failures", "outcomes", "comparisons", "coverage", "rules"):
        assert first[name] == second[name]


def test_the_page_is_one_file_that_a_browser_shows(done: Path) -> None:
    page = done / "out" / "report.html"
    text = page.read_text()
    if BROWSER:
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={done / 'browser'}"]
        command += ["--virtual-time-budget=2000", "--dump-dom", page.as_uri()]
        text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    soup = BeautifulSoup(text, "html.parser")
    assert not soup.find_all(["script", "link", "img", "b"])
    assert "21 failures of 2 signatures" in soup.select_one("#verdict").text  # type: ignore[union-attr]
    headings = [heading.get("id") for heading in soup.find_all("h2")]
    assert {"totals", "stages", "outcomes", "comparisons", "instructions", "rules", "failures"} <= set(headings)
    assert "it <script>died</script>" in soup.text
    assert "packfile-fuzz reproduce --seed 7 --kind program" in soup.text
    for link in soup.find_all("a"):
        assert (done / "out" / str(link["href"])).is_dir()


def test_the_reports_follow_from_the_ledger_alone(done: Path, tmp_path: Path) -> None:
    shutil.copy(done / "out" / "ledger.jsonl", tmp_path)
    result = here("report", tmp_path)
    assert (result.status, result.err) == (0, "")
    for name in ("report.json", "report.md", "report.html"):
        assert (tmp_path / name).read_bytes() == (done / "out" / name).read_bytes()
    assert len(list((tmp_path / "failures").glob("*/failures.jsonl"))) == 2


def test_a_campaign_that_is_there_is_not_overwritten(done: Path) -> None:
    before = (done / "out" / "ledger.jsonl").read_bytes()
    result = resume(done)
    assert result.status == 2
    assert "go on with it by --resume" in result.err
    assert (done / "out" / "ledger.jsonl").read_bytes() == before


def test_other_options_do_not_resume(done: Path) -> None:
    result = resume(done, "--resume", "--kind", "malformed", "--seed", 5)
    assert result.status == 2
    assert "kind: both, not malformed" in result.err
    assert "seed: 0, not 5" in result.err


def test_a_campaign_of_another_version_of_the_generator_is_not_gone_on_with(done: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    first, *rest = (done / "out" / "ledger.jsonl").read_text().splitlines(keepends=True)
    old = json.dumps(json.loads(first) | {"generator": VERSION - 1}) + "\n"
    (tmp_path / "out" / "ledger.jsonl").write_text("".join((old, *rest)))
    result = resume(tmp_path, "--resume")
    assert result.status == 2
    assert f"generator: {VERSION - 1}, not {VERSION}" in result.err
    assert (tmp_path / "out" / "ledger.jsonl").read_text() == "".join((old, *rest))


def test_a_campaign_that_is_complete_resumes_to_nothing(done: Path) -> None:
    before = spans(done)
    assert resume(done, "--resume").status == 1
    assert spans(done) == before


def test_nothing_found_is_status_0_and_time_is_kept(tmp_path: Path) -> None:
    result = run(tmp_path, "clean", "--time", "1s", "--workers", 1)
    assert (result.status, result.err) == (0, "")
    assert "no failure" in result.out
    data = report(tmp_path)
    assert data["end"] == "time"
    assert 0.9 < data["totals"]["elapsed"] < 6


def test_work_that_cannot_be_done_is_status_2(tmp_path: Path) -> None:
    result = run(tmp_path, "useless", "--time", "1m", "--workers", 1)
    assert result.status == 2
    assert "no example can be judged: OSError: no such loader" in result.err
    assert not spans(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--time", "5"), "expected a time"),
        (("run", "--time", "0s"), "expected a time above 0"),
        (("run", "--descending"), "--descending needs --examples"),
        (("run", "--workers", "1", "--scheduler", "tcp://127.0.0.1:1"), "contradict"),
        (("run", "--work", "tests.campaign_work:quick", "--resume"), "no campaign to resume"),
        (("report", "."), "ledger.jsonl"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = here(*arguments)
    assert result.status == 2
    assert message in result.err
