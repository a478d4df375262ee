"""Linking: one slot for each import row, filled from the exports of a fixed set of modules.

Assumes well-formed images. Promises that every eager and weak slot is resolved, that lazy ones will be on demand with
the same answer, and that every segment of the set exists. Writes nothing but memory of the process (PF-FIX-021).
"""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import NoReturn

from packfile import layout
from packfile.digests import Guard
from packfile.errors import Corrupt, Exhausted, Malformed, Unlinkable
from packfile.host import HostModule
from packfile.image import Image
from packfile.instructions import TrapCode
from packfile.layout import Binding, ExportRow, ImportKind, ImportRow, Segment
from packfile.recent import Recent
from packfile.verify import Code


class Function:
    """A function of a linked set. `code` is filled in by the machine once it is verified."""

    __slots__ = ("callees", "code", "entries", "heat", "index", "module", "name", "signature")

    def __init__(self, module: "Module", index: int, signature: int) -> None:
        self.module = module
        self.index = index
        self.signature = signature
        self.code: Code | None = None
        self.callees: dict[int, Function] = {}
        """What those of its calls that were executed call, by word; of `calli` and `callr`, at the last time."""
        self.name = f"f{index}"
        """What people may call it: the name under which it was last looked up, if any."""
        self.heat = 0
        """Calls and backward branches of it that the second tier has counted."""
        self.entries: dict[int, object] = {}
        """Its translations, by where they begin. Belongs to the second tier."""

    @property
    def reference(self) -> int:
        """The integer by which programs name it (PF-EXE-010)."""
        return (self.module.position + 1 << 32) + self.index


class Slot:
    """What an import is bound to.

    `value` is what `ldslot` gives and `function` what `calli` calls; where `trap` is set, the slot is not bound, and
    using it traps, except that `ldslot` of a weak slot gives 0.
    """

    __slots__ = ("function", "trap", "value")

    def __init__(self, value: int | None, function: Function | None = None, trap: TrapCode | None = None) -> None:
        self.value = value
        self.function = function
        self.trap = trap


class Module:
    """A module at its position in a linked set, with the slots and functions that belong to that position."""

    def __init__(self, position: int, name: str, content: Image | HostModule) -> None:
        self.position = position
        self.name = name
        self.image = content if isinstance(content, Image) else None
        self.host = content if isinstance(content, HostModule) else None
        self.slots: list[Slot | None] = [None] * (content.import_count if isinstance(content, Image) else 0)
        self._functions: Recent[Function] = Recent()

    @property
    def function_count(self) -> int:
        """Functions of the module."""
        return self.image.function_count if self.image else len(self.host.functions) if self.host else 0

    def function(self, index: int) -> Function:
        """Function of an index below `function_count`; another object than before if it was forgotten meanwhile."""
        function = self._functions.get(index)
        if function is None:
            if self.image:
                signature = self.image.function_row(index).signature
            else:
                assert self.host is not None
                signature = self.host.functions[index].signature
            function = self._functions[index] = Function(self, index, signature)
        return function

    def clear(self) -> None:
        """Drop functions and slots, which refer to the module and so would keep it."""
        self._functions.clear()
        self.slots.clear()

    def base(self, segment: Segment) -> int:
        """Address at which a segment of this module begins, whether it exists or not (PF-EXE-006)."""
        return (3 * self.position + segment) << 32

    def find(self, name: bytes) -> "Function | tuple[int, int] | None":
        """The export of that name: a function, or address and size of data, or None (PF-FIX-005).

        Raises:
            Malformed: The row that was found breaks PF-SEC-008 to PF-SEC-012.
            Corrupt: PF-INT-015 says so.
        """
        if self.host:
            index = self.host.index_of(name)
            return None if index is None else self.function(index)
        assert self.image is not None
        index = _search(self.image, name)
        if index is None:
            return None
        for error in check_export_row(self.image, index):
            raise error
        row = self.image.export_row(index)
        if row.kind == ImportKind.FUNCTION:
            function = self.function(row.position)
            function.name = name.decode("utf-8", "backslashreplace")
            return function
        return self.base(Segment(row.segment)) + row.position, row.size


