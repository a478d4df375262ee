"""Judging: does the reference say of a file what the specification says of it?

Assumes a file from `mutate`. Each check has a name, asks for one thing, and gives what is wrong in words and in data.
The specification's side of every check is `Broken.expected`, which `expectation` explains; only `parsers_agree` has
another, the parser that is generated from the .ksy. Of one fault the rule is judged too; of several the outcome alone.
A loader that hangs is not noticed here, where nothing can interrupt it: who calls this in earnest sets a time limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from packfile import layout
from packfile.errors import Corrupt, Exhausted, Invalid, Malformed, PackfileError, Trap, Unlinkable

from .expectation import outcomes
from .mutation import Broken
from .observation import Called, Observed, Setting, observe, peak

MOST_SECONDS = 10.0
"""CPU seconds that all stages of one file may take."""
_RANK = {"malformed": 0, "unsupported": 0, "invalid": 1, "corrupt": 2}
_SPARE = 1 << 20
_FACTOR = 64


class Problem(NamedTuple):
    """What is wrong with what a loader said."""

    check: str
    """Name of the check that found it."""
    expected: str
    """What was expected, in short: outcomes, or what holds."""
    got: str
    """What came instead."""
    rule: str
    """Rule that the loader named, or an empty string."""
    message: str
    """What is wrong, for people."""


_Wrong = Iterator[tuple[str, str, PackfileError | None, str]]
"""What was expected, what came, the error that came, and at which stage."""


def only_outcomes(_broken: Broken, seen: Observed) -> _Wrong:
    """Nothing is raised but an outcome."""
    for stage, error in seen.crashes:
        yield "an outcome", type(error).__name__, None, f"{stage}: {error}"


def opening(broken: Broken, seen: Observed) -> _Wrong:
    """A file opens if, and only if, no rule of header and directory is broken; else a broken one is named."""
    expected = broken.expected
    if _crashed(seen, "open"):
        return
    if expected.opening:
        yield from _must(broken, seen.refused, expected.opening, "open")
    elif expected.damaged_head:
        yield from _must(broken, seen.refused, expected.damage, "open")
    elif not seen.opened:
        yield "ok", _shown(seen.refused), seen.refused, "open"


def linking(broken: Broken, seen: Observed) -> _Wrong:
    """A broken import row is named; without one, only an import that does not fit or a broken export is."""
    expected = broken.expected
    if not seen.opened or _crashed(seen, "link"):
        return
    error = seen.unlinked
    if isinstance(error, Corrupt) and expected.damage:
        return
    if expected.linking:
        yield from _must(broken, error, expected.linking, "link")
        return
    exports = frozenset[str]().union(*(export.rules for export in expected.exports))
    if isinstance(error, Malformed):
        if not expected.binds or error.rule not in exports:
            yield "no malformed", _shown(error), error, "link"
    elif isinstance(error, Unlinkable):
        if not expected.binds:
            yield "ok", _shown(error), error, "link"
    elif error is not None and not (isinstance(error, Exhausted) and seen.bss_total > layout.MIN_BSS_TOTAL):
        yield "ok", _shown(error), error, "link"


def calling(broken: Broken, seen: Observed) -> _Wrong:
    """A call of a broken export, or of a broken function, names a rule of it; of any other it does not."""
    expected = broken.expected
    found = {export.name: export for export in expected.exports}
    bodies = frozenset[str]().union(*expected.functions)
    for call in seen.calls:
        if isinstance(call.error, Corrupt) and expected.damage:
            continue
        export = None if call.function is None else found[call.function]
        function = expected.entry if export is None else export.function
        certain = export is None or expected.sorted
        if certain and export and export.rules:
            yield from _must(broken, call.error, export.rules, _stage(call))
        elif certain and function is not None and expected.functions[function]:
            yield from _must(broken, call.error, expected.functions[function], _stage(call))
        elif certain and function is None:
            if not isinstance(call.error, Unlinkable):
                yield "unlinkable", _shown(call.error), call.error, _stage(call)
        elif certain and isinstance(call.error, Malformed | Unlinkable):
            yield "ok", _shown(call.error), call.error, _stage(call)
        if isinstance(call.error, Invalid) and call.error.rule not in bodies and not expected.lost:
            yield "no such rule", _shown(call.error), call.error, _stage(call)
        elif call.error and not isinstance(call.error, Trap | Exhausted | Invalid | Malformed | Unlinkable):
            yield "no such outcome", _shown(call.error), call.error, _stage(call)


def auditing(broken: Broken, seen: Observed) -> _Wrong:
    """An audit finds something if, and only if, a rule is broken, and names only rules that are."""
    if seen.audited is None:
        return
    expected = broken.expected
    if not seen.audited and expected.rules:
        yield " or ".join(sorted(outcomes(expected.rules))), "ok", None, f"audit: {sorted(expected.rules)}"
    for error in seen.audited:
        code_is_lost = expected.lost and str(error.rule).startswith("PF-CODE-")
        if error.rule not in expected.rules and not code_is_lost:
            yield "no such rule", _shown(error), error, "audit"
    ranks = [_RANK[error.outcome] for error in seen.audited]
    if ranks != sorted(ranks):
        yield "malformed before invalid before corrupt", "another order", None, "audit"


def parsers_agree(_broken: Broken, seen: Observed) -> _Wrong:
    """The generated parser accepts header and directory of what opens, and whatever it refuses is refused."""
    if seen.opened and not seen.kaitai_opens:
        yield "refused", "ok", None, f"open: the parser refuses it with {seen.kaitai}"
    if seen.audited is not None and not _crashed(seen, "audit"):
        said = {error.rule for error in seen.audited}
        for rule in seen.kaitai:
            if rule not in said:
                yield "refused", "ok", None, f"audit: the parser refuses a row with {rule}"


def counted(broken: Broken, seen: Observed) -> _Wrong:
    """Nothing is mapped, copied or swapped but the file's own bytes, whatever it claims to hold; and calls end."""
    stats = seen.stats
    size = len(broken.content)
    if stats is not None and (stats.mapped != size or stats.copied > size * (len(seen.calls) + 1) or stats.swapped):
        yield f"mapped {size}, copied at most that at each link, swapped 0", str(stats), None, "open"
    if seen.seconds > MOST_SECONDS:
        yield f"at most {MOST_SECONDS} s", f"{seen.seconds:.1f} s", None, "all stages"
    for call in seen.calls:
        if call.error is None and not 0 <= call.left < seen.fuel:
            yield "fuel is charged", str(call.left), None, _stage(call)


