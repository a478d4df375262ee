"""The least register banks that a function's code fits.

Assumes nothing of the words, so that it gives the same answer for a function while it is assembled and when it is read
back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from packfile.instructions import INSTRUCTIONS, FieldKind, Opcode
from packfile.model import Signature

Lookup = Callable[[int], Signature | None]
"""Signature of a function or of a slot by its index; None if there is none."""


def least_registers(code: Sequence[int], signature: Signature, functions: Lookup, slots: Lookup) -> tuple[int, int]:
    """Sizes of the integer and float banks that hold parameters, operands and windows. May exceed 255."""
    needed = {"i": signature.i_params, "n": signature.n_params}
    at = 0
    while at < len(code):
        word = code[at]
        row = _ROWS.get(word & 0xFF)
        if row is None:
            at += 1
            continue
        registers, windows, words = row
        if words > 1 and at + 1 >= len(code):
            break
        for bank, shift in registers:
            needed[bank] = max(needed[bank], (word >> shift & 0xFF) + 1)
        if windows:
            called = _called(word & 0xFF, code[at + 1] if words > 1 else 0, signature, functions, slots)
            for bank, shift in windows:
                needed[bank] = max(needed[bank], (word >> shift & 0xFF) + _window(called, bank))
        at += words
    return needed["i"], needed["n"]


def _called(op: int, literal: int, own: Signature, functions: Lookup, slots: Lookup) -> Signature | None:
    if op == Opcode.RET:
        return Signature(i_results=own.i_results, n_results=own.n_results)
    if op == Opcode.CALLR:
        return Signature.from_word(literal)
    return functions(literal) if op == Opcode.CALL else slots(literal)


def _window(called: Signature | None, bank: str) -> int:
    if called is None:
        return 0
    return called.i_window if bank == "i" else called.n_window


def _row(op: Opcode) -> tuple[list[tuple[str, int]], list[tuple[str, int]], int]:
    fields: dict[FieldKind, list[tuple[str, int]]] = {FieldKind.REGISTER: [], FieldKind.WINDOW: []}
    for operand in INSTRUCTIONS[op].operands:
        if operand.bank:
            fields[operand.field].append((operand.bank, 8 * operand.position))
    return fields[FieldKind.REGISTER], fields[FieldKind.WINDOW], INSTRUCTIONS[op].words


_ROWS = {int(op): _row(op) for op in INSTRUCTIONS}
"""Registers, windows and words of each instruction; registers and windows as (bank, shift)."""
