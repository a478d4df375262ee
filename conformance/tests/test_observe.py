"""`packfile-suite observe`: what it says of programs whose doings are known."""

import json
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from packfile_suite.observe.identity import FileIdentity
from packfile_suite.observe.proc import PAGE, mappings

SIZE = 8 << 20
MAP = "import mmap, os, sys\nf = open(sys.argv[1], 'rb')\nm = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)\n"
IN_PLACE = MAP + "x = m[4 << 20]\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of which every page was written by itself."""
    path = tmp_path / "file with a name.bin"
    with path.open("wb", buffering=0) as out:
        for page in range(SIZE // PAGE):
            out.write(page.to_bytes(4, "little") * (PAGE // 4))
        os.fsync(out.fileno())
    return path


def observe(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command."""
    command = [sys.executable, "-m", "packfile_suite", "observe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


@pytest.fixture
def judge(file: Path, tmp_path: Path) -> Callable[..., tuple[int, dict[str, str], dict[str, Any]]]:
    """Exit status, verdicts by statement, and the JSON of a program that is given the file."""

    def run(program: str, *options: object) -> tuple[int, dict[str, str], dict[str, Any]]:
        out = tmp_path / "out.json"
        command = [sys.executable, "-c", program, file]
        done = observe("--expect", "in-place", "--json", out, *options, "--", *command)
        assert "Traceback" not in done.stderr, done.stderr
        found = json.loads(out.read_text())
        return done.returncode, {row["name"]: row["verdict"] for row in found["statements"]}, found

    return run


Judge = Callable[..., tuple[int, dict[str, str], dict[str, Any]]]


def failed(verdicts: dict[str, str]) -> set[str]:
    return {name for name, verdict in verdicts.items() if verdict == "failed"}


def test_a_program_that_maps_and_touches_is_in_place_though_it_unmaps_before_its_end(judge: Judge) -> None:
    status, verdicts, found = judge(IN_PLACE + "m.close()\n")
    assert (status, set(verdicts.values())) == (0, {"ok"})
    (row,) = found["files"]
    low, high = map(int, row["touched"].split("-"))
    assert low <= (4 << 20) // PAGE <= high
    assert row["pages_touched"] * PAGE <= 2 << 20, "the kernel brings in no more than that at a touch"
    assert (row["permissions"], row["was_read"], row["pages_patched"]) == (["r--s"], 0, 0)


def test_reading_is_seen_to_the_byte(judge: Judge) -> None:
    program = "import os, sys\nf = os.open(sys.argv[1], 0)\nos.pread(f, 1000, 5)\nwhile os.read(f, 1 << 20): pass\n"
    status, verdicts, found = judge(program)
    assert (status, failed(verdicts)) == (1, {"mapped", "not read"})
    assert found["files"][0]["read_bytes"] == {"pread64": 1000, "read": SIZE}


def test_a_copy_is_seen_though_the_file_stays_mapped(judge: Judge) -> None:
    status, verdicts, _ = judge(IN_PLACE + "copy = m[:]\n")
    assert (status, failed(verdicts)) == (1, {"not copied"})


def test_a_copy_is_seen_though_it_is_freed_at_once(judge: Judge) -> None:
    status, verdicts, _ = judge(IN_PLACE + "copy = m[:]\ndel copy\nm.madvise(mmap.MADV_DONTNEED)\n")
    assert (status, failed(verdicts)) == (1, {"not copied"})


def test_a_patch_is_seen(judge: Judge) -> None:
    program = IN_PLACE.replace("ACCESS_READ", "ACCESS_COPY") + "m[5 * mmap.PAGESIZE] = 1\nm.close()\n"
    status, verdicts, found = judge(program)
    assert (status, failed(verdicts)) == (1, {"not writable", "not patched"})
    assert found["files"][0]["patched"] == "5"
    assert judge(program, "--max-data", "4K")[0] == 0
    program = program.replace("m[5", "m[6 * mmap.PAGESIZE] = m[5")
    assert failed(judge(program, "--max-data", "4K")[1]) == {"not patched"}


def test_a_scan_is_judged_if_asked_though_the_pages_are_given_back(judge: Judge) -> None:
    program = MAP + "for at in range(0, len(m), 1 << 20):\n    sum(m[at : at + (1 << 20) : 4096])\n"
    program += "    m.madvise(mmap.MADV_DONTNEED, at, 1 << 20)\n"
    assert judge(program)[0] == 0
    status, verdicts, _ = judge(program, "--max-touched", "2M")
    assert (status, failed(verdicts)) == (1, {"not scanned"})
    assert judge(IN_PLACE, "--max-touched", "2M")[0] == 0


def test_what_children_and_later_programs_do_counts(judge: Judge) -> None:
    program = "import os, sys\nif os.fork():\n    os.wait()\n"
    program += "else:\n    os.execv('/usr/bin/sha256sum', ['sha256sum', sys.argv[1]])\n"
    status, verdicts, found = judge(program)
    assert (status, failed(verdicts)) == (1, {"mapped", "not read"})
    assert found["files"][0]["was_read"] >= SIZE


def test_threads_are_followed(judge: Judge) -> None:
    program = (
        MAP + "import threading\nt = threading.Thread(target=lambda: m[4 << 20])\nt.start()\nt.join()\nm.close()\n"
    )
    assert judge(program)[0] == 0


def test_a_file_that_is_deleted_meanwhile_is_still_that_file(judge: Judge) -> None:
    assert judge(IN_PLACE + "os.unlink(sys.argv[1])\n")[0] == 0


def test_what_the_clock_alone_sees_never_counts_as_in_place(judge: Judge) -> None:
    status, verdicts, found = judge(IN_PLACE + "import time\ntime.sleep(1)\n", "--clock-only")
    assert (status, verdicts["mapped"], verdicts["not read"]) == (2, "ok", "unobservable")
    assert found["why_not"]
    status, verdicts, _ = judge(
        IN_PLACE.replace("READ", "COPY") + "m[0] = 1\nimport time\ntime.sleep(1)\n", "--clock-only"
    )
    assert (status, failed(verdicts)) == (1, {"not writable", "not patched"})


def test_a_file_that_is_not_used_shows_nothing(judge: Judge) -> None:
    status, verdicts, _ = judge("pass")
    assert (status, verdicts) == (2, {"mapped": "unobservable"})


def test_a_short_file_tells_nothing_of_copies(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"x" * 5000)
    done = observe("--expect", "in-place", "--file", path, "--", sys.executable, "-c", MAP, path)
    assert done.returncode == 2
    assert "unobservable: " in done.stderr
    assert "use a longer file" in done.stderr


def test_the_program_keeps_its_streams_and_its_status(file: Path) -> None:
    program = "import sys\nprint(sys.stdin.read().upper())\nsys.exit(7)"
    done = observe("--file", file, "--", sys.executable, "-c", program, input="hello")
    assert (done.returncode, done.stdout) == (7, "HELLO\n")
    assert "exit status 7" in done.stderr


def test_what_cannot_be_run_or_watched_is_said(file: Path, tmp_path: Path) -> None:
    for arguments in (["--", "/no/such", file], ["--file", tmp_path / "no", "--", "true"], ["--", "true"]):
        done = observe(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("cannot be observed: ")
    assert observe("--max-read", "many", "--", "true", file).returncode == 2


def test_a_program_that_does_not_end_is_ended_with_its_children(file: Path) -> None:
    begun = time.monotonic()
    program = "import os, time\nprint(os.getpid(), os.fork(), flush=True)\ntime.sleep(600)"
    done = observe("--file", file, "--timeout", "2", "--", sys.executable, "-c", program)
    assert done.returncode == 2
    assert time.monotonic() - begun < 60
    assert "time was over" in done.stderr
    for pid in set(done.stdout.split()) - {"0"}:
        assert not Path(f"/proc/{pid}").exists()


def test_what_a_program_leaves_running_is_ended(file: Path) -> None:
    done = observe("--file", file, "--", "sh", "-c", "sleep 600 & echo $!")
    assert done.returncode == 0
    assert not Path(f"/proc/{done.stdout.strip()}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_program(file: Path, number: signal.Signals) -> None:
    program = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(5))\nprint('ready', flush=True)\ntime.sleep(600)\n"
    )
    command = [
        sys.executable,
        "-m",
        "packfile_suite",
        "observe",
        "--file",
        str(file),
        "--",
        sys.executable,
        "-c",
        program,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 5, said


def test_a_program_can_be_stopped_and_continued(file: Path) -> None:
    program = "(sleep 0.2; kill -STOP $$; sleep 0.3; kill -CONT $$) & wait; echo done"
    done = observe("--file", file, "--timeout", "30", "--", "sh", "-c", program)
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_a_program_that_was_killed_shows_nothing(judge: Judge) -> None:
    assert judge(IN_PLACE + "os.kill(os.getpid(), 9)\n")[0] == 2


def test_junit_has_a_case_for_each_statement(file: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    done = observe("--expect", "in-place", "--junitxml", report, "--", "grep", "-c", "nothing", file)
    assert done.returncode == 1
    suite = ET.fromstring(report.read_text())  # noqa: S314 - our own file
    assert (suite.get("failures"), suite.get("errors")) == ("2", "0")
    assert {case.get("name") for case in suite if case.find("failure") is not None} == {"mapped", "not read"}


def test_mappings_are_told_from_those_of_others(file: Path, tmp_path: Path) -> None:
    strange = tmp_path / "a\nname (deleted)"
    strange.write_bytes(b"x" * PAGE)
    with strange.open("rb") as one, file.open("rb") as two:
        views = [mmap.mmap(each.fileno(), 0, access=mmap.ACCESS_READ) for each in (one, two)]
        found = mappings(os.getpid())
        assert [mapping.size for mapping in FileIdentity.of(file).among(found)] == [SIZE]
        for view in views:
            view.close()
    assert FileIdentity.of(file).among(mappings(os.getpid())) == []
