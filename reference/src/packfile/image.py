"""Image: a packfile, mapped read-only, with its header and directory checked.

Assumes nothing of the file. Promises that every section lies where the directory says, whole and within the file, and
that no count exceeds its limit. Says nothing of what rows, code, names or constants hold: those are checked when they
are used. Opening reads the header and the directory only, so it takes the same time for a file of any length.

Where digests are checked, what reads rows, names, constants and code through an image gets nothing that was not checked
(`digests.py`). That is chosen at open, so that a file without digests pays nothing for it.
"""

import contextlib
import errno
import mmap
import os
import stat
import struct
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from packfile import layout
from packfile.digests import Digests
from packfile.errors import Malformed
from packfile.layout import ByteOrder, ExportRow, FunctionRow, ImportRow, SectionKind
from packfile.parse import parse
from packfile.recent import Members, Recent

_NO_SECTION = (0, 0)
_NO_DIGEST = bytes(layout.DIGEST_LENGTH)
_Unpack = Callable[[memoryview, int], tuple[Any, ...]]
_Read = Callable[[int, int], bytes]


class Views(Protocol):
    """What has views of a mapping."""

    def release(self) -> None:
        """Give them up."""


@dataclass
class Stats:
    """What a loader did with one file, in bytes, words and rows."""

    mapped: int = 0
    """Bytes of the read-only mapping."""
    copied: int = 0
    """Bytes of the file that were copied to private memory at once: the data section where the host's page is larger
    than the file's unit, and nothing else."""
    swapped: int = 0
    """Bytes rewritten in another byte order. No code path does that, for files of either order."""
    verified: int = 0
    """Words of code that were verified."""
    functions_verified: int = 0
    """Functions that were verified."""
    rows_read: int = 0
    """Function, import and export rows that were read."""
    blocks_checked: int = 0
    """Blocks of the file that were compared with their digests."""
    nodes_checked: int = 0
    """Nodes of the digest tree that were compared with theirs."""


