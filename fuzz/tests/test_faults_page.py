"""The committed table of seeded bugs has all of them as they are now, and each was found by both means."""

import json
from pathlib import Path

from packfile_fuzz.faults.catalogue import REFERENCE, patches
from packfile_fuzz.faults.table import Row, markdown

FUZZ = Path(__file__).parents[1]
FOUND = json.loads((FUZZ / "faults-found.json").read_text())
CATALOGUE = [*REFERENCE, *patches(FUZZ.parent / "loaders" / "c")]
ROWS = {row["fault"]: row for row in FOUND["faults"]}
TABLE = [Row.from_json(fault, ROWS[fault.name]) for fault in CATALOGUE if fault.name in ROWS]


def test_every_fault_of_the_catalogue_was_tried() -> None:
    """After a change of the catalogue: run the command that faults.md names, with --resume."""
    assert [row.fault.name for row in TABLE] == [fault.name for fault in CATALOGUE]
    assert ROWS.keys() == {fault.name for fault in CATALOGUE}
    assert FOUND["options"]["seeds"] == 5
    for row in TABLE:
        assert {**row.as_json(), "summary": ""} == {**ROWS[row.fault.name], "summary": ""}


def test_the_page_shows_these_figures() -> None:
    assert (FUZZ / "faults-found.md").read_text() == markdown(TABLE)


def test_the_suite_finds_every_fault() -> None:
    assert [row.fault.name for row in TABLE if row.caught is None] == []


def test_campaigns_find_every_other_fault_within_a_minute() -> None:
    missed = {row.fault.name for row in TABLE if row.median is None or row.median > 60}
    # It needs damage in one of two blocks of one table; the page says so.
    assert missed == {"c-corrupt-row-ends-search"}
    page = (FUZZ / "faults.md").read_text()
    assert all(f"`{name}`" in page for name in missed)
