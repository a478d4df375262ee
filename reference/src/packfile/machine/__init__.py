"""Machine: runs verified code where it lies in the mapping.

Assumes that verification passed (`verify.py`) and that slots and segments exist (`link.py`), so it checks nothing of an
instruction but what its row of the table says can trap. Promises an outcome of the spec for every run. One function an
instruction, in the modules beside this one; a table leads from the op to it. Nothing is allocated for fetching an
instruction.
"""

from collections.abc import Callable, Sequence

from packfile.errors import PackfileError
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.link import Function, Linkage
from packfile.machine import calls, control, conversions, floats, integers, memory, moves
from packfile.machine.state import HANDLERS, Frame, Thread, out_of_depth, out_of_fuel

__all__ = ["Frame", "Thread", "Tracer", "call_function"]

_HANDLED = (calls, control, conversions, floats, integers, memory, moves)
"""Importing these fills the table of handlers."""

Tracer = Callable[[Frame, int], None]
"""Called before each instruction, with the frame and the word."""


def call_function(
    linkage: Linkage,
    function: Function,
    i: Sequence[int],
    n: Sequence[float],
    *,
    fuel: int,
    depth: int,
    trace: Tracer | None = None,
) -> tuple[list[int], list[float], int]:
    """Call a function of a linked set whose signature fits the arguments.

    Args:
        linkage: The set.
        function: The function.
        i: Integer arguments, signed.
        n: Float arguments.
        fuel: Units that the call may use.
        depth: Frames that it may have at once.
        trace: Called before each instruction.

    Returns:
        Integer results, float results, and the fuel that is left.

    Raises:
        Trap: The program trapped.
        Invalid: It called an invalid function.
        Exhausted: Fuel or depth ran out.
    """
    thread = Thread(linkage, fuel, depth)
    if thread.fuel <= 0:
        raise out_of_fuel()
    thread.fuel -= 1
    if function.module.host is not None:
        return (*calls.call_host(function, list(i), list(n)), thread.fuel)
    if thread.depth <= 0:
        raise out_of_depth()
    code = calls.checked(function)
    thread.depth -= 1
    first = Frame(thread, function, [*i, *code.i_zeros], [*n, *code.n_zeros], None)
    if trace is None:
        _run(first)
    else:
        _run_traced(first, trace)
    return thread.i_results, thread.n_results, thread.fuel


def _run(frame: Frame | None) -> None:
    handlers = HANDLERS
    pc = 0
    try:
        while frame is not None:
            ops, a, b, c = frame.code.fields
            pc = frame.pc
            while pc >= 0:
                pc = handlers[ops[pc]](frame, pc, a[pc], b[pc], c[pc])
            frame = frame.thread.frame
    except PackfileError as error:
        assert frame is not None
        # The handler that raised gave no next word, so pc is still its own.
        _locate(error, frame, pc)
        raise


def _run_traced(frame: Frame | None, trace: Tracer) -> None:
    pc = 0
    try:
        while frame is not None:
            pc = frame.pc
            while pc >= 0:
                trace(frame, pc)
                code = frame.code
                pc = HANDLERS[code.ops[pc]](frame, pc, code.a[pc], code.b[pc], code.c[pc])
            frame = frame.thread.frame
    except PackfileError as error:
        assert frame is not None
        _locate(error, frame, pc)
        raise


def _locate(error: PackfileError, frame: Frame, word: int) -> None:
    """Say which instruction raised an error that does not say where it was."""
    if error.at is None:
        image = frame.image
        error.file = image.name
        error.at = image.code_at + 4 * (image.code_start(frame.code.index) + word)
        error.rule = error.rule or INSTRUCTIONS[Opcode(frame.code.ops[word])].rule
