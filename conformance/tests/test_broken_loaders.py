"""Loaders with one defect each: the suite must be red, by the cases named here, and stay green where they are right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOADERS = Path(__file__).parent.parent / "broken_loaders"

CAUGHT_BY = {
    "host_order_words": {"call-fibonacci", "call-windows-at-odd-places", "exe-i_add-edges"},
    "host_order_constants": {"exe-i_const-edges", "exe-n_const-edges", "hdr-byte-order-covers-every-integer"},
    "swapped_data": {"fix-data-is-shared", "fix-eager-present-binds", "fix-units-and-orders-mix"},
    "eager_weak": {"fix-weak-missing-loads-zero", "fix-weak-missing-bound-gives-zero", "fix-weak-missing-calli-traps"},
    "patched_slots": {"fix-same-image-in-two-processes", "fix-order-of-set-gives-positions"},
}
"""Cases that catch each loader."""

RIGHT = {"exe-i_eqz-edges", "exe-i_clz-edges"}
"""Cases about nothing that any of them breaks, but for the order of code words."""

ONE_ORDER = {"host_order_words", "host_order_constants", "swapped_data"}
"""Loaders that are right as long as every file has the host's order."""


def run(loader: str, cases: set[str], report: Path) -> tuple[int, dict[tuple[str, str], bool], str]:
    """Exit status, whether each run of a case failed, and what was printed."""
    command = f"{sys.executable} {LOADERS / f'{loader}.py'}"
    arguments = ["--loader", command, "-k", " or ".join(sorted(cases)), "--report-jsonl", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "packfile_suite", "run", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    found = {(row["case"], row["byte_orders"]): row["failed"] for row in rows if row.get("case") in cases}
    return done.returncode, found, done.stdout


@pytest.mark.parametrize("loader", CAUGHT_BY)
def test_a_broken_loader_is_caught_by_these_cases(loader: str, tmp_path: Path) -> None:
    status, found, printed = run(loader, CAUGHT_BY[loader] | RIGHT, tmp_path / "report.jsonl")
    assert {case for case, _ in found} == CAUGHT_BY[loader] | RIGHT, "a case that is named here is gone"
    assert status == 1
    assert {case for (case, _), failed in found.items() if failed} - RIGHT == CAUGHT_BY[loader]
    assert "PF-" in printed
    host = sys.byteorder
    for (case, orders), failed in found.items():
        if loader in ONE_ORDER and set(orders.split(",")) == {host}:
            assert not failed, f"{case}[{orders}] fails, although every file has the host's order"
        if case in RIGHT and loader != "host_order_words":
            assert not failed, f"{case}[{orders}] fails, although {loader} is right about it"


def test_every_broken_loader_is_tried() -> None:
    assert {path.stem for path in LOADERS.glob("*.py")} == set(CAUGHT_BY)
