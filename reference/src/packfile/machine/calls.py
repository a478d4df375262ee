"""Calls, references and slots.

The steps of a call are those of PF-EXE-012: resolve, compare signatures, charge fuel, count depth, check the callee's
row, verify its code, enter.
"""

from packfile.errors import PackfileError
from packfile.host import HostFailure
from packfile.instructions import Opcode, TrapCode
from packfile.layout import Binding
from packfile.link import Function, Slot
from packfile.machine.state import HANDLERS, SWITCH, Frame, Thread, instruction, literal, out_of_fuel, trap, wrap
from packfile.verify import Code, counts, verify


def checked(function: Function) -> Code:
    """The code of a function of an image, verified at its first call (PF-FUN-005).

    Raises:
        Invalid: The function breaks a rule.
    """
    image = function.module.image
    assert image is not None
    code = function.code = verify(image, function.index)
    return code


def call_host(function: Function, i: list[int], n: list[float]) -> tuple[list[int], list[float]]:
    """Call a host function and give its results, checked against its signature.

    Raises:
        Trap: The function raised `HostFailure`.
        TypeError: Its results are not those of its signature; that is a defect of the embedder's.
    """
    host = function.module.host
    assert host is not None
    description = host.functions[function.index]
    try:
        returned = description.call(*i, *n)
    except HostFailure as failure:
        outcome = trap(TrapCode.HOST, f"{description.name}: {failure}")
        outcome.rule = "PF-EXE-024"
        raise outcome from failure
    values = () if returned is None else returned if isinstance(returned, tuple) else (returned,)
    _, _, i_results, n_results = counts(function.signature)
    integers, floats = values[:i_results], values[i_results:]
    if (
        len(values) != i_results + n_results
        or not all(type(x) is int for x in integers)
        or not all(type(x) is float for x in floats)
    ):
        wanted = f"{i_results} int and {n_results} float"
        raise TypeError(f"host function {description.name!r} must return {wanted}, but returned {returned!r}")
    return [wrap(int(x)) for x in integers], [float(x) for x in floats]


def _call_host(frame: Frame, function: Function, a: int, b: int) -> None:
    i_params, n_params, i_results, n_results = counts(function.signature)
    i, n = call_host(function, frame.i[a : a + i_params], frame.n[b : b + n_params])
    frame.i[a : a + i_results] = i
    frame.n[b : b + n_results] = n


def _slot(f: Frame, index: int) -> Slot:
    module = f.function.module
    return module.slots[index] or f.thread.linkage.slot(module, index)


def dereference(thread: Thread, reference: int, signature: int) -> Function:
    """The function that a reference names, with that signature (PF-EXE-011)."""
    if reference == 0:
        raise trap(TrapCode.NULL_REFERENCE, "call of reference 0")
    position, index = (reference >> 32) - 1, reference & 0xFFFFFFFF
    modules = thread.linkage.modules
    if not 0 <= position < len(modules) or index >= modules[position].function_count:
        raise trap(TrapCode.NO_FUNCTION, f"call of {reference:#x}")
    function = modules[position].function(index)
    if function.signature != signature:
        message = f"expected {signature:#010x}, got {function.signature:#010x}"
        raise trap(TrapCode.SIGNATURE_MISMATCH, message)
    return function


def _callee(f: Frame, pc: int) -> Function:
    """What a `call` or `calli` calls, which is the same each time."""
    index = literal(f, pc)
    if f.code.ops[pc] == Opcode.CALL:
        return f.function.module.function(index)
    slot = _slot(f, index)
    if slot.function is None:
        raise _unbound(f, slot, index)
    return slot.function


@instruction
def call(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    thread, callees = f.thread, f.function.callees
    try:
        # `callr` goes on here, and has put there what it resolved.
        function = callees[pc]
    except KeyError:
        function = callees[pc] = _callee(f, pc)
    if not thread.fuel:
        raise out_of_fuel()
    thread.fuel -= 1
    code = function.code
    if code is None and function.module.host is not None:
        _call_host(f, function, a, b)
        return pc + 2
    callee = f.callee
    if callee is None:
        callee = f.callee = Frame(thread, f)
    if code is None:
        code = checked(function)
    callee.function = function
    callee.code = code
    # One value is copied without the slices that more of them take, here and in `ret`: they would cost as much again.
    if code.i_params == 1:
        callee.i = [f.i[a], *code.i_zeros]
    else:
        callee.i = f.i[a : a + code.i_params] + code.i_zeros
    if code.n_registers:
        if code.n_params == 1:
            callee.n = [f.n[b], *code.n_zeros]
        else:
            callee.n = f.n[b : b + code.n_params] + code.n_zeros
    callee.pc = 0
    f.pc = pc + 2
    f.a = a
    f.b = b
    thread.frame = callee
    return SWITCH


HANDLERS[Opcode.CALLI] = call
"""A slot is looked at once for each word, so that a call through it costs what a direct one does."""


@instruction
def callr(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    # The reference may be another one each time.
    f.function.callees[pc] = dereference(f.thread, f.i[c], literal(f, pc))
    return call(f, pc, a, b, c)


@instruction
def ret(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    thread, caller, code = f.thread, f.caller, f.code
    thread.frame = caller
    i_results, n_results = code.i_results, code.n_results
    if caller is None:
        thread.i_results, thread.n_results = f.i[a : a + i_results], f.n[b : b + n_results]
        return SWITCH
    if i_results == 1:
        caller.i[caller.a] = f.i[a]
    elif i_results:
        caller.i[caller.a : caller.a + i_results] = f.i[a : a + i_results]
    if n_results == 1:
        caller.n[caller.b] = f.n[b]
    elif n_results:
        caller.n[caller.b : caller.b + n_results] = f.n[b : b + n_results]
    return SWITCH


@instruction
def lfn(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = (f.function.module.position + 1 << 32) + literal(f, pc)
    return pc + 2


@instruction
def ldslot(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    slot = _slot(f, literal(f, pc))
    if slot.value is None:
        raise _unbound(f, slot, literal(f, pc))
    f.i[a] = slot.value
    return pc + 2


@instruction
def bound(f: Frame, pc: int, a: int, b: int, c: int) -> int:
    f.i[a] = 0 if _slot(f, literal(f, pc)).trap else 1
    return pc + 2


def _unbound(f: Frame, slot: Slot, index: int) -> PackfileError:
    image = f.image
    row = image.import_row(index)
    names = image.name_bytes(row.module_offset, row.module_length), image.name_bytes(row.name_offset, row.name_length)
    wanted = ".".join(name.decode("utf-8", "backslashreplace") for name in names)
    assert slot.trap is not None
    failure = trap(slot.trap, f"slot {index}, {Binding(row.binding).name.lower()} import {wanted!r}")
    if slot.trap is TrapCode.IMPORT_MISMATCH:
        failure.rule = "PF-FIX-010"
    else:
        failure.rule = "PF-FIX-009" if row.binding == Binding.LAZY else "PF-FIX-012"
    return failure
