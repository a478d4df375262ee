"""Assembling: text as a module.

Assumes nothing of the text. Promises a module that the writer accepts, or an `AssemblyError` that shows the place. It
does not verify: code that no loader would run is assembled as it is written. docs/assembly.md describes the language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from packfile.asm_code import MAX_REPEATED, U4, CodeText, Constants, FunctionText
from packfile.asm_data import ITEMS, DataText
from packfile.asm_lexer import AssemblyError, Cursor, Source, Token, TokenKind, described, did_you_mean
from packfile.asm_registers import least_registers
from packfile.asm_resolve import resolve
from packfile.asm_values import constant_bits, integer, signature, starts_number
from packfile.layout import FIRST_SKIPPABLE_KIND, MAX_NAME_LENGTH, Binding, ImportKind, SectionKind, Segment
from packfile.model import Export, Function, Import, ModelError, Module, Signature, Skippable
from packfile.writer import check

__all__ = ["AssemblyError", "assemble"]

_UNITS = {4096: 12, 65536: 16}
_KINDS = {"func": ImportKind.FUNCTION, "data": ImportKind.DATA}
_BINDINGS = {binding.name.lower(): binding for binding in Binding}
_MAX_REGISTERS = 255


def assemble(text: str, filename: str = "<text>") -> Module:
    """The module that an assembly text describes.

    Args:
        text: The text.
        filename: Its name for people, in errors.

    Raises:
        AssemblyError: The text is wrong; the first mistake found.
    """
    return _Assembler(Source.of(text, filename)).module()


@dataclass(frozen=True)
class _ExportText:
    """An export whose target may come later."""

    name: str
    target: str | int
    """Name or index of a function, or a label of data."""
    addend: int
    size: int | None
    token: Token
    cursor: Cursor


class _Assembler:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.constants = Constants()
        self.code = CodeText(self.constants)
        self.data = DataText()
        self.function: FunctionText | None = None
        self.segment: Segment | None = None
        """Segment that data goes to, or None where code does."""
        self.imports: list[Import] = []
        self.slots: dict[str, int] = {}
        self.function_exports: dict[str, _ExportText] = {}
        self.data_exports: dict[str, _ExportText] = {}
        self.unit_log2: int | None = None
        self.entry: tuple[str | int, Token, Cursor] | None = None
        self.sections: dict[int, bytearray] = {}
        self.digests = False
        self.last = Token(TokenKind.END, "", 1, 1)
        self.directives: dict[str, Callable[[Cursor, Token], None]] = {
            ".unit": self._unit,
            ".bss": self._bss,
            ".entry": self._entry,
            ".import": self._import,
            ".export": self._export,
            ".func": self._func,
            ".registers": self._registers,
            ".const": self._const,
            ".rodata": self._rodata,
            ".data": self._data,
            ".code": self._code,
            ".section": self._section,
            ".digests": self._digests,
            ".word": self._word,
        }

    def module(self) -> Module:
        """Read it all, then put it together."""
        for cursor in self.source.statements():
            self.last = cursor.peek()
            self._statement(cursor)
        resolve(self.code, self.data, self.slots)
        exports = [self._function_export(export) for export in self.function_exports.values()]
        exports += [self._data_export(export) for export in self.data_exports.values()]
        module = Module(
            functions=tuple(self._function(function) for function in self.code.functions),
            imports=tuple(self.imports),
            exports=tuple(sorted(exports, key=lambda export: export.name.encode())),
            constants=tuple(self.constants.values),
            rodata=self.data.content(Segment.RODATA),
            data=self.data.content(Segment.DATA),
            bss_size=self.data.bss_size,
            entry=None if self.entry is None else self._function_index(*self.entry),
            unit_log2=self.unit_log2 or 12,
            skippable=tuple(Skippable(kind, bytes(content)) for kind, content in sorted(self.sections.items())),
            digests=self.digests,
        )
        try:
            check(module)
        except ModelError as error:
            raise self.source.error(self.last, str(error)) from None
        return module

    # Statements.

    def _statement(self, cursor: Cursor) -> None:
        while cursor.peek().kind is TokenKind.NAME and cursor.peek(1).text == ":":
            self._label(cursor, cursor.take())
            cursor.take()
        token = cursor.peek()
        if token.kind is TokenKind.END:
            return
        if token.kind is TokenKind.DIRECTIVE:
            self._directive(cursor, cursor.take())
        elif self.segment is not None:
            raise cursor.error(token, f"expected a directive, got {described(token)}", "`.code` ends the data")
        elif self.function is None:
            raise cursor.error(token, f"{described(token)} stands in no function", "`.func name () -> ()` begins one")
        else:
            self.code.instruction(self.function, cursor)

    def _label(self, cursor: Cursor, token: Token) -> None:
        if self.segment is not None:
            self.data.define(cursor, token, self.segment)
        elif self.function is None:
            raise cursor.error(token, "a label stands in a function or in data", "`.func f () -> ()` begins a function")
        elif token.text in self.function.labels:
            raise cursor.error(token, f"the label `{token.text}` stands there twice")
        else:
            self.function.labels[token.text] = len(self.function.words)

    def _directive(self, cursor: Cursor, token: Token) -> None:
        if token.text in self.directives:
            self.directives[token.text](cursor, token)
            cursor.end()
        elif token.text in ITEMS:
            if self.segment is None:
                raise cursor.error(token, f"`{token.text}` stands in no data", "`.rodata` or `.data` begins some")
            self.data.item(cursor, token, self.segment)
        else:
            hint = did_you_mean(token.text, [*self.directives, *ITEMS])
            raise cursor.error(token, f"there is no directive `{token.text}`", hint)

    # Directives.

    def _unit(self, cursor: Cursor, token: Token) -> None:
        number = cursor.peek()
        unit = integer(cursor, 0, U4, "a unit")
        if unit not in _UNITS:
            raise cursor.error(number, "the alignment unit is 4096 or 65536")
        if self.unit_log2 is not None:
            raise cursor.error(token, "`.unit` stands there twice")
        self.unit_log2 = _UNITS[unit]

    def _bss(self, cursor: Cursor, _token: Token) -> None:
        self.data.bss(cursor)

    def _entry(self, cursor: Cursor, token: Token) -> None:
        if self.entry is not None:
            raise cursor.error(token, "`.entry` stands there twice")
        self.entry = (*self._function_reference(cursor), cursor)

    def _import(self, cursor: Cursor, _token: Token) -> None:
        binding = _BINDINGS[self._choice(cursor, list(_BINDINGS))]
        kind = _KINDS[self._choice(cursor, list(_KINDS))]
        parts, token = cursor.parts("a module and a name, such as `host.log_i`")
        if len(parts) == 1 and "." in parts[0] and not token.text.startswith('"'):
            parts = parts[0].rsplit(".", 1)
        if len(parts) == 1:
            raise cursor.error(token, "an import names a module and an export", "such as `host.log_i`")
        module, name = parts[0], ".".join(parts[1:])
        self._check_name(cursor, token, module)
        self._check_name(cursor, token, name)
        slot, slot_token = f"{module}.{name}", token
        requirement = signature(cursor).word if kind is ImportKind.FUNCTION else None
        while not cursor.at >= len(cursor.tokens):
            if cursor.accept("as"):
                slot, slot_token = cursor.reference("a name for the slot")
            elif requirement is None and starts_number(cursor):
                requirement = integer(cursor, 0, U4, "a size")
            else:
                break
        if slot in self.slots:
            raise cursor.error(slot_token, f"`{slot}` is imported twice", "`as` gives a slot another name")
        self.slots[slot] = len(self.imports)
        self.imports.append(Import(kind, binding, module, name, requirement or 0))

    def _export(self, cursor: Cursor, _token: Token) -> None:
        if self._choice(cursor, list(_KINDS)) == "data":
            self._export_data(cursor)
            return
        target, token = self._function_reference(cursor)
        if isinstance(target, str) and cursor.is_next("("):
            self._begin(cursor, target, token)
        name = None if isinstance(target, int) else target
        place = token
        if cursor.accept("as"):
            name, place = cursor.reference("a name for the export")
        if name is None:
            raise cursor.error(token, "a function that is exported by index needs a name", '`as "name"` gives it one')
        self._add_export(self.function_exports, _ExportText(name, target, 0, None, place, cursor))

    def _export_data(self, cursor: Cursor) -> None:
        label = cursor.name("a label of data")
        name, place, size = label.text, label, None
        addend = integer(cursor, -U4, U4, "an offset") if cursor.is_next("+") or cursor.is_next("-") else 0
        while not cursor.at >= len(cursor.tokens):
            if cursor.accept("as"):
                name, place = cursor.reference("a name for the export")
            elif size is None and starts_number(cursor):
                size = integer(cursor, 0, U4, "a size")
            else:
                break
        if addend and size is None:
            raise cursor.error(label, "an export of a place beside a label needs a size")
        self._add_export(self.data_exports, _ExportText(name, label.text, addend, size, place, cursor))

    def _func(self, cursor: Cursor, _token: Token) -> None:
        name, token = cursor.reference("a name for the function")
        self._begin(cursor, name, token)

    def _registers(self, cursor: Cursor, token: Token) -> None:
        if self.function is None or self.segment is not None:
            raise cursor.error(token, "`.registers` stands in no function")
        if cursor.peek().kind is TokenKind.END:
            raise cursor.error(cursor.peek(), "expected `i` or `n`", "as in `.registers i 4 n 2`")
        while cursor.at < len(cursor.tokens):
            place = cursor.peek()
            bank = self._choice(cursor, ["i", "n"])
            if bank in self.function.registers:
                raise cursor.error(place, f"the size of bank `{bank}` stands there twice")
            self.function.registers[bank] = integer(cursor, 0, _MAX_REGISTERS, "a number of registers")

    def _const(self, cursor: Cursor, _token: Token) -> None:
        name, token = cursor.reference("a name for the constant")
        if name in self.constants.names:
            raise cursor.error(token, f"the constant `{name}` stands there twice")
        cursor.expect("=")
        self.constants.define(name, constant_bits(cursor))

    def _rodata(self, _cursor: Cursor, _token: Token) -> None:
        self.segment = Segment.RODATA

    def _data(self, _cursor: Cursor, _token: Token) -> None:
        self.segment = Segment.DATA

    def _code(self, _cursor: Cursor, _token: Token) -> None:
        self.segment = None

    def _digests(self, cursor: Cursor, token: Token) -> None:
        if self.digests:
            raise cursor.error(token, "`.digests` stands there twice")
        self.digests = True

    def _section(self, cursor: Cursor, _token: Token) -> None:
        token = cursor.peek()
        kind = integer(cursor, 0, U4, "a section kind")
        if kind < FIRST_SKIPPABLE_KIND:
            raise cursor.error(token, "only kinds of 0x80000000 and above can be skipped")
        if kind == SectionKind.DIGESTS:
            raise cursor.error(token, "digests are computed from the file", "`.digests` asks for them")
        content = self.sections.setdefault(kind, bytearray())
        while True:
            string = cursor.take()
            if string.kind is not TokenKind.STRING:
                raise cursor.error(string, f"expected a string, got {described(string)}")
            content += string.value
            if not cursor.accept(","):
                break
        if not content:
            raise cursor.error(string, "a section is not empty")

    def _word(self, cursor: Cursor, token: Token) -> None:
        if self.function is None or self.segment is not None:
            raise cursor.error(token, "`.word` stands in no function", "`.i32` is for data")
        while True:
            word = integer(cursor, -(1 << 31), U4, "a word") & U4
            count = integer(cursor, 1, MAX_REPEATED, "a count") if cursor.accept("*") else 1
            self.function.words += [word] * count
            if not cursor.accept(","):
                break

    # Parts of directives.

    def _choice(self, cursor: Cursor, choices: list[str]) -> str:
        token = cursor.take()
        if token.kind is not TokenKind.NAME or token.text not in choices:
            wanted = ", ".join(f"`{choice}`" for choice in choices)
            raise cursor.error(
                token, f"expected one of {wanted}, got {described(token)}", did_you_mean(token.text, choices)
            )
        return token.text

    def _function_reference(self, cursor: Cursor) -> tuple[str | int, Token]:
        if at := cursor.accept("@"):
            return integer(cursor, 0, U4, "an index"), at
        return cursor.reference("a function")

    def _begin(self, cursor: Cursor, name: str, token: Token) -> None:
        self.segment = None
        self.function = self.code.begin(cursor, name, token, signature(cursor))

    def _check_name(self, cursor: Cursor, token: Token, name: str) -> None:
        if not 1 <= len(name.encode()) <= MAX_NAME_LENGTH:
            raise cursor.error(token, f"a name has 1 to {MAX_NAME_LENGTH} bytes")

    def _add_export(self, exports: dict[str, _ExportText], export: _ExportText) -> None:
        self._check_name(export.cursor, export.token, export.name)
        if export.name in self.function_exports or export.name in self.data_exports:
            raise export.cursor.error(export.token, f"the name `{export.name}` is exported twice")
        exports[export.name] = export

    # The end of the text.

    def _function_index(self, target: str | int, token: Token, cursor: Cursor) -> int:
        if isinstance(target, str):
            if target not in self.code.by_name:
                hint = did_you_mean(target, self.code.by_name)
                raise cursor.error(token, f"there is no function `{target}`", hint)
            return self.code.by_name[target]
        if target >= len(self.code.functions):
            raise cursor.error(token, f"there is no function {target}; the module has {len(self.code.functions)}")
        return target

    def _function_export(self, export: _ExportText) -> Export:
        index = self._function_index(export.target, export.token, export.cursor)
        return Export(export.name, ImportKind.FUNCTION, Segment.NONE, index, 0)

    def _data_export(self, export: _ExportText) -> Export:
        label = self.data.find(str(export.target), export.token, export.cursor)
        offset = label.offset + export.addend
        size = label.size if export.size is None else export.size
        whole = self.data.find(label.segment.name.lower(), export.token, export.cursor).size
        if not (0 <= offset <= whole and size <= whole - offset):
            place = f"{label.segment.name.lower()}, which has {whole} bytes"
            raise export.cursor.error(export.token, f"{size} bytes at {offset} leave {place}")
        return Export(export.name, ImportKind.DATA, label.segment, offset, size)

    def _function(self, function: FunctionText) -> Function:
        i_least, n_least = 0, 0
        if len(function.registers) < 2:
            i_least, n_least = least_registers(
                function.words, function.signature, self._signature_of_function, self._signature_of_slot
            )
        banks = {"i": i_least, "n": n_least} | function.registers
        for bank, size in banks.items():
            if size > _MAX_REGISTERS:
                message = (
                    f"`{function.name}` needs {size} registers of bank `{bank}`; there are {_MAX_REGISTERS} at most"
                )
                hint = f"`.registers {bank} {_MAX_REGISTERS}` states the size instead"
                raise self.source.error(function.token, message, hint)
        return Function(function.signature, banks["i"], banks["n"], tuple(function.words))

    def _signature_of_function(self, index: int) -> Signature | None:
        return self.code.functions[index].signature if index < len(self.code.functions) else None

    def _signature_of_slot(self, index: int) -> Signature | None:
        found = self.imports[index] if index < len(self.imports) else None
        return found.signature if found and found.kind is ImportKind.FUNCTION else None
