"""Faults in calls, references, jumps, fuel and depth, and in what an embedder calls."""

from __future__ import annotations

from packfile_fuzz.faults.edits import Edit
from packfile_fuzz.faults.fault import Where, of_layer

_C, _J = "machine.calls", "machine.control"
_CHARGE = "if not thread.fuel:\n        raise out_of_fuel()\n    thread.fuel -= 1\n    code"
_ZEROS = "+ code.i_zeros"
_LEFT = '+ [*getattr(callee, "i", [])[code.i_params :], *code.i_zeros][: len(code.i_zeros)]'

JUMPS = of_layer(
    Where.MACHINE,
    (
        "unsigned-branch-done-signed", "PF-EXE-108", "A branch on less, unsigned, compares signed integers.",
        [Edit(f"{_J}:jmp_lt_u", "i[a] & MASK < i[b] & MASK", "i[a] < i[b]")],
    ),
    (
        "table-off-by-one", "PF-EXE-111", "An index past a jump table takes the jump before its last.",
        [Edit(f"{_J}:jmp_table", "b | c << 8", "max((b | c << 8) - 1, 0)")],
    ),
    (
        "table-index-signed", "PF-EXE-111", "A negative index takes the first jump of a table.",
        [Edit(f"{_J}:jmp_table", "f.i[a] & MASK", "max(f.i[a], 0)")],
    ),
    (
        "far-jump-of-16-bits", "PF-EXE-102", "A jump takes the lower 16 bits of its distance.",
        [Edit(f"{_J}:jmp", "a | (b | HIGH[c]) << 8", "a | HIGH[b]")],
    ),
)  # fmt: skip

COSTS = of_layer(
    Where.MACHINE,
    (
        "fuel-charged-after-the-branch", "PF-EXE-013", "A backward branch is taken before it is seen that no fuel is left.",
        [Edit("machine:run", "if not thread.fuel:", "if thread.fuel < 0:")],
    ),
    (
        "forward-jump-charged", "PF-EXE-013", "A jump costs fuel wherever it goes.",
        [
            Edit(
                f"{_J}:jmp", "return",
                "f.thread.fuel = max(f.thread.fuel - (HIGH[c] >= 0), 0)\n    return",
            )
        ],
    ),
    (
        "host-call-not-charged", "PF-EXE-013", "A call of a host function costs no fuel.",
        [Edit(f"{_C}:call", "thread.fuel -= 1", "thread.fuel -= function.module.host is None")],
    ),
    (
        "host-called-before-it-is-charged", "PF-EXE-013", "A host function is called, and then it is seen that no fuel is left.",
        [
            Edit(f"{_C}:call", _CHARGE, _CHARGE.replace("thread.fuel:", "thread.fuel and function.module.host is None:")),
            Edit(
                f"{_C}:call", "_call_host(f, function, a, b)",
                "_call_host(f, function, a, b)\n        if thread.fuel < 0:\n            raise out_of_fuel()",
            ),
        ],
    ),
    (
        "embedders-call-not-charged", "PF-EXE-013", "The call of the embedder costs no fuel.",
        [Edit("machine:call_function", "    thread.fuel -= 1\n", "")],
    ),
    (
        "depth-off-by-one", "PF-EXE-014", "A call has one frame less than it may have.",
        [Edit("machine.state:Frame.__init__", "self.depth > thread.depth", "self.depth >= thread.depth")],
    ),
)  # fmt: skip

CALLS = of_layer(
    Where.MACHINE,
    (
        "reference-signature-unchecked", "PF-EXE-011", "A call by reference calls what has another signature.",
        [Edit(f"{_C}:dereference", "if function.signature != signature:", "if function is None:")],
    ),
    (
        "results-of-reference-unchecked", "PF-EXE-011", "A call by reference compares parameters and no results.",
        [Edit(f"{_C}:dereference", "function.signature != signature", "(function.signature ^ signature) & 0xFFFF")],
    ),
    (
        "null-reference-is-no-function", "PF-EXE-011", "A call of reference 0 traps as one of any other number does.",
        [Edit(f"{_C}:dereference", "if reference == 0:", "if reference is None:")],
    ),
    (
        "references-from-position-0", "PF-EXE-010", "lfn gives a reference whose module is counted from 0.",
        [Edit(f"{_C}:lfn", "position + 1 << 32", "position << 32")],
    ),
    (
        "fuel-before-signature", "PF-EXE-012", "A call by reference is charged before its reference is looked at.",
        [Edit(f"{_C}:callr", "f.function.callees[pc] =", "if not f.thread.fuel:\n        raise out_of_fuel()\n    f.function.callees[pc] =")],
    ),
    (
        "registers-not-zeroed", "PF-EXE-001", "A function finds in its registers what the call before left there.",
        [Edit(f"{_C}:call", f"f.i[a : a + code.i_params] {_ZEROS}", f"f.i[a : a + code.i_params] {_LEFT}")],
    ),
    (
        "result-to-register-0", ("PF-EXE-002", "PF-EXE-115"), "A result is put into register 0, wherever the window begins.",
        [Edit(f"{_C}:ret", "caller.i[caller.a] =", "caller.i[0] =")],
    ),
    (
        "results-taken-from-register-0", ("PF-EXE-002", "PF-EXE-115"), "Results of floats are taken from register 0 on.",
        [Edit(f"{_C}:ret", "caller.n[caller.b : caller.b + n_results] = f.n[b : b + n_results]", "caller.n[caller.b : caller.b + n_results] = f.n[:n_results]")],
    ),
    (
        "callee-kept-by-slot-instruction", ("PF-EXE-011", "PF-EXE-114"), "A call by reference calls what it called before.",
        [Edit(f"{_C}:callr", "f.function.callees[pc] =", "f.function.callees[pc] = f.function.callees.get(pc) or")],
    ),
)  # fmt: skip

EMBEDDER = of_layer(
    Where.PROCESS,
    (
        "exhausted-goes-on", "PF-EXE-016", "A process that was exhausted accepts more calls.",
        [Edit("process:Process.invoke", "self._exhausted = True", "self._exhausted = False")],
    ),
    (
        "trapped-does-not-go-on", "PF-EXE-015", "A process that trapped accepts no more calls.",
        [Edit("process:Process.invoke", "except Exhausted:", "except (Exhausted, Trap):")],
    ),
    (
        "embedder-floats-uncounted", "PF-EXE-018", "The float arguments of an embedder's call are not counted.",
        [Edit("process:Process.invoke", "(len(i), len(n)) != (i_params, n_params)", "len(i) != i_params")],
    ),
    (
        "data-export-called", "PF-EXE-017", "An embedder's call of exported data is no unlinkable one.",
        [Edit("process:_find", "if not isinstance(found, Function):", "if found is None:")],
    ),
    (
        "host-integers-not-wrapped", "PF-EXE-002", "What a host function gives is not brought back to 64 bits.",
        [
            Edit(f"{_C}:call_host", "wrap(int(x)) for x", "int(x) for x"),
            Edit("adapter:host_module", "wrap(x + y), wrap(x - y)", "x + y, x - y"),
        ],
    ),
)  # fmt: skip
