"""Bytes with holes: a file of a gigabyte that is nearly all zeros, without a gigabyte of memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


class SparseBytes:
    """Bytes of which only the written runs are held; all else is zero."""

    def __init__(self, data: bytes = b"") -> None:
        self.length = len(data)
        self._runs: list[tuple[int, bytearray]] = [(0, bytearray(data))] if data else []

    def runs(self) -> Iterator[tuple[int, bytes]]:
        """The written runs in order, each with its offset. They do not overlap."""
        for offset, data in sorted(self._runs, key=lambda run: run[0]):
            yield offset, bytes(data)

    def read(self, offset: int, size: int) -> bytes:
        """The bytes there, fewer at the end."""
        result = bytearray(max(0, min(size, self.length - offset)))
        for start, data in self._runs:
            low, high = max(start, offset), min(start + len(data), offset + len(result))
            if low < high:
                result[low - offset : high - offset] = data[low - start : high - start]
        return bytes(result)

    def write(self, offset: int, data: bytes) -> None:
        """Puts the data there, and makes the whole longer if it ends beyond."""
        end = offset + len(data)
        for start, run in self._runs:
            if start <= offset and end <= start + len(run):
                run[offset - start : end - start] = data
                return
        kept: list[tuple[int, bytearray]] = []
        for start, run in self._runs:
            if start < offset:
                kept.append((start, run[: offset - start]))
            if start + len(run) > end:
                kept.append((max(start, end), run[max(0, end - start) :]))
        self._runs = [*kept, (offset, bytearray(data))] if data else kept
        self.length = max(self.length, end)

    def resize(self, length: int) -> None:
        """Cuts the end off, or lengthens it with a hole."""
        self._runs = [(start, run[: length - start]) for start, run in self._runs if start < length]
        self.length = length

    def part(self, offset: int, size: int) -> SparseBytes:
        """A copy of a range, holes kept."""
        result = SparseBytes()
        for start, run in self._runs:
            low, high = max(start, offset), min(start + len(run), offset + size)
            if low < high:
                result.write(low - offset, bytes(run[low - start : high - start]))
        result.length = size
        return result

    def put(self, offset: int, other: SparseBytes) -> None:
        """Puts another's runs there; its holes cover nothing."""
        for start, data in other.runs():
            self.write(offset + start, data)
        self.length = max(self.length, offset + other.length)

    def digest(self) -> str:
        """A digest of length and content."""
        state = hashlib.sha256(str(self.length).encode())
        for offset, data in self.runs():
            state.update(f"\n{offset}:".encode())
            state.update(data)
        return state.hexdigest()

    def save(self, path: Path) -> None:
        """Writes the file, read-only, with its holes, and waits until the disk has it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        try:
            for offset, data in self.runs():
                view = memoryview(data)
                while view:
                    written = os.pwrite(descriptor, view, offset + len(data) - len(view))
                    view = view[written:]
            os.ftruncate(descriptor, self.length)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def equals_file(self, path: Path) -> bool:
        """Whether the file still holds these bytes; holes are judged by its length alone."""
        with path.open("rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != self.length:
                return False
            return all(os.pread(file.fileno(), len(data), offset) == data for offset, data in self.runs())
