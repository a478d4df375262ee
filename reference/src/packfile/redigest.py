"""Digests of a file: computed anew, added or taken away, all else of the module as it is.

Assumes nothing of the bytes. Promises the sections of the old file, byte for byte, though some may lie elsewhere, since
the directory has an entry more or less. Takes memory in proportion to the digest tree, and writes holes for zeros.
"""

from __future__ import annotations

import mmap
import os

from packfile import layout
from packfile.decoder import read_directory
from packfile.digests import ROOT_AT, make_tree
from packfile.layout import SectionKind
from packfile.writer import lay_out

_CHUNK = 1 << 16
_ZEROS = bytes(_CHUNK)


def redigest(view: memoryview, descriptor: int, *, digests: bool) -> bytes:
    """Write a file with digests, or without.

    Args:
        view: The old file. Digests that it has are neither needed nor checked.
        descriptor: An empty file that can be read and written.
        digests: Whether the new file shall have digests.

    Returns:
        The root of the tree; zeros without digests.

    Raises:
        Malformed, Unsupported: A rule whose time is open is broken.
        ModelError: The new file would have too many sections or be too long.
    """
    order, header, entries = read_directory(view)
    kept = [entry for entry in entries if entry.kind_id != SectionKind.DIGESTS]
    placed, length = lay_out([(entry.kind_id, entry.length) for entry in kept], header.unit_log2, digests=digests)
    root = bytes(layout.DIGEST_LENGTH)
    header = header._replace(file_length=length, section_count=len(placed), digest_root=root)
    os.ftruncate(descriptor, length)
    head = layout.HEADER[order].pack(*header)
    head += b"".join(layout.DIRECTORY_ENTRY[order].pack(*entry) for entry in placed)
    _put(descriptor, 0, memoryview(head))
    for old, new in zip(kept, placed, strict=False):
        _put(descriptor, new.offset, view[old.offset : old.offset + old.length])
    if digests:
        covered = placed[-1].offset
        with mmap.mmap(descriptor, covered, access=mmap.ACCESS_READ) as content, memoryview(content) as mapped:
            tree, root = make_tree(mapped)
        _put(descriptor, covered, memoryview(tree))
        _put(descriptor, ROOT_AT, memoryview(root))
    return root


def _put(descriptor: int, at: int, content: memoryview) -> None:
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK]
        if bytes(chunk) != _ZEROS[: len(chunk)]:
            while chunk:
                written = os.pwrite(descriptor, chunk, at + start)
                start, chunk = start + written, chunk[written:]  # noqa: PLW2901 - what is left of the chunk
