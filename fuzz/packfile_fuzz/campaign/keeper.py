"""The adapters that a worker keeps from range to range, since to start one may take longer than to judge a range.

Assumes ranges one after the other. Promises that adapters go on only while all of them are well, at most for
`LIFE` seconds, and end with the process or once nothing was judged for `IDLE` seconds.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from packfile_fuzz.oracles import Options
from packfile_fuzz.run import Loaders, sweep

LIFE = 600.0
"""Seconds after which adapters are started anew, so that one which grows does not do so for a week."""
IDLE = 30.0
"""Seconds after which adapters that nobody needs end: a worker of a scheduler outlives campaigns."""


class Keeper:
    """Keeps the adapters of one set of commands."""

    def __init__(self, life: float = LIFE, idle: float = IDLE) -> None:
        """Keep nothing yet."""
        self._life, self._idle = life, idle
        self._lock = threading.Lock()
        self._kept: tuple[object, float, Loaders] | None = None
        self._timer: threading.Timer | None = None

    @contextmanager
    def lend(self, options: Options) -> Iterator[Loaders]:
        """The adapters that options name, for a range; after an exception they end."""
        what = options.loaders, options.timeout
        until, loaders = self._take(what) or (time.monotonic() + self._life, _start(options))
        try:
            yield loaders
        except BaseException:
            loaders.close()
            raise
        self._keep(what, until, loaders)

    def _take(self, what: object) -> tuple[float, Loaders] | None:
        """Those that are kept, if they are the right ones; others end."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is None:
            return None
        of, until, loaders = kept
        if of == what and time.monotonic() < until:
            return until, loaders
        loaders.close()
        return None

    def _keep(self, what: object, until: float, loaders: Loaders) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not loaders.are_well:
            loaders.close()
            return
        with self._lock:
            self._kept = what, until, loaders
        self._timer = threading.Timer(self._idle, self.close)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """End those that are kept; what is lent goes on."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept[-1].close()


def _start(options: Options) -> Loaders:
    # What the process before this one left, if it was killed.
    sweep()
    return options.start()


KEEPER = Keeper()
"""That of this process."""
atexit.register(KEEPER.close)
