"""Judges what programs come to: promises of the spec that can be checked on any program, each by its name.

Assumes programs that the writer can write. Promises a judgement of every example: an exception in here is a failure as
well, and ends nothing.
"""

from packfile_fuzz.oracles.base import Example, Oracle
from packfile_fuzz.oracles.judging import Judgement, examine
from packfile_fuzz.oracles.ranges import Options, run_range, unfair
from packfile_fuzz.oracles.registry import ORACLES
from packfile_fuzz.oracles.throughput import rates

__all__ = [
    "ORACLES",
    "Example",
    "Judgement",
    "Options",
    "Oracle",
    "examine",
    "rates",
    "run_range",
    "unfair",
]
