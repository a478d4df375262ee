"""Triage beside a campaign: one failure after the other, each in a process of its own.

Assumes that folders may be written at any time. Promises never to wait: whoever owns the queue looks at it now and
then, and ends it when it likes. What was not finished then has no `triage.json`, and can be asked for again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from packfile_fuzz.results import Failure
from packfile_fuzz.run import TIMEOUT
from packfile_fuzz.triage.folder import SUMMARY

LOG = "triage.log"
"""What a triage said that went wrong."""
_GRACE = 30.0
"""Seconds beyond the limit of minimising, for what comes before and after it."""

_TIMES = 10
"""Times the limit of one failure that those found last may take together."""
_PATIENCE = 3.0
"""Seconds to wait for the process to end its adapters."""


class _Task(NamedTuple):
    failure: Failure
    folder: Path


@dataclass(slots=True)
class _Running:
    task: _Task
    process: subprocess.Popen[bytes]
    until: float


class Queue:
    """Failures that wait for triage, and the one that is in it."""

    def __init__(
        self, loaders: Sequence[tuple[str, tuple[str, ...]]], seconds: float, timeout: float = TIMEOUT
    ) -> None:
        """Prepare.

        Args:
            loaders: Names of loaders, and the commands of their adapters.
            seconds: How long minimising a failure may take.
            timeout: Seconds that an adapter has for an answer.
        """
        self._loaders, self._seconds, self._timeout = loaders, seconds, timeout
        # As it is now: by what a campaign adds to it later, the processes of its workers are found and ended.
        self._environment = _environment()
        self._waiting: deque[_Task] = deque()
        self._running: _Running | None = None
        self.done = 0
        """Failures that were triaged."""
        self.failed: list[Path] = []
        """Folders of those that were not, since the process died or took too long."""

    def add(self, failure: Failure, folder: Path) -> None:
        """Triage a failure some time, unless its folder says that this was done."""
        if not (folder / SUMMARY).exists():
            self._waiting.append(_Task(failure, folder))

    @property
    def longest(self) -> float:
        """Seconds that may be spent on what is left, once there is nothing else to do."""
        return _TIMES * self._seconds

    @property
    def left(self) -> int:
        """Failures that are not done."""
        return len(self._waiting) + (self._running is not None)

    def step(self) -> None:
        """See whether the one in triage is done, and begin the next; takes milliseconds."""
        if self._running is not None:
            self._look(self._running)
        if self._running is None and self._waiting:
            self._begin(self._waiting.popleft())

    def close(self) -> None:
        """End the one that is in triage; its folder holds nothing half."""
        if self._running is not None:
            _end(self._running.process)
            (self._running.task.folder / LOG).unlink(missing_ok=True)
            self._waiting.appendleft(self._running.task)
            self._running = None

    def _look(self, running: _Running) -> None:
        if running.process.poll() is None and time.monotonic() < running.until:
            return
        _end(running.process)
        if (running.task.folder / SUMMARY).exists():
            self.done += 1
            (running.task.folder / LOG).unlink(missing_ok=True)
        else:
            self.failed.append(running.task.folder)
        self._running = None

    def _begin(self, task: _Task) -> None:
        asked: dict[str, Any] = {"failure": task.failure, "folder": str(task.folder), "loaders": self._loaders}
        asked |= {"seconds": self._seconds, "timeout": self._timeout}
        command = [sys.executable, "-m", "packfile_fuzz.triage"]
        # A session of its own: an interrupt of the terminal is the campaign's, which then ends this.
        task.folder.mkdir(parents=True, exist_ok=True)
        with (task.folder / LOG).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
            )
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(asked).encode())
        self._running = _Running(task, process, time.monotonic() + self._seconds + _GRACE)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have the process end, and with it the adapters that it started, which it is asked to do first."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """An environment in which the process finds the packages that this one has."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
