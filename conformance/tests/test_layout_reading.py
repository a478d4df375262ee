"""The linter's own reading of `spec/packfile.ksy`: every defect is found, also where several meet."""

import re
from typing import Any

import pytest

from packfile.assembler import assemble
from packfile.audit import audit_bytes
from packfile.layout import ByteOrder
from packfile.writer import encode
from packfile_suite.findings import broken_rules
from packfile_suite.ksy import Layout, description
from packfile_suite.ksy_expression import evaluate
from packfile_suite.patch import PatchedFile
from packfile_suite.sparse import SparseBytes

TEXT = """
.import weak func absent.f () -> ()
.const big = 0x0102030405060708
.rodata
  text: .byte 1, 2, 3
.export func main (i) -> (i)
  i_mov i0, i0
  ret
"""


class Names:
    def name(self, name: str) -> Any:
        values: dict[str, Any] = {"a": 7, "b": 2, "_io": self, "size": 40, "list": [1, 5]}
        return values[name]

    def enum(self, name: str) -> int:
        return {"kind::code": 6}[name]

    def size_of(self, name: str) -> int:
        return {"row": 12}[name]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("a == 7 and b != 2 or a > b", True),
        ("not a == 7", False),
        ("a == 0 ? 1 : b == 2 ? 5 : 6", 5),
        ("kind::code.to_i - 1", 5),
        ("sizeof<row> * 2", 24),
        ("_io.size % 7", 5),
        ("list[b - 1]", 5),
        ("(a + b - 1) / b * b", 8),
        ("1 << 12 >> 4 & 0x1ff", 256),
        ("-1 + 2", 1),
        (True, True),
    ],
)
def test_expressions_mean_what_kaitai_says(text: Any, value: Any) -> None:
    assert evaluate(text, Names()) == value


@pytest.mark.parametrize("text", ["a +", "'text'", "a ~ b", "f(a)", ""])
def test_expressions_outside_the_subset_are_refused(text: str) -> None:
    with pytest.raises(NotImplementedError):
        evaluate(text, Names())


DEFECTS: list[tuple[list[dict[str, Any]], set[str]]] = [
    ([{"set": "byte[0]", "value": 0}], {"PF-HDR-002"}),
    ([{"set": "header.byte_order", "value": 3}], {"PF-HDR-003"}),
    ([{"set": "header.version", "value": 2}], {"PF-HDR-004"}),
    ([{"set": "header.unit_log2", "value": 13}], {"PF-HDR-005", "PF-DIR-004"}),
    ([{"set": "header.reserved", "value": 1}], {"PF-HDR-006"}),
    ([{"set": "header.required", "value": 1}], {"PF-HDR-007"}),
    ([{"append": "00"}], {"PF-HDR-008"}),
    ([{"set": "header.entry", "value": 1}], {"PF-HDR-009"}),
    ([{"truncate": 63}], {"PF-HDR-001", "PF-HDR-008"}),
    ([{"truncate": 0}], {"PF-HDR-001"}),
    (
        [{"set": "header.section_count", "value": 65}],
        {"PF-LIM-002", "PF-DIR-002", "PF-DIR-003", "PF-DIR-004", "PF-DIR-005", "PF-DIR-008"},
    ),
    ([{"truncate": 100}], {"PF-DIR-001", "PF-HDR-008"}),
    ([{"set": "sections[1].kind", "value": 1}], {"PF-DIR-002"}),
    ([{"add_section": {"kind": 9, "hex": "00"}}], {"PF-DIR-003"}),
    ([{"set": "sections.code.offset", "value": 8192}], {"PF-DIR-004"}),
    ([{"add_section": {"kind": 0x80000009, "hex": ""}}], {"PF-DIR-005"}),
    ([{"set": "sections.functions.length", "value": 13}], {"PF-DIR-006"}),
    ([{"set": "sections.rodata.length", "value": 4}], {"PF-DIR-007", "PF-DIR-008"}),
    ([{"set": "sections.rodata.length", "value": 0xFFFFFFFF}], {"PF-DIR-007", "PF-DIR-008", "PF-LIM-004"}),
    ([{"set": "header.bss_size", "value": (1 << 30) + 1}], {"PF-LIM-003"}),
    ([{"stretch": "rodata", "length": 1 << 30}], {"PF-LIM-001"}),
    ([{"drop_section": "code"}], {"PF-SEC-001"}),
    ([{"drop_section": "strings"}], {"PF-SEC-002"}),
    ([{"set": "byte[40]", "value": 1}], {"PF-INT-001"}),
    ([{"set": "functions[0].reserved", "value": 1}], {"PF-FUN-001"}),
    ([{"set": "imports[0].kind", "value": 3}], {"PF-FIX-001"}),
    ([{"set": "imports[0].binding", "value": 0}], {"PF-FIX-002"}),
    ([{"set": "imports[0].reserved", "value": 1}], {"PF-FIX-003"}),
    ([{"set": "exports[0].kind", "value": 0}], {"PF-SEC-008", "PF-SEC-009"}),
    ([{"set": "exports[0].segment", "value": 1}], {"PF-SEC-009"}),
    ([{"set": "exports[0].reserved", "value": 1}], {"PF-SEC-010"}),
    ([{"set": "code[0].op", "value": 255}], {"PF-CODE-001"}),
    ([{"set": "header.reserved", "value": 1}, {"set": "header.required", "value": 1}], {"PF-HDR-006", "PF-HDR-007"}),
]