Check = Callable[[Broken, Observed], _Wrong]
CHECKS: Mapping[str, Check] = {
    check.__name__.replace("_", "-"): check
    for check in (only_outcomes, opening, linking, calling, auditing, parsers_agree, counted)
}
"""Every check, by the name that problems carry."""
MEMORY = "memory"
"""Name of the check on memory, which is made on request."""


def judge(broken: Broken, setting: Setting | None = None, *, memory: bool = False) -> list[Problem]:
    """Whatever the reference does not say of a file as the specification has it.

    Args:
        broken: The file.
        setting: What it is linked with.
        memory: Whether to measure its memory as well, which takes several times as long.
    """
    seen = observe(broken, setting)
    problems = [
        Problem(name, expected, got, (error and error.rule) or "", f"{where}: expected {expected}, got {got}")
        for name, check in CHECKS.items()
        for expected, got, error, where in check(broken, seen)
    ]
    if memory:
        most, bound = peak(broken, setting), memory_bound(len(broken.content))
        if most > bound:
            text = f"expected at most {bound} bytes, got {most}"
            problems.append(Problem(MEMORY, "bounded", "more", "", text))
    return problems


def memory_bound(length: int) -> int:
    """Bytes that observing a file of that length may take, whatever counts it states."""
    return _SPARE + _FACTOR * length


def _must(broken: Broken, error: PackfileError | None, rules: frozenset[str], where: str) -> _Wrong:
    """The outcome of one of the rules; of a single fault also its id."""
    allowed = outcomes(rules)
    if error is None or error.outcome not in allowed:
        yield " or ".join(sorted(allowed)), _shown(error), error, f"{where}: {sorted(rules)}"
    elif len(broken.faults) == 1 and error.rule not in rules:
        lost = broken.expected.lost and str(error.rule).startswith("PF-CODE-")
        if not lost:
            yield " or ".join(sorted(rules)), _shown(error), error, where


def _crashed(seen: Observed, stage: str) -> bool:
    return any(where == stage for where, _ in seen.crashes)


def _stage(call: Called) -> str:
    return f"call of {'the entry' if call.function is None else repr(call.function)}"


def _shown(error: PackfileError | None) -> str:
    return "ok" if error is None else f"{error.outcome} {error.rule}"
