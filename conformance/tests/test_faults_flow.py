"""However an adapter writes and reads, the run goes on within the time limit and within little memory."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from packfile_suite.session import LoaderFailed, Session
from tests.faults import SLACK, Fault, JudgeFault, processes_with, verdicts_of

FAULTS = [
    Fault("hang", "hang", "got hang: the loader gave no answer within 1 s", timeout=1.0),
    Fault("late", "hang", "the loader gave no answer within 1 s", timeout=1.0),
    Fault("half-then-hang", "hang", "gave no whole answer within 1 s, only '{\"id\": 4, '", timeout=1.0),
    Fault("without-line-end", "hang", 'gave no whole answer within 1 s, only \'{"id": 4, ', timeout=1.0),
    Fault("dribble", "hang", 'gave no whole answer within 1 s, only \'{"id": 4, ', timeout=1.0),
    Fault("huge", "rubbish", "wrote a line of more than 8 MiB, which begins '111111"),
    Fault("empty-lines", "rubbish", "not JSON: ''"),
    Fault("replies-without-end", "rubbish", 'wrote a line that no request asked for: \'{"id": 4, '),
    Fault("flood", "pass", "conformant"),
    Fault("flood-beside", "pass", "conformant"),
    Fault("endless-flood", "hang", "gave no answer within 1 s", timeout=1.0),
    Fault("deaf", "hang", "the loader gave no answer within 1 s", nth=2, timeout=1.0),
    Fault("deaf-to-the-end", "hang", "the loader gave no answer within 1 s", timeout=1.0),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_flow_fails_its_case_and_no_other(fault: Fault, judge_fault: JudgeFault) -> None:
    judge_fault(fault)


SMALL = Path(__file__).parent / "data" / "small.yaml"
MOST_MEMORY = 200 << 20
"""Bytes that the runner may hold, whatever comes from a loader."""


@pytest.mark.parametrize(
    ("fault", "kind"), [("huge", "rubbish"), ("endless-flood", "hang"), ("replies-without-end", "rubbish")]
)
def test_a_flood_of_gigabytes_takes_no_memory(fault: str, kind: str, fake: Callable[..., str], tmp_path: Path) -> None:
    report, notes = tmp_path / "report.jsonl", tmp_path / "notes"
    command = [
        sys.executable,
        "-m",
        "packfile_suite",
        "run",
        "--cases",
        str(SMALL),
        "--timeout",
        "2" if kind == "hang" else "20",
    ]
    command += ["--loader", fake("faulty", f"{fault},", 3, notes), "--report-jsonl", str(report)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    # The kernel's account of an ended process counts what it was a copy of before it began, which may be much.
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        peak = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        most = max(most, int(peak[1]) << 10) if peak else most
        time.sleep(0.02)
    assert process.returncode == 1
    failed = {name: verdict for name, verdict in verdicts_of(report).items() if verdict != "pass"}
    assert failed == {"exe-adds[little]": kind}
    assert 0 < most < MOST_MEMORY


def test_a_request_that_nobody_reads_is_given_up(fake: Callable[..., str], tmp_path: Path) -> None:
    with Session(fake("faulty", "deaf", 1, tmp_path / "notes").split(), 1.0) as session:
        session.request("close", image=1)
        started = time.monotonic()
        with pytest.raises(LoaderFailed, match="did not read the whole request within 1 s") as failed:
            session.request("open", path="x" * (1 << 20))
        assert failed.value.kind == "hang"
        assert time.monotonic() - started < 1 + SLACK
    assert processes_with(str(tmp_path)) == []


def test_an_answer_to_half_a_request_is_none(fake: Callable[..., str], tmp_path: Path) -> None:
    with Session(fake("faulty", "hasty", 1, tmp_path / "notes").split(), 10.0) as session:
        session.request("close", image=1)
        with pytest.raises(LoaderFailed, match="answered before it had read the whole request"):
            session.request("open", path="x" * (1 << 20))


def test_a_request_of_megabytes_arrives_while_the_answer_floods() -> None:
    """Both pipes are full at once: only a runner that reads while it writes gets through."""
    chatty = (
        "import sys, json\n"
        "hello = dict(name='e', version='', protocol=1, features=[])\n"
        "for line in sys.stdin:\n"
        "    r = json.loads(line); h = r['command'] == 'hello'\n"
        "    sys.stderr.write('noise ' * 500_000); sys.stderr.flush()\n"
        "    d = hello if h else dict(i=['1'] * 500_000, n=[], log=[])\n"
        "    print(json.dumps({'id': r['id'], 'outcome': 'ok', **d}), flush=True)\n"
    )
    call = {"process": 1, "module": "m", "i": [], "n": [], "fuel": "1", "depth": "1"}
    with Session([sys.executable, "-c", chatty], 10.0) as session:
        for _ in range(3):
            assert len(session.request("call", function="f" * (4 << 20), **call)["i"]) == 500_000
