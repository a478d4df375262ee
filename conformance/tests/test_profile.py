"""The in-place profile as part of a run: whom it judges, what it says, and what counts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from packfile_suite.execute import Loader, reference_loader
from packfile_suite.in_place.checks import Lab
from packfile_suite.in_place.modules import PIECE, Workshop
from packfile_suite.in_place.profile import CHECKS, Check, run
from packfile_suite.observe.proc import Unobservable, refuse_emulator
from packfile_suite.summary import Summary

DISHONEST = Path(__file__).parent.parent / "dishonest_loaders"
CLOSING = "xip-closing"
"""Words of one case and of one check, each in two byte orders."""
WITHOUT_IN_PLACE = """
import sys
from packfile import adapter
adapter.serve(sys.stdin.buffer, sys.stdout.buffer, translate_after=1)
"""
CRASHES = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["command"] != "hello":
        sys.exit(9)
    reply = {"outcome": "ok", "name": "bad", "version": "1", "protocol": 1, "features": ["in-place"]}
    print(json.dumps({"id": message["id"]} | reply), flush=True)
"""


def suite(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packfile_suite", "run", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **environment}
    )


def lab(loader: Loader, directory: Path) -> Lab:
    return Lab(loader, directory, Workshop(directory))


def test_a_loader_that_does_not_claim_it_is_not_judged_by_it(tmp_path: Path) -> None:
    script, report = tmp_path / "adapter.py", tmp_path / "report.jsonl"
    script.write_text(WITHOUT_IN_PLACE)
    done = suite("--loader", f"{sys.executable} {script}", "-k", CLOSING, "--report-jsonl", report)
    assert done.returncode == 0, done.stdout
    assert "conformant: executed 2 / unsupported 0 / selected 4, failed 0, not applicable 2" in done.stdout
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    reasons = {row["reason"] for row in rows if row.get("verdict") == "not applicable"}
    assert reasons == {"packfile-reference says of its features: audit, hashed; not in-place"}
    assert rows[-1]["summary"]["not_applicable"] == 2


def test_a_failure_says_the_rule_the_figure_and_the_command(tmp_path: Path) -> None:
    command = f"{sys.executable} {DISHONEST / 'leaks_mappings.py'}"
    done = suite("--loader", command, "-k", CLOSING)
    assert done.returncode == 1
    for text in ("PF-XIP-012", "are still mapped", "packfile-suite run -k 'xip-closing-unmaps[big]'", command):
        assert text in done.stdout
    known = tmp_path / "known.toml"
    entry = '[[expect]]\nid = "xip-closing-unmaps"\noutcome = "fail"\nreason = "comes later"\n'
    known.write_text(entry)
    assert suite("--loader", command, "-k", CLOSING, "--expect", known).returncode == 0
    stale = suite("-k", CLOSING, "--expect", known)
    assert stale.returncode == 1
    assert "is stale" in stale.stdout


def test_choosing_works_as_for_cases() -> None:
    done = suite("--rule", "PF-XIP-012", "--byte-order", "big")
    assert done.returncode == 0, done.stdout
    assert "executed 1 / unsupported 0 / selected 1" in done.stdout


def test_parts_of_the_suite_are_run_without_it(tmp_path: Path) -> None:
    case = Path(__file__).parent / "data" / "small.yaml"
    done = suite("--cases", case, "--report-jsonl", tmp_path / "report.jsonl")
    assert "xip-" not in (tmp_path / "report.jsonl").read_text(), done.stdout


@pytest.mark.parametrize("directory", ["/dev/shm", None])  # noqa: S108 - tmpfs is what is meant
def test_the_reference_passes_wherever_files_lie(directory: str | None, tmp_path: Path) -> None:
    if directory is not None and not os.access(directory, os.W_OK):
        pytest.skip(f"there is no {directory} here")
    place = Path(directory) / f"packfile-{os.getpid()}" if directory else tmp_path / "files"
    place.mkdir()
    try:
        done = suite("-k", "xip-length or xip-dropped or xip-data", TMPDIR=str(place))
    finally:
        assert not list(place.iterdir()), "a run without failures leaves nothing"
        place.rmdir()
    assert done.returncode == 0, done.stdout
    assert "executed 6 / unsupported 0 / selected 6, failed 0" in done.stdout


def test_what_cannot_be_seen_is_no_success(tmp_path: Path) -> None:
    def blind(_lab: Lab, _order: str) -> str:
        """Nothing is seen."""
        raise Unobservable("the light is off")

    seen = run(Check("xip-blind", "PF-XIP-003", blind), lab(reference_loader(10), tmp_path), "little")
    assert (seen.verdict, seen.unobservable, seen.failure) == ("unobservable", "the light is off", None)
    row = {"area": "XIP", "byte_order": "little", "failed": False, "missing": [], "diagnoses": [], "requests": 0}
    report = {**row, "verdict": "unobservable", "reason": "the light is off", "loader": "", "expectation": None}
    summary = Summary(selected=1, reports=[report])
    assert (summary.executed, summary.unobservable) == (0, 1)
    assert summary.headline().endswith("failed 0, unobservable 1")
    assert "unobservable: 1 checks: the light is off" in summary.lines(0)
    assert summary.by("area") == [("XIP", {"selected": 1, "unobservable": 1, **dict.fromkeys(
        ("executed", "failed", "expected", "passed"), 0)})]  # fmt: skip
    assert summary.problems() == ["no case was executed: nothing has been shown"]


def test_a_loader_that_crashes_fails_the_check(tmp_path: Path) -> None:
    script = tmp_path / "adapter.py"
    script.write_text(CRASHES)
    seen = run(CHECKS[0], lab(Loader([sys.executable, str(script)], 10), tmp_path), "little")
    assert seen.verdict == "crash"
    assert seen.failure is not None
    assert "exit status 9" in seen.failure.got


def test_the_longest_module_takes_no_room(tmp_path: Path) -> None:
    module = Workshop(tmp_path).long("little", 1 << 30)
    assert module.path.stat().st_size == 1 << 30
    assert module.path.stat().st_blocks * 512 <= 64 * PIECE


def test_under_an_emulator_memory_is_unobservable(tmp_path: Path) -> None:
    emulator = tmp_path / "qemu-elsewhere"
    shutil.copy("/bin/sleep", emulator)
    with subprocess.Popen([emulator, "60"]) as process:
        try:
            with pytest.raises(Unobservable, match="runs under qemu-elsewhere, and /proc shows"):
                refuse_emulator(process.pid)
        finally:
            process.kill()
    refuse_emulator(os.getpid())
