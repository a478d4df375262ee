"""What each stage of an example costs.

Assumes one thread. Promises seconds of this thread's processor time, save for the stage `adapter`, which is time that
passes, since there another process works.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

ADAPTER = "adapter"
"""The stage in which an adapter is asked."""


class Clock:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """Seconds by stage; a stage that lies within another counts for itself and not for that one."""
        self._inner = [0.0]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts what is done in its block."""
        start, passed = time.thread_time(), time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            spent, passed = time.thread_time() - start, time.perf_counter() - passed
            inner = self._inner.pop()
            self._inner[-1] += spent
            own = (passed if name == ADAPTER else spent) - inner
            self.seconds[name] = self.seconds.get(name, 0.0) + own
