"""Head: what header, directory and single fields of rows break, by `spec/packfile.ksy` itself.

Assumes nothing of the bytes. The suite's `ksy.Layout` evaluates the `valid` of each attribute and names its `-rule`, so
that an attribute which is added to the .ksy is judged without a change here. Part of `expectation`.
"""

from __future__ import annotations

from functools import lru_cache

from packfile import layout
from packfile.layout import ByteOrder
from packfile_suite.ksy import Finding, Layout
from packfile_suite.sparse import SparseBytes

from .places import File

ENTRY_SIZE = layout.DIRECTORY_ENTRY[ByteOrder.LITTLE].size
"""Bytes of a directory entry."""
_FIELD = {each.name: each for each in layout.FIELDS["header"]}
_COUNT, _ORDER = _FIELD["section_count"], _FIELD["byte_order"]
_DECIDED_FIRST = frozenset({"PF-HDR-002", "PF-HDR-003", "PF-HDR-004", "PF-HDR-007"})
"""PF-HDR-010: these are decided in their order and before anything else."""
_UNKNOWN_KIND = "PF-DIR-003"
"""PF-DIR-012: it decides where nothing before it is wrong."""


def head_rules(content: bytes) -> frozenset[str]:
    """The rules of which opening must name one by header and directory; none if both are right."""
    length = len(content)
    raw = content[_COUNT.offset : _COUNT.offset + _COUNT.size]
    big = content[_ORDER.offset : _ORDER.offset + 1] == bytes((ByteOrder.BIG,))
    count = int.from_bytes(raw, "big" if big else "little")
    most = layout.MAX_SECTIONS + 1
    head = bytearray(content[: layout.HEADER_SIZE + ENTRY_SIZE * min(count, most)])
    cut = frozenset[str]()
    if count > most:
        # One entry too many says all that thousands of them would, but for where the file ends.
        head[_COUNT.offset : _COUNT.offset + _COUNT.size] = most.to_bytes(_COUNT.size, "big" if big else "little")
        too_short = layout.HEADER_SIZE + ENTRY_SIZE * count > length
        cut = frozenset({"PF-DIR-001"}) if too_short and len(raw) == _COUNT.size else cut
    found = _head(bytes(head), length)
    if found and found[0] in {*_DECIDED_FIRST, _UNKNOWN_KIND}:
        return frozenset(found[:1])
    return frozenset(found) | cut


def row_findings(file: File) -> tuple[Finding, ...]:
    """What single fields of rows break, in a file whose header and directory break nothing."""
    kinds = {kind for kind, section in layout.SECTIONS.items() if section.row in layout.ROW_CHECKS}
    directory = layout.HEADER_SIZE + ENTRY_SIZE * len(file.entries)
    ends = (entry.offset + entry.length for entry in file.entries if entry.kind_id in kinds)
    return _rows(file.content[: max(ends, default=directory)], len(file.content))


# Most mutations leave header and directory, or all rows, as they were, and to evaluate the .ksy takes its time.
@lru_cache(maxsize=512)
def _head(head: bytes, length: int) -> tuple[str, ...]:
    return tuple(finding.rule for finding in Layout(_padded(head, length)).findings)


@lru_cache(maxsize=512)
def _rows(front: bytes, length: int) -> tuple[Finding, ...]:
    read = Layout(_padded(front, length))
    read.read_rows()
    return tuple(read.findings)


def _padded(head: bytes, length: int) -> SparseBytes:
    """The file as far as it is read, with a hole for the rest."""
    data = SparseBytes(head)
    data.length = length
    return data
