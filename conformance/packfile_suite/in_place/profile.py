"""The checks as the suite knows them: each like a case, with an id, a rule and byte orders."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packfile_suite.case import Case
from packfile_suite.execute import Failure, Result
from packfile_suite.observe.proc import Unobservable, check_platform
from packfile_suite.plan import ORDERS, Variant
from packfile_suite.session import LoaderFailed

from . import checks, living
from .checks import Lab
from .driving import Broken

FEATURE = "in-place"
_FOREIGN = next(order for order in ORDERS if order != sys.byteorder)


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    id: str
    rule: str
    run: Callable[[Lab, str], str]
    orders: tuple[str, ...] = ORDERS

    @property
    def summary(self) -> str:
        """What holds if it passes."""
        return (self.run.__doc__ or "").strip()

    @property
    def case(self) -> Case:
        """It as a case without modules and steps, for whatever chooses and names cases."""
        order = "both" if self.orders == ORDERS else self.orders[0]
        place = Path("spec/rules/in-place.md")
        return Case(self.id, (self.rule,), (FEATURE,), self.summary, order, None, {}, (), (), place, 1, {})


CHECKS = (
    Check("xip-code-is-a-file-mapping", "PF-XIP-003", checks.code_is_a_file_mapping),
    Check("xip-length-costs-nothing", "PF-XIP-004", checks.costs_do_not_depend_on_length),
    Check("xip-functions-cost-nothing", "PF-XIP-005", checks.no_table_of_functions),
    Check("xip-linking-writes-private-memory", "PF-XIP-006", checks.linking_writes_private_memory_alone),
    Check("xip-data-becomes-private-by-pages", "PF-XIP-007", checks.data_becomes_private_by_pages),
    Check("xip-running-copies-no-code", "PF-XIP-008", checks.running_copies_no_code),
    Check("xip-foreign-order-costs-no-more", "PF-XIP-009", checks.foreign_order_costs_no_more, (_FOREIGN,)),
    Check("xip-processes-share-pages", "PF-XIP-010", living.processes_share_pages),
    Check("xip-dropped-pages-come-back", "PF-XIP-011", living.dropped_pages_come_back),
    Check("xip-closing-unmaps", "PF-XIP-012", living.closing_unmaps),
    Check("xip-replaced-file-goes-on", "PF-XIP-013", living.replaced_file_goes_on),
)
"""Every check, by rule."""


@dataclass
class Seen(Result):
    """What came of a check."""

    figures: str = ""
    """What was seen, in words."""
    unobservable: str = ""
    """Why it could not be told."""

    @property
    def verdict(self) -> str:
        """That of a case, or `unobservable`."""
        return "unobservable" if self.unobservable else super().verdict


def runs() -> list[tuple[Check, Variant]]:
    """Every check in every byte order that it has."""
    return [(check, Variant(order, {})) for check in CHECKS for order in check.orders]


@cache
def _platform() -> str:
    try:
        check_platform()
    except Unobservable as reason:
        return str(reason)
    return ""


def run(check: Check, lab: Lab, order: str) -> Seen:
    """Runs a check. Raises nothing for what a loader or the kernel does."""
    started = time.perf_counter()
    seen = Seen(unobservable=_platform())
    if not seen.unobservable:
        try:
            seen.figures = check.run(lab, order)
        except Unobservable as reason:
            seen.unobservable = str(reason)
        except Broken as broken:
            seen.failure = Failure("fail", None, "look at the loader's memory", check.summary, str(broken))
        except LoaderFailed as failed:
            lab.loader.hangs += failed.kind == "hang"
            said = f"the loader {failed.message}"
            seen.failure = Failure(failed.kind, None, "drive the loader", check.summary, said, stderr=failed.stderr)
    seen.seconds = time.perf_counter() - started
    return seen
