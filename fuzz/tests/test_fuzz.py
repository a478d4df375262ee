"""Every oracle over what the strategies give; `--fuzz-profile` says how long, `--fuzz-loader` with which loader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given

from packfile.layout import ByteOrder
from packfile.model import Module
from packfile.writer import decode, encode
from packfile_fuzz.malformed import Broken, judge
from packfile_fuzz.oracles import ORACLES, examine
from packfile_fuzz.program import Program
from packfile_fuzz.run import Loaders
from packfile_fuzz.strategies import import_graphs, malformed, modules, programs
from tests.chosen import CHOSEN, loader
from tests.examples import BROKEN, GRAPHS, PROGRAMS, committed

OF_LINKS = [ORACLES[name] for name in ("internal-error", "byte-orders", "lazy-eager", "loader", "counters")]
"""What says most of imports; `programs` come with some as well, and are asked everything."""


@pytest.fixture(scope="module")
def loaders(request: pytest.FixtureRequest) -> Iterator[Loaders]:
    with Loaders({"loader": loader(request.config)}) as started:
        yield started


@CHOSEN
@given(program=programs())
@committed("program", PROGRAMS)
def test_programs_keep_every_promise(loaders: Loaders, program: Program) -> None:
    assert examine(program, loaders=loaders).differences == []


@CHOSEN
@given(program=import_graphs())
@committed("program", GRAPHS)
def test_import_graphs_keep_every_promise_on_links(loaders: Loaders, program: Program) -> None:
    assert examine(program, OF_LINKS, loaders=loaders).differences == []


@CHOSEN
@given(broken=malformed())
@committed("broken", BROKEN)
def test_the_specification_says_of_broken_files_what_the_reference_says(broken: Broken) -> None:
    assert judge(broken) == []


@CHOSEN
@given(module=modules())
def test_files_of_both_orders_say_the_same(module: Module) -> None:
    little, big = (decode(encode(module, order)) for order in ByteOrder)
    assert little == big == module
