"""Faults by which an adapter, or a part of it, comes to its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

from scene import Fault, Scene, hang, say

_SLEEP = [sys.executable, "-c", "import sys, time; time.sleep(600)"]


def crash(_: Scene) -> None:
    sys.stderr.write("about to \x1b[31mfail\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)


def stop_itself(_: Scene) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    hang()


def exits(status: int) -> Callable[[Scene], None]:
    return lambda _: sys.exit(status)


def half_then_exit(scene: Scene) -> None:
    say(scene.line[:10])
    sys.exit(0)


def answer_then_exit(scene: Scene) -> None:
    # At the end of its case, so that only a look after the last answer can find it there.
    sys.stdout.write(scene.line)
    sys.stdout.flush()
    os._exit(7)


def fork(_: Scene) -> None:
    """The parent dies, and the child keeps the pipes and does nothing."""
    if os.fork() == 0:
        hang()
    os._exit(0)


def fork_away(_: Scene) -> None:
    """As a daemon would: the child leaves the process group."""
    if os.fork() == 0:
        os.setsid()
        hang()
    os._exit(0)


def leave_a_child(scene: Scene) -> None:
    """Answers well, ends badly, and a child in a session of its own lives on with pipes of its own."""
    quiet = subprocess.DEVNULL
    subprocess.Popen([*_SLEEP, str(scene.notes)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    sys.exit(3)


def hang_with_child(scene: Scene) -> None:
    child = subprocess.Popen([*_SLEEP, str(scene.notes)])
    scene.notes.write_text(f"{os.getpid()} {child.pid}")
    hang()


def close_output(_: Scene) -> None:
    os.close(1)
    hang()


def close_input(scene: Scene) -> None:
    # Before the answer, or the next request could be written in between.
    os.close(0)
    say(scene.line)
    hang()


def close_errors(scene: Scene) -> None:
    os.close(2)
    say(scene.line)


def kill_parent(_: Scene) -> None:
    os.kill(os.getppid(), signal.SIGKILL)


ENDS: dict[str, Fault] = {
    "crash": crash,
    "abort": lambda _: os.abort(),
    "exit-0": exits(0),
    "exit": exits(3),
    "stop": stop_itself,
    "half": half_then_exit,
    "answer-then-exit": answer_then_exit,
    "fork": fork,
    "fork-away": fork_away,
    "leave-a-child": leave_a_child,
    "hang-with-child": hang_with_child,
    "close": close_output,
    "close-input": close_input,
    "close-errors": close_errors,
    "kills-parent": kill_parent,
}
