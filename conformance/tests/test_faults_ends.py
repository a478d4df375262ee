"""However an adapter ends, one case bears it, its text says how, and the others run in a new process."""

import pytest

from tests.faults import Fault, JudgeFault

FAULTS = [
    Fault("crash", "crash", "got crash: the loader was killed by SIGSEGV", nth=5),
    Fault("crash", "crash", "  | about to \\x1b[31mfail".strip(), nth=5),
    Fault("abort", "crash", "the loader was killed by SIGABRT"),
    Fault("exit-0", "crash", "the loader ended with exit status 0"),
    Fault("exit", "crash", "the loader ended with exit status 3"),
    Fault("half", "crash", "the loader ended with exit status 0 after '{\"id\": 4, '"),
    Fault("answer-then-exit", "crash", "the loader ended with exit status 7", nth=2),
    Fault("leave-a-child", "crash", "the loader ended with exit status 3"),
    Fault("close", "crash", "the loader closed its standard output but runs on"),
    Fault("close-input", "crash", "the loader closed its standard input but runs on", nth=2),
    Fault("close-errors", "pass", "conformant"),
    Fault(
        "fork",
        "crash",
        "ended with exit status 0, and a process that it had started kept its standard output open",
        timeout=1.0,
    ),
    Fault("fork-away", "crash", "ended with exit status 0, and a process that it had started kept its", timeout=1.0),
    Fault("hang-with-child", "hang", "the loader gave no answer within 1 s", timeout=1.0),
    Fault("stop", "hang", "the loader gave no answer within 1 s", timeout=1.0),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_an_end_fails_its_case_and_no_other(fault: Fault, judge_fault: JudgeFault) -> None:
    judge_fault(fault)
