"""Faults in the second tier: what is translated does not do what the first tier does."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_EFFECTS, _STEPS, _PRIMITIVES = "translate.effects", "translate.steps:StepWriter", "translate.primitives"

TRANSLATOR = of_layer(
    Where.TRANSLATOR,
    (
        "translated-sum-taken-for-small", "PF-EXE-147", "A translation takes a sum for no greater than its greater part.",
        [Edit(f"{_EFFECTS}:_bounds", "x.low + y.low, x.high + y.high", "x.low + y.low, max(x.high, y.high)")],
    ),
    (
        "translated-product-not-wrapped", "PF-EXE-149", "A translation takes a product for one within 64 bits.",
        [Edit(f"{_EFFECTS}:_bounds", "one * other for one in (x.low, x.high) for other in (y.low, y.high)", "x.low, x.high")],
    ),
    (
        "translated-nan-not-canonical", "PF-EXE-003", "A translation keeps the NaN that the processor gave.",
        [Edit(f"{_EFFECTS}:Translator._call", "is_loose=is_loose)", "is_loose=False)")],
    ),
    (
        "translated-least-of-zeros", "PF-EXE-185", "In a translation the lesser of two zeros is the first.",
        [Edit(f"{_PRIMITIVES}:f_min", "(x if math.copysign(1.0, x) < 0 else y) if x == y", "x if x == y")],
    ),
    (
        "translated-minus-zero-lost", "PF-EXE-191", "A translation rounds -0 to 0.",
        [Edit(f"{_PRIMITIVES}:_integral", "math.copysign(float(integer_of(x)), x)", "float(integer_of(x))")],
    ),
    (
        "translated-quotient-floors", "PF-EXE-150", "A translation rounds quotients down.",
        [Edit(f"{_PRIMITIVES}:quotient", "q if (x < 0) == (y < 0) else -q", "x // y")],
    ),
    (
        "translated-forward-jump-charged", "PF-EXE-013", "A translation charges for every branch that is taken.",
        [Edit("translate.source:_Writer._edge", "if is_jump and target <= word:", "if is_jump:")],
    ),
    (
        "translated-call-not-charged", "PF-EXE-013", "A translation does not charge for calls.",
        [Edit(f"{_STEPS}._enter", "'f - 1'", "'f'")],
    ),
    (
        "translated-results-taken-for-zero", ("PF-EXE-002", "PF-EXE-112"),
        "A translation takes the registers of results for what they held before.",
        [Edit(f"{_STEPS}._enter", 'if register[0] == "i":', 'if register[0] == "n":')],
    ),
    (
        "translated-address-kept", "PF-EXE-025", "A translation takes the address in a register that was assigned for the old one.",
        [Edit("translate.steps:Facts.forget", 'if not name.endswith(f"_{register}")', "")],
    ),
    (
        "translated-alignment-unchecked", "PF-EXE-007", "A translation takes a misaligned address for the one before it.",
        [Edit(f"{_STEPS}.element", 'self.line(f"if {index} & {size - 1}:")', 'self.line(f"if {index} & {size - 1} and not {index}:")')],
    ),
    (
        "translated-bytes-read-backwards", "PF-EXE-007", "A translation loads bytes before a segment from its end.",
        [Edit(f"{_STEPS}.element", "if not 0 <= {index} < l{kept}:", "if not {index} < l{kept}:")],
    ),
    (
        "fuel-lost-when-left", "PF-EXE-013", "The fuel that a translation has left is lost when it is left.",
        [Edit("translate.tier:unwind", "error.fuel = fuel", "error.fuel = fuel // 2")],
    ),
    (
        "table-of-references-by-number", "PF-EXE-011", "A translation calls by reference what has another signature.",
        [
            Edit(
                "translate.tier:Tier._by_reference", "table = self._references.setdefault(signature, {})",
                "table = self._references.setdefault(signature & 0xFFFF, {})",
            ),
            Edit(
                "translate.tier:Tier._translate", "self._references.setdefault(function.signature, {})",
                "self._references.setdefault(function.signature & 0xFFFF, {})",
            ),
        ],
    ),
    (
        "translated-result-window", ("PF-EXE-002", "PF-EXE-115"), "What a translation returns to the first tier goes to register 0.",
        [Edit("translate.tier:Tier._enter", "caller.i[caller.a : caller.a + i_results]", "caller.i[:i_results]")],
    ),
)  # fmt: skip
