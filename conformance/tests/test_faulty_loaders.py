"""How the runner deals with one loader after its fault: what it keeps, how long it waits, and what it leaves behind."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from packfile_suite.build import Builder
from packfile_suite.case import Case
from packfile_suite.execute import Loader, Result, run_case
from packfile_suite.load import load
from packfile_suite.plan import variants
from packfile_suite.session import LoaderFailed, Session


@pytest.fixture
def case() -> Case:
    here = Path(__file__).parent
    return next(case for case in load([here / "data" / "small.yaml"]) if case.id == "exe-adds")


def run(loader: Loader, case: Case, directory: Path) -> Result:
    builder = Builder(directory)
    return run_case(loader, case, builder.files(case, variants(case)[0]))


def test_a_crash_shows_the_end_of_standard_error(case: Case, fake: Callable[..., str], tmp_path: Path) -> None:
    loader = Loader(fake("faulty", "crash").split(), timeout=5.0)
    failure = run(loader, case, tmp_path).failure
    loader.close()
    assert failure is not None
    assert failure.stderr.endswith("about to \x1b[31mfail")


def test_a_flood_on_standard_error_harms_nobody(case: Case, fake: Callable[..., str], tmp_path: Path) -> None:
    loader = Loader(fake("faulty", "flood").split(), timeout=5.0)
    try:
        assert run(loader, case, tmp_path).failure is None
        assert loader.session().stderr_tail().endswith("the end")
    finally:
        loader.close()


def test_a_loader_that_always_hangs_is_waited_for_less(case: Case, fake: Callable[..., str], tmp_path: Path) -> None:
    loader = Loader(fake("faulty", "hang").split(), timeout=2.0)
    loader.hangs = 5
    failure = run(loader, case, tmp_path).failure
    assert failure is not None
    assert failure.got == "the loader gave no answer within 0.5 s"


@pytest.mark.parametrize(("fault", "text"), [("writes", "its bytes changed"), ("touches", "modification time changed")])
def test_a_loader_that_changes_a_file_fails(
    fault: str, text: str, case: Case, fake: Callable[..., str], tmp_path: Path
) -> None:
    loader = Loader(fake("faulty", fault).split(), timeout=5.0)
    failure = run(loader, case, tmp_path).failure
    loader.close()
    assert failure is not None
    assert text in failure.got
    assert "PF-XIP-002" in failure.expected


def test_a_killed_loader_leaves_no_process(case: Case, fake: Callable[..., str], tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    loader = Loader(fake("faulty", "hang-with-child", 3, pids).split(), timeout=1.0)
    assert run(loader, case, tmp_path).verdict == "hang"
    loader.close()
    deadline = time.monotonic() + 5
    left = set(map(int, pids.read_text().split()))
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _runs(pid)}
    assert not left
    with pytest.raises(ChildProcessError):
        os.waitpid(int(pids.read_text().split()[0]), os.WNOHANG)


def _runs(pid: int) -> bool:
    """Whether the process exists and is no zombie of somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("command", ["true", "cat", "/no/such/loader", "sh -c 'echo hello'"])
def test_what_is_no_adapter_is_said_to_be_unusable(command: str) -> None:
    with pytest.raises(LoaderFailed):
        Session(shlex.split(command), 5.0)


def test_another_protocol_is_said_to_be_unusable(fake: Callable[..., str]) -> None:
    with pytest.raises(LoaderFailed, match="speaks protocol 2, and this suite speaks 1"):
        Session(fake("faulty", "protocol-2").split(), 5.0)


def test_a_loader_that_does_not_start_is_not_tried_for_ever(case: Case, tmp_path: Path) -> None:
    started = tmp_path / "started"
    loader = Loader(["sh", "-c", f"echo x >> {started}; exit 1"], timeout=5.0)
    for _ in range(6):
        failure = run(loader, case, tmp_path).failure
        assert failure is not None
        assert "at its start" in failure.got
        assert failure.got.count("at its start") == 1
    assert started.read_text().count("x") == 3


def test_requests_are_quick() -> None:
    echo = (
        "import sys, json\n"
        "for line in sys.stdin:\n"
        "    r = json.loads(line); h = r['command'] == 'hello'\n"
        "    d = dict(name='e', version='', protocol=1, features=[]) if h else dict(i=['1'], n=[], log=[])\n"
        "    print(json.dumps({'id': r['id'], 'outcome': 'ok', **d}), flush=True)\n"
    )
    with Session([sys.executable, "-c", echo], 5.0) as session:
        call = {"process": 1, "module": "m", "function": "f", "i": ["1"], "n": [], "fuel": "1", "depth": "1"}
        started = time.process_time()
        for _ in range(2000):
            session.request("call", **call)
        cost = (time.process_time() - started) / 2000
    print(f"{1e6 * cost:.0f} us a request")
    assert cost < 300e-6


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("sys.exit(7)", "crash", "ended with exit status 7 after it had answered"),
        ("print('late')", "rubbish", "wrote a line that no request asked for: 'late'"),
    ],
)
def test_what_goes_wrong_after_an_answer_is_seen_without_a_new_request(what: str, kind: str, words: str) -> None:
    hello = {"id": 1, "outcome": "ok", "name": "e", "version": "", "protocol": 1, "features": []}
    adapter = f"import sys, time; input(); print({json.dumps(hello)!r}, flush=True); time.sleep(0.1); {what}"
    with Session([sys.executable, "-c", adapter], 10.0) as session:
        session.settle()
        time.sleep(1)
        with pytest.raises(LoaderFailed, match=words) as failed:
            session.settle()
        assert failed.value.kind == kind
        assert not session.alive