@pytest.mark.parametrize("order", ByteOrder, ids=lambda order: order.name.lower())
@pytest.mark.parametrize(("patches", "rules"), DEFECTS, ids=["+".join(sorted(rules)) for _, rules in DEFECTS])
def test_exactly_the_broken_rules_are_found(patches: list[dict[str, Any]], rules: set[str], order: ByteOrder) -> None:
    file = PatchedFile(SparseBytes(encode(assemble(TEXT), order)), order)
    assert broken_rules(file.content) == (frozenset(), None, None)
    for patch in patches:
        file.apply(patch)
    found = broken_rules(file.content)
    also = {"PF-DIR-006", "PF-DIR-007", "PF-LIM-004"} - rules  # what a directory of rubbish may break besides
    assert (set(found.rules) - also, found.disagreement) == (rules, None)


def test_every_constraint_of_the_layout_is_tried_above() -> None:
    def rules(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["-rule"]} if "valid" in node or "contents" in node else set()
            return own.union(*map(rules, node.values()))
        return set().union(*map(rules, node)) if isinstance(node, list) else set()

    tried = set().union(*(rules for _, rules in DEFECTS))
    assert rules(description()) - tried == set()


def test_every_file_that_one_changed_byte_makes_is_judged_like_the_reference_does() -> None:
    order = ByteOrder.BIG
    data = encode(assemble(TEXT), order)
    end = 64 + 12 * int.from_bytes(data[20:24], "big")
    for at in range(end):
        for value in (0x00, 0x7F, 0xFF, (data[at] + 1) & 0xFF):
            changed = bytearray(data)
            changed[at] = value
            layout = Layout(SparseBytes(bytes(changed)))
            found = broken_rules(SparseBytes(bytes(changed)))
            assert found.disagreement is None, (at, value, layout.findings, audit_bytes(bytes(changed)))


def test_the_places_of_findings_are_told() -> None:
    order = ByteOrder.LITTLE
    file = PatchedFile(SparseBytes(encode(assemble(TEXT), order)), order)
    file.set("sections.code.offset", 4)
    finding = Layout(file.content).findings[0]
    assert finding.rule == "PF-DIR-004"
    assert re.fullmatch(r"body\.sections\[\d\]\.offset", finding.place)
    assert finding.offset == file.find("sections.code.offset").offset
