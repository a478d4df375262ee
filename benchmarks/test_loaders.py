"""The group `loaders` compares what gives one answer, leaves nothing out silently, and says what went wrong."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import packfile
from benchmarks import children
from benchmarks.children import Child
from benchmarks.counts import work
from benchmarks.group import NotMeasured
from benchmarks.lineup import LOADERS, LUA, LUAJIT, Lineup
from benchmarks.loaders_report import Verdict
from benchmarks.measure import Spread
from benchmarks.programs import PROGRAMS
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

ROOT = Path(__file__).parent.parent
ADAPTER = f"{sys.executable} -m packfile adapter"
LUAS = {LUA: "lua5.4", LUAJIT: "luajit"}

LIAR = """
import sys
from packfile.adapter import Adapter, reply_to
import json
adapter = Adapter()
calls = 0
for line in sys.stdin.buffer:
    reply = reply_to(adapter, line)
    if json.loads(line)["command"] == "call":
        calls += 1
        if calls > TRUE_CALLS:
            LIE
    print(json.dumps(reply), flush=True)
"""
LIE_I = 'reply["i"] = [str(int(x) + 1) for x in reply["i"]]'
LIE_N = 'reply["n"] = [f"{int(x, 16) ^ 1:016x}" for x in reply["n"]]'
DEAF = "import sys; input(); sys.exit('no memory left')"
RUDE = "import time\nwhile input():\n    print('hello', flush=True)"


def command(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "benchmarks", "loaders", "--quick", *arguments]
    return subprocess.run(
        line,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **(environment or {})},
    )


def script(folder: Path, text: str) -> str:
    path = folder / "adapter.py"
    path.write_text(text)
    return f"{sys.executable} {path}"


@pytest.mark.parametrize("name", LUAS)
def test_lua_takes_part(name: str) -> None:
    if shutil.which(LUAS[name]) is None:
        pytest.skip(f"{LUAS[name]} is not on PATH: apt-get install {LUAS[name]}")
    with ExitStack() as stack:
        lineup = Lineup(stack, {}, [])
        (contender,) = [contender for contender in lineup.contenders if contender.name == name]
        for program in PROGRAMS:
            assert contender.run(program.name, program.quick_argument) == program.python(program.quick_argument)


def test_every_program_is_measured_with_every_contender(tmp_path: Path) -> None:
    if shutil.which("lua5.4") is None:
        pytest.skip("lua5.4 is not on PATH: apt-get install lua5.4")
    output = tmp_path / "report.json"
    done = command("--json", str(output), "--loader", f"C={ADAPTER}", "--loader", f"mine={ADAPTER}")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(output.read_text())
    assert report["group"] == "loaders"
    assert report["facts"]["cpu"]
    assert report["clocks"] == [children.CPU_CLOCK]
    here = {taker["name"] for taker in report["contenders"]}
    left_out = {entry["contender"]: entry["why"] for entry in report["left_out"]}
    loaders_here = {f"{name}, {order}" for name in ("reference", "C", "mine") for order in ("little", "big")}
    assert loaders_here | {LUA, "CPython", "pywasm", "wasmtime"} <= here
    for name in [loader.name for loader in LOADERS] + [LUAJIT]:
        assert (name in left_out) != bool({name, f"{name}, little"} & here)
    for name, why in left_out.items():
        assert f"left out: {name}: {why}\n" in done.stdout
    check_results(report, here, done.stdout)
    assert set(report["empty_calls"]) == {name for name in here if name.endswith((", little", ", big"))}
    judged = {(verdict["program"], verdict["contender"]) for verdict in report["verdicts"]}
    assert judged == {(p, c) for p in ("fib", "sieve", "loop") for c in ("C, little", "C, big")}
    for verdict in report["verdicts"]:
        assert f"{verdict['program']}({verdict['argument']}): {verdict['contender']}: " in done.stdout


def check_results(report: dict[str, Any], here: set[str], stdout: str) -> None:
    for program in PROGRAMS:
        results = [result for result in report["results"] if result["program"] == program.name]
        rows = [row for result in results for row in result["rows"]]
        assert {row["contender"] for row in rows} == here
        assert len(rows) == len(here) + len(results) - 1, "only Lua 5.4 is measured with both arguments"
        for result in results:
            assert f"{program.name}({result['argument']}) = " in stdout
            assert LUA in [row["contender"] for row in result["rows"]]
        for row in rows:
            is_loader = row["contender"].endswith((", little", ", big"))
            lengths = [len(row[key]) for key in ("seconds", "per_lua", "rates", "calls")]
            rounds = report["rounds"]
            assert lengths == [rounds, rounds, rounds * is_loader, rounds * (program.name == "fib")]
            assert min(row["seconds"]) > 0


def test_without_lua_there_are_no_ratios_and_it_says_so() -> None:
    done = command(environment={"PATH": "/nonexistent"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "left out: Lua 5.4: Lua 5.4 is not on PATH as lua5.4 or lua54 or lua" in done.stdout
    assert "left out: JavaScript: " in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Whether C is at least as fast as Lua 5.4 is not measured, without ")
    assert LUA in last.partition("without")[2]


@pytest.mark.parametrize(
    ("true_calls", "lie", "told"),
    [
        (0, LIE_I, "fib(9): liar, little answers 35"),
        (10, LIE_I, "liar, little answers"),
        (0, LIE_N, "nbody(1): liar, little answers -0.16928"),
    ],
    ids=["at once", "later", "in the last bit"],
)
def test_a_loader_that_lies_leaves_nothing_to_tell(tmp_path: Path, true_calls: int, lie: str, told: str) -> None:
    liar = script(tmp_path, LIAR.replace("TRUE_CALLS", str(true_calls)).replace("LIE", lie))
    done = command("--json", str(tmp_path / "report.json"), "--loader", f"liar={liar}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the contenders disagree: " in done.stderr
    assert told in done.stderr
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (DEAF, ["it ended with exit status 1", "its standard error ends with:\n  no memory left\n"]),
        ("import os; input(); os.abort()", ["it was ended by signal 6"]),
        (RUDE, ["its reply is not ok: hello"]),
    ],
)
def test_a_loader_that_dies_or_talks_is_told_without_a_traceback(tmp_path: Path, text: str, told: list[str]) -> None:
    done = command("--loader", f"mine={script(tmp_path, text)}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nothing is measured: mine, little: ")
    assert all(part in done.stderr for part in told)
    assert "Traceback" not in done.stderr


def test_a_loader_that_was_asked_for_is_never_left_out() -> None:
    done = command("--loader", "mine=/nonexistent/loader adapter")
    assert (done.returncode, done.stdout) == (1, "")
    expected = "nothing is measured: mine, little cannot be started: /nonexistent/loader: No such file or directory\n"
    assert done.stderr == expected


def test_a_wrapper_whose_loader_is_another_process_is_refused() -> None:
    done = command("--loader", f"mine=sh -c '{ADAPTER}; exit 0'")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nothing is measured: mine, little has started python")


@pytest.mark.parametrize("text", ["mine", "mine=", "=true", 'mine="'])
def test_a_loader_needs_a_name_and_a_command(text: str) -> None:
    done = command("--loader", text)
    assert done.returncode == 2
    assert "expected NAME=CMD" in done.stderr


def test_a_child_that_does_not_answer_is_not_waited_for() -> None:
    with (
        Child("mute", [sys.executable, "-c", "input(); input()"], patience=0.1) as child,
        pytest.raises(NotMeasured, match=r"mute: no reply within 0\.1 seconds; it was asked: fib 1"),
    ):
        child.ask("fib 1")


BURN = """
import threading, time
def burn():
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
for line in iter(input, "end"):
    if line == "sleep":
        time.sleep(0.2)
    else:
        thread = threading.Thread(target=burn)
        thread.start()
        thread.join()
    print("done", flush=True)
