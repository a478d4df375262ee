"""Runs a command and stops it where there is something to see: before a mapping goes, at a read, at every exit.

Assumes that the calling process is single-threaded and has no other children. Promises that the command gets its
standard streams and every signal that was meant for it, that it ends within the timeout, and that no process is left.
Where ptrace is not permitted the command still runs, and is looked at by the clock alone.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from . import kernel
from .kernel import Call
from .proc import Unobservable, family, read

_STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_WAITED_FOR = (signal.SIGCHLD, *_PASSED_ON)
_CANNOT_RUN = 127


class Watcher(Protocol):
    """What is told of the run. Processes are named by the number under which /proc shows them."""

    def began(self, pid: int) -> None:
        """The command's own program runs now."""

    def born(self, pid: int, parent: int) -> None:
        """A process was made, with the mappings of its parent."""

    def replaced(self, pid: int) -> None:
        """A process runs another program, without the mappings that it had."""

    def before(self, pid: int, call: Call) -> bool:
        """A call is about to be made; says whether what it returns is wanted."""

    def after(self, pid: int, call: Call, result: int) -> None:
        """A wanted call returned."""

    def ending(self, pid: int) -> None:
        """A process is about to end, its memory still there."""

    def tick(self, pids: Sequence[int]) -> None:
        """Some time has passed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the command ended."""

    status: int
    """Exit status, or minus the signal."""
    seconds: float
    timed_out: bool
    why_not: str
    """Why it was not stopped wherever there was something to see; empty if it was."""


def find_command(name: str) -> str:
    """The program of that name. Raises Unobservable if there is none that can be run."""
    found = shutil.which(name)
    if found is None:
        raise Unobservable(f"{name}: no such program, or it may not be run")
    return found


