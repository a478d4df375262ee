"""Names in assembly text, once all of it was read.

Assumes that every definition is known. Promises that each pending operand holds its value, or says which name has none.
"""

from __future__ import annotations

from collections.abc import Mapping

from packfile.asm_code import CodeText, Pending, Refers
from packfile.asm_data import DataText
from packfile.asm_lexer import AssemblyError, did_you_mean
from packfile.instructions import Opcode
from packfile.layout import Segment

_SEGMENT_OF = {Opcode.LRODATA: Segment.RODATA, Opcode.LDATA: Segment.DATA, Opcode.LBSS: Segment.BSS}
_LOADS = {segment: f"l{segment.name.lower()}" for segment in _SEGMENT_OF.values()}


def resolve(code: CodeText, data: DataText, slots: Mapping[str, int]) -> None:
    """Fill in every pending operand."""
    for pending in code.pending:
        match pending.refers:
            case Refers.BRANCH:
                pending.put(_distance(pending))
            case Refers.FUNCTION:
                pending.put(_index(pending, code.by_name, slots, "is an import; `calli` calls it"))
            case Refers.SLOT:
                pending.put(_index(pending, slots, code.by_name, "is a function of this module; `call` calls it"))
            case Refers.CONSTANT:
                pending.put(_index(pending, code.constants.names, {}, ""))
            case Refers.SIZE:
                pending.put(data.find(pending.name, pending.token, pending.cursor).size)
            case Refers.ADDRESS:
                pending.put(_offset(pending, data))


def _distance(pending: Pending) -> int:
    labels = pending.function.labels
    if pending.name not in labels:
        where = f"the function `{pending.function.name}`"
        raise _unknown(pending, f"{where} has no label `{pending.name}`", labels)
    return labels[pending.name] - pending.at


def _index(pending: Pending, known: Mapping[str, int], other: Mapping[str, int], hint: str) -> int:
    if pending.name in known:
        return known[pending.name]
    message = f"nothing defines `{pending.name}`, {pending.refers.value}"
    if pending.name in other:
        raise pending.cursor.error(pending.token, message, f"`{pending.name}` {hint}")
    raise _unknown(pending, message, known)


def _offset(pending: Pending, data: DataText) -> int:
    label = data.find(pending.name, pending.token, pending.cursor)
    if label.segment is not _SEGMENT_OF[pending.row.opcode]:
        message = f"`{pending.name}` lies in {label.segment.name.lower()}"
        raise pending.cursor.error(pending.token, message, f"`{_LOADS[label.segment]}` loads its address")
    return label.offset + pending.addend


def _unknown(pending: Pending, message: str, known: Mapping[str, int]) -> AssemblyError:
    return pending.cursor.error(pending.token, message, did_you_mean(pending.name, known))
