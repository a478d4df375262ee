"""Verification: is this function's code safe to run?

Assumes a well-formed image (`image.py`). Promises that the machine never meets an unknown opcode, a register outside
its bank, a jump into a literal, or the end of the code. Judges one function from its own row and words and the
signatures that rows declare, so a verdict does not depend on any other body, nor on when it is asked for; that a
function is sound is kept with the image, in a bit.
"""

from collections.abc import Iterator
from typing import NamedTuple

from packfile import layout
from packfile.errors import Invalid
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction, Opcode
from packfile.layout import FunctionRow, ImportKind


class Finding(NamedTuple):
    """One rule that a function breaks."""

    rule: str
    """Id of the rule."""
    message: str
    """What is wrong, in words."""
    at: int
    """Offset in the file."""
    expected: str
    """What the rule asks for."""
    got: str
    """What was found."""


class Code:
    """A verified function: its words, seen through the mapping, and what its row declares."""

    __slots__ = (
        "__weakref__", "a", "b", "c", "fields", "i_params", "i_results", "i_zeros", "index", "n_params", "n_registers",
        "n_results", "n_zeros", "ops",
    )  # fmt: skip

    def __init__(
        self, index: int, row: FunctionRow, words: tuple[memoryview, memoryview, memoryview, memoryview]
    ) -> None:
        self.index = index
        self.i_params, self.n_params, self.i_results, self.n_results = counts(row.signature)
        self.i_zeros = [0] * (row.i_registers - self.i_params)
        """What the registers after the parameters hold at entry (PF-EXE-001)."""
        self.n_registers = row.n_registers
        self.n_zeros = [0.0] * (row.n_registers - self.n_params)
        self.fields = words
        """Views of the op, a, b and c bytes of each word."""
        self.ops, self.a, self.b, self.c = words

    def release(self) -> None:
        """Give up the views, after which it cannot be run."""
        for view in self.fields:
            view.release()


def counts(signature: int) -> tuple[int, int, int, int]:
    """Integer and float parameters, then integer and float results, that a signature word states."""
    return signature & 0xFF, signature >> 8 & 0xFF, signature >> 16 & 0xFF, signature >> 24


def verify(image: Image, index: int) -> Code:
    """The code of a function that may be run.

    Verifies it at the first call only. What an invalid function breaks is found again each time.

    Args:
        image: The image that holds it.
        index: Its index, below `image.function_count`.

    Raises:
        Invalid: A rule PF-FUN-* or PF-CODE-*, or PF-LIM-006, is broken; the same one each time (PF-FUN-006).
        Corrupt: Its row or code is, or what its code names (PF-INT-009); each time, so it is no verdict to keep.
    """
    code: Code | None = image.codes.get(index)
    if code is None:
        code = image.codes[index] = _code(image, index)
    return code


def invalid(image: Image, index: int, finding: Finding) -> Invalid:
    """A finding on a function, as the error that its call raises."""
    message = f"function {index}: {finding.message}"
    return Invalid(finding.rule, message, at=finding.at, expected=finding.expected, got=finding.got, file=image.name)


def findings(image: Image, index: int) -> Iterator[Finding]:
    """Every rule that a function breaks, in the order in which they are met."""
    row = image.function_row(index)
    start = image.code_start(index)
    at = image.function_row_at(index)
    broken = list(_row_findings(image, row, start, at))
    yield from broken
    if not any(finding.rule in _CODE_IS_LOST for finding in broken):
        yield from _Pass(image, row, start).findings()


_CODE_IS_LOST = ("PF-FUN-002", "PF-FUN-003", "PF-LIM-006")
"""Without a sound range of words there is no code to look at."""


def _code(image: Image, index: int) -> Code:
    first = index not in image.sound
    if first and (finding := next(findings(image, index), None)):
        raise invalid(image, index, finding)
    row = image.function_row(index)
    start = image.code_start(index)
    code = Code(index, row, image.words(start, row.code_end))
    image.keep(code)
    if first:
        image.stats.verified += row.code_end - start
        image.stats.functions_verified += 1
        image.sound.add(index)
    return code


