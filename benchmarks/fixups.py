"""The group `fixups`: what linking takes by the number of imports, and what a slot costs where it is used."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import openers
from benchmarks.facts import facts
from benchmarks.fixup_files import UNROLLED, write_imports, write_loops
from benchmarks.group import Group
from benchmarks.measure import interleaved, seconds
from benchmarks.openers import FIRST_TIER, REFERENCE, SECOND_TIER, C, Opener, Openers
from benchmarks.report import Quantity, Report, quantities, rows
from benchmarks.report_text import text
from benchmarks.verdicts import Verdict, at_most, not_measured, quotients
from packfile.layout import Binding, ByteOrder

ROUNDS = 5
QUICK_ROUNDS = 2
COUNTS = (1, 10, 100, 1_000, 10_000, 100_000)
QUICK_COUNTS = (1, 10, 100)
KINDS = (C, FIRST_TIER, SECOND_TIER)
_LINKERS = {C: C, FIRST_TIER: REFERENCE}
"""What links, by the kind that does it; the reference's second tier links as its first does."""
ORDER = ByteOrder.BIG
BOUND = 1.1
"""How many times as long a call through a bound slot may take as a direct one."""
PEER = "C, eager"
_AT_LEAST = 0.05
"""CPU seconds of a sample."""
_QUICK_AT_LEAST = 0.002
_CALLS = {"direct": "call", "near_slot": "calli, own module", "far_slot": "calli, other module"}
_ADDRESSES = {"address": "ldata", "data_slot": "ldslot"}
LOOPS = _CALLS | _ADDRESSES
"""What the loops do, by their names."""


class Key(NamedTuple):
    """What a sample is of: linking with a binding, or a loop."""

    kind: str
    what: str
    imports: int = 1


Taken = Mapping[Key, Sequence[float]]
"""CPU seconds of one link, call or address."""


def measure(*, quick: bool = False, rounds: int | None = None, known: Openers | None = None) -> Report:
    """Run everything.

    Args:
        quick: Only show that it works: few imports and short samples, whose figures say nothing.
        rounds: How often to measure.
        known: How loaders are started.

    Raises:
        NotMeasured: A loader fails.
    """
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    known = known or Openers()
    at_least = _QUICK_AT_LEAST if quick else _AT_LEAST
    openers.BUILD.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fixups-", dir=openers.BUILD)))
        loops = write_loops(folder, ORDER)
        bindings = (Binding.EAGER, Binding.LAZY)
        files = {(b.name.lower(), n): write_imports(folder, n, b, ORDER) for b in bindings for n in _counts(quick)}
        samples: dict[Key, Callable[[], float]] = {}
        for kind in KINDS:
            if kind not in known.lacks:
                opener = known.start(kind, kind, stack)
                for (binding, count), paths in files.items() if kind in _LINKERS else ():
                    samples[Key(kind, binding, count)] = partial(_linked, opener, paths, at_least)
                for what in LOOPS:
                    samples[Key(kind, what)] = partial(_looped, opener, loops, what, at_least)
        before = facts()
        taken = interleaved(samples, rounds)
    note = (
        f"CPU time. A loop does {UNROLLED} of what it measures before it jumps; a call includes the return of what it "
        "calls, which does nothing"
    )
    return Report(before, rounds, quick, list(_quantities(taken)), list(judge(taken)), known.left_out(*KINDS), [note])


def _counts(quick: bool) -> Sequence[int]:
    return QUICK_COUNTS if quick else COUNTS


def _linked(opener: Opener, paths: Sequence[Path], at_least: float) -> float:
    """The time of a link of images that are open; the first is not counted, since it pages in what it reads."""
    opener.ask("images", *paths, expected=0)
    return _repeated(opener, at_least, "link")


def _looped(opener: Opener, paths: Sequence[Path], what: str, at_least: float) -> float:
    opener.ask("images", *paths, expected=0)
    opener.ask("link", 1, expected=0)
    return _repeated(opener, at_least, "call", what) / UNROLLED


def _repeated(opener: Opener, at_least: float, *words: str) -> float:
    """CPU seconds of one repetition, of as many in one request as take long enough."""
    taken = seconds(partial(opener.ask, *words, 1, expected=0), 0.0, opener.child.cpu)
    if taken >= at_least:
        return taken
    count = 1
    while True:
        taken = seconds(partial(opener.ask, *words, count, expected=0), 0.0, opener.child.cpu)
        if taken >= at_least:
            return taken / count
        count *= 10 if taken < at_least / 10 else 2


def _quantities(taken: Taken) -> Iterator[Quantity]:
    links = {
        (f"{_LINKERS[key.kind]}, {key.what}", float(key.imports)): [1000 * value for value in values]
        for key, values in taken.items()
        if key.what not in LOOPS
    }
    yield Quantity("link", "Time to link a module to another", "ms", PEER, rows(links, PEER), at_title="imports")
    for kind in dict.fromkeys(key.kind for key in taken):
        for key, title, names in (
            ("call", "Time of a call", _CALLS),
            ("address", "Time to load an address", _ADDRESSES),
        ):
            values = {(name, 1.0): [1e9 * value for value in taken[Key(kind, what)]] for what, name in names.items()}
            peer = next(iter(names.values()))
            yield Quantity(key, title, "ns", peer, rows(values, peer), panel=kind)


def judge(taken: Taken) -> Iterator[Verdict]:
    """What is claimed of each loader: a bound slot costs hardly more than what needs none."""
    for kind in KINDS:
        for what, base in (("near_slot", "direct"), ("far_slot", "direct"), ("data_slot", "address")):
            claim = f"{kind}: {LOOPS[what]} takes at most {BOUND} times the time of {LOOPS[base]}"
            ratios = quotients(taken.get(Key(kind, what), ()), taken.get(Key(kind, base), ()))
            yield at_most(claim, ratios, BOUND, " times") if ratios else not_measured(claim, "left out")


GROUP = Group(
    name="fixups",
    help="linking by the number of imports, and what a slot costs beside what needs none",
    description=__doc__ or "",
    rounds=ROUNDS,
    measure=measure,
    text=text,
    quantities=quantities,
)
"""What the command line knows of it."""
