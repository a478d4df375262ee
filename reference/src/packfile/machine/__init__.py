"""Machine: runs verified code where it lies in the mapping.

Assumes that verification passed (`verify.py`) and that slots and segments exist (`link.py`), so it checks nothing of an
instruction but what its row of the table says can trap. Promises an outcome of the spec for every run. One function an
instruction, in the modules beside this one; a table leads from the op to it. Nothing is allocated for fetching an
instruction.
"""

from collections.abc import Callable, Sequence

from packfile.errors import PackfileError
from packfile.image import Image
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.link import Function, Linkage
from packfile.machine import calls, control, conversions, floats, integers, memory, moves
from packfile.machine.state import HANDLERS, SWITCH, Frame, Handler, Thread, out_of_fuel
from packfile.verify import Code

__all__ = ["Frame", "Runner", "Thread", "Tracer", "call_function", "locate", "run", "traced"]

_HANDLED = (calls, control, conversions, floats, integers, memory, moves)
"""Importing these fills the table of handlers."""

Tracer = Callable[[Frame, int], None]
"""Called before each instruction, with the frame and the word."""

Runner = Callable[[Frame], None]
"""Runs a frame that begins at its function's first word until it returns, and leaves the results in its thread."""


def call_function(
    linkage: Linkage,
    function: Function,
    i: Sequence[int],
    n: Sequence[float],
    *,
    fuel: int,
    depth: int,
    runner: Runner | None = None,
) -> tuple[list[int], list[float], int]:
    """Call a function of a linked set whose signature fits the arguments.

    Args:
        linkage: The set.
        function: The function.
        i: Integer arguments, signed.
        n: Float arguments.
        fuel: Units that the call may use.
        depth: Frames that it may have at once.
        runner: What runs it, if not `run`.

    Returns:
        Integer results, float results, and the fuel that is left.

    Raises:
        Trap: The program trapped.
        Invalid: It called an invalid function.
        Exhausted: Fuel or depth ran out.
    """
    thread = Thread(linkage, fuel, depth)
    if not thread.fuel:
        raise out_of_fuel()
    thread.fuel -= 1
    if function.module.host is not None:
        return (*calls.call_host(function, list(i), list(n)), thread.fuel)
    frame = Frame(thread, None)
    frame.function = function
    frame.code = calls.checked(function)
    frame.i = [*i, *frame.code.i_zeros]
    frame.n = [*n, *frame.code.n_zeros]
    (runner or run)(frame)
    return thread.i_results, thread.n_results, thread.fuel


def run(frame: Frame, handlers: Sequence[Handler] = HANDLERS) -> None:
    """Run a frame and all that it calls, one instruction after the other.

    Raises:
        PackfileError: Whatever the program came to, located.
    """
    thread = frame.thread
    pc = 0
    try:
        while True:
            ops, a, b, c = frame.code.fields
            pc = frame.pc
            while True:
                while (to := handlers[ops[pc]](frame, pc, a[pc], b[pc], c[pc])) > pc:
                    pc = to
                if to == SWITCH:
                    break
                # Only a branch goes back, or to itself, and costs fuel before it is taken (PF-EXE-013).
                if not thread.fuel:
                    raise out_of_fuel()
                thread.fuel -= 1
                pc = to
            if thread.frame is None:
                return
            frame = thread.frame
    except PackfileError as error:
        # The handler that raised gave no next word, so pc is still its own.
        locate(error, frame.image, frame.code, pc)
        raise


def traced(trace: Tracer) -> Runner:
    """What runs a frame like `run`, and calls `trace` before each instruction."""
    handlers = [_traced(handler, trace) for handler in HANDLERS]
    return lambda frame: run(frame, handlers)


def _traced(handler: Handler, trace: Tracer) -> Handler:
    def traced(f: Frame, pc: int, a: int, b: int, c: int) -> int:
        trace(f, pc)
        return handler(f, pc, a, b, c)

    return traced


def locate(error: PackfileError, image: Image, code: Code, word: int) -> None:
    """Say which instruction raised an error that does not say where it was."""
    if error.at is None:
        error.file = image.name
        error.at = image.code_at + 4 * (image.code_start(code.index) + word)
        error.rule = error.rule or INSTRUCTIONS[Opcode(code.ops[word])].rule
