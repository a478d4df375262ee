"""A campaign loses nothing and counts nothing twice, whatever dies in between."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from packfile_fuzz.campaign.state import summed
from packfile_fuzz.faults import FAULTS
from packfile_fuzz.faults.judge import command_of
from tests.campaign_runs import (
    assert_whole,
    begin,
    environment,
    expected_seeds,
    failing_seeds,
    finish,
    lines,
    processes,
    report,
    run,
    spans,
    start,
    until,
)
from tests.triage_judge import shown

EXAMPLES = 700
FAULT = "weak-treated-as-lazy"


def workers(directory: Path) -> list[int]:
    """Ids of worker processes that have done a range."""
    return [int(path.name) for path in directory.iterdir() if path.name.isdecimal()]


def finished(directory: Path, number: int) -> bool:
    return len(spans(directory)) >= number


def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "noting", "--examples", EXAMPLES, "--workers", 2)
    until(lambda: workers(tmp_path) and finished(tmp_path, 3), "a worker that has done something")
    victim = workers(tmp_path)[0]
    os.kill(victim, signal.SIGKILL)
    result = finish(process)
    assert (result.status, result.err) == (1, "")
    assert_whole(tmp_path, EXAMPLES)
    assert failing_seeds(tmp_path) == expected_seeds(EXAMPLES)
    assert len(workers(tmp_path)) >= 2
    assert not processes(tmp_path)


def test_a_seed_that_kills_workers_is_found_and_the_others_are_judged(tmp_path: Path) -> None:
    result = run(tmp_path, "deadly", "--examples", 40, "--workers", 1)
    assert result.status == 1
    assert_whole(tmp_path, 40)
    assert failing_seeds(tmp_path) - expected_seeds(40) == {(11, "internal-error"): 1, (21, "internal-error"): 1}
    assert not expected_seeds(40) - failing_seeds(tmp_path)
    outcomes = {tuple(row["outcomes"]): row["seed"] for row in report(tmp_path)["failures"]}
    assert outcomes["an outcome", "killed"] == 11
    assert outcomes["an outcome", "raised ZeroDivisionError"] == 21
    assert not processes(tmp_path)


def test_a_campaign_whose_disk_is_full_and_that_is_interrupted_leaves_no_process_and_resumes(tmp_path: Path) -> None:
    process = start(tmp_path, "noting", "--examples", EXAMPLES, "--workers", 2)
    until(lambda: finished(tmp_path, 3), "a few ranges")
    ledger = tmp_path / "out" / "ledger.jsonl"
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (ledger.stat().st_size + 10, -1))
    result = finish(process)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert f"{ledger}: File too large. The ledger is whole: --resume goes on" in result.err
    assert not processes(tmp_path)
    before = spans(tmp_path)
    assert len(ledger.read_text().splitlines()) == len(before) + 1
    process = start(tmp_path, "noting", "--examples", EXAMPLES, "--resume", "--workers", 2)
    until(lambda: finished(tmp_path, len(before) + 1), "another range")
    # As a terminal does: to every process of the group, and twice, since people are impatient.
    os.killpg(process.pid, signal.SIGINT)
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert (result.status, result.err) == (130, "")
    assert "interrupted" in result.out
    assert not processes(tmp_path)
    assert set(before) < set(spans(tmp_path))
    before = spans(tmp_path)
    assert report(tmp_path)["totals"]["examples"] == sum(span.count for span in before)
    assert run(tmp_path, "noting", "--examples", EXAMPLES, "--resume", "--workers", 1).status == 1
    assert set(before) < set(spans(tmp_path))
    assert_whole(tmp_path, EXAMPLES)
    assert failing_seeds(tmp_path) == expected_seeds(EXAMPLES)


def test_workers_and_campaigns_that_are_killed_leave_no_adapter_and_no_file(tmp_path: Path) -> None:
    """The adapter notes its number and its directory, and leaves a process that does not see its input close."""
    starts = tmp_path / "starts"
    adapter = f"echo $$ $PACKFILE_FUZZ_FILES >> {starts}; sleep 50 & exec {sys.executable} -m packfile adapter"
    loader = shlex.join(["sh", "-c", adapter])
    options = ["--loader", loader, "--oracle", "loader", "--kind", "program", "--no-triage", "--workers", 1]
    process = begin(tmp_path, *options)

    def started() -> list[list[str]]:
        # The first is the campaign's own, which only looks whether the adapter can be used.
        return [line.split() for line in starts.read_text().splitlines()[1:]] if starts.exists() else []

    until(lambda: finished(tmp_path, 3), "a few ranges")
    ((first, _),) = started()
    worker = psutil.Process(int(first)).ppid()
    os.kill(worker, signal.SIGKILL)
    until(lambda: len(started()) == 2, "another worker")
    done = len(spans(tmp_path))
    until(lambda: finished(tmp_path, done + 2), "more ranges")
    # What the first worker left is gone before the end: its adapter, and what that had started.
    places = [Path(place) for _, place in started()]
    assert [place.exists() for place in places] == [False, True]
    assert len([pid for pid in processes(tmp_path) if psutil.Process(pid).name() == "sleep"]) == 1
    # As a batch system does: to every process of the group.
    os.killpg(process.pid, signal.SIGTERM)
    result = finish(process)
    assert (result.status, result.err) == (130, "")
    assert not any(place.exists() for place in places)
    assert not processes(tmp_path)
    assert lines(tmp_path)[-1]["end"] == "interrupted"
    assert {outcome for _, outcome in failing_seeds(tmp_path)} == set()


def test_a_campaign_that_is_killed_and_tears_its_ledger_resumes(tmp_path: Path) -> None:
    process = start(tmp_path, "noting", "--examples", EXAMPLES, "--workers", 1)
    until(lambda: finished(tmp_path, 3), "a few ranges")
    process.kill()
    finish(process)
    until(lambda: not processes(tmp_path), "the end of the workers, whose parent is gone")
    before = spans(tmp_path)
    with (tmp_path / "out" / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"first":600,"count":100,"at":1.0,"elap')
    result = run(tmp_path, "noting", "--examples", EXAMPLES, "--resume", "--workers", 1)
    assert (result.status, result.err) == (1, "")
    assert set(before) <= set(spans(tmp_path))
    assert_whole(tmp_path, EXAMPLES)
    assert failing_seeds(tmp_path) == expected_seeds(EXAMPLES)
    assert report(tmp_path)["totals"]["examples"] == EXAMPLES


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def dask(directory: Path, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process of dask, as its documentation says to start it."""
    command = [str(Path(sys.executable).parent / "dask"), *map(str, arguments)]
    settings = environment(directory)
    del settings["PYTHONWARNINGS"]  # Of the scheduler's own start.
    with (directory / "dask.log").open("ab") as log:
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log, cwd=directory)
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