class Linkage:
    """A set of modules, linked: their slots and their segments."""

    def __init__(self, entries: Sequence[tuple[str, Image | HostModule]]) -> None:
        """Link modules in the order of their positions.

        Raises:
            Malformed: An import row, or the export row that a look-up found, breaks a rule.
            Corrupt: An import row, or an eager or weak look-up, is (PF-INT-007).
            Unlinkable: PF-FIX-004, PF-FIX-007, PF-FIX-008, PF-FIX-013 or PF-LIM-007.
            Exhausted: The host has no memory for the bss segments.
            ValueError: An image is closed.
        """
        if len(entries) > layout.MAX_MODULES:
            raise Unlinkable(
                "PF-LIM-007", "too many modules", expected=f"at most {layout.MAX_MODULES}", got=str(len(entries))
            )
        self.modules = [Module(position, name, content) for position, (name, content) in enumerate(entries)]
        self.by_name: dict[str, Module] = {}
        for module in self.modules:
            if module.name in self.by_name:
                first = self.by_name[module.name].position
                got = f"{module.name!r} at positions {first} and {module.position}"
                raise Unlinkable("PF-FIX-004", "two modules have one name", expected="different names", got=got)
            self.by_name[module.name] = module
        self._by_name_bytes = {name.encode("utf-8", "surrogatepass"): m for name, m in self.by_name.items()}
        rows = [(module, check_import_rows(module.image)) for module in self.modules if module.image]
        for module, eager in rows:
            for index in eager:
                module.slots[index] = self._bind(module, index)
        self.segments: dict[int, memoryview] = {}
        self.guarded: dict[int, Guard] = {}
        """Segments of which not every block was checked yet, by number. They are not among `segments`."""
        for module in self.modules:
            if module.image:
                self._map_segments(module, module.image)

    def close(self) -> None:
        """Drop functions, slots and segments, so that nothing here keeps a mapping."""
        for module in self.modules:
            module.clear()
        for segment in (*self.segments.values(), *(guard.segment for guard in self.guarded.values())):
            segment.release()
        self.segments.clear()
        self.guarded.clear()

    def slot(self, module: Module, index: int) -> Slot:
        """The slot of a module, resolved now if it was not before (PF-FIX-020).

        Raises:
            Corrupt: The look-up is, now and at each use (PF-INT-008).
        """
        slot = module.slots[index]
        if slot is None:
            slot = module.slots[index] = self._bind(module, index)
        return slot

    def _bind(self, module: Module, index: int) -> Slot:
        image = module.image
        assert image is not None
        row = image.import_row(index)
        names = (
            image.name_bytes(row.module_offset, row.module_length),
            image.name_bytes(row.name_offset, row.name_length),
        )
        lazy = row.binding == Binding.LAZY
        exporter = self._by_name_bytes.get(names[0])
        try:
            found = None if exporter is None else exporter.find(names[1])
        except Malformed:
            if not lazy:
                raise
            return Slot(None, trap=TrapCode.IMPORT_MISMATCH)
        if found is None:
            if row.binding == Binding.EAGER:
                what = "no such module" if exporter is None else "no such export"
                self._fail("PF-FIX-007", module, index, names, "an export of that name", what)
            return Slot(None if lazy else 0, trap=TrapCode.UNBOUND_IMPORT)
        difference = _difference(row, found)
        if difference is not None:
            if lazy:
                return Slot(None, trap=TrapCode.IMPORT_MISMATCH)
            rule = "PF-FIX-008" if row.binding == Binding.EAGER else "PF-FIX-013"
            self._fail(rule, module, index, names, *difference)
        if isinstance(found, Function):
            return Slot(found.reference, found)
        return Slot(found[0])

    def _fail(
        self, rule: str, module: Module, index: int, names: tuple[bytes, bytes], expected: str, got: str
    ) -> NoReturn:
        assert module.image is not None
        wanted = ".".join(name.decode("utf-8", "backslashreplace") for name in names)
        message = f"module {module.name!r} imports {wanted!r}"
        at = module.image.import_row_at(index)
        raise Unlinkable(rule, message, at=at, expected=expected, got=got, file=module.image.name)

    def _map_segments(self, module: Module, image: Image) -> None:
        rodata, data = image.section(layout.SectionKind.RODATA), image.private_data()
        for segment, content in ((Segment.RODATA, rodata), (Segment.DATA, data)):
            if len(content):
                self._add_segment(module.base(segment) >> 32, content, image, _SEGMENT_SECTIONS[segment])
        if image.bss_size:
            try:
                bss = mmap.mmap(-1, image.bss_size)
            except (OSError, MemoryError):
                raise Exhausted(
                    "PF-LIM-010", "no memory for bss", expected=f"{image.bss_size} bytes", got="none", file=image.name
                ) from None
            self.segments[module.base(Segment.BSS) >> 32] = memoryview(bss)

    def _add_segment(self, number: int, content: memoryview, image: Image, kind: layout.SectionKind) -> None:
        if image.digests is None:
            self.segments[number] = content
        else:
            at, _ = image.sections[kind]
            self.guarded[number] = Guard(content, at, image.digests, partial(self._trust, number))

    def _trust(self, number: int) -> None:
        """Let a segment be accessed without checks, since each of its blocks was checked."""
        guard = self.guarded.pop(number, None)
        if guard is not None:
            self.segments[number] = guard.segment


