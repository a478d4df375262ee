"""What /proc says of a process, as data.

Assumes Linux. Promises plain values in bytes, and Unobservable with the reason wherever the kernel does not answer.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
_HEAD = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ ([0-9]+) *(.*)")
_DELETED = " (deleted)"
_PRESENT, _SWAPPED, _SHARED = 1 << 63, 1 << 62, 1 << 61


class Unobservable(Exception):
    """Raised where the kernel does not let one tell. Its text is the reason."""


class Ended(Unobservable):
    """Raised where a process is not there any more."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entry of maps, with what smaps adds; sizes in bytes."""

    start: int
    end: int
    permissions: str
    """As the kernel writes them, such as `r-xp`."""
    offset: int
    inode: int
    path: str
    """Without the mark of a deleted file."""
    deleted: bool
    rss: int = 0
    pss: int = 0
    anonymous: int = 0
    """Pages that are no longer the file's: a store made them private."""
    private_dirty: int = 0
    swap: int = 0
    locked: int = 0

    @property
    def size(self) -> int:
        """Length of the mapping."""
        return self.end - self.start

    @property
    def writable(self) -> bool:
        """Whether a store is allowed."""
        return "w" in self.permissions

    @property
    def shared(self) -> bool:
        """Whether a store would reach the file."""
        return self.permissions.endswith("s")


@dataclass(frozen=True, slots=True)
class Status:
    """Memory and faults of a process, in bytes and counts since its start."""

    peak: int
    """VmHWM: the most memory that it had at once. Not exact, see COUNTER_SLACK, and so for the next three."""
    anonymous: int
    file: int
    swap: int
    minor_faults: int
    major_faults: int


COUNTER_SLACK = max(32, 2 * (os.cpu_count() or 1)) * (os.cpu_count() or 1) * PAGE
"""What VmHWM and the like may be wrong by: each processor counts that many pages before it adds them to the sum."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a process read: by its calls, and from the disk."""

    called: int
    disk: int


@dataclass(frozen=True, slots=True)
class Pages:
    """What pagemap says of a mapping: offsets of pages in the file, counted in pages."""

    present: frozenset[int]
    private: frozenset[int]
    """Present or swapped, and not the file's any more."""


def read(pid: int, name: str) -> bytes:
    """A file of /proc/PID. Raises Unobservable."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except ProcessLookupError:
        raise Ended(f"process {pid} has ended") from None
    except OSError as error:
        if not Path("/proc/self/stat").exists():
            raise Unobservable("there is no /proc here") from None
        if not Path(f"/proc/{pid}").exists():
            raise Ended(f"process {pid} has ended") from None
        raise Unobservable(f"/proc/{pid}/{name} cannot be read: {error.strerror}") from None


def mappings(pid: int, *, sizes: bool = True) -> list[Mapping]:
    """Every mapping of a process; without `sizes` only what maps says, which is quicker."""
    found: list[Mapping] = []
    head: tuple[int, int, str, int, int, str, bool] | None = None
    fields: dict[bytes, int] = {}
    for line in read(pid, "smaps" if sizes else "maps").split(b"\n"):
        match = _HEAD.match(line)
        if match:
            if head is not None:
                found.append(_mapping(head, fields))
            head, fields = _parse_head(match), {}
        elif line.endswith(b" kB"):
            name, _, rest = line.partition(b":")
            fields[name] = int(rest[:-3]) * 1024
    if head is not None:
        found.append(_mapping(head, fields))
    return found


def _parse_head(match: re.Match[bytes]) -> tuple[int, int, str, int, int, str, bool]:
    start, end, permissions, offset, inode, path = match.groups()
    # The kernel writes a line feed in a name as \012, and nothing else so.
    name = os.fsdecode(path.replace(rb"\012", b"\n"))
    deleted = name.endswith(_DELETED)
    name = name.removesuffix(_DELETED) if deleted else name
    return int(start, 16), int(end, 16), permissions.decode(), int(offset, 16), int(inode), name, deleted


def _mapping(head: tuple[int, int, str, int, int, str, bool], fields: dict[bytes, int]) -> Mapping:
    names = (b"Rss", b"Pss", b"Anonymous", b"Private_Dirty", b"Swap", b"Locked")
    return Mapping(*head, *(fields.get(name, 0) for name in names))


def status(pid: int) -> Status:
    """Memory and faults of a process."""
    fields: dict[bytes, int] = {}
    for line in read(pid, "status").split(b"\n"):
        name, _, rest = line.partition(b":")
        if rest.endswith(b" kB"):
            fields[name] = int(rest[:-3]) * 1024
    if b"VmHWM" not in fields:
        raise Ended(f"process {pid} has ended")
    # The name may hold anything, so count from its last parenthesis.
    numbers = read(pid, "stat").rpartition(b")")[2].split()
    return Status(
        fields[b"VmHWM"], fields[b"RssAnon"], fields[b"RssFile"] + fields.get(b"RssShmem", 0), fields[b"VmSwap"],
        int(numbers[7]), int(numbers[9]),
    )  # fmt: skip


def anonymous(found: Iterable[Mapping]) -> int:
    """Private memory of a process, exactly, given all of its mappings."""
    return sum(mapping.anonymous + mapping.swap for mapping in found)


def transfer(pid: int) -> Transfer:
    """What a process read."""
    fields = dict(line.split(b": ") for line in read(pid, "io").splitlines())
    return Transfer(int(fields[b"rchar"]), int(fields[b"read_bytes"]))


def pages(pid: int, mapping: Mapping) -> Pages:
    """Which pages of a file's mapping are there, and which of them are private."""
    present, private = set(), set()
    first = mapping.offset // PAGE
    try:
        with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as file:
            for at, chunk in _chunks(file.fileno(), mapping):
                for index, entry in enumerate(chunk, first + at):
                    if entry & (_PRESENT | _SWAPPED):
                        present.add(index)
                        if not entry & _SHARED:
                            private.add(index)
    except OSError as error:
        raise Unobservable(f"/proc/{pid}/pagemap cannot be read: {error.strerror}") from None
    return Pages(frozenset(present), frozenset(private))


def _chunks(descriptor: int, mapping: Mapping) -> Iterator[tuple[int, array[int]]]:
    """The entries of a mapping, but for stretches in which all are zero."""
    step = 4096
    count = mapping.size // PAGE
    for at in range(0, count, step):
        data = os.pread(descriptor, 8 * min(step, count - at), 8 * (mapping.start // PAGE + at))
        # An entry that is not present may still hold flags, but never those that matter here.
        if data.count(0) != len(data):
            yield at, array("Q", data)


def children(pid: int) -> list[int]:
    """The children of a process, of all its threads."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_bytes().split())
    except OSError:
        return found
    return found


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for member in found:
        found += [child for child in children(member) if child not in found]
    return found


def refuse_emulator(pid: int) -> None:
    """Raises Unobservable if the process is qemu's: what /proc shows is then its memory and not the program's."""
    with contextlib.suppress(OSError):
        program = (Path("/proc") / str(pid) / "exe").readlink().name
        if program.startswith("qemu-"):
            raise Unobservable(f"the loader runs under {program}, and /proc shows the memory of the emulator")


def check_platform() -> None:
    """Raises Unobservable where there is nothing to read."""
    if sys.platform != "linux":
        raise Unobservable(f"memory is observed through Linux's /proc, and this is {sys.platform}")
    mappings(os.getpid())
