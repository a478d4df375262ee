"""Broken files, judged by the checks of `packfile_fuzz.malformed`, and through loaders.

Assumes nothing of the seed. Promises of every loader that it answers, whatever the file; and that it says what the
reference says where the file has one fault that it must report. Of several faults loaders may report any, and what
follows on one that only an audit must find is not fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from packfile.layout import ByteOrder
from packfile.model import Module, Signature
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.malformed import CHECKS, Broken, expect, judge, mutate
from packfile_fuzz.oracles.judging import Judgement, broke
from packfile_fuzz.oracles.registry import INTERNAL_ERROR, LOADER
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.run import (
    Adapter,
    Clock,
    Comparison,
    Loaders,
    Observation,
    Prepared,
    Verdict,
    compare,
    observe,
    through,
)
from packfile_fuzz.run.observation import EQUAL, OUTCOMES, different

_AT = 1
"""Index of the module among the entries, after the host."""
_ORDER_AT = 8
"""Offset of the byte that says a file's order."""
_ORDERS = tuple(ByteOrder)
_CHOICES = 64
"""Bytes that decide what is broken."""


def broken_from_seed(seed: int) -> tuple[Entry, Broken]:
    """The module of a seed's program that is broken, and the file that is made of it."""
    program = build(from_seed(seed))
    random = Random(f"broken {seed}")  # noqa: S311 - it has to be the same each time
    entry = random.choice([entry for entry in program.entries if entry.module is not None])
    with Prepared(Program((entry,), ())) as prepared:
        return entry, mutate(prepared.file(0, entry.order), entry.order, random.randbytes(_CHOICES))


def examine_broken(seed: int, loaders: Loaders | None = None, clock: Clock | None = None) -> Judgement:
    """Judge the broken file of a seed.

    Args:
        seed: Which.
        loaders: Those that are judged as well.
        clock: Where seconds are counted.
    """
    clock = clock or Clock()
    try:
        with clock.stage("generate"):
            entry, broken = broken_from_seed(seed)
    except Exception as error:  # noqa: BLE001 - a defect of ours is a finding, and the rest go on
        return Judgement(comparisons=[(INTERNAL_ERROR, broke("a broken file", error))])
    return examine_mutant(entry, broken, loaders, clock)


def examine_mutant(
    entry: Entry, broken: Broken, loaders: Mapping[str, Adapter] | None = None, clock: Clock | None = None
) -> Judgement:
    """Judge a broken file.

    Args:
        entry: What it was made from.
        broken: The file.
        loaders: Those that are judged as well.
        clock: Where seconds are counted.
    """
    judgement, clock = Judgement(), clock or Clock()
    try:
        with clock.stage("judge"):
            _check(judgement, broken)
        with Prepared(program_of(entry, broken), clock) as prepared:
            prepared.put(_AT, entry.order, broken.content)
            judgement.seen = observe(prepared)
            for name, adapter in (loaders or {}).items():
                verdict = _compare(prepared, broken, judgement.seen, adapter)
                judgement.comparisons.append((LOADER, replace(verdict, loader=name)))
    except Exception as error:  # noqa: BLE001 - as above
        judgement.comparisons.append((INTERNAL_ERROR, broke("a broken file", error)))
    return judgement


def examine_file(content: bytes, loaders: Loaders | None = None, clock: Clock | None = None) -> Judgement:
    """Judge any file, of which nobody knows what was done to it.

    Args:
        content: The file.
        loaders: Those that are judged as well.
        clock: Where seconds are counted.
    """
    try:
        order = ByteOrder(content[_ORDER_AT]) if content[_ORDER_AT:] and content[_ORDER_AT] in _ORDERS else _ORDERS[0]
        broken = Broken(content, order, (), expect(content))
    except Exception as error:  # noqa: BLE001 - as above
        return Judgement(comparisons=[(INTERNAL_ERROR, broke("what is expected of a file", error))])
    return examine_mutant(Entry("main", Module(), order), broken, loaders, clock)


def _check(judgement: Judgement, broken: Broken) -> None:
    problems = judge(broken)
    for name in CHECKS:
        found = [problem for problem in problems if problem.check == name]
        for it in found:
            judgement.comparisons.append((name, different(it.message, it.expected, it.got, it.rule)))
        if not found:
            judgement.comparisons.append((name, EQUAL))


def program_of(entry: Entry, broken: Broken) -> Program:
    """Calls of every export that can be asked for, and of the entry, with arguments of 0."""
    expected = broken.expected
    called: list[tuple[str | None, int | None]] = [
        (export.name, export.function) for export in expected.exports if _is_text(export.name)
    ]
    if expected.entry is not None:
        called.append((None, expected.entry))
    signatures = [None if index is None else Signature.from_word(expected.signatures[index]) for _, index in called]
    calls = [_call(name, signature) for (name, _), signature in zip(called, signatures, strict=True)]
    # Memory is looked at as far as the broken file has it.
    module = entry.module and expected.sized(entry.module)
    return Program((Entry("host", None), replace(entry, name="main", module=module)), tuple(calls))


def _call(name: str | None, signature: Signature | None) -> Call:
    return Call("main", name, (0,) * signature.i_params, (0,) * signature.n_params) if signature else Call("main", name)


def _is_text(name: str) -> bool:
    """Whether a name can be asked for through an adapter."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _compare(prepared: Prepared, broken: Broken, expected: Observation, adapter: Adapter) -> Comparison:
    got = through(adapter, prepared, expected)
    for step in got.steps:
        if step.outcome not in OUTCOMES:
            return different(f"a broken file: {step.said}", "an outcome", step.outcome, step.rule)
    is_hashed = "hashed" in adapter.session().hello.features
    if not _is_fixed(prepared.program, broken) or (_is_of_digests(broken) and not is_hashed):
        return EQUAL
    verdict = compare(prepared.program, expected, got)
    if verdict.verdict is Verdict.DIFFERENT:
        done = [f"{fault.path}: {fault.what}: " for fault in broken.faults]
        return replace(verdict, message="".join(done) + verdict.message)
    return verdict


def _is_of_digests(broken: Broken) -> bool:
    """Whether a rule is broken that binds no loader but one that checks digests, as those from PF-INT-002 on."""
    return any(rule.startswith("PF-INT-") and rule != "PF-INT-001" for rule in broken.expected.rules)


def _is_fixed(program: Program, broken: Broken) -> bool:
    """Whether loaders must agree on the outcomes of a file: with one fault, or whatever it is, with none."""
    if not broken.expected.rules:
        return True
    if len(broken.faults) != 1 or not broken.expected.sorted:
        return False
    time = broken.faults[0].time
    if time == "link":
        # Where the whole file does not link either, a loader may report either reason.
        return observe(program).link.outcome == "ok"
    return time not in ("", "audit")
