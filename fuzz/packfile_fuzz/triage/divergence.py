"""The first divergence: the instruction after which a loader, or another way of running, is not as the reference.

Assumes a program that differs in some call. Promises a mnemonic, or an empty string where it is not known.

Calls are left out from the end, until the last of them is the first that differs. Fuel alone would then show where
control goes apart, and only at calls and at branches back. So that call is cut short instead: where the reference comes
to a word for the first time, all registers are told to the host module and then the call traps, which any loader can be
asked for; memory is compared after that as always. The words are tried by bisection in the order in which the reference
first comes to them, and the instruction before the first cut that differs is it.

What this does not do: within a loop it looks at the first time round only, and names nothing if the runs part in a
later one; and it is blind to differences that no register and no memory shows before the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.layout import MAX_MODULES, Binding, ImportKind
from packfile.model import Import, Module, Signature
from packfile_fuzz.program import Entry, Program
from packfile_fuzz.triage.lines import ROWS, Line, line, put_before, read, write
from packfile_fuzz.triage.watch import Step, watch

_HOST = "packfile-fuzz host"
_LOGS = (("log_i", Signature(i_params=1)), ("log_n", Signature(n_params=1)))
_MORE_FUEL = 600
"""For the calls of the host module."""


def first_divergence(program: Program, differs: Callable[[Program], bool]) -> str:
    """Mnemonic of the instruction after which two runs first differ; an empty string if that is not found.

    Args:
        program: One that differs, in a call or in what memory holds after it.
        differs: Whether a program does.
    """
    numbers = range(1, len(program.calls) + 1)
    shorter = (replace(program, calls=program.calls[:number]) for number in numbers)
    first = next((each for each in shorter if differs(each)), None)
    return "" if first is None else _in_last_call(first, differs)


def _in_last_call(program: Program, differs: Callable[[Program], bool]) -> str:
    steps = watch(program)
    firsts = _firsts(steps)
    low, high = 0, len(firsts)
    while low < high:
        middle = (low + high) // 2
        cut = cut_at(program, steps[firsts[middle]])
        if cut is not None and differs(cut):
            high = middle
        else:
            low = middle + 1
    if low == len(firsts):
        # The instruction with which it ended, or one that was reached before and did not differ then.
        return _mnemonic(program, steps[-1]) if steps and firsts[-1] == len(steps) - 1 else ""
    if not low:
        return ""
    at = firsts[low]
    return _mnemonic(program, steps[at - 1]) if firsts[low - 1] == at - 1 else ""


def _firsts(steps: list[Step]) -> list[int]:
    """Numbers of the steps that come to a word for the first time."""
    seen: set[tuple[int, int, int]] = set()
    firsts = []
    for number, step in enumerate(steps):
        if step[:3] not in seen:
            seen.add(step[:3])
            firsts.append(number)
    return firsts


def _mnemonic(program: Program, step: Step) -> str:
    module = program.entries[step.position].module
    assert module is not None
    return INSTRUCTIONS[Opcode(module.functions[step.function].code[step.word] & 0xFF)].mnemonic


def cut_at(program: Program, step: Step) -> Program | None:
    """The program, whose last call tells all registers at a word and traps there; None if it cannot be made so."""
    module = program.entries[step.position].module
    assert module is not None
    host = next((entry.name for entry in program.entries if entry.module is None), None)
    if host is None and len(program.entries) >= MAX_MODULES:
        return None
    function = module.functions[step.function]
    lines = read(function.code)
    if lines is None:
        return None
    probe = _probe(step, len(module.imports))
    whole = put_before(lines, line(Opcode.JMP), _line_of(lines, step.word))
    whole[_line_of(lines, step.word)] = line(Opcode.JMP)._replace(target=len(whole))
    words = write([*whole, *probe])
    if words is None:
        return None
    functions = list(module.functions)
    functions[step.function] = replace(function, code=words)
    made = replace(module, functions=tuple(functions), imports=(*module.imports, *_imports(host or _HOST)))
    return _with(program, step.position, made, has_host=host is not None)


def _with(program: Program, position: int, module: Module, *, has_host: bool) -> Program:
    entries = list(program.entries)
    entries[position] = replace(entries[position], module=module)
    if not has_host:
        entries.append(Entry(_HOST, None))
    last = program.calls[-1]
    call = replace(last, fuel=min(last.fuel + _MORE_FUEL, (1 << 53) - 1))
    return Program(tuple(entries), (*program.calls[:-1], call))


def _imports(host: str) -> list[Import]:
    return [Import(ImportKind.FUNCTION, Binding.EAGER, host, name, it.word) for name, it in _LOGS]


def _probe(step: Step, slot: int) -> list[Line]:
    tells = [line(Opcode.CALLI, register, 0, slot) for register in range(len(step.i))]
    tells += [line(Opcode.CALLI, 0, register, slot + 1) for register in range(len(step.n))]
    return [*tells, line(Opcode.UNREACHABLE)]


def _line_of(lines: list[Line], word: int) -> int:
    at = 0
    for number, each in enumerate(lines):
        if at == word:
            return number
        at += ROWS[each.word & 0xFF].words
    raise AssertionError("no instruction begins there")
