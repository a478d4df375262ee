"""What the kernel tells of another process, and of the files that it caches.

Assumes Linux. What cannot be had is said in words, and never guessed.
"""

import ctypes
import mmap
import os
from pathlib import Path
from typing import NamedTuple

from benchmarks.group import NotMeasured

_KIB = 1024


class Memory(NamedTuple):
    """Sums over all mappings of a process, in KiB; fields of proc_pid_smaps_rollup."""

    resident: float
    proportional: float
    """Each page divided by the number of processes that map it."""
    private: float
    """Pages that no other process maps, clean or dirty."""
    anonymous: float
    """Pages that belong to no file, or no longer."""

    def beyond(self, other: "Memory") -> "Memory":
        """What is here and was not there."""
        return Memory(*(here - there for here, there in zip(self, other, strict=True)))


def memory(pid: int) -> Memory:
    """Memory of a process.

    Raises:
        NotMeasured: The kernel does not tell.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        fields = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        private = fields["Private_Clean"] + fields["Private_Dirty"]
        return Memory(fields["Rss"], fields["Pss"], private, fields["Anonymous"])
    except (OSError, KeyError, ValueError) as error:
        raise NotMeasured(f"/proc/{pid}/smaps_rollup cannot be read: {error}") from None


def faults(pid: int) -> int:
    """Page faults of a process so far, minor and major."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    # The name, field 2 of proc(5), ends at the last parenthesis; minflt and majflt are 10 and 12.
    fields = stat.rpartition(")")[2].split()
    return int(fields[7]) + int(fields[9])


def available() -> int:
    """Bytes of memory that may be used without swapping; 0 if the kernel does not tell."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * _KIB for line in text.splitlines() if line.startswith("MemAvailable:")), 0)


def drop(path: Path) -> None:
    """Take a file that was written back out of the page cache.

    Raises:
        NotMeasured: It is still there, or whether it is cannot be seen.
    """
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        still = _cached(file.fileno(), path.stat().st_size)
    if still:
        raise NotMeasured(f"the kernel keeps {still} pages of {path.name} in its page cache")


def _cached(descriptor: int, size: int) -> int:
    """Pages of a file that are in the page cache.

    They are asked for with mincore(2), for which Python has no function: reading with RWF_NOWAIT would bring them in.
    """
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
    library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    library.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
    address = library.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if address == ctypes.c_void_p(-1).value:
        raise NotMeasured(f"whether a file is cached cannot be seen: {os.strerror(ctypes.get_errno())}")
    try:
        pages = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
        if library.mincore(address, size, pages):
            raise NotMeasured(f"whether a file is cached cannot be seen: {os.strerror(ctypes.get_errno())}")
    finally:
        library.munmap(address, size)
    return len(pages.raw) - pages.raw.count(0)
