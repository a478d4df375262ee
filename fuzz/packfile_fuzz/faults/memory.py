"""Faults in loads, stores, bulk copies, addresses and segments."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_M = "machine.memory"
_IN_SEGMENT = "offset > len(segment) or length > len(segment) - offset"
_SECTIONS = "rodata, data = image.section(layout.SectionKind.RODATA), image.private_data()"
_BASE = "(3 * self.position + segment) << 32"
_WITHOUT_RODATA = "(self.image is not None and segment > 1 and not self.image.section(layout.SectionKind.RODATA))"

ACCESSES = of_layer(
    Where.MACHINE,
    (
        "byte-load-not-extended", "PF-EXE-132", "A signed load of a byte gives 0 to 255.",
        [Edit(f"{_M}:i_load8_s", "SIGNED[x]", "x")],
    ),
    (
        "displacement-not-scaled", ("PF-EXE-025", "PF-EXE-135"), "A displacement counts bytes, not elements.",
        [Edit(f"{_M}:i_load16_u", "2 * c", "c")],
    ),
    (
        "alignment-of-half", "PF-EXE-007", "A load of four bytes is taken at any even address.",
        [Edit(f"{_M}:i_load32_u", "offset & 3", "offset & 1"), Edit(f"{_M}:_missed", "offset & (size - 1) or ", "")],
    ),
    (
        "alignment-checked-last", "PF-EXE-007", "A misaligned address without a segment traps for the segment.",
        [
            Edit(
                f"{_M}:_fault", "if address & (size - 1):",
                "if address & (size - 1) and _segment(f.thread.linkage, address) is not None:",
            )
        ],
    ),
    (
        "rights-checked-last", "PF-EXE-007", "A store past the end of rodata is out of bounds before it is read-only.",
        [Edit(f"{_M}:_fault", "store and segment.readonly", "store and segment.readonly and (address & _OFFSET) + size <= len(segment)")],
    ),
    (
        "store-in-file-order", "PF-EXE-008", "A store of four bytes writes them in the order of the program's file.",
        [
            Edit(
                f"{_M}:i_store32", "f.i[a] & 0xFFFFFFFF",
                'int.from_bytes((f.i[a] & 0xFFFFFFFF).to_bytes(4, "little"), "little" if f.image.order == 1 else "big")', 2,
            )
        ],
    ),
    (
        "high-address-bits-ignored", ("PF-EXE-006", "PF-EXE-007"), "A load cuts an address to the bits that segments of a set can have.",
        [Edit(f"{_M}:i_load8_u", "f.i[b] + c", "f.i[b] + c & (1 << 42) - 1")],
    ),
)  # fmt: skip

BULK = of_layer(
    Where.MACHINE,
    (
        "bulk-range-overflows", "PF-EXE-009", "The end of a bulk access is computed in 64 bits and compared.",
        [Edit(f"{_M}:_range", _IN_SEGMENT, "(offset + length) & 0xFFFFFFFFFFFFFFFF > len(segment)")],
    ),
    (
        "bulk-bound-off-by-one", "PF-EXE-009", "A bulk access may end one byte past its segment.",
        [Edit(f"{_M}:_range", _IN_SEGMENT, "offset > len(segment) or length > len(segment) - offset + 1")],
    ),
    (
        "bulk-offset-cut-to-31-bits", "PF-EXE-009", "The offset of a bulk access loses its highest bit.",
        [Edit(f"{_M}:_range", "address & _OFFSET", "address & 0x7FFFFFFF")],
    ),
    (
        "empty-range-unchecked", "PF-EXE-009", "A fill of no bytes does not look at its address.",
        [Edit(f"{_M}:fill_bytes", "target =", "if not length:\n        return\n    target =")],
    ),
    (
        "copied-forward", "PF-EXE-130", "An overlapping copy reads what it has just written.",
        [Edit(f"{_M}:copy_bytes", "target[:] = source", "for at in range(length):\n        target[at] = source[at]")],
    ),
    (
        "copy-looks-at-source-first", "PF-EXE-009", "A copy checks what is read before what is written.",
        [
            Edit(f"{_M}:copy_bytes", "target = _range(linkage, to", "source = _range(linkage, from_, length, write=False)\n    target = _range(linkage, to"),
        ],
    ),
    (
        "fill-length-signed", "PF-EXE-131", "A fill of a negative length does nothing.",
        [Edit(f"{_M}:mem_fill", "f.i[c] & MASK", "max(f.i[c], 0)")],
    ),
    (
        "fill-value-not-cut", "PF-EXE-131", "A fill by more than a byte fills with 255.",
        [Edit(f"{_M}:mem_fill", "f.i[b] & 0xFF", "min(f.i[b] & MASK, 0xFF)")],
    ),
)  # fmt: skip

SEGMENTS = of_layer(
    Where.LINKER,
    (
        "rodata-writable", ("PF-EXE-007", "PF-FIX-016"), "A store to rodata goes to a copy of it.",
        [Edit("link:Linkage._map_segments", _SECTIONS, _SECTIONS.replace("image.section(layout.SectionKind.RODATA)", "memoryview(bytearray(image.section(layout.SectionKind.RODATA)))"))],
    ),
    (
        "absent-segments-not-numbered", "PF-EXE-006", "Where a module lacks rodata, its data takes the number of it.",
        [Edit("link:Module.base", _BASE, f"(3 * self.position + segment - {_WITHOUT_RODATA}) << 32")],
    ),
    (
        "data-shared-between-processes", ("PF-EXE-023", "PF-FIX-026"), "All processes of a file have one data segment.",
        [
            Edit("image:Image.private_data", "self._fd is not None and length", "not length"),
            Edit(
                "image:Image.private_data", "bytearray(self.view[at : at + length])",
                '_kept_by_fault.setdefault(self, bytearray(self.view[at : at + length]))',
            ),
        ],
    ),
    (
        "bss-not-zeroed", "PF-EXE-023", "bss holds what the process before left there.",
        [
            Edit(
                "link:Linkage._map_segments", "bss = mmap.mmap(-1, image.bss_size)",
                "bss = _kept_by_fault.setdefault(image.bss_size, mmap.mmap(-1, image.bss_size))",
            )
        ],
    ),
)  # fmt: skip
