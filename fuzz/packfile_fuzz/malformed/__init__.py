"""Broken files: made from valid ones, and judged by the specification.

Assumes `packfile_fuzz.program` and nothing after it. `mutate` makes a file, `mutated` nothing but
the file, `judge` has the reference open, link, call
and audit it. What each check rests on is said by `expectation` and `judging`.
"""

from .expectation import Expectation, expect
from .judging import CHECKS, Problem, judge
from .mutation import DAMAGES, MUTATIONS, Broken, Fault, Mutations, mutate, mutated
from .observation import Observed, Setting, observe

__all__ = [
    "CHECKS",
    "DAMAGES",
    "MUTATIONS",
    "Broken",
    "Expectation",
    "Fault",
    "Mutations",
    "Observed",
    "Problem",
    "Setting",
    "expect",
    "judge",
    "mutate",
    "mutated",
    "observe",
]