class Image:
    """A mapped packfile.

    Immutable but for its counters and what is kept of its functions, so threads may share it. Close it,
    or use it as a context manager. Closing is safe at any time: the mapping itself goes when the last process linked
    from it, and the last view of a section, are gone.
    """

    # Not called by its name, so that tools can watch what it reads.
    _digests_type = Digests

    def __init__(self, buffer: mmap.mmap | bytes, name: str, fd: int | None = None, *, digests: bool = True) -> None:
        """Check header and directory of a file that is mapped or in memory.

        Args:
            buffer: The whole file.
            name: Its name, for messages.
            fd: An open descriptor of the file, which the image then owns; without it, `data` is copied, not mapped.
            digests: Whether to check the digests of a file that has them.

        Raises:
            Malformed: PF-HDR-*, PF-DIR-*, PF-LIM-001 to 004, PF-SEC-001, PF-SEC-002, PF-INT-001 or PF-INT-002 is
                broken.
            Unsupported: PF-HDR-004, PF-HDR-007 or PF-DIR-003 is.
            Corrupt: The block of header and directory is (PF-INT-006).
        """
        self.name = name
        self.closed = False
        self._users = 0
        self.stats = Stats(mapped=len(buffer))
        # What verification made of functions, by index, and which of them may be run. Belongs to the verify layer.
        self.codes: Recent[Any] = Recent()
        self.sound = Members()
        self._buffer: mmap.mmap | bytes = buffer
        self._fd = fd
        self.order, body = parse(buffer, name)
        self.unit_log2: int = body.unit_log2
        self.entry: int | None = None if body.entry == layout.NO_ENTRY else body.entry
        self.bss_size: int = body.bss_size
        self.digest_root: bytes = body.digest_root
        self.sections: dict[int, tuple[int, int]] = {s.kind_id: (s.offset, s.length) for s in body.sections}
        """Offset and length in bytes of each section, by kind, in the order of the file."""
        self.function_count = self._count(SectionKind.FUNCTIONS)
        self.import_count = self._count(SectionKind.IMPORTS)
        self.export_count = self._count(SectionKind.EXPORTS)
        self.constant_count = self._count(SectionKind.CONSTANTS)
        self.code_words = self._count(SectionKind.CODE)
        self._functions_at, _ = self.sections.get(SectionKind.FUNCTIONS, _NO_SECTION)
        self._imports_at, _ = self.sections.get(SectionKind.IMPORTS, _NO_SECTION)
        self._exports_at, _ = self.sections.get(SectionKind.EXPORTS, _NO_SECTION)
        self._constants_at, _ = self.sections.get(SectionKind.CONSTANTS, _NO_SECTION)
        self._strings_at, self.strings_length = self.sections.get(SectionKind.STRINGS, _NO_SECTION)
        self.code_at, _ = self.sections.get(SectionKind.CODE, _NO_SECTION)
        self._function_row: _Unpack = layout.FUNCTION_ROW[self.order].unpack_from
        self._import_row: _Unpack = layout.IMPORT_ROW[self.order].unpack_from
        self._export_row: _Unpack = layout.EXPORT_ROW[self.order].unpack_from
        self._constant = layout.CONSTANT[self.order].unpack_from
        self._check_sections()
        # Last, so that a file that is refused has no view, and its mapping can be closed at once.
        self.view = memoryview(buffer).toreadonly()
        """The whole file."""
        self._views: weakref.WeakSet[Views] = weakref.WeakSet()
        self._bytes = _reader(self.view)
        # The digest tree, if this image is checked by it. Belongs to the loader's other layers.
        self.digests: Digests | None = None
        if digests and SectionKind.DIGESTS in self.sections:
            try:
                self._guard()
            except BaseException:
                self.view.release()
                raise

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, digests: bool = True) -> Self:
        """Map a file and check its header and directory.

        Args:
            path: The file.
            digests: Whether to check the digests of a file that has them, each block when it is first used.

        Raises:
            OSError: The file cannot be opened or mapped.
            Malformed: See `Image`.
            Unsupported: See `Image`.
            Corrupt: See `Image`.
        """
        name = os.fspath(path)
        # O_NONBLOCK: opening a FIFO that nobody writes to must fail below, not hang here.
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", name)
            if status.st_size == 0:
                raise Malformed(
                    "PF-HDR-001", "the file is empty", at=0, expected="64 bytes or more", got="0", file=name
                )
            buffer = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
            try:
                return cls(buffer, name, fd, digests=digests)
            except BaseException:
                buffer.close()
                raise
        except BaseException:
            os.close(fd)
            raise

    def close(self) -> None:
        """Give up the file. The mapping goes as soon as no process and no view of a section uses it.

        Closing twice is harmless; a closed image cannot be linked again.
        """
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self.closed = True
        self._drop_unused()

    def unchecked(self) -> "Image":
        """The same file without checks of digests and with counters of its own, for tools that look at damage.

        It must not be used after this image was closed.
        """
        return Image(self._buffer, self.name, digests=False)

    def acquire(self) -> None:
        """Keep the mapping until a matching `release`, whether the image is closed before or not.

        Raises:
            ValueError: The image is closed.
        """
        if self.closed:
            raise ValueError(f"{self.name} is closed")
        self._users += 1

    def release(self) -> None:
        """Undo one `acquire`."""
        self._users -= 1
        self._drop_unused()

    def _drop_unused(self) -> None:
        if not self.closed or self._users:
            return
        self.codes.clear()
        for views in self._views:
            views.release()
        self.view.release()
        buffer, self._buffer = self._buffer, b""
        if isinstance(buffer, mmap.mmap):
            # Views that a caller still holds keep the mapping; the last of them to go takes it along.
            with contextlib.suppress(BufferError):
                buffer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def section(self, kind: int) -> memoryview:
        """The bytes of a section, where they are mapped; empty where the file has no such section."""
        at, length = self.sections.get(kind, _NO_SECTION)
        return self.view[at : at + length]

    def function_row(self, index: int) -> FunctionRow:
        """Row of a function below `function_count`, unchecked."""
        self.stats.rows_read += 1
        return FunctionRow._make(self._function_row(self.view, self.function_row_at(index)))

    def function_row_at(self, index: int) -> int:
        """Offset of a function row in the file."""
        return self._functions_at + index * layout.SECTIONS[SectionKind.FUNCTIONS].row_size

    def code_start(self, index: int) -> int:
        """First word of a function's code: the `code_end` of the row before it."""
        return 0 if index == 0 else int(self._function_row(self.view, self.function_row_at(index - 1))[0])

    def import_row(self, index: int) -> ImportRow:
        """Import row below `import_count`, unchecked."""
        self.stats.rows_read += 1
        return ImportRow._make(self._import_row(self.view, self.import_row_at(index)))

    def import_row_at(self, index: int) -> int:
        """Offset of an import row in the file."""
        return self._imports_at + index * layout.SECTIONS[SectionKind.IMPORTS].row_size

    def export_row(self, index: int) -> ExportRow:
        """Export row below `export_count`, unchecked."""
        self.stats.rows_read += 1
        return ExportRow._make(self._export_row(self.view, self.export_row_at(index)))

    def export_row_at(self, index: int) -> int:
        """Offset of an export row in the file."""
        return self._exports_at + index * layout.SECTIONS[SectionKind.EXPORTS].row_size

    def constant(self, index: int) -> int:
        """The 64 bits of a constant below `constant_count`, as an unsigned integer; `check_constant` checks it."""
        return int(self._constant(self.view, self._constants_at + index * 8)[0])

    def check_constant(self, index: int) -> None:
        """Check a constant by the digests, once for all runs of the code that names it (PF-INT-009).

        Raises:
            Corrupt: Its block is.
        """
        if self.digests is not None:
            self.digests.check(self._constants_at + index * 8, 8)

    def has_name(self, offset: int, length: int) -> bool:
        """Whether that range of the strings section is a possible name (PF-SEC-003, PF-SEC-004, PF-LIM-005)."""
        size = self.strings_length
        return offset <= size and 1 <= length <= layout.MAX_NAME_LENGTH and length <= size - offset

    def name_bytes(self, offset: int, length: int) -> bytes:
        """The bytes of a name; fewer where its range leaves the strings section."""
        start = self._strings_at + min(offset, self.strings_length)
        end = self._strings_at + min(offset + length, self.strings_length)
        return self._bytes(start, end)

    def words(self, start: int, end: int) -> tuple[memoryview, memoryview, memoryview, memoryview]:
        """Views of the op, a, b and c bytes of code words start to end, in either byte order, without copying."""
        if self.digests is not None:
            self.digests.check(self.code_at + 4 * start, 4 * (end - start))
        code = self.view[self.code_at + 4 * start : self.code_at + 4 * end]
        if self.order is ByteOrder.LITTLE:
            return code[0::4], code[1::4], code[2::4], code[3::4]
        return code[3::4], code[2::4], code[1::4], code[0::4]

    def keep(self, views: Views) -> None:
        """Release these views, too, when the mapping goes, if there still are any."""
        self._views.add(views)

    def private_data(self) -> memoryview:
        """A new private, writable copy of the data section, page by page as it is written where the host allows that.

        The image must not be closed.
        """
        at, length = self.sections.get(SectionKind.DATA, _NO_SECTION)
        if self._fd is not None and length and at % mmap.ALLOCATIONGRANULARITY == 0:
            return memoryview(mmap.mmap(self._fd, length, access=mmap.ACCESS_COPY, offset=at))
        self.stats.copied += length
        return memoryview(bytearray(self.view[at : at + length]))

    def _guard(self) -> None:
        """Have all that is read of the file checked first."""
        self.digests = digests = self._digests_type(
            self.view, self.digest_root, self.sections[SectionKind.DIGESTS], self.name, self.stats
        )
        digests.check(0, layout.HEADER_SIZE + len(self.sections) * layout.DIRECTORY_ENTRY[self.order].size)

        self._function_row = _checked(layout.FUNCTION_ROW[self.order], digests)
        self._import_row = _checked(layout.IMPORT_ROW[self.order], digests)
        self._export_row = _checked(layout.EXPORT_ROW[self.order], digests)
        self._bytes = _checked_reader(self.view, digests)

    def _count(self, kind: SectionKind) -> int:
        return self.sections.get(kind, _NO_SECTION)[1] // layout.SECTIONS[kind].row_size

    def _check_sections(self) -> None:
        has = self.sections.__contains__
        if self.entry is not None and self.entry >= self.function_count:
            at = layout.Header._fields.index("entry")
            raise Malformed(
                "PF-HDR-009",
                "the entry function does not exist",
                at=layout.FIELDS["header"][at].offset,
                expected=f"0xffffffff, or an index below {self.function_count}",
                got=str(self.entry),
                file=self.name,
            )
        if has(SectionKind.FUNCTIONS) != has(SectionKind.CODE):
            found = "functions" if has(SectionKind.FUNCTIONS) else "code"
            self._refuse("PF-SEC-001", "functions and code come together", "both sections, or neither", f"only {found}")
        if (has(SectionKind.IMPORTS) or has(SectionKind.EXPORTS)) and not has(SectionKind.STRINGS):
            self._refuse("PF-SEC-002", "imports and exports need names", "a strings section", "none")
        if has(SectionKind.DIGESTS) != (self.digest_root != _NO_DIGEST):
            found = "a root without one" if self.digest_root != _NO_DIGEST else "a zero root with one"
            self._refuse(
                "PF-INT-001", "digest_root and digests come together", "a root if there is a digests section", found
            )

    def _refuse(self, rule: str, message: str, expected: str, got: str) -> NoReturn:
        raise Malformed(rule, message, at=layout.HEADER_SIZE, expected=expected, got=got, file=self.name)


def _reader(view: memoryview) -> _Read:
    return lambda start, end: bytes(view[start:end])


def _checked_reader(view: memoryview, digests: Digests) -> _Read:
    def read(start: int, end: int) -> bytes:
        digests.check(start, end - start)
        return bytes(view[start:end])

    return read


def _checked(row: struct.Struct, digests: Digests) -> _Unpack:
    size, unpack = row.size, row.unpack_from

    def read(view: memoryview, at: int) -> tuple[Any, ...]:
        digests.check(at, size)
        return unpack(view, at)

    return read
