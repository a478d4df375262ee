"""Whatever an adapter answers, one case bears it, its text says what is wrong, and the others run on."""

import pytest

from tests.faults import Fault, JudgeFault

_SCHEMA = "answered with a message that breaks adapter.schema.json"
_UNASKED = "wrote a line that no request asked for: "

RUBBISH = [
    ("garbage", "got rubbish: the loader wrote a line that is not JSON: 'Segmentation fault? \\x00\\x01'"),
    ("garbage-before", "not JSON: 'debug: here'"),
    ("garbage-on-the-line", 'not JSON: \'debug: here {"id": 4, '),
    ("garbage-behind", 'not JSON: \'{"id": 4, '),
    ("not-utf8", r"""not JSON: '{"id": 4, "message": "\\xff\\xfe"}'"""),
    ("list", "not a JSON object: '[1, 2]'"),
    ("nan", 'not JSON: \'{"id": 4, "outcome": NaN}\''),
    ("nested", "nested too deeply: '[[[[[["),
    ("nested-object", 'nested too deeply: \'{"a":{"a":'),
    ("nested-field", "the loader"),
    ("huge-integer", 'not JSON: \'{"id": 99999'),
    ("big-integer", "answered with id 99999"),
    ("surrogate", 'half of a surrogate pair, which is no text: \'{"id": 4, '),
    ("surrogate-in-a-key", "half of a surrogate pair"),
    ("empty", "not JSON: ''"),
    ("wrong-id", "answered with id 999 where 4 was asked"),
    ("id-as-text", "answered with id '4' where 4 was asked"),
    ("id-as-float", "answered with id 4.0 where 4 was asked"),
    ("no-id", "answered with id None where 4 was asked"),
    ("stale", "answered with id 3 where 4 was asked"),
    ("ahead", "answered with id 5 where 4 was asked"),
    ("extra", _UNASKED),
    ("no-outcome", "answered with an outcome that the protocol does not have, none: "),
    ("unknown-outcome", "answered with an outcome that the protocol does not have, 'splendid': "),
    ("unknown-trap", f"{_SCHEMA} (failure): code: 'bad-luck' is not one of"),
    ("trap-without-code", f"{_SCHEMA} (failure): 'code' is a required property"),
    ("outcome-and-error", f"{_SCHEMA} (error): "),
    ("unknown-error", f"{_SCHEMA} (error): error: 'oops' is not one of"),
    ("schema", f"{_SCHEMA} (call_reply): "),
    ("number", f"{_SCHEMA} (call_reply): i.0: 5 is not of type 'string'"),
    ("text-for-list", f"{_SCHEMA} (call_reply): i: '5' is not of type 'array'"),
    ("null", f"{_SCHEMA} (call_reply): i: None is not of type 'array'"),
    ("hexadecimal", f"{_SCHEMA} (call_reply): i.0: '0x5' does not match"),
    ("float-as-decimal", f"{_SCHEMA} (call_reply): n.0: '5.0' does not match"),
    ("float-as-number", f"{_SCHEMA} (call_reply): n.0: 5.0 is not of type 'string'"),
    ("no-log", "answered a call without its log"),
]

WRONG = [
    ("too-few", "expected ok, i = [5] got ok"),
    ("too-many", "expected ok, i = [5] got ok, i = [5, 5]"),
    ("other-bank", "expected ok, i = [5] got ok, n = [4014000000000000 (5.0)]"),
    ("internal", "got the error internal"),
]

FAULTS = [
    *(Fault(name, "rubbish", words) for name, words in RUBBISH),
    *(Fault(name, "fail", words) for name, words in WRONG),
    # At the end of a case as well: the next one must not bear it.
    Fault("extra", "rubbish", _UNASKED, nth=5),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_an_answer_fails_its_case_and_no_other(fault: Fault, judge_fault: JudgeFault) -> None:
    judge_fault(fault)