def check_import_rows(image: Image) -> list[int]:
    """Check every import row (PF-FIX-024).

    Returns:
        Indexes of the rows that are bound when the set is linked, which is all but the lazy ones.

    Raises:
        Malformed: A row breaks PF-FIX-001 to 003, or a name of it PF-SEC-003, PF-SEC-004 or PF-LIM-005.
    """
    bound = []
    for index in range(image.import_count):
        for error in check_import_row(image, index):
            raise error
        if image.import_row(index).binding != Binding.LAZY:
            bound.append(index)
    return bound


def check_import_row(image: Image, index: int) -> Iterator[Malformed]:
    """Every rule that an import row breaks by itself."""
    row, at = image.import_row(index), image.import_row_at(index)
    yield from _check_fields(image, "import_row", row, at)
    yield from check_name(image, row.module_offset, row.module_length, at + _offset("import_row", "module_offset"))
    yield from check_name(image, row.name_offset, row.name_length, at + _offset("import_row", "name_offset"))


def check_export_row(image: Image, index: int) -> Iterator[Malformed]:
    """Every rule of PF-SEC-008 to PF-SEC-012 that an export row breaks."""
    row, at = image.export_row(index), image.export_row_at(index)
    file = image.name
    broken = list(_check_fields(image, "export_row", row, at))
    yield from broken
    if any(error.rule == "PF-SEC-008" for error in broken):
        return  # What the other fields mean depends on the kind.
    position_at = at + _offset("export_row", "position")
    is_function = row.kind == ImportKind.FUNCTION
    if is_function != (row.segment == Segment.NONE) or row.segment > Segment.BSS:
        rule = next(check for check in layout.ROW_CHECKS["export_row"] if check.field == "segment")
        wanted = "0 (none)" if is_function else "1 (rodata), 2 (data) or 3 (bss)"
        segment_at = at + _offset("export_row", "segment")
        yield Malformed(rule.rule, rule.text, at=segment_at, expected=wanted, got=str(row.segment), file=file)
    elif not is_function:
        length = _segment_length(image, Segment(row.segment))
        if row.position > length or row.size > length - row.position:
            expected, got = f"a range within {length} bytes", f"{row.size} bytes at {row.position}"
            message = "the data leaves its segment"
            yield Malformed("PF-SEC-012", message, at=position_at, expected=expected, got=got, file=file)
    if is_function and (row.position >= image.function_count or row.size):
        expected, got = f"an index below {image.function_count} and size 0", f"{row.position} and size {row.size}"
        yield Malformed("PF-SEC-011", "no such function", at=position_at, expected=expected, got=got, file=file)


