"""The files that a command is given: a path, `-` for standard input, or an assembly text to be assembled first.

Promises bytes that are mapped from a file in every case. What is no file (standard input, a pipe, an assembly text) is
spooled to a temporary file, which is unlinked as soon as it is mapped.
"""

from __future__ import annotations

import errno
import mmap
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from packfile.cli.terminal import printable
from packfile.errors import Malformed, PackfileError
from packfile.image import Image
from packfile.layout import MAX_FILE_LENGTH, ByteOrder
from packfile.model import Module

STANDARD_INPUT = "-"
SOURCE_SUFFIX = ".pka"
HOST_ORDER = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG
_CHUNK = 1 << 20
_MAX_TEXT = 1 << 28


class UsageFailure(Exception):
    """Raised by commands: what the user asked for cannot be done, for a reason that lies in no packfile."""


def shown(argument: str) -> str:
    """The name of a file for messages."""
    return "<stdin>" if argument == STANDARD_INPUT else argument


def byte_order(name: str) -> ByteOrder:
    """The byte order of an option's value."""
    return HOST_ORDER if name == "host" else ByteOrder[name.upper()]


@contextmanager
def opened(argument: str, open_image: Callable[[str], Image] = Image.open) -> Iterator[Image]:
    """Map a packfile and check its header and directory.

    Args:
        argument: What the command line names.
        open_image: Opens the file at a path, which may be gone later.

    Raises:
        PackfileError, AssemblyError, OSError: It cannot be opened.
    """
    with _located(argument) as path:
        try:
            image = open_image(path)
        except PackfileError as error:
            error.file = shown(argument)
            raise
    image.name = shown(argument)
    with image:
        yield image


@contextmanager
def mapped(argument: str) -> Iterator[memoryview]:
    """The bytes of a file, whatever they are.

    Raises:
        AssemblyError, OSError: There are none.
    """
    with _located(argument) as path:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _not_regular(status, path)
            content = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) if status.st_size else b""
        finally:
            os.close(descriptor)
    try:
        yield memoryview(content)
    except PackfileError as error:
        error.file = error.file or shown(argument)
        raise


def module_of(argument: str) -> Module:
    """The module that an assembly text describes.

    Raises:
        AssemblyError, OSError, UsageFailure: There is none.
    """
    from packfile.assembler import assemble  # noqa: PLC0415 - most files are no texts, and this takes longer than they do

    name = shown(argument)
    if argument == STANDARD_INPUT:
        content = standard_input().read(_MAX_TEXT + 1)
    else:
        with Path(argument).open("rb") as file:
            content = file.read(_MAX_TEXT + 1)
    if len(content) > _MAX_TEXT:
        raise UsageFailure(f"{name}: longer than an assembly text may be ({_MAX_TEXT} bytes)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageFailure(f"{name}:{line}: this is no assembly text: it is not UTF-8") from None
    return assemble(text, printable(name))


def standard_input() -> BinaryIO:
    """Standard input as bytes.

    Raises:
        UsageFailure: It is closed.
    """
    if sys.stdin is None:
        raise UsageFailure("standard input is closed")
    return sys.stdin.buffer


@contextmanager
def _located(argument: str) -> Iterator[str]:
    """A path that names the file at least until it is mapped."""
    if argument == STANDARD_INPUT:
        with _spooled(standard_input(), shown(argument)) as path:
            yield path
    elif argument.endswith(SOURCE_SUFFIX):
        from packfile.writer import encode  # noqa: PLC0415 - as above

        with _temporary() as (file, path):
            file.write(encode(module_of(argument), HOST_ORDER))
            file.flush()
            yield path
    elif stat.S_ISFIFO(Path(argument).stat().st_mode):
        with Path(argument).open("rb") as pipe, _spooled(pipe, argument) as path:
            yield path
    else:
        yield argument


@contextmanager
def _spooled(stream: BinaryIO, name: str) -> Iterator[str]:
    with _temporary() as (file, path):
        length = 0
        while chunk := stream.read(_CHUNK):
            length += len(chunk)
            if length > MAX_FILE_LENGTH:
                # No packfile is that long, so the rest of an endless stream is not waited for.
                expected = f"at most {MAX_FILE_LENGTH} bytes"
                raise Malformed("PF-LIM-001", "the file is too long", expected=expected, got="more", file=name)
            file.write(chunk)
        file.flush()
        yield path


@contextmanager
def _temporary() -> Iterator[tuple[BinaryIO, str]]:
    path = None
    # An interrupt between making the file and knowing its name would leave it behind.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        descriptor, path = tempfile.mkstemp(prefix="packfile-", suffix=".pkf")
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        with os.fdopen(descriptor, "wb") as file:
            yield file, path
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if path is not None:
            with suppress(FileNotFoundError):
                Path(path).unlink()


def _not_regular(status: os.stat_result, path: str) -> OSError:
    if stat.S_ISDIR(status.st_mode):
        return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return OSError(errno.EINVAL, "not a regular file", path)