"""


@pytest.mark.parametrize("clock", [children.CPU_CLOCK, children.CPU_TICKS])
def test_cpu_time_is_of_all_threads_and_not_of_waiting(monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    if clock == children.CPU_TICKS:
        monkeypatch.setattr(time, "clock_gettime", no_such_clock)
    with Child("burner", [sys.executable, "-c", BURN]) as child:
        assert child.clock == clock
        child.ask("sleep")
        begin = child.cpu()
        child.ask("sleep")
        slept = child.cpu() - begin
        child.ask("burn")
        burnt = child.cpu() - begin - slept
    # A tick is 10 ms, of which the first and the last may be counted wholly or not at all.
    assert slept < 0.05
    assert burnt >= (0.05 if clock == children.CPU_CLOCK else 0.03)


def no_such_clock(_number: int) -> float:
    raise OSError


def test_instructions_and_calls_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "fib.pkf"
    path.write_bytes(encode(assemble(PROGRAMS[0].assembly, "fib.pka"), ByteOrder.BIG))
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        counted = work(process, 9)
    # Of its 109 calls 55 execute 3 instructions, and 54 of them 8.
    assert (counted.answer, counted.instructions, counted.calls) == (34, 55 * 3 + 54 * 8, 109)


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ((0.7, 0.8, 1.0), "at least as fast in every round"),
        ((0.7, 1.0, 1.2), "at least as fast by the median alone"),
        ((0.9, 1.1, 1.2), "slower by the median alone"),
        ((1.1, 1.2, 1.3), "slower in every round"),
    ],
)
def test_a_verdict_does_not_flatter(ratios: tuple[float, float, float], words: str) -> None:
    assert Verdict("fib", 27, "C, little", Spread(*ratios)).words == words
