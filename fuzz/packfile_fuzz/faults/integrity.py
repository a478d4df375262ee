"""Faults in checking digests, and in executing in place."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_OPEN = "image:Image.open"
_MAPPED = "mmap.mmap(fd, 0, access=mmap.ACCESS_READ)"
_CHECK = "node, place = divmod(block, DIGEST_NODE_COUNT)"

DIGESTS = of_layer(
    Where.DIGESTS,
    (
        "last-partial-block-unchecked", "PF-INT-003", "A last block that is not whole is not checked.",
        [Edit("digests:Digests.check_block", _CHECK, f"if (block + 1) * DIGEST_BLOCK_LENGTH > self._covered:\n            return\n        {_CHECK}")],
    ),
    (
        "digests-checked-once", "PF-INT-009", "After the first good block of a node its other blocks are taken for good.",
        [Edit("digests:Digests.check_block", "if self._good.get(node, 0) >> place & 1:", "if self._good.get(node, 0):")],
    ),
    (
        "rodata-not-checked", "PF-INT-011", "Loads from rodata are not checked.",
        [Edit("link:Linkage._add_segment", "if image.digests is None:", "if image.digests is None or kind == layout.SectionKind.RODATA:")],
    ),
    (
        "segment-trusted-too-early", "PF-INT-011", "A segment is trusted once all of its blocks but one were checked.",
        [Edit("digests:Guard.check", "if not self._left:", "if self._left <= 1:")],
    ),
    (
        "root-not-compared", "PF-INT-005", "The last level of the tree is not compared with the root.",
        [Edit("digests:Digests._compare", "expected = self._root", "expected = got")],
    ),
    (
        "inner-nodes-not-compared", "PF-INT-004", "Only the last level of a tree is compared with what is above it.",
        [Edit("digests:Digests._check_node", "self._judge(level, node)", "if level + 1 == len(self._counts):\n            self._judge(level, node)")],
    ),
    (
        "row-before-not-checked", "PF-INT-009", "The row before a function's is read without a check of its digest.",
        [Edit("image:Image.code_start", "self._function_row(", "layout.FUNCTION_ROW[self.order].unpack_from(")],
    ),
    (
        "tree-length-unchecked", "PF-INT-002", "The digests section may be longer than the tree.",
        [Edit("digests:Digests.__init__", "if length != expected:", "if length < expected:")],
    ),
    (
        "bound-of-corrupt-slot", "PF-INT-008", "`bound?` of a slot whose look-up was corrupt gives 0.",
        [
            Edit("machine.calls:bound", "f.i[a] = 0 if _slot(f, literal(f, pc)).trap else 1", "from packfile.errors import Corrupt\n    try:\n        f.i[a] = 0 if _slot(f, literal(f, pc)).trap else 1\n    except Corrupt:\n        f.i[a] = 0"),
        ],
    ),
    (
        "root-without-digests", "PF-INT-001", "A file without digests may have a root.",
        [Edit("image:Image._check_sections", "has(SectionKind.DIGESTS) != (self.digest_root", "has(SectionKind.DIGESTS) > (self.digest_root")],
    ),
)  # fmt: skip

IN_PLACE = of_layer(
    Where.IMAGE,
    (
        "mmap-turned-off-by-a-misspelt-name", ("PF-XIP-003", "PF-XIP-004"),
        "What says that the system can map files is misspelt, so the file is read into memory, and all tests pass.",
        [
            Edit(_OPEN, _MAPPED, f'{_MAPPED} if hasattr(mmap, "ACESS_READ") else os.pread(fd, status.st_size, 0)'),
            Edit(_OPEN, "buffer.close()", 'getattr(buffer, "close", bytes)()'),
        ],
    ),
    (
        "code-copied", ("PF-XIP-008", "PF-XIP-003"), "The code of a function is copied when it is verified.",
        [Edit("image:Image.words", "code = self.view[self.code_at + 4 * start : self.code_at + 4 * end]", "code = memoryview(bytes(self.view[self.code_at + 4 * start : self.code_at + 4 * end]))")],
    ),
    (
        "foreign-code-swapped", ("PF-XIP-009", "PF-XIP-003"), "The code of a file of the other order is swapped into memory.",
        [
            Edit(
                "image:Image.words", "return code[3::4], code[2::4], code[1::4], code[0::4]",
                "self.stats.swapped += len(code)\n        return tuple(memoryview(bytes(code[k::4])) for k in (3, 2, 1, 0))",
            )
        ],
    ),
    (
        "data-copied", "PF-XIP-007", "Data is copied when a set is linked, where it could be mapped.",
        [Edit("image:Image.private_data", "self._fd is not None and length", "self._fd is not None and not length")],
    ),
    (
        "digest-of-the-whole-file", ("PF-INT-012", "PF-XIP-004"), "All blocks of a file with digests are checked when it is opened.",
        [Edit("image:Image._guard", "digests.check(0, ", "digests.check(0, self.sections[SectionKind.DIGESTS][0] or ")],
    ),
    (
        "mapping-kept", "PF-XIP-012", "The mapping of a file is kept after all that used it was closed.",
        [Edit("image:Image.release", "self._users -= 1", "_kept_by_fault[self] = True")],
    ),
)  # fmt: skip
