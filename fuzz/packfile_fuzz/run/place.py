"""A directory for the files of a process, and what becomes of it if that process dies.

Assumes a directory for temporary files whose file system has locks. Promises that `sweep` finds what a process left
that ended in whatever way, its adapters as well; and that it never takes anything of a process that lives, in whatever
container.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

OWNER = "PACKFILE_FUZZ_FILES"
"""The environment variable that names the directory to adapters: by it those of a dead process are found."""
_SHM = Path("/dev/shm")  # noqa: S108 - a directory of our own is made there
_PREFIX, _LOCK = "packfile-fuzz-", "lock"


class Place:
    """A directory of this process, in memory where there is a place for that."""

    def __init__(self) -> None:
        """Make it.

        Raises:
            OSError: It cannot be made.
        """
        self.path, self._lock = _made()
        while not (self.path / _LOCK).exists():  # A sweep came between the making and the lock.
            os.close(self._lock)
            self.path, self._lock = _made()

    def remove(self) -> None:
        """Remove it with all that is in it; a second time does nothing."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def _made() -> tuple[Path, int]:
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_parent()))
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Held until the process ends, by whatever; adapters do not inherit it.
    fcntl.flock(lock, fcntl.LOCK_EX)
    return path, lock


def _parent() -> Path:
    return _SHM if os.access(_SHM, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def sweep() -> None:
    """End the adapters of processes that died, and remove their directories."""
    for path in _parent().glob(f"{_PREFIX}*"):
        # That of another user cannot be opened, and one that is not of this module has no lock.
        with suppress(OSError):
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end(path)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def _end(path: Path) -> None:
    """Kill what was started with the files of this directory; an adapter that hangs does not see its input close."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(OWNER) == str(path):
                process.kill()
