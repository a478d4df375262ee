"""Publishing a file: whole or not at all.

Assumes nothing. Promises that whoever opens the path sees the old file or the new one, never a part; and that a mapping
of the old file goes on showing it, since its bytes are never written or cut.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME_ATTEMPTS = 100


def write_file(path: str | os.PathLike[str], data: bytes | bytearray | memoryview) -> None:
    """Replace a file, or make it; see `replacing`."""
    with replacing(path) as descriptor:
        view = memoryview(data).cast("B")
        while view:
            view = view[os.write(descriptor, view) :]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[int]:
    """Replace a file, or make it, in one step that survives a crash: by what the block writes to the descriptor.

    The new file has the mode of the one that it replaces, or else that which the umask leaves. A symbolic link
    stays, and the file that it names is replaced. Nothing is left behind on failure.

    Raises:
        OSError: The directory cannot be written, or the path names something that is no regular file.
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    descriptor, temporary = _create(target)
    try:
        try:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield descriptor
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_directory(target.parent)


def _mode(target: Path) -> int | None:
    """Mode of the file that stands there, or None where there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(target))
    return stat.S_IMODE(status.st_mode)


def _create(target: Path) -> tuple[int, Path]:
    """A new file beside the target, made with mode 0666 so that the kernel applies the umask."""
    for _ in range(_NAME_ATTEMPTS):
        temporary = target.parent / f".{target.name[:200]}.{secrets.token_hex(6)}"
        with suppress(FileExistsError):
            return os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), temporary
    raise FileExistsError(errno.EEXIST, "no free name for a temporary file", os.fspath(target))


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