def check_name(image: Image, offset: int, length: int, at: int) -> Iterator[Malformed]:
    """What of PF-SEC-003, PF-SEC-004 and PF-LIM-005 a reference to a name breaks; `at` is its offset in the file."""
    if image.has_name(offset, length):
        return
    size, file = image.strings_length, image.name
    if length == 0:
        yield Malformed("PF-SEC-004", "empty name", at=at + 4, expected="a length of 1 or more", got="0", file=file)
    if offset > size or length > size - offset:
        got = f"{length} bytes at {offset}"
        yield Malformed("PF-SEC-003", "name out of strings", at=at, expected=f"within {size} bytes", got=got, file=file)
    if length > layout.MAX_NAME_LENGTH:
        expected = f"at most {layout.MAX_NAME_LENGTH} bytes"
        yield Malformed("PF-LIM-005", "name too long", at=at + 4, expected=expected, got=str(length), file=file)


def _segment_length(image: Image, segment: Segment) -> int:
    return image.bss_size if segment == Segment.BSS else len(image.section(_SEGMENT_SECTIONS[segment]))


_SEGMENT_SECTIONS = {Segment.RODATA: layout.SectionKind.RODATA, Segment.DATA: layout.SectionKind.DATA}


def _check_fields(image: Image, type_name: str, row: ImportRow | ExportRow, at: int) -> Iterator[Malformed]:
    for check in layout.ROW_CHECKS[type_name]:
        value = getattr(row, check.field)
        if check.allowed is not None and value not in check.allowed:
            expected, place = " or ".join(map(str, check.allowed)), at + _offset(type_name, check.field)
            yield Malformed(check.rule, check.text, at=place, expected=expected, got=str(value), file=image.name)


def _offset(type_name: str, field: str) -> int:
    return next(f.offset for f in layout.FIELDS[type_name] if f.name == field)


def _search(image: Image, name: bytes) -> int | None:
    """Binary search over the export rows, in place. In an unsorted file it may miss, and does nothing worse."""
    low, high = 0, image.export_count
    while low < high:
        middle = (low + high) // 2
        try:
            row, found = _named(image, middle)
        except Corrupt:
            middle, row, found = _nearest(image, low, middle, high)
        if found < name:
            low = middle + 1
        elif found > name:
            high = middle
        else:
            return middle if image.has_name(row.name_offset, row.name_length) else None
    return None


def _named(image: Image, index: int) -> tuple[ExportRow, bytes]:
    row = image.export_row(index)
    return row, image.name_bytes(row.name_offset, row.name_length)


def _nearest(image: Image, low: int, middle: int, high: int) -> tuple[int, ExportRow, bytes]:
    """The nearest export row of a range that is not corrupt, instead of the middle one, which is (PF-INT-015).

    Raises:
        Corrupt: All of them are, so what the range holds cannot be told.
    """
    for index in chain(range(middle + 1, high), range(middle - 1, low - 1, -1)):
        with suppress(Corrupt):
            return index, *_named(image, index)
    return middle, *_named(image, middle)


def _difference(row: ImportRow, found: Function | tuple[int, int]) -> tuple[str, str] | None:
    """What an import asks for and what its export is instead; None if they match (PF-FIX-006)."""
    if isinstance(found, Function):
        if row.kind != ImportKind.FUNCTION:
            return "data", "a function"
        if row.requirement != found.signature:
            return f"signature {row.requirement:#010x}", f"{found.signature:#010x}"
        return None
    if row.kind != ImportKind.DATA:
        return "a function", "data"
    if found[1] < row.requirement:
        return f"at least {row.requirement} bytes", str(found[1])
    return None
