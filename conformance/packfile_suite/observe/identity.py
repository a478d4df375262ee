"""Which mapping or descriptor belongs to which file.

On overlayfs the device number of a mapping is not that of `stat`, so a mapping is a file's if its inode is, and its
path is, or the file was renamed or deleted since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .proc import Mapping, Unobservable


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """A file as it was when it was looked up, whatever stands under its name later."""

    path: str
    inode: int
    device: int
    size: int

    @classmethod
    def of(cls, path: Path) -> FileIdentity:
        """The file of that path. Raises Unobservable if there is no such regular file."""
        try:
            real = path.resolve(strict=True)
            status = real.stat()
        except OSError as error:
            raise Unobservable(f"{path}: {error.strerror}") from None
        if not real.is_file():
            raise Unobservable(f"{path} is no regular file")
        return cls(str(real), status.st_ino, status.st_dev, status.st_size)

    def is_mapped_by(self, mapping: Mapping) -> bool:
        """Whether the mapping is one of this file."""
        return mapping.inode == self.inode and (mapping.path == self.path or mapping.deleted or self._moved())

    def _moved(self) -> bool:
        try:
            return Path(self.path).stat().st_ino != self.inode
        except OSError:
            return True

    def is_open_as(self, pid: int, descriptor: int) -> bool:
        """Whether a descriptor of a process is open on this file."""
        try:
            status = Path(f"/proc/{pid}/fd/{descriptor}").stat()
        except OSError:
            return False
        return (status.st_ino, status.st_dev) == (self.inode, self.device)

    def among(self, mappings: Iterable[Mapping]) -> list[Mapping]:
        """Those of the mappings that are of this file."""
        return [mapping for mapping in mappings if self.is_mapped_by(mapping)]

    def descriptors(self, pid: int) -> dict[int, int]:
        """Descriptors of a process on this file, each with its position."""
        found: dict[int, int] = {}
        try:
            numbers = [int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()]
            for number in numbers:
                if self.is_open_as(pid, number):
                    text = Path(f"/proc/{pid}/fdinfo/{number}").read_text(encoding="ascii")
                    found[number] = int(text.split("pos:")[1].split()[0])
        except OSError:
            return found
        return found
