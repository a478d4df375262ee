"""Programs made of bytes: verified functions with loops, calls of every kind, accesses to memory, and traps.

Each byte string gives a program, and changing a byte changes little, so that a failing one can be made smaller.
"""

import re
from collections.abc import Iterator

from packfile.instructions import INSTRUCTIONS, FieldKind, Instruction

FUNCTIONS = 3
SIGNATURE = "(i, i, n) -> (i, n)"
REGISTERS = 5
WINDOW = 2
"""Windows of arguments begin below this, so that they fit."""
_SEPARATE = {"call", "calli", "callr", "lfn", "ldslot", "bound?", "jmp_table", "ret", "unreachable"}
PLAIN = [row for row in INSTRUCTIONS.values() if row.mnemonic not in _SEPARATE]
ARITHMETIC = [row for row in PLAIN if re.fullmatch(r"[in]_(add|sub|mul|add_imm|mov|imm|lt_s|eqz|gt|and)", row.mnemonic)]
BRANCHES = [row for row in PLAIN if row.mnemonic.startswith("jmp")]
ACCESSES = [row for row in PLAIN if "load" in row.mnemonic or "store" in row.mnemonic]
IMMEDIATES = {
    "imm8": (-128, -1, 1, 8, 127),
    "imm16": (-32768, -1, 0, 1, 32767),
    "imm32": (-8, 0, 8, 16, 1 << 30),
    "disp8": (0, 1, 2, 255),
    "constant": ("=0.5", "=1e300", "=-0.0", "=nan:7ff0000000000001", "=9223372036854775807", "=-2"),
}
HEAD = """
.bss 40
.import eager func host.log_i (i) -> ()
.import weak func absent.g (i) -> ()
.import eager func host.mix (i, i, n, n) -> (i, i, n, n)
.import lazy func main.f1 (i, i, n) -> (i, n) as itself
.rodata
.i64 1, -1, 9223372036854775807
.data
.i64 5, 6, 7
"""


class _Draw:
    def __init__(self, source: bytes) -> None:
        self._bytes: Iterator[int] = iter(source)

    def number(self, below: int) -> int:
        return next(self._bytes, 0) % below

    def register(self, bank: str) -> str:
        return f"{bank}{self.number(REGISTERS)}"


def program(source: bytes) -> str:
    """The assembly of a program: functions f0, f1, ..., all of one signature and exported."""
    draw = _Draw(source)
    parts = [HEAD]
    for index in range(FUNCTIONS):
        parts += [
            f".export func f{index} {SIGNATURE}",
            f"  .registers i {REGISTERS + 3} n {REGISTERS + 3}",
            # Addresses and a reference to begin with; arguments are small, so sums of them stay near.
            f"  {('lbss', 'ldata', 'lrodata')[draw.number(3)]} i3, {8 * draw.number(4)}",
            f"  lfn i4, f{draw.number(FUNCTIONS)}",
        ]
        length = 2 + draw.number(14)
        for place in range(length):
            parts.append(f"l{place}:")
            parts += [f"  {line}" for line in _instruction(draw, length)]
        parts += [f"l{length}:", f"  {('ret', 'ret', 'unreachable')[draw.number(3)]}"]
    return "\n".join(parts)


def _instruction(draw: _Draw, length: int) -> list[str]:
    kind = draw.number(16)
    a, b = f"i{draw.number(WINDOW)}", f"n{draw.number(WINDOW)}"
    if kind == 0:
        return [f"call {a}, {b}, f{draw.number(FUNCTIONS)}"]
    if kind == 1:
        return [
            f"calli {a}, {b}, {('host.log_i', 'host.mix', 'itself', 'absent.g')[draw.number(4)]}",
            f"bound? {draw.register('i')}, absent.g",
        ]
    if kind == 2:
        return [f"callr {a}, {b}, i4, {SIGNATURE}"]
    if kind == 3:
        return [
            f"jmp_table {draw.register('i')}, [{', '.join(_label(draw, length) for _ in range(1 + draw.number(4)))}]"
        ]
    if kind in (4, 5, 6, 7):
        return [_plain(draw, BRANCHES[draw.number(len(BRANCHES))], length)]
    if kind in (8, 9):
        row = ACCESSES[draw.number(len(ACCESSES))]
        return [_plain(draw, row, length).replace("i2", "i3").replace("i1", "i3")]
    rows = ARITHMETIC if kind < 14 else PLAIN
    return [_plain(draw, rows[draw.number(len(rows))], length)]


def _label(draw: _Draw, length: int) -> str:
    return f"l{draw.number(length + 1)}"


def _plain(draw: _Draw, row: Instruction, length: int) -> str:
    texts = []
    for operand in row.operands:
        if operand.bank:
            texts.append(draw.register(operand.bank))
        elif operand.field is FieldKind.BRANCH:
            texts.append(_label(draw, length))
        else:
            values = IMMEDIATES[operand.name]
            if operand.name == "constant":
                values = values[:4] if row.mnemonic == "n_const" else values[4:]
            texts.append(str(values[draw.number(len(values))]))
    return f"{row.mnemonic} {', '.join(texts)}"
