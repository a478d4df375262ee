"""Faults in verification: what is not seen of a function's row and code, and what is made of a verdict."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_FINDINGS = "verify:_Pass.findings"
_LITERAL = "verify:_Pass._literal"
_UNKNOWN = 'yield self._finding("PF-CODE-001", "unknown op", word, "an assigned op", f"0x{self.ops[word]:02x}")\n                '
_COUNTS = "max(i_params, i_results), max(n_params, n_results)"

WORDS = of_layer(
    Where.VERIFIER,
    (
        "unassigned-op-does-nothing", "PF-CODE-001", "An op that is not assigned does nothing.",
        [
            Edit(_FINDINGS, _UNKNOWN, ""),
            Edit("machine.state:_unassigned", 'raise AssertionError(f"op {f.code.ops[pc]:#04x} was verified, yet no handler runs it")', "return pc + 1"),
        ],
    ),
    (
        "unused-bytes-ignored", "PF-CODE-002", "Of the fields that an instruction does not use, only the first has to be zero.",
        [Edit("verify:_Pass._fields", "if fields[position]:", "if fields[position] and position == instruction.unused[0]:")],
    ),
    (
        "register-at-the-end", "PF-CODE-003", "The register after the last of a bank is accepted.",
        [Edit("verify:_Pass._fields", "if number >= size:", "if number > size:")],
    ),
    (
        "literal-past-the-end", "PF-CODE-004", "The last word may be an instruction whose literal is missing.",
        [Edit(_FINDINGS, "word + instruction.words > self.length", "word > self.length")],
    ),
    (
        "branch-to-the-end", "PF-CODE-005", "A branch may lead to the word after the last.",
        [Edit(_FINDINGS, "if not 0 <= target < self.length:", "if not 0 <= target <= self.length:"), Edit(_FINDINGS, "not starts[target]", "not starts[min(target, self.length - 1)]")],
    ),
    (
        "branch-before-the-function", "PF-CODE-005", "A branch may lead to before the function's first word.",
        [Edit(_FINDINGS, "if not 0 <= target < self.length:", "if not target < self.length:"), Edit(_FINDINGS, "not starts[target]", "not starts[max(target, 0)]")],
    ),
    (
        "branch-into-literal-accepted", "PF-CODE-006", "A branch may lead to a literal.",
        [Edit(_FINDINGS, "elif not starts[target]:", "elif target < 0:")],
    ),
    (
        "terminator-unchecked", "PF-CODE-007", "A function may end with any instruction.",
        [Edit(_FINDINGS, "if last is None or not last.terminator:", "if last is None:")],
    ),
    (
        "function-index-off-by-one", "PF-CODE-008", "A call may name the function after the last.",
        [Edit(_LITERAL, "if value >= count:", 'if value > count or value == count and kind != "function":')],
    ),
    (
        "slot-index-signed", "PF-CODE-009", "The index of a slot is compared as a signed number.",
        [Edit(_LITERAL, "limited = ", 'value -= (value >> 31 << 32) if "slot" in kind else 0\n        limited = ')],
    ),
    (
        "data-slot-called", "PF-CODE-010", "A call may name the slot of data.",
        [Edit(_LITERAL, "if row.kind != ImportKind.FUNCTION:", "if not row.kind:")],
    ),
    (
        "constant-index-off-by-one", "PF-CODE-011", "A constant may be the one after the last.",
        [Edit(_LITERAL, "if value >= count:", 'if value > count or value == count and kind != "constant":')],
    ),
    (
        "window-of-results-unchecked", "PF-CODE-012", "The window of a call has room for its parameters, not for its results.",
        [Edit(_LITERAL, _COUNTS, "i_params, n_params")],
    ),
    (
        "float-window-of-return-unchecked", "PF-CODE-013", "A return may give floats from beyond its bank.",
        [Edit("verify:_Pass._windows", "if first + count > size:", 'if first + count > size and (rule != "PF-CODE-013" or bank == "i"):')],
    ),
    (
        "table-one-short", "PF-CODE-014", "The last jump of a table is not looked at.",
        [Edit("verify:_Pass._table", "(self.b[word] | self.c[word] << 8) + 1", "self.b[word] | self.c[word] << 8")],
    ),
)  # fmt: skip

FUNCTIONS = of_layer(
    Where.VERIFIER,
    (
        "reserved-field-cut", "PF-FUN-001", "Only the lower byte of a row's reserved field has to be zero.",
        [Edit("verify:_row_findings", "value not in check.allowed", "value & 0xFF not in check.allowed")],
    ),
    (
        "code-end-unchecked", "PF-FUN-003", "A function may end past the code, if it begins in it.",
        [Edit("verify:_row_findings", "if end > image.code_words:", "if start > image.code_words:")],
    ),
    (
        "row-before-unchecked", "PF-FUN-002", "A function may begin after it ends.",
        [
            Edit("image:Image.code_start", "return 0 if index == 0 else ", "return 0 if index == 0 else min(self.function_row(index).code_end - 1, "),
            Edit("image:Image.code_start", "self.function_row_at(index - 1))[0])", "self.function_row_at(index - 1))[0]))"),
        ],
    ),
    (
        "float-parameters-unchecked", "PF-FUN-004", "A function may have more float parameters than registers.",
        [Edit("verify:_row_findings", "if params > size:", 'if params > size and bank == "i":')],
    ),
    (
        "long-function-accepted", "PF-LIM-006", "A function may have one word more than the limit.",
        [Edit("verify:_row_findings", "end - start > layout.MAX_FUNCTION_WORDS:", "end - start > layout.MAX_FUNCTION_WORDS + 1:")],
    ),
    (
        "verdict-of-another-module", ("PF-FUN-006", "PF-FUN-005"),
        "A verdict is kept by the index of the function, and taken for that of another module.",
        [
            Edit(
                "verify:_judge", "if finding is not None:",
                "if finding is None:\n        _kept_by_fault[index] = True\n    elif index not in _kept_by_fault:",
            ),
        ],
    ),
    (
        "invalid-once", "PF-FUN-006", "A function that was found invalid is valid at its next call.",
        [
            Edit(
                "verify:verify", "if isinstance(verdict, Finding):",
                "if isinstance(verdict, Finding):\n"
                "        row, start = image.function_row(index), image.code_start(index)\n"
                "        image.verdicts[index] = Code(index, row, image.words(start, row.code_end))",
            )
        ],
    ),
)  # fmt: skip
