"""Puts the looks at a running command together: what happened to each of its files, and to its memory.

A look reads /proc while the process stands still before a call or its exit, or by the clock. What it finds is only ever
added to: pages seen once stay in the list of those that were touched, and the greatest figure counts.
"""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import kernel, trace
from .identity import FileIdentity
from .kernel import Call
from .proc import (
    COUNTER_SLACK,
    PAGE,
    Ended,
    Mapping,
    Status,
    Unobservable,
    anonymous,
    mappings,
    pages,
    status,
    transfer,
)

_PROT_WRITE = 2
_MADV_DONTNEED = 4
_LOOKS_PER_FILE = 16
_DESCRIPTOR_OF_SOURCE = {"sendfile": 1}


@dataclass
class FileRecord:
    """What was seen of one file."""

    identity: FileIdentity
    mapped: int = 0
    """Greatest length of its mappings in one process."""
    permissions: set[str] = field(default_factory=set)
    read_calls: dict[str, int] = field(default_factory=dict)
    read_bytes: dict[str, int] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    """Furthest position seen of each open descriptor."""
    resident: int = 0
    """Greatest Rss of its mappings in one process."""
    private: int = 0
    """Greatest Anonymous of its mappings in one process."""
    private_read_only: int = 0
    """The same of mappings that are not writable."""
    touched: set[int] = field(default_factory=set)
    patched: set[int] = field(default_factory=set)
    pages_seen: bool = False
    """Whether pagemap said which pages those are."""
    growth: int | None = None
    """Greatest growth of a process's anonymous memory since it first used the file; None if that was not seen."""
    peak_growth: int = 0
    """The same of VmHWM."""
    file_growth: int = 0
    """The same of memory that belongs to files."""

    @property
    def copied(self) -> int | None:
        """Growth of anonymous memory, be it that it was freed again before anyone looked; None if that was not seen."""
        if self.growth is None:
            return None
        return max(self.growth, self.peak_growth - self.file_growth - COUNTER_SLACK)

    @property
    def was_read(self) -> int:
        """Bytes that calls took of it."""
        return sum(self.read_bytes.values())


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the history."""

    seconds: float
    pid: int
    why: str
    anonymous: int
    file: int
    peak: int
    minor_faults: int
    major_faults: int


@dataclass
class _Process:
    """What is known of a process that may still run."""

    first: Status
    ranges: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """Addresses at which each file is mapped."""
    base: dict[str, Status] = field(default_factory=dict)
    """How it was before it first used each file."""
    unseen: dict[str, int] = field(default_factory=dict)
    """Bytes that it read of each file since its memory was looked at."""


@dataclass
class Observation:
    """All that was seen of a run."""

    files: list[FileRecord]
    command: list[str] = field(default_factory=list)
    history: list[Moment] = field(default_factory=list)
    looks: int = 0
    peak: int = 0
    """Greatest VmHWM of one process."""
    growth: int = 0
    """Greatest anonymous memory of one process beyond what it had at its start."""
    swap: int = 0
    called: int = 0
    """rchar, summed over processes: of all files, and of pipes."""
    disk: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    processes: int = 0
    status: int = 0
    seconds: float = 0.0
    timed_out: bool = False
    why_not: str = ""
    """Why the command was not stopped wherever there was something to see; empty if it was."""
    problems: list[str] = field(default_factory=list)
    """What the kernel did not show."""


class Observer:
    """Looks, and adds up. Implements `trace.Watcher`."""

    def __init__(self, files: Sequence[FileIdentity]) -> None:
        self.result = Observation([FileRecord(identity) for identity in files])
        self._processes: dict[int, _Process] = {}
        self._seen: set[int] = set()
        self._spent: dict[int, tuple[int, int, int, int]] = {}
        self._started = time.monotonic()

    def began(self, pid: int) -> None:
        """The command's own program runs now."""
        self._started = time.monotonic()
        self._processes.pop(pid, None)  # as it was before it became the command
        self._known(pid)

    def born(self, pid: int, parent: int) -> None:
        """A process was made, with the mappings of its parent."""
        known = self._known(pid)
        if known is not None and parent in self._processes:
            before = self._processes[parent]
            known.ranges.update({path: list(ranges) for path, ranges in before.ranges.items()})
            known.base.update(before.base)

    def replaced(self, pid: int) -> None:
        """A process runs another program, without the mappings that it had."""
        self._processes.pop(pid, None)
        self._known(pid)

    def before(self, pid: int, call: Call) -> bool:
        """Looks at what is about to go; wants the results of calls on the files."""
        known = self._known(pid)
        if known is None:
            return False
        if call.name in kernel.READS or call.name == "mmap":
            at = 4 if call.name == "mmap" else _DESCRIPTOR_OF_SOURCE.get(call.name, 0)
            descriptor = call.arguments[at] & 0xFFFFFFFF
            used = [file for file in self.result.files if file.identity.is_open_as(pid, descriptor)]
            for file in used:
                if file.identity.path not in known.base:
                    known.base[file.identity.path] = _exact(pid)
            return bool(used)
        ranges = [each for ranges in known.ranges.values() for each in ranges]
        if call.name in ("execve", "execveat"):
            if ranges:
                self._look(pid, f"before {call.name}", closely=True)
        elif self._concerns(call, ranges):
            self._look(pid, f"before {call.name}", closely=True)
            if call.name == "mprotect":
                self._note_writable(pid, call)
        return False

    @staticmethod
    def _concerns(call: Call, ranges: Sequence[tuple[int, int]]) -> bool:
        start, length, what = call.arguments[:3]
        if call.name == "mprotect" and not what & _PROT_WRITE:
            return False
        if call.name == "madvise" and what != _MADV_DONTNEED:
            return False
        return any(start < high and low < start + length for low, high in ranges)

    def _note_writable(self, pid: int, call: Call) -> None:
        start, end = call.arguments[0], call.arguments[0] + call.arguments[1]
        for file in self.result.files:
            for mapping in file.identity.among(mappings(pid, sizes=False)):
                if start < mapping.end and mapping.start < end:
                    file.permissions.add(mapping.permissions[0] + "w" + mapping.permissions[2:])

    def after(self, pid: int, call: Call, result: int) -> None:
        """Notes what a call on a file brought."""
        known = self._processes.get(pid)
        if known is None:
            return
        if call.name == "mmap":
            # An address may have its highest bit set, an error is one of the last 4095.
            if not -4096 < result < 0:
                self._note_mapping(pid, known)
            return
        at = _DESCRIPTOR_OF_SOURCE.get(call.name, 0)
        for file in self.result.files:
            if file.identity.is_open_as(pid, call.arguments[at] & 0xFFFFFFFF):
                file.read_calls[call.name] = file.read_calls.get(call.name, 0) + 1
                file.read_bytes[call.name] = file.read_bytes.get(call.name, 0) + max(0, result)
                self._note_reading(pid, known, file, result)

    def _note_reading(self, pid: int, known: _Process, file: FileRecord, count: int) -> None:
        """Looks at memory after each part of the file, not after each call: a look takes longer than a short read."""
        path = file.identity.path
        known.unseen[path] = known.unseen.get(path, file.identity.size) + count
        if known.unseen[path] >= file.identity.size // _LOOKS_PER_FILE:
            known.unseen[path] = 0
            self._note_growth(pid, known, file)

    def _note_mapping(self, pid: int, known: _Process) -> None:
        there = mappings(pid, sizes=False)
        for file in self.result.files:
            found = file.identity.among(there)
            if found:
                self._note_form(file, found)
                known.ranges[file.identity.path] = [(mapping.start, mapping.end) for mapping in found]

    @staticmethod
    def _note_form(file: FileRecord, found: Sequence[Mapping]) -> None:
        file.mapped = max(file.mapped, sum(mapping.size for mapping in found))
        file.permissions |= {mapping.permissions for mapping in found}

    def ending(self, pid: int) -> None:
        """The last look at a process."""
        self._look(pid, "exit", closely=True)

    def tick(self, pids: Sequence[int]) -> None:
        """Looks at every process by the clock."""
        for pid in pids:
            self._look(pid, "clock", closely=bool(self.result.why_not))

    def _known(self, pid: int) -> _Process | None:
        if pid not in self._processes:
            try:
                self._processes[pid] = _Process(_exact(pid))
            except Unobservable:
                return None
            self._seen.add(pid)
            self.result.processes = len(self._seen)
        return self._processes[pid]

    def _look(self, pid: int, why: str, *, closely: bool) -> None:
        known = self._known(pid)
        if known is None:
            return
        try:
            there = mappings(pid)
            now = dataclasses.replace(status(pid), anonymous=anonymous(there))
        except Unobservable:
            return
        self.result.looks += 1
        for file in self.result.files:
            found = file.identity.among(there)
            if found:
                self._note_file(pid, file, found, closely=closely)
            for number, position in file.identity.descriptors(pid).items():
                file.positions[number] = max(position, file.positions.get(number, 0))
            self._note_growth(pid, known, file, now)
        self._note_process(pid, known, now, why)

    def _note_file(self, pid: int, file: FileRecord, found: Sequence[Mapping], *, closely: bool) -> None:
        self._note_form(file, found)
        file.resident = max(file.resident, sum(mapping.rss for mapping in found))
        file.private = max(file.private, sum(mapping.anonymous for mapping in found))
        untouchable = sum(mapping.anonymous for mapping in found if not mapping.writable)
        file.private_read_only = max(file.private_read_only, untouchable)
        if not closely:
            return
        try:
            for mapping in found:
                seen = pages(pid, mapping)
                file.touched |= seen.present
                file.patched |= seen.private
            file.pages_seen = True
        except Unobservable as reason:
            self._problem(str(reason))

    def _note_growth(self, pid: int, known: _Process, file: FileRecord, now: Status | None = None) -> None:
        base = known.base.get(file.identity.path)
        if base is None:
            return
        if now is None:
            try:
                now = _exact(pid)
            except Unobservable:
                return
        file.growth = max(file.growth or 0, now.anonymous - base.anonymous)
        file.peak_growth = max(file.peak_growth, now.peak - base.peak)
        file.file_growth = max(file.file_growth, now.file - base.file)

    def _note_process(self, pid: int, known: _Process, now: Status, why: str) -> None:
        result = self.result
        result.peak, result.swap = max(result.peak, now.peak), max(result.swap, now.swap)
        result.growth = max(result.growth, now.anonymous - known.first.anonymous)
        called = disk = 0
        try:
            moved = transfer(pid)
            called, disk = moved.called, moved.disk
        except Ended:
            return
        except Unobservable as reason:
            self._problem(str(reason).replace(f"/{pid}/", "/PID/"))
        minor = now.minor_faults - known.first.minor_faults
        major = now.major_faults - known.first.major_faults
        self._spent[pid] = called, disk, minor, major
        totals = [sum(values) for values in zip(*self._spent.values(), strict=True)]
        result.called, result.disk, result.minor_faults, result.major_faults = totals
        seconds = time.monotonic() - self._started
        result.history.append(Moment(seconds, pid, why, now.anonymous, now.file, now.peak, minor, major))

    def _problem(self, text: str) -> None:
        if text not in self.result.problems:
            self.result.problems.append(text)


def _exact(pid: int) -> Status:
    return dataclasses.replace(status(pid), anonymous=anonymous(mappings(pid)))


def observe(
    command: Sequence[str],
    files: Sequence[FileIdentity],
    *,
    interval: float = 0.05,
    timeout: float = 600.0,
    stops: bool = True,
) -> Observation:
    """Runs a command and watches what it does with the files. Raises Unobservable if it cannot be run."""
    observer = Observer(files)
    observer.result.command = list(command)
    if not stops:
        observer.result.why_not = "only the clock was asked for"
    ending = trace.run(command, observer, interval=interval, timeout=timeout, stops=stops)
    result = observer.result
    result.status, result.seconds, result.timed_out = ending.status, ending.seconds, ending.timed_out
    result.why_not = ending.why_not
    return result


def describe_pages(numbers: set[int], most: int = 8) -> str:
    """Numbers of pages as ranges."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in ranges]
    left = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {left} more ranges" if left > 0 else "")


def page_count(file: FileIdentity) -> int:
    """Pages that the file has."""
    return -(-file.size // PAGE)


__all__ = ["FileRecord", "Moment", "Observation", "Observer", "describe_pages", "observe", "page_count"]
