"""Where ranges are done: workers of dask, of this machine or of a scheduler elsewhere. The one module that knows dask.

Assumes that workers have this package, in this version. Promises one event for every range that was submitted, unless
the scheduler is lost; and that `close` leaves no process that was started here, nor one that those have started.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import dask
import psutil
from distributed import Client, Future, KilledWorker, LocalCluster, span

from .seeds import Span
from .task import Work, perform
from .workers import Died, Done, Event, Lost, Raised

MARK = "PACKFILE_FUZZ_CAMPAIGN"
"""The environment variable by which the processes of a campaign are found."""
_CONNECT = 5.0
"""Seconds to reach the scheduler."""
_CALL = 15.0
"""Seconds for an answer of the scheduler, which may be on a busy machine."""
_CLOSE = 3.0
"""Seconds for workers to end by themselves."""
# So what a terminal or a batch system sends to all processes of a group is left to the campaign.
_PRELOAD = "import signal; [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)]"


class DaskWorkers:
    """Workers of dask: a cluster of processes here, or those of a scheduler elsewhere."""

    def __init__(self, work: Work, limit: float, number: int, address: str | None) -> None:
        """Start, or connect.

        Args:
            work: What does a range.
            limit: Seconds that a range may take.
            number: Worker processes to start, if there is no address.
            address: That of a scheduler.

        Raises:
            Lost: There is no scheduler at the address.
        """
        self._work, self._limit, self._address = work, limit, address
        self._queue: queue.SimpleQueue[tuple[Span, Future[Any]]] = queue.SimpleQueue()
        self._futures: dict[Span, Future[Any]] = {}
        self._cluster: Any = None
        self._client: Any = None
        self._mark = f"{os.getpid()}-{secrets.token_hex(8)}"
        _silence()
        # One for all ranges: otherwise the scheduler keeps one for each time that it had nothing to do.
        self._span = contextlib.ExitStack()
        self._span.enter_context(span("packfile-fuzz"))
        if address is None:
            os.environ[MARK] = self._mark
            # At the first death, so that it is known at once which ranges it may have been.
            with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
                self._cluster = LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=number,
                    threads_per_worker=1,
                    processes=True,
                    # Port 0: a second campaign on this machine would be warned of the port of the first.
                    scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                    silence_logs=logging.CRITICAL,
                    preload=[_PRELOAD],
                )
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        self._queue, self._futures = queue.SimpleQueue(), {}
        with _losing():
            self._client = Client(self._cluster or self._address, timeout=_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]

    def capacity(self) -> int:
        """How many ranges can be done at once. Raises Lost."""
        self._check()
        with _losing():
            return sum(self._client.nthreads().values())

    def submit(self, span: Span) -> None:
        """Have a range done. Raises Lost."""
        self._check()
        with _losing():
            future = self._client.submit(perform, self._work, span, self._limit, pure=False, retries=0)
            self._futures[span] = future
            there = self._queue
            future.add_done_callback(lambda future: there.put((span, future)))

    def events(self, wait: float) -> list[Event]:
        """What has come since, at most after so many seconds. Raises Lost."""
        found: list[Event] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._event(*self._queue.get(timeout=wait)))
            while True:
                found.append(self._event(*self._queue.get_nowait()))
        if not found:
            self._check()
        return found

    def _event(self, span: Span, future: Future[Any]) -> Event:
        del self._futures[span]
        with _losing():
            if future.status == "finished":
                return Done(span, future.result(timeout=_CALL))
            if future.status != "error":
                raise Lost(f"the scheduler gave up a range: {future.status}")
            error = future.exception(timeout=_CALL)  # type: ignore[no-untyped-call]
        if isinstance(error, KilledWorker):
            return Died(span)
        return Raised(span, " ".join(f"{type(error).__name__}: {error}".split()))

    def _check(self) -> None:
        if self._client.status != "running":
            raise Lost(f"the scheduler at {self._address} was lost")

    def reconnect(self) -> None:
        """Start anew after a loss; results of before are not looked at any more. Raises Lost."""
        self._disconnect()
        self._connect()

    def _disconnect(self) -> None:
        if self._client is not None:
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._client.close(timeout=_CLOSE)

    def close(self) -> None:
        """End everything that was started here; of workers elsewhere, what they were given."""
        self._span.close()
        if self._client is not None and self._cluster is None:
            with contextlib.suppress(Exception):
                self._client.cancel(list(self._futures.values()), force=True)
        self._disconnect()
        if self._cluster is not None:
            with contextlib.suppress(Exception):
                self._cluster.close(timeout=_CLOSE)
            del os.environ[MARK]
            _kill(self._mark)


def _silence() -> None:
    """What dask has to say of deaths and losses, the campaign says itself."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def _losing() -> Iterator[None]:
    """Say that the scheduler was lost in place of what dask says."""
    try:
        yield
    except (OSError, TimeoutError, RuntimeError, CancelledError) as error:
        raise Lost(f"the scheduler does not answer: {error}") from None


def _kill(mark: str) -> None:
    """End the processes that have the mark in their environment, which they inherited, whoever their parent is now."""
    found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _has(process, mark)]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=_CLOSE)


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False