class _Run:
    def __init__(self, command: Sequence[str], watcher: Watcher, interval: float, timeout: float) -> None:
        self._path, self._command, self._watcher = find_command(command[0]), list(command), watcher
        self._interval, self._timeout = interval, timeout
        self._threads: dict[int, int] = {}
        self._wanted: dict[int, Call] = {}
        self._program = kernel.filter_program()
        self._status: int | None = None
        self._timed_out = self._begun = self._traced = False
        self._go = -1
        self._why_not = ""

    def run(self, *, stops: bool) -> Ending:
        kernel.adopt_orphans()
        old = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
        started = time.monotonic()
        try:
            self._start(old, stops=stops)
            self._follow(started)
        finally:
            self._end()
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
        assert self._status is not None
        seconds = time.monotonic() - started
        return Ending(self._status, seconds, self._timed_out, self._why_not)

    def _start(self, mask: set[signal.Signals] | set[int], *, stops: bool) -> None:
        ready, self._go = os.pipe()
        self._root = os.fork()
        if self._root == 0:
            self._become(ready, mask)
        os.close(ready)
        self._threads[self._root] = self._root
        self._why_not = "" if stops else "only the clock was asked for"
        if stops:
            try:
                kernel.ptrace(kernel.PTRACE_SEIZE, self._root, kernel.OPTIONS)
                self._traced = True
            except OSError as error:
                self._why_not = f"the kernel does not let one stop it: {error.strerror}"
        # The child installs the filter itself, for calls that it stops fail where there is no one to stop for.
        os.write(self._go, b"1" if self._traced and self._program is not None else b"0")

    def _become(self, ready: int, mask: set[signal.Signals] | set[int]) -> None:
        """The child: waits until it is watched, and becomes the command. Does not return."""
        try:
            os.close(self._go)
            wish = os.read(ready, 1)
            for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, the command must not
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            if wish == b"1" and self._program is not None:
                with contextlib.suppress(OSError):  # `_exec` notices that it is not there
                    kernel.install_filter(self._program)
            if wish:
                os.execv(self._path, self._command)  # noqa: S606 - running the command is the purpose
        except OSError as error:
            os.write(2, f"{self._path}: {error.strerror}\n".encode())
        finally:
            os._exit(_CANNOT_RUN)

    def _follow(self, started: float) -> None:
        next_tick = started
        deadline = started + self._timeout
        pause = 0.001
        while self._status is None:
            if self._reap():
                continue
            now = time.monotonic()
            if now >= deadline:
                self._timed_out = True
                return
            if now >= next_tick:
                self._tick()
                # Most happens at the start, so look often there.
                pause = min(self._interval, pause * 2)
                next_tick = time.monotonic() + pause
            info = signal.sigtimedwait(_WAITED_FOR, max(0.0, min(next_tick, deadline) - time.monotonic()))
            # What the terminal sends reaches the command anyway.
            if info is not None and info.si_signo in _PASSED_ON and info.si_code <= 0:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._root, info.si_signo)

    def _tick(self) -> None:
        if self._traced:
            self._watcher.tick(sorted(set(self._threads.values())) if self._begun else [])
            return
        if not self._begun:
            # The child's end of the pipe goes when it becomes the command.
            poll = select.poll()
            poll.register(self._go, 0)
            self._begun = bool(poll.poll(0))
            if self._begun:
                self._watcher.began(self._root)
        self._watcher.tick(family(self._root) if self._begun else [])

    def _reap(self) -> bool:
        """Deals with one thing that happened; False if nothing did."""
        try:
            tid, status, _ = os.wait4(-1, os.WNOHANG | kernel.WALL)
        except ChildProcessError:
            return False
        if tid == 0:
            return False
        if not os.WIFSTOPPED(status):
            self._threads.pop(tid, None)
            if tid == self._root:
                self._status = os.waitstatus_to_exitcode(status)
            return True
        # A process that was killed while it was stopped is not there to be told to go on.
        with contextlib.suppress(ProcessLookupError):
            self._stopped(tid, os.WSTOPSIG(status), status >> 16)
        return True

    def _stopped(self, tid: int, number: int, event: int) -> None:
        pid = self._threads.setdefault(tid, _process_of(tid))
        request, deliver = kernel.PTRACE_CONT, 0
        if event == kernel.EVENT_SECCOMP:
            call = kernel.stopped_call(tid)
            if self._watcher.before(pid, call):
                self._wanted[tid] = call
                request = kernel.PTRACE_SYSCALL
        elif event in (kernel.EVENT_FORK, kernel.EVENT_VFORK, kernel.EVENT_CLONE):
            new = kernel.event_message(tid)
            self._threads[new] = _process_of(new)
            if self._threads[new] == new:
                self._watcher.born(new, pid)
        elif event == kernel.EVENT_EXEC:
            self._threads[tid] = tid
            self._exec(tid)
        elif event == kernel.EVENT_EXIT:
            if list(self._threads.values()).count(pid) == 1 or tid == pid:
                self._watcher.ending(tid)
        elif event == kernel.EVENT_STOP:
            request = kernel.PTRACE_LISTEN if number in _STOPPING else kernel.PTRACE_CONT
        elif number == signal.SIGTRAP | 0x80:
            wanted = self._wanted.pop(tid, None)
            if wanted is not None:
                self._watcher.after(pid, wanted, kernel.call_result(tid))
        else:
            deliver = number
        kernel.ptrace(request, tid, deliver)

    def _exec(self, pid: int) -> None:
        if pid == self._root and not self._begun:
            self._begun = True
            if not self._why_not and not _has_filter(pid):
                self._why_not = "this kernel or machine does not let calls be filtered; exits were seen"
            self._watcher.began(pid)
        else:
            self._watcher.replaced(pid)

    def _end(self) -> None:
        """Ends what is left, and waits until it is gone."""
        os.close(self._go)
        while True:
            # Anew each time: what is being killed may have made another process a moment before.
            for pid in {*self._threads.values(), *family(os.getpid())[1:]}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                tid, status, _ = os.wait4(-1, os.WNOHANG | kernel.WALL)
            except ChildProcessError:
                return
            if tid == 0:
                time.sleep(0.002)
            elif os.WIFSTOPPED(status):
                with contextlib.suppress(ProcessLookupError):
                    kernel.ptrace(kernel.PTRACE_CONT, tid, signal.SIGKILL)
            else:
                self._threads.pop(tid, None)
                if tid == self._root:
                    self._status = os.waitstatus_to_exitcode(status)


def _process_of(tid: int) -> int:
    """The process that a thread belongs to."""
    return int(_status_field(tid, b"Tgid:") or tid)


def _has_filter(pid: int) -> bool:
    return _status_field(pid, b"Seccomp:") == b"2"


def _status_field(tid: int, name: bytes) -> bytes | None:
    with contextlib.suppress(Unobservable):
        for line in read(tid, "status").split(b"\n"):
            if line.startswith(name):
                return line.split()[1]
    return None


def run(command: Sequence[str], watcher: Watcher, *, interval: float, timeout: float, stops: bool = True) -> Ending:
    """Runs the command to its end. Raises Unobservable if it cannot be run."""
    return _Run(command, watcher, interval, timeout).run(stops=stops)
