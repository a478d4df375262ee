"""What a worker does: one range of seeds, under a time limit that nothing in it can evade.

Assumes a worker process that runs one range at a time. Promises an answer, an exception, or the end of the process.
"""

from __future__ import annotations

import faulthandler
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from packfile_fuzz.results import Tally

from .seeds import Span

Work = Callable[[int, int], Tally]
"""Judges the examples of `count` seeds from `first` on; it pickles, and depends on nothing but them."""


class Answer(NamedTuple):
    """What came of a range."""

    tally: Tally
    """What it came to."""
    seconds: float
    """Wall seconds that it took."""


def perform(work: Work, span: Span, limit: float) -> Answer:
    """Do a range; the process ends if it takes more than `limit` seconds."""
    # A thread of C, so that a loop which never lets go of the interpreter ends as well.
    assert sys.__stderr__ is not None
    faulthandler.dump_traceback_later(limit, exit=True, file=sys.__stderr__)
    try:
        start = time.perf_counter()
        tally = work(span.first, span.count)
        return Answer(tally, time.perf_counter() - start)
    finally:
        faulthandler.cancel_dump_traceback_later()
