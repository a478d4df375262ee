"""`packfile-suite matrix`: one table of many loaders, as somebody runs it who has several builds of one."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SMALL = HERE / "data" / "small.yaml"
PYTHON = shlex.quote(sys.executable)
REFERENCE = f"{PYTHON} -m packfile adapter"
REJECTING = f"{PYTHON} {shlex.quote(str(HERE / 'adapters' / 'rejecting.py'))}"
FAULTY = f"{PYTHON} {shlex.quote(str(HERE / 'adapters' / 'faulty.py'))}"


def matrix(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = folder / "loaders.toml"
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "packfile_suite", "matrix", str(file), "--cases", str(SMALL), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def loader(name: str, command: str, more: str = "") -> str:
    return f"[[loader]]\nname = {json.dumps(name)}\ncommand = {json.dumps(command)}\n{more}\n"


def rows(output: str) -> dict[str, list[str]]:
    """The words of each row of the table, by the loader's name, which has no space here."""
    lines = output.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("loader "))
    return {words[0]: words for words in (line.split() for line in lines[start + 1 :]) if not words[0].endswith(":")}


def test_each_loader_has_its_row_and_the_worst_decides(tmp_path: Path) -> None:
    text = loader("good", REFERENCE) + loader("bad", REJECTING) + loader("none", "true")
    done = matrix(tmp_path, text, "--json", str(tmp_path / "table.json"))
    assert done.returncode == 2, done.stdout + done.stderr
    table = rows(done.stdout)
    assert table["good"][1:] == [
        "6/6",
        "6/6",
        "2/2",
        "-",
        "14",
        "0",
        "0",
        "0",
        "0",
        "0",
        "14",
        table["good"][-2],
        "conformant",
    ]
    assert table["bad"][-2:] == ["NOT", "CONFORMANT"]
    assert table["none"][-1] == "UNUSABLE"
    assert "the loader cannot be used" in done.stdout, "what an unusable loader's run printed is lost"
    assert "good: packfile-reference 1.0.0, features: audit, hashed, in-place" in done.stdout
    found = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert [(row["name"], row["verdict"]) for row in found] == [
        ("good", "conformant"),
        ("bad", "not conformant"),
        ("none", "unusable"),
    ]
    assert found[0]["byte_orders"]["mixed"] == {"passed": 2, "selected": 2}


def test_selections_timeouts_and_expectations_reach_the_runs(tmp_path: Path) -> None:
    expect = tmp_path / "expect.toml"
    expect.write_text('[[expect]]\nrule = "PF-FIX-015"\noutcome = "hang"\nreason = "slow"\n', encoding="utf-8")
    more = f"timeout = 0.5\nexpect = {json.dumps(str(expect))}\n"
    text = loader("slow", f"{FAULTY} hang 2", more) + loader("good", REFERENCE)
    done = matrix(tmp_path, text, "--rule", "PF-FIX", "--only", "good")
    assert (done.returncode, list(rows(done.stdout))) == (0, ["good"])
    assert rows(done.stdout)["good"][11] == "4"
    slow = matrix(tmp_path, text, "--rule", "PF-FIX", "--only", "slow")
    row = rows(slow.stdout)["slow"]
    assert (slow.returncode, row[5:8], row[-1]) == (0, ["0", "0", "4"], "conformant"), slow.stdout
    unexpected = matrix(tmp_path, loader("slow", f"{FAULTY} hang 2", "timeout = 0.5"), "--rule", "PF-FIX")
    assert unexpected.returncode == 1
    assert "no answer within 0.5 s" in unexpected.stdout


def test_a_loader_that_skips_everything_is_not_conformant(tmp_path: Path) -> None:
    done = matrix(tmp_path, loader("good", REFERENCE), "--rule", "PF-FIX-999")
    assert done.returncode == 1
    assert "no case was selected" in done.stdout


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected at least one table [[loader]]"),
        ("[[loader]\n", "Expected"),
        ('[[loader]]\nname = "a"\n', "loader 1: missing `command`"),
        (loader("a", "cat", "timeout = 0"), "`timeout` is 0; expected a number above 0"),
        (loader("a", "cat", 'timeout = "1"'), "`timeout` is '1'"),
        (loader("a", "cat", "colour = 1"), "unknown key `colour`; expected name, command"),
        (loader("a", "cat") * 2, "loader 2: the name 'a' stands there twice"),
        ("loader = 1\n", "expected at least one table"),
        ("loader = [1]\n", "loader 1: expected a table"),
        ('name = "a"\n' + loader("a", "cat"), "unknown key `name`"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, problem: str) -> None:
    done = matrix(tmp_path, text)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    done = matrix(tmp_path, loader("a", "cat"), "--only", "b")
    assert done.returncode == 2
    assert "has no loader 'b'. It has a." in done.stderr