def _row_findings(image: Image, row: FunctionRow, start: int, at: int) -> Iterator[Finding]:
    field = {f.name: at + f.offset for f in layout.FIELDS["function_row"]}
    for check in layout.ROW_CHECKS["function_row"]:
        value = getattr(row, check.field)
        if check.allowed is not None and value not in check.allowed:
            yield Finding(check.rule, check.text, field[check.field], " or ".join(map(str, check.allowed)), str(value))
    end = row.code_end
    if end <= start:
        yield Finding(
            "PF-FUN-002", "the function has no code", field["code_end"], f"a code_end above {start}", str(end)
        )
    if end > image.code_words:
        expected = f"a code_end of at most {image.code_words}"
        yield Finding("PF-FUN-003", "the function ends past the code section", field["code_end"], expected, str(end))
    if end - start > layout.MAX_FUNCTION_WORDS:
        expected = f"at most {layout.MAX_FUNCTION_WORDS} words"
        yield Finding("PF-LIM-006", "the function is too long", field["code_end"], expected, f"{end - start} words")
    i_params, n_params, _, _ = counts(row.signature)
    for bank, params, size in (("i", i_params, row.i_registers), ("n", n_params, row.n_registers)):
        if params > size:
            expected = f"at least {params} registers in bank {bank}, one for each parameter"
            yield Finding("PF-FUN-004", "parameters need registers", field[f"{bank}_registers"], expected, str(size))


