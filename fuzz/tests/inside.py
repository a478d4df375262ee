"""The reference's adapter in this process, where the suite expects a loader: no process to start for each fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from packfile.adapter import Adapter, reply_to
from packfile_suite.execute import Loader
from packfile_suite.session import Session


class Inside:
    """Stands for a `Loader` and for its `Session`, as far as running a case needs them."""

    hangs = 0
    alive = True

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def session(self) -> Session:
        return cast(Session, self)

    def request(self, command: str, /, **fields: Any) -> dict[str, Any]:
        line = json.dumps({"id": 1, "command": command, **fields}).encode()
        reply: dict[str, Any] = json.loads(json.dumps(reply_to(self._adapter, line)))
        return reply

    def settle(self) -> None:
        """Nothing is written that was not asked for."""


@contextmanager
def inside(translate_after: int) -> Iterator[Loader]:
    """A loader in this process."""
    adapter = Adapter(translate_after)
    try:
        yield cast(Loader, Inside(adapter))
    finally:
        adapter.close()
