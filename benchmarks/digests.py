"""The group `digests`: what it costs to open, call and run a file whose digests are checked, beside one without."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import packfile
from benchmarks.facts import facts
from benchmarks.group import Group
from benchmarks.measure import interleaved, seconds
from benchmarks.report import Quantity, Report, quantities, rows
from benchmarks.report_text import text
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

ROUNDS = 7
QUICK_ROUNDS = 2
_AT_LEAST = 0.1
_QUICK_AT_LEAST = 0.002
_BYTES = 1 << 16
_TEXT = f"""
.export func sum (i) -> (i)
  .registers i 4
  lrodata i1, table
again:
  i_load8_u i2, i1, 0
  i_add i3, i3, i2
  i_add_imm i1, i1, 1
  i_add_imm i0, i0, -1
  jmp_if i0, again
  i_mov i0, i3
  ret i0, n0
.rodata
table: .zero {_BYTES}
"""
_WITHOUT, _WITH = "without digests", "with digests"


def measure(*, quick: bool = False, rounds: int | None = None) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: short samples, whose figures say nothing.
        rounds: How often to measure.
    """
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    order = ByteOrder.LITTLE if sys.byteorder == "little" else ByteOrder.BIG
    module = assemble(_TEXT)
    with TemporaryDirectory(prefix="packfile-benchmark-") as place:
        runs: dict[tuple[str, str], Callable[[], object]] = {}
        opened: list[packfile.Process] = []
        for name, digests in ((_WITHOUT, False), (_WITH, True)):
            path = Path(place) / f"{digests}.pkf"
            path.write_bytes(encode(dataclasses.replace(module, digests=digests), order))
            image = packfile.open(path)
            process = packfile.link([("main", image)])
            image.close()
            # Loads all of rodata, so that what is measured below is a segment that was checked.
            process.call("main", "sum", _BYTES)
            opened.append(process)
            runs["open", name] = _opening(path)
            runs["open, link and a first call", name] = _calling(path, 1)
            runs[f"the same, loading {_BYTES} bytes", name] = _calling(path, _BYTES)
            runs[f"a later call, loading {_BYTES} bytes", name] = _again(process)
        before = facts()
        at_least = _QUICK_AT_LEAST if quick else _AT_LEAST
        taken = interleaved({key: partial(seconds, run, at_least) for key, run in runs.items()}, rounds)
        for process in opened:
            process.close()
    return Report(before, rounds, quick, list(_quantities(taken)), [], [])


def _quantities(taken: Mapping[tuple[str, str], Sequence[float]]) -> Iterator[Quantity]:
    for number, what in enumerate(dict.fromkeys(what for what, _ in taken)):
        milliseconds = {(name, 1.0): [1000 * value for value in taken[what, name]] for name in (_WITHOUT, _WITH)}
        yield Quantity(f"digests{number}", f"CPU time: {what}", "ms", _WITHOUT, rows(milliseconds, _WITHOUT))


@contextmanager
def _linked(path: Path) -> Iterator[packfile.Process]:
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        yield process


def _opening(path: Path) -> Callable[[], object]:
    return lambda: packfile.open(path).close()


def _calling(path: Path, argument: int) -> Callable[[], object]:
    def run() -> None:
        with _linked(path) as process:
            process.call("main", "sum", argument)

    return run


def _again(process: packfile.Process) -> Callable[[], object]:
    return lambda: process.call("main", "sum", _BYTES)


GROUP = Group(
    name="digests",
    help="what checking digests costs",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
)
