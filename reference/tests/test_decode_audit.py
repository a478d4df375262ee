"""Reading a file as a model and auditing it are written apart, and agree on which files are good."""

from hypothesis import given, settings
from hypothesis import strategies as st

from packfile.assembler import assemble
from packfile.audit import audit
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.layout import ByteOrder
from packfile.writer import decode, encode

TEXT = r"""
.bss 10
.entry g
.import eager func host.log_i (i) -> ()
.import weak data host.ab 8
.const one = 1
.rodata
b: .byte 1, 2, 3
.data
.zero 4
.func f () -> ()
  ret
.export func g (i) -> () as a
  calli host.log_i
  ret
.export data b
.export data bss+4 as ab 6
.section 0x80000055 "skip"
"""
FILES = [encode(assemble(TEXT), order) for order in ByteOrder]
PLACES = [at for at in range(len(FILES[0])) if at < 420 or any(file[at] for file in FILES) or at % 1000 == 0]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(FILES), st.lists(st.tuples(st.sampled_from(PLACES), st.integers(0, 255)), max_size=2))
def test_a_file_decodes_if_and_only_if_an_audit_finds_its_structure_good(
    file: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(file)
    for at, value in changes:
        changed[at] = value
    refused, found = _decoded(bytes(changed)), _audited(bytes(changed))
    if refused is None:
        # decode does not verify code, and an audit does.
        assert {error.outcome for error in found} <= {"invalid"}
    else:
        assert refused.rule in {error.rule for error in found}


def _decoded(file: bytes) -> PackfileError | None:
    try:
        decode(file)
    except PackfileError as error:
        return error
    return None


def _audited(file: bytes) -> list[PackfileError]:
    try:
        return audit(Image(file, "changed"))
    except PackfileError as error:
        return [error]
