"""What a campaign found and nobody triaged is triaged when it goes on."""

import json
import shlex
import shutil
import signal
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from packfile_fuzz.campaign.entries import Finished, Header
from packfile_fuzz.campaign.folders import folder_of
from packfile_fuzz.campaign.judging import judge
from packfile_fuzz.campaign.keeper import KEEPER
from packfile_fuzz.campaign.ledger import Ledger, create
from packfile_fuzz.campaign.seeds import Span
from packfile_fuzz.campaign.state import summed
from packfile_fuzz.cli import main
from packfile_fuzz.faults import FAULTS
from packfile_fuzz.faults import judge as faults
from packfile_fuzz.generator import VERSION
from tests.campaign_runs import begin, finish, processes, until
from tests.triage_judge import shown

FAULT = "weak-treated-as-lazy"
LOADER = f"wrong={shlex.join(faults.command_of(FAULTS[FAULT]))}"
ASKED = ["--loader", LOADER, "--oracle", "loader", "--kind", "program", "--examples", "1", "--triage", "1s", "--resume"]


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The failure's folder of a campaign that was killed when it had found one."""
    monkeypatch.setenv("PYTHONPATH", faults.environment()["PYTHONPATH"])
    seed, out = shown(FAULT), tmp_path / "out"
    out.mkdir()
    options = {"loaders": [LOADER], "oracles": ["loader"], "kind": "program"}
    create(out / "ledger.jsonl", Header(VERSION, version("packfile"), seed, options))
    tally = judge("program", [LOADER], ["loader"])(seed, 1)
    KEEPER.close()
    ledger = Ledger(out / "ledger.jsonl")
    ledger.append([Finished.of(Span(seed, 1), time.time(), 1.0, tally)])
    ledger.close()
    return folder_of(out, tally.failures[0].signature)


def test_a_campaign_that_goes_on_makes_the_cases_that_are_missing(killed: Path, tmp_path: Path) -> None:
    seed = str(summed(tmp_path / "out" / "ledger.jsonl")[0].seed)
    process = begin(tmp_path, *ASKED, "--seed", seed)
    until((killed / "triage.log").exists, "the beginning of triage")
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert (result.status, result.err) == (130, "")
    assert "1 of them wait for triage: packfile-fuzz minimise --campaign" in result.out
    assert sorted(path.name for path in killed.iterdir()) == ["failures.jsonl", "signature.json"]
    assert not processes(tmp_path)
    again = CliRunner().invoke(main, ["run", "--out", str(tmp_path / "out"), *ASKED, "--seed", seed])
    assert again.exit_code == 1, again.output
    assert "of them" not in again.output
    assert json.loads((killed / "triage.json").read_text())["case"]
    assert (killed / "case.yaml").exists()


def test_a_triage_that_dies_is_told(killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.triage.queue.sys.executable", shutil.which("false"))
    seed = str(summed(tmp_path / "out" / "ledger.jsonl")[0].seed)
    result = CliRunner().invoke(main, ["run", "--out", str(tmp_path / "out"), *ASKED, "--seed", seed])
    assert result.exit_code == 1, result.output
    assert "1 of them could not be triaged: triage.log in their folders says why" in result.output
    assert (killed / "triage.log").exists()