def scheduler_arguments(port: int) -> list[object]:
    return ["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_scheduler_that_is_killed_and_started_again_costs_nothing(tmp_path: Path) -> None:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
    options = ("--examples", EXAMPLES, "--scheduler", address)
    with dask(tmp_path, *scheduler_arguments(port)):
        until(lambda: listens(port), "the scheduler")
        with dask(tmp_path, *worker):
            process = start(tmp_path, "noting", *options)
            until(lambda: finished(tmp_path, 3), "a few ranges")
    assert process.poll() is None
    with dask(tmp_path, *scheduler_arguments(port)), dask(tmp_path, *worker):
        result = finish(process)
    assert (result.status, result.err) == (1, "")
    assert_whole(tmp_path, EXAMPLES)
    assert failing_seeds(tmp_path) == expected_seeds(EXAMPLES)


def documented(beginning: str, port: int, loader: str = "") -> list[str]:
    """A command of the documentation, with this machine in place of the others."""
    page = Path(__file__).parents[1] / "campaigns.md"
    (line,) = [line for line in page.read_text().splitlines() if line.startswith(beginning)]
    words = shlex.split(line, comments=True)[1:]
    return [
        word.replace("10.0.0.1", "127.0.0.1").replace("8786", str(port)).replace("/opt/adapter", loader)
        for word in words
    ]


def test_the_documented_commands_join_workers_whose_failures_are_triaged_here(tmp_path: Path) -> None:
    """And a scheduler that does not come back then ends the campaign with a whole ledger."""
    port, elsewhere = free_port(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    loader = f"wrong={shlex.join(command_of(FAULTS[FAULT]))}"
    options = ["--oracle", "loader", "--kind", "program", "--seed", shown(FAULT), "--triage", "1s", "--patience", "1s"]
    with dask(elsewhere, *documented("dask scheduler", port)):
        until(lambda: listens(port), "the scheduler")
        with dask(elsewhere, *documented("dask worker", port)):
            process = begin(tmp_path, *documented("packfile-fuzz run --scheduler", port, loader)[1:], *options)
            until(lambda: list(tmp_path.glob("out/failures/*/case.yaml")), "a case")
            until(lambda: finished(tmp_path, 3), "a few ranges")
    result = finish(process)
    assert result.status == 2
    assert re.search(r"did not come back within 1 seconds\. The ledger is whole: --resume goes on", result.err)
    assert lines(tmp_path)[-1]["end"] == "gave up"
    done = sum(span.count for span in spans(tmp_path))
    assert report(tmp_path)["totals"]["examples"] == done
    assert summed(tmp_path / "out" / "ledger.jsonl")[1].seeds == done
    assert [path.name for path in elsewhere.iterdir()] == ["dask.log"]


def test_no_scheduler_at_the_address_is_said_at_once(tmp_path: Path) -> None:
    result = run(tmp_path, "quick", "--examples", 10, "--scheduler", f"tcp://127.0.0.1:{free_port()}")
    assert result.status == 2
    assert "the scheduler does not answer" in result.err
    assert "Traceback" not in result.err


def test_a_range_that_hangs_ends_its_process(tmp_path: Path) -> None:
    code = (
        "from tests import campaign_work as w; from packfile_fuzz.campaign.task import perform; "
        "from packfile_fuzz.campaign.seeds import Span; "
        "print(perform(w.hanging, Span(4, 2), 9).tally.examples, flush=True); perform(w.hanging, Span(0, 8), 0.3)"
    )
    command = [sys.executable, "-c", code]
    settings = environment(tmp_path)
    result = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, result.stdout) == (1, "2\n")
    assert "hanging" in result.stderr
