"""A sweep over faults tells how far it is, loses nothing, and goes on from what it has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from packfile_fuzz.faults.chase import Campaigns
from packfile_fuzz.faults.command import faults
from packfile_fuzz.generator import VERSION

NAMES = ["least-divided-without-trap", "division-floors"]
TIMES: dict[str, list[float | None]] = {NAMES[0]: [0.25, None], NAMES[1]: [1.5, 2.5]}


class Chased:
    """Campaigns that tell times of their own, and may be interrupted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.interrupted_at = ""
        monkeypatch.setattr(Campaigns, "times", lambda _, *arguments: self.times(*arguments))

    def times(self, name: str, seeds: Sequence[int], _limit: float, _loader: str | None) -> list[float | None]:
        if name == self.interrupted_at:
            raise KeyboardInterrupt
        self.asked.append(name)
        return TIMES[name][: len(seeds)]


@pytest.fixture
def chased(monkeypatch: pytest.MonkeyPatch) -> Chased:
    return Chased(monkeypatch)


def sweep(file: Path, *options: str) -> Result:
    return CliRunner().invoke(faults, [*NAMES, "--campaign", "--seeds", "2", "--json", str(file), *options])


def table(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_a_line_tells_the_seconds_of_each_seed(chased: Chased, tmp_path: Path) -> None:
    done = sweep(tmp_path / "t.json")
    assert done.exit_code == 0
    assert {line for line in done.stderr.splitlines() if " of 2: " in line} == {
        f"{1 + chased.asked.index(NAMES[0])} of 2: {NAMES[0]}: 0.2 - s",
        f"{1 + chased.asked.index(NAMES[1])} of 2: {NAMES[1]}: 1.5 2.5 s",
    }


def test_a_sweep_that_is_interrupted_goes_on_where_it_was(chased: Chased, tmp_path: Path) -> None:
    whole = sweep(tmp_path / "whole.json")
    first, chased.interrupted_at = chased.asked
    assert sweep(tmp_path / "t.json").exit_code == 1
    assert [row["fault"] for row in table(tmp_path / "t.json")["faults"]] == [first]
    chased.asked, second, chased.interrupted_at = [], chased.interrupted_at, ""
    done = sweep(tmp_path / "t.json", "--resume")
    assert chased.asked == [second]
    assert done.stdout == whole.stdout
    assert table(tmp_path / "t.json") == table(tmp_path / "whole.json")


def test_there_may_be_nothing_to_go_on_with(chased: Chased, tmp_path: Path) -> None:
    assert sweep(tmp_path / "t.json", "--resume").exit_code == 0
    assert sorted(chased.asked) == sorted(NAMES)


def test_a_sweep_that_asked_otherwise_is_not_gone_on_with(chased: Chased, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    sweep(file)
    chased.asked = []
    before = file.read_bytes()
    done = sweep(file, "--resume", "--limit", "7")
    assert (done.exit_code, chased.asked, file.read_bytes()) == (1, [], before)
    assert "limit was 600.0 and is 7.0" in done.stderr
    old = table(file)
    old["options"]["generator"] = VERSION - 1
    file.write_text(json.dumps(old))
    assert f"generator was {VERSION - 1} and is {VERSION}" in sweep(file, "--resume").stderr


@pytest.mark.parametrize("text", ["", "[]", '{"options": {}}', '{"options": 3, "faults": []}'])
def test_what_is_no_table_is_not_gone_on_with(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    done = sweep(tmp_path / "t.json", "--resume")
    assert done.exit_code == 1
    assert "expected a table that --json wrote" in done.stderr


def test_going_on_takes_a_file() -> None:
    done = CliRunner().invoke(faults, ["--resume"])
    assert done.exit_code == 2
    assert "name it" in done.stderr


def test_what_the_suite_said_is_kept(tmp_path: Path) -> None:
    arguments = ["--suite", NAMES[0], "--json", str(tmp_path / "t.json")]
    whole = CliRunner().invoke(faults, arguments)
    again = CliRunner().invoke(faults, [*arguments, "--resume"])
    assert whole.exit_code == again.exit_code == 0
    assert again.stdout == whole.stdout
