"""Faults in linking: look-ups, bindings, and the rows of imports and exports."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_BIND = "link:Linkage._bind"
_LOOK_UP = "exporter = self._by_name_bytes.get(names[0])"

BINDINGS = of_layer(
    Where.LINKER,
    (
        "weak-treated-as-lazy", "PF-FIX-011", "A weak import that is missing traps when it is loaded.",
        [Edit(_BIND, "row.binding == Binding.LAZY", "row.binding != Binding.EAGER")],
    ),
    (
        "weak-treated-as-eager", "PF-FIX-011", "A weak import that is missing does not link.",
        [Edit(_BIND, "row.binding == Binding.EAGER:\n                what", "row.binding != Binding.LAZY:\n                what")],
    ),
    (
        "lazy-treated-as-eager", "PF-FIX-009", "A lazy import that is missing does not link.",
        [
            Edit("link:check_import_rows", "image.import_row(index).binding != Binding.LAZY", "image.import_count"),
            Edit(_BIND, "row.binding == Binding.EAGER:\n                what", "row.binding != Binding.WEAK:\n                what"),
        ],
    ),
    (
        "eager-treated-as-lazy", "PF-FIX-007", "An eager import that is missing links.",
        [Edit(_BIND, "if row.binding == Binding.EAGER:\n                what", "if row.binding == Binding.WEAK + 1:\n                what")],
    ),
    (
        "mismatched-weak-accepted", "PF-FIX-013", "A weak import that is mismatched counts as missing.",
        [Edit(_BIND, "if difference is not None:", "if difference is not None and row.binding == Binding.WEAK:\n            return Slot(0, trap=TrapCode.UNBOUND_IMPORT)\n        if difference is not None:")],
    ),
    (
        "mismatched-lazy-is-unbound", "PF-FIX-010", "A lazy import that is mismatched traps as a missing one.",
        [Edit(_BIND, "if lazy:\n                return Slot(None, trap=TrapCode.IMPORT_MISMATCH)", "if lazy:\n                return Slot(None, trap=TrapCode.UNBOUND_IMPORT)")],
    ),
    (
        "weak-missing-is-bound", "PF-FIX-014", "`bound?` of a weak import that is missing gives 1.",
        [Edit("machine.calls:bound", "0 if _slot(f, literal(f, pc)).trap else 1", "0 if _slot(f, literal(f, pc)).value is None else 1")],
    ),
    (
        "signature-not-compared", ("PF-FIX-006", "PF-FIX-008"), "An import of a function binds by its name alone.",
        [Edit("link:_difference", "row.requirement != found.signature", "found.signature is None")],
    ),
    (
        "size-compared-exactly", "PF-FIX-006", "An import of data does not bind to more bytes than it asks for.",
        [Edit("link:_difference", "found[1] < row.requirement", "found[1] != row.requirement")],
    ),
    (
        "kind-not-compared", "PF-FIX-006", "An import of data binds to a function.",
        [Edit("link:_difference", "if row.kind != ImportKind.FUNCTION:", "if not row.kind:"), Edit("link:_difference", "row.requirement !=", "row.kind == ImportKind.FUNCTION and row.requirement !=")],
    ),
    (
        "slots-kept-with-the-file", ("PF-FIX-020", "PF-FIX-021"), "What a lazy slot was bound to is kept with the file, for all sets that it is in.",
        [
            Edit(
                "link:Linkage.slot", "slot = module.slots[index] = self._bind(module, index)",
                "slot = module.slots[index] = _kept_by_fault.setdefault((module.image, index), self._bind(module, index))",
            ),
        ],
    ),
    (
        "cycle-not-linked", "PF-FIX-018", "An eager import binds to modules at earlier positions only.",
        [
            Edit(
                _BIND, _LOOK_UP,
                f"{_LOOK_UP}\n        if exporter and not lazy and exporter.position > module.position:\n            exporter = None",
            )
        ],
    ),
    (
        "no-import-from-itself", "PF-FIX-018", "A module's own exports are not found by it.",
        [Edit(_BIND, _LOOK_UP, f"{_LOOK_UP}\n        exporter = None if exporter is module else exporter")],
    ),
)  # fmt: skip

NAMES = of_layer(
    Where.LINKER,
    (
        "names-by-prefix", "PF-FIX-005", "A look-up takes an export whose name begins with the one it looks for.",
        [Edit("link:_search", "        if found < name:", "        found = found[: len(name)]\n        if found < name:")],
    ),
    (
        "names-by-32-bytes", "PF-FIX-005", "A look-up compares the first 32 bytes of names.",
        [Edit("link:_search", "        if found < name:", "        found, name = found[:32], name[:32]\n        if found < name:")],
    ),
    (
        "names-end-at-zero", "PF-FIX-005", "A name ends at its first zero byte.",
        [Edit("link:_search", "        if found < name:", '        found, name = (text.partition(b"\\0")[0] for text in (found, name))\n        if found < name:')],
    ),
    (
        "last-export-not-found", "PF-FIX-005", "A look-up leaves out the last export.",
        [Edit("link:_search", "0, image.export_count", "0, max(image.export_count - 1, min(image.export_count, 1))")],
    ),
    (
        "name-range-overflows", "PF-SEC-003", "The end of a name is computed in 32 bits and compared.",
        [
            Edit("image:Image.has_name", "offset <= size and ", ""),
            Edit("image:Image.has_name", "length <= size - offset", "(offset + length) & 0xFFFFFFFF <= size"),
        ],
    ),
    (
        "duplicate-names-accepted", "PF-FIX-004", "Of two modules with one name the later is taken.",
        [Edit("link:Linkage.__init__", "module.name in self.by_name", "self.by_name.get(module.name) is module")],
    ),
)  # fmt: skip

ROWS = of_layer(
    Where.LINKER,
    (
        "lazy-rows-unchecked", "PF-FIX-024", "The row of a lazy import is not checked when the set is linked.",
        [Edit("link:check_import_rows", "raise error", "if image.import_row(index).binding != Binding.LAZY:\n                raise error")],
    ),
    (
        "export-range-overflows", "PF-SEC-012", "The end of exported data is computed in 32 bits and compared.",
        [Edit("link:check_export_row", "row.position > length or row.size > length - row.position", "(row.position + row.size) & 0xFFFFFFFF > length")],
    ),
    (
        "export-index-off-by-one", "PF-SEC-011", "An export may name the function after the last.",
        [Edit("link:check_export_row", "row.position >= image.function_count", "row.position > image.function_count")],
    ),
    (
        "probed-rows-unchecked", ("PF-SEC-015", "PF-SEC-009"), "The export row that a look-up finds is not checked.",
        [Edit("link:Module.find", "raise error", "break")],
    ),
    (
        "malformed-export-fails-lazy", "PF-FIX-022", "A lazy import that finds a malformed export row is malformed at its use.",
        [Edit(_BIND, "if not lazy:\n                raise", "if exporter is not None:\n                raise")],
    ),
    (
        "functions-verified-at-link", ("PF-FUN-005", "PF-XIP-004"), "Linking verifies every function, and reports an invalid one.",
        [
            Edit(
                "link:Linkage.__init__", "if module.image:\n                self._map_segments",
                "if module.image:\n                from packfile.verify import verify\n                for index in range(module.image.function_count):\n                    verify(module.image, index)\n                self._map_segments",
            )
        ],
    ),
)  # fmt: skip
