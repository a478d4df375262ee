"""The command as a whole: how it starts, how it ends, and what it needs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import kaitaistruct
import pytest

import packfile
from cli_support import SOURCES, TIMEOUT, environment, packfile_process

COMMANDS = ("adapter", "assemble", "convert", "diff", "disassemble", "dump", "info", "run", "verify")
HELLO = b'{"id": 1, "command": "hello"}\n'
ENDLESS = ".entry f\n.export func f () -> ()\nagain: jmp again\n"
NOISY = """
.import eager func host.log_i (i) -> ()
.entry f
.export func f () -> ()
again:
  calli host.log_i
  i_add_imm i0, i0, 1
  jmp again
"""


def test_version_is_that_of_the_package() -> None:
    assert packfile_process("--version") == (0, f"packfile {packfile.__version__}\n", "")


def test_help_lists_every_command() -> None:
    ran = packfile_process("--help")
    assert ran.status == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in ran.out] == []
    assert "...\n" not in ran.out.split("Commands:")[1], (
        "the first sentence of a command's help is too long for the list"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_ends_with_examples(name: str) -> None:
    ran = packfile_process(name, "--help")
    assert ran.status == 0
    assert f"packfile {name} " in ran.out.split("Examples:")[1] or name == "adapter"


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["--no-such-option"], ["run"], ["convert", "x.pkf"]])
def test_a_wrong_command_line_ends_with_status_2(arguments: list[str]) -> None:
    ran = packfile_process(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err


def test_the_adapter_answers() -> None:
    ran = packfile_process("adapter", stdin=HELLO)
    assert ran.status == 0
    assert ran.json["name"] == "packfile-reference"


def bare_install(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with nothing but the package and its one dependency."""
    shutil.copy(str(kaitaistruct.__file__), tmp_path)
    return subprocess.run(
        [sys.executable, "-S", "-m", "packfile", *arguments],
        input=HELLO,
        capture_output=True,
        timeout=TIMEOUT,
        env=environment(PYTHONPATH=f"{SOURCES}{os.pathsep}{tmp_path}"),
        check=False,
    )


def test_the_adapter_works_in_a_bare_install(tmp_path: Path) -> None:
    done = bare_install(tmp_path, "adapter")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["outcome"] == "ok"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "x.pkf"], ["adapter", "--help"]])
def test_a_bare_install_says_in_one_line_what_to_install(tmp_path: Path, arguments: list[str]) -> None:
    done = bare_install(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("packfile: the commands need Python packages that this install lacks (click, rich); ")
    assert line.endswith("install with: python -m pip install 'packfile[cli]'")


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "program.pka"
    path.write_text(text)
    return path


def started(*arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "packfile", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    with started("run", program(tmp_path, NOISY)) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert (process.wait(TIMEOUT), process.stderr.read()) == (141, b"")


@pytest.mark.parametrize("text", [ENDLESS, NOISY], ids=["silent", "noisy"])
def test_an_interrupt_ends_it_quietly(tmp_path: Path, text: str) -> None:
    # Traced, so that it is known to run when it writes its first line.
    with started("run", "--trace", program(tmp_path, text)) as process:
        assert process.stderr
        assert process.stderr.readline().startswith(b"program.f+0")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"Interrupt" not in err


def test_an_interrupt_of_the_adapter_ends_it_quietly() -> None:
    with started("adapter") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(HELLO)
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert (process.wait(TIMEOUT), process.stderr.read()) == (130, b"")


def test_an_interrupt_while_it_waits_for_input_ends_it_quietly_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with started("info", "-") as process:
        assert process.stderr
        deadline = time.monotonic() + TIMEOUT
        while not any(tmp_path.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert (process.wait(TIMEOUT), process.stderr.read()) == (130, b"")
    assert not any(tmp_path.iterdir())


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = f"'{sys.executable}' -m packfile {command}"
    return subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=cwd,
        env=environment(),
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["info", "dump", "run", "verify", "disassemble"])
def test_output_that_cannot_be_written_is_one_line_and_status_2(tmp_path: Path, command: str) -> None:
    program(tmp_path, ".entry f\n.export func f () -> (i)\n  ret\n")
    assert packfile_process("assemble", "program.pka", cwd=tmp_path).status == 0
    done = shell(f"{command} program.pkf > /dev/full", tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "No space left on device" in done.stderr


def test_closed_standard_streams_are_one_line_and_status_2(tmp_path: Path) -> None:
    program(tmp_path, ENDLESS)
    for redirection, stream in ((">&-", "output"), ("<&-", "input")):
        done = shell(f"info - {redirection}", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"packfile: standard {stream} is closed\n"


def test_a_stream_that_is_not_utf_8_gets_escapes(tmp_path: Path) -> None:
    path = program(tmp_path, '.export func "naïve" () -> ()\n  ret\n')
    ran = packfile_process("info", path, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert ran.status == 0
    assert "na\\xefve" in ran.out