class _Pass:
    """One pass over the words of a function, with a second look at the targets of its branches."""

    def __init__(self, image: Image, row: FunctionRow, start: int) -> None:
        self.image = image
        self.row = row
        self.start = start
        self.ops, self.a, self.b, self.c = image.words(start, row.code_end)
        self.length = row.code_end - start
        self.banks = {"i": row.i_registers, "n": row.n_registers}

    def findings(self) -> Iterator[Finding]:
        starts = bytearray(self.length)
        branches: list[tuple[int, int]] = []
        word = 0
        last: Instruction | None = None
        while word < self.length:
            starts[word] = 1
            instruction = _BY_OP[self.ops[word]]
            last = instruction
            if instruction is None:
                yield self._finding("PF-CODE-001", "unknown op", word, "an assigned op", f"0x{self.ops[word]:02x}")
                word += 1
                continue
            if word + instruction.words > self.length:
                yield self._finding(
                    "PF-CODE-004", f"{instruction.mnemonic} lacks its literal", word, "a word more", "the end"
                )
                return
            yield from self._fields(instruction, word, branches)
            if instruction.literal is not None:
                yield from self._literal(instruction, word)
            elif instruction.opcode is Opcode.RET:
                _, _, i_results, n_results = counts(self.row.signature)
                yield from self._windows("PF-CODE-013", word, i_results, n_results)
            elif instruction.opcode is Opcode.JMP_TABLE:
                yield from self._table(word)
            word += instruction.words
        if last is None or not last.terminator:
            expected = ", ".join(i.mnemonic for i in INSTRUCTIONS.values() if i.terminator)
            got = "an unknown op" if last is None else last.mnemonic
            yield self._finding(
                "PF-CODE-007", "execution could run past the end", self.length - 1, f"one of {expected}", got
            )
        for source, target in branches:
            if not 0 <= target < self.length:
                expected = f"a target from word 0 to {self.length - 1}"
                yield self._finding("PF-CODE-005", "branch out of the function", source, expected, f"word {target}")
            elif not starts[target]:
                yield self._finding(
                    "PF-CODE-006",
                    "branch into a literal",
                    source,
                    "a word that begins an instruction",
                    f"word {target}",
                )

    def _fields(self, instruction: Instruction, word: int, branches: list[tuple[int, int]]) -> Iterator[Finding]:
        fields = (self.ops[word], self.a[word], self.b[word], self.c[word])
        for position in instruction.unused:
            if fields[position]:
                name = "abc"[position - 1]
                yield self._finding(
                    "PF-CODE-002", f"{instruction.mnemonic} does not use field {name}", word, "0", str(fields[position])
                )
        for operand in instruction.operands:
            if operand.field is FieldKind.REGISTER:
                number = fields[operand.position]
                assert operand.bank is not None
                size = self.banks[operand.bank]
                if number >= size:
                    expected = f"a register below {operand.bank}{size}"
                    yield self._finding("PF-CODE-003", "no such register", word, expected, f"{operand.bank}{number}")
            elif operand.field is FieldKind.BRANCH:
                raw = bytes(fields[operand.position : operand.position + operand.size])
                branches.append((word, word + int.from_bytes(raw, "little", signed=True)))

    def _literal(self, instruction: Instruction, word: int) -> Iterator[Finding]:
        assert instruction.literal is not None
        image, kind = self.image, instruction.literal.name
        at = word + 1
        value = self.ops[at] | self.a[at] << 8 | self.b[at] << 16 | self.c[at] << 24
        limited = _LITERAL_LIMITS.get(kind)
        if limited is not None:
            rule, what, attribute = limited
            count: int = getattr(image, attribute)
            if value >= count:
                yield self._finding(rule, f"no such {what}", at, f"an index below {count}", str(value))
                return
        if kind == "function_slot":
            row = image.import_row(value)
            if row.kind != ImportKind.FUNCTION:
                yield self._finding(
                    "PF-CODE-010", "the slot is not a function's", at, "an import of kind function", "data"
                )
                return
            value = row.requirement
        elif kind == "constant":
            image.check_constant(value)
        if instruction.operands[0].field is FieldKind.WINDOW:
            if kind == "function":
                value = image.function_row(value).signature
            i_params, n_params, i_results, n_results = counts(value)
            yield from self._windows("PF-CODE-012", word, max(i_params, i_results), max(n_params, n_results))

    def _windows(self, rule: str, word: int, i_count: int, n_count: int) -> Iterator[Finding]:
        for bank, first, count in (("i", self.a[word], i_count), ("n", self.b[word], n_count)):
            size = self.banks[bank]
            if first + count > size:
                got = f"{count} from {bank}{first}"
                yield self._finding(rule, "the window leaves its bank", word, f"registers below {bank}{size}", got)

    def _table(self, word: int) -> Iterator[Finding]:
        entries = (self.b[word] | self.c[word] << 8) + 1
        room = self.length - word - 1
        if entries > room:
            yield self._finding(
                "PF-CODE-014", "the jump table leaves the function", word, f"{entries} jumps", f"{room} words"
            )
            return
        for entry in range(word + 1, word + 1 + entries):
            if self.ops[entry] != Opcode.JMP:
                yield self._finding(
                    "PF-CODE-014", "the jump table holds another op", entry, "jmp", f"0x{self.ops[entry]:02x}"
                )
                return

    def _finding(self, rule: str, message: str, word: int, expected: str, got: str) -> Finding:
        at = self.image.code_at + 4 * (self.start + word)
        return Finding(rule, f"word {word}: {message}", at, expected, got)


_BY_OP: tuple[Instruction | None, ...] = tuple(INSTRUCTIONS.get(op) for op in range(256))  # type: ignore[call-overload]
_LITERAL_LIMITS = {
    "function": ("PF-CODE-008", "function", "function_count"),
    "slot": ("PF-CODE-009", "slot", "import_count"),
    "function_slot": ("PF-CODE-009", "slot", "import_count"),
    "constant": ("PF-CODE-011", "constant", "constant_count"),
}
"""Literals that are indexes: the rule, what is counted, and the image's attribute that counts it."""
