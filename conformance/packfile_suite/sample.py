"""The plug-in that leaves out the cases which are not in a sample, and tells how many it was taken from."""

from __future__ import annotations

from typing import Any

import pytest

from .items import CaseItem
from .plan import Sample
from .suite import Suite

_KEY = "packfile_sampled_from"


class Sampler:
    """Lives in each process of a run, where a sample was asked for."""

    def __init__(self, suite: Suite, sample: Sample) -> None:
        self._suite, self._sample = suite, sample

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Comes after every other choice, so that the sample is of what they leave."""
        names = {item.case.id for item in items if isinstance(item, CaseItem)}
        kept = self._sample.of(names)
        dropped = {item for item in items if isinstance(item, CaseItem) and item.case.id not in kept}
        items[:] = [item for item in items if item not in dropped]
        self._suite.sampled_from = len(names)
        config.hook.pytest_deselected(items=list(dropped))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Lets a worker of xdist tell the process that sums up, which collects nothing itself."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_KEY] = self._suite.sampled_from

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - xdist's
        """Takes what a worker told; one that died told nothing."""
        self._suite.sampled_from = getattr(node, "workeroutput", {}).get(_KEY, self._suite.sampled_from)
