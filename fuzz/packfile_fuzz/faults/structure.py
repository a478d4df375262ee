"""Faults in what is checked of header and directory, and in byte order."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_BODY, _SECTION = "_kaitai.packfile:Packfile.Body", "_kaitai.packfile:Packfile.Body.Section"


def _both(place: str, old: str, new: str) -> list[Edit]:
    """An edit of what reads little and of what reads big files; `@` stands for the order in the text."""
    return [
        Edit(f"{place}._read_{order}", old.replace("@", order), new.replace("@", order)) for order in ("le", "be")
    ]


HEADER = of_layer(
    Where.PARSER,
    (
        "trailing-bytes-accepted", "PF-HDR-008", "A file may be longer than it says.",
        _both(_BODY, "if not _ == self._io.size():", "if not _ <= self._io.size():"),
    ),
    (
        "truncated-file-accepted", "PF-HDR-008", "A file may be shorter than it says, if its directory is whole.",
        _both(_BODY, "if not _ == self._io.size():", "if not _ >= self._io.size():"),
    ),
    (
        "newer-version-accepted", "PF-HDR-004", "A file of a later version is opened.",
        _both(_BODY, "if not self.version == 1:", "if not self.version >= 1:"),
    ),
    (
        "required-cut-to-16-bits", "PF-HDR-007", "Required features above the first 16 are not looked at.",
        _both(_BODY, "if not self.required == 0:", "if not self.required & 0xFFFF == 0:"),
    ),
    (
        "reserved-byte-ignored", "PF-HDR-006", "The reserved byte of the header may be anything.",
        _both(_BODY, "if not self.reserved == 0:", "if not self.reserved >= 0:"),
    ),
    (
        "any-unit-accepted", "PF-HDR-005", "Any alignment unit from 4 KiB to 64 KiB is accepted.",
        _both(_BODY, "(self.unit_log2 == 12) or (self.unit_log2 == 16)", "12 <= self.unit_log2 <= 16"),
    ),
    (
        "bss-cut-to-31-bits", "PF-LIM-003", "The size of bss loses its highest bit.",
        _both(_BODY, "self.bss_size = self._io.read_u4@()", "self.bss_size = self._io.read_u4@() & 0x7FFFFFFF"),
    ),
    (
        "magic-of-four-bytes", "PF-HDR-002", "The first four bytes of the magic are compared.",
        [
            Edit(
                "_kaitai.packfile:Packfile._read", 'if not self.magic == b"\\x89\\x50\\x4B\\x46\\x0D\\x0A\\x1A\\x0A"',
                'if not self.magic[:4] == b"\\x89\\x50\\x4B\\x46"',
            )
        ],
    ),
)  # fmt: skip

DIRECTORY = of_layer(
    Where.PARSER,
    (
        "unknown-kind-skipped", "PF-DIR-003", "A section of an unknown kind is skipped, whether it may be or not.",
        [
            *_both(_SECTION, "(self.kind_id <= int(Packfile.SectionKind.data))", "(self.kind_id <= 0x7FFFFFFF)"),
        ],
    ),
    (
        "kind-twice-accepted", "PF-DIR-002", "A kind may stand in the directory twice.",
        _both(_SECTION, "self.kind_id > self._parent", "self.kind_id >= self._parent"),
    ),
    (
        "gap-between-sections-accepted", "PF-DIR-004", "A section may lie after where it has to.",
        _both(_SECTION, "if not self.offset == self.start:", "if not self.offset >= self.start:"),
    ),
    (
        "overlap-accepted", "PF-DIR-004", "A section may lie before where it has to.",
        _both(_SECTION, "if not self.offset == self.start:", "if not self.offset <= self.start:"),
    ),
    (
        "length-cut-to-31-bits", "PF-DIR-007", "The length of a section loses its highest bit.",
        _both(_SECTION, "self.length = self._io.read_u4@()", "self.length = self._io.read_u4@() & 0x7FFFFFFF"),
    ),
    (
        "offset-cut-to-31-bits", "PF-DIR-004", "The offset of a section loses its highest bit.",
        _both(_SECTION, "self.offset = self._io.read_u4@()", "self.offset = self._io.read_u4@() & 0x7FFFFFFF"),
    ),
    (
        "rows-cut-off", "PF-DIR-006", "What a section of rows has beyond whole ones is left out.",
        _both(_SECTION, "if not self.length % self.row_size == 0:", "if not self.length >= self.row_size:"),
    ),
    (
        "end-of-file-unchecked", "PF-DIR-008", "A file may go on after its last section.",
        _both(
            _BODY, "if not self.file_length == (self.header_size if",
            "if not self.file_length >= (self.header_size if",
        ),
    ),
)  # fmt: skip

ORDER = of_layer(
    Where.IMAGE,
    (
        "literal-in-host-order", ("PF-EXE-020", "PF-EXE-122"), "A literal is read in the host's order, whatever the file's.",
        [Edit("machine.state:literal", "f.code.fields", 'f.code.fields[:: 1 if f.image.order.name == "LITTLE" else -1]')],
    ),
    (
        "constant-in-host-order", ("PF-EXE-020", "PF-EXE-123"), "A constant is read in the host's order, whatever the file's.",
        [Edit("image:Image.constant", "self._constant(", 'struct.Struct("=Q").unpack_from(')],
    ),
    (
        "data-swapped", ("PF-SEC-014", "PF-EXE-020"), "The words of data are swapped where the file has the other order.",
        [
            Edit(
                "image:Image.private_data", "at, length = self.sections.get(SectionKind.DATA, _NO_SECTION)\n",
                "at, length = self.sections.get(SectionKind.DATA, _NO_SECTION)\n"
                "        if self.order is ByteOrder.BIG:\n"
                "            data = bytearray(self.view[at : at + length])\n"
                "            for word in range(0, length - 3, 4):\n"
                "                data[word : word + 4] = data[word : word + 4][::-1]\n"
                "            return memoryview(data)\n",
            )
        ],
    ),
)  # fmt: skip

SECTIONS = of_layer(
    Where.IMAGE,
    (
        "entry-off-by-one", "PF-HDR-009", "The entry may be the function after the last.",
        [Edit("image:Image._check_sections", "self.entry >= self.function_count", "self.entry > self.function_count")],
    ),
    (
        "code-without-functions", "PF-SEC-001", "A file may have code and no functions.",
        [Edit("image:Image._check_sections", "has(SectionKind.FUNCTIONS) != has(SectionKind.CODE)", "has(SectionKind.FUNCTIONS) > has(SectionKind.CODE)")],
    ),
    (
        "strings-not-asked-for", "PF-SEC-002", "A file may have exports and no strings.",
        [Edit("image:Image._check_sections", "(has(SectionKind.IMPORTS) or has(SectionKind.EXPORTS))", "has(SectionKind.IMPORTS)")],
    ),
)  # fmt: skip

AUDITS = of_layer(
    Where.AUDIT,
    (
        "gaps-not-scanned", "PF-DIR-009", "An audit looks at the first byte of a gap only.",
        [Edit("audit:_gaps", 'gap.strip(b"\\0")', 'gap[:1].strip(b"\\0")')],
    ),
    (
        "equal-exports-accepted", "PF-SEC-007", "Two exports may have one name.",
        [Edit("audit:_exports", "name <= previous", "name < previous")],
    ),
    (
        "rest-of-strings-accepted", "PF-SEC-006", "The strings may end with what no row refers to.",
        [Edit("audit:_strings", "if end != size:", "if end > size:")],
    ),
    (
        "rest-of-code-accepted", "PF-SEC-013", "The code may go on after the last function.",
        [Edit("audit:_code_end", "if end != image.code_words:", "if end > image.code_words:")],
    ),
)  # fmt: skip
