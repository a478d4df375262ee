"""A finished case: YAML that the suite runs, and that can be committed.

Assumes a specimen that fails. Promises text of the form that spec/case.schema.json has, in which every expectation is
what the reference gives, or what the specification says of a broken file.
"""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from packfile.asm_lexer import is_plain_name
from packfile.disassembler import disassemble
from packfile.instructions import INSTRUCTIONS
from packfile.layout import Binding, ByteOrder
from packfile.model import Module
from packfile.rules import RULES
from packfile_fuzz.malformed import CHECKS, Broken
from packfile_fuzz.oracles.broken import program_of
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.run import Observation, Prepared, Seen, observe
from packfile_fuzz.run.observation import INTERNAL, OK
from packfile_fuzz.triage.lines import read
from packfile_fuzz.triage.specimen import Specimen, broken_of
from packfile_fuzz.triage.wording import Origin, comment, slug, summary
from packfile_suite.case import DEFAULT_DEPTH, DEFAULT_FUEL
from packfile_suite.findings import broken_rules
from packfile_suite.sparse import SparseBytes

_WIDTH = 110
_HOST = "host"
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")
_OF_SLOTS = {"ldslot": "PF-FIX-011", "calli": "PF-FIX-012", "bound?": "PF-FIX-014"}
"""What holds of a slot whose weak import is missing; no outcome names that rule if the loader is wrong."""


def text_of(specimen: Specimen, origin: Origin, byte_order: str | None = None) -> str:
    """The case as YAML, with a comment that says where it comes from.

    Args:
        specimen: The smallest example.
        origin: Where it comes from.
        byte_order: The only one that it runs in; both if that is None.
    """
    case = as_case(specimen, origin, byte_order)
    again = f"packfile-suite reproduce {case['id']} --cases FILE --loader CMD"
    said = (*comment(specimen, origin), f"To see it again: {again}")
    lines = [
        line for text in said for line in textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    ]
    above = "".join(f"# {line}\n" for line in lines)
    return above + yaml.dump(
        [case], Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True, default_flow_style=None
    )


def as_case(specimen: Specimen, origin: Origin, byte_order: str | None = None) -> dict[str, Any]:
    """The case as YAML holds it."""
    if specimen.edits is None:
        modules, steps = _modules(specimen.program), list(_program_steps(specimen.program, _seen(specimen.program)))
    else:
        made = broken_of(specimen)
        assert made is not None
        modules, steps = _broken_modules(specimen, made[1], origin), list(_broken_steps(*made, origin.signature.oracle))
    rules = _rules(specimen, origin, steps)
    digest = hashlib.sha256(json.dumps([modules, steps], sort_keys=True).encode()).hexdigest()[:8]
    area = rules[0].split("-")[1].lower()
    case: dict[str, Any] = {"id": f"{area}-fuzz-{slug(specimen, origin.signature)}-{digest}", "rules": rules}
    case["summary"] = summary(specimen, origin)
    if byte_order is not None:
        case["byte_order"] = byte_order
    return case | {"modules": modules, "steps": steps}


def _modules(program: Program) -> dict[str, Any]:
    return {entry.name: _text(entry.module) for entry in program.entries if entry.module is not None}


def _text(module: Module) -> str:
    # Indexes are of no use to who reads a case.
    return re.sub(r" +; @\d+$", "", disassemble(module), flags=re.MULTILINE) or "; a file without sections\n"


def _seen(program: Program) -> Observation:
    with Prepared(program) as prepared:
        return observe(prepared)


def _program_steps(program: Program, seen: Observation) -> Iterator[dict[str, Any]]:
    yield {"link": [_entry(entry) for entry in program.entries]} | _expected(seen.link)
    for call, came in zip(program.calls, seen.calls, strict=False):
        yield _call(call) | _expected(came)


def _entry(entry: Entry) -> str | dict[str, str]:
    if entry.module is not None:
        return entry.name
    return _HOST if entry.name == _HOST else {entry.name: _HOST}


def _call(call: Call) -> dict[str, Any]:
    step: dict[str, Any] = (
        {"entry": call.module} if call.function is None else {"call": f"{call.module}.{call.function}"}
    )
    if call.i:
        step["i"] = list(call.i)
    if call.n:
        step["n"] = [f"{bits:016x}" for bits in call.n]
    step |= {"fuel": call.fuel} if call.fuel != DEFAULT_FUEL else {}
    return step | ({"depth": call.depth} if call.depth != DEFAULT_DEPTH else {})


def _expected(seen: Seen) -> dict[str, Any]:
    log = [{bank: value if bank == "i" else f"{value:016x}"} for bank, value in seen.log or seen.told]
    logged: dict[str, Any] = {"log": log} if log else {}
    if seen.outcome in (OK, INTERNAL):
        values: dict[str, Any] = {"i": list(seen.i)} if seen.i else {}
        values |= {"n": [f"{bits:016x}" for bits in seen.n]} if seen.n else {}
        values |= logged
        return {"expect": values} if values else {}
    if seen.outcome == "trap":
        return {"expect": {"trap": seen.code} | logged}
    return {"expect": {seen.outcome: seen.rule} | logged if seen.rule else seen.outcome}


def _broken_modules(specimen: Specimen, broken: Broken, origin: Origin) -> dict[str, Any]:
    (entry,) = specimen.program.entries
    assert entry.module is not None
    assert specimen.edits is not None
    # The suite's list is longer where code cannot be read to its end, but rests on the reference's audit.
    is_wrong = origin.signature.oracle in CHECKS
    breaks = sorted(broken.expected.rules if is_wrong else broken_rules(SparseBytes(broken.content)).rules)
    patch = [edit.as_case() for edit in specimen.edits]
    return {entry.name: {"from": _text(entry.module), "patch": patch, "breaks": breaks}}


def _broken_steps(entry: Entry, broken: Broken, oracle: str) -> Iterator[dict[str, Any]]:
    program = _roomy(program_of(entry, broken))
    time, rules = broken.expected.first
    if oracle in CHECKS:
        yield from _by_the_specification(program, time, rules)
        return
    with Prepared(program) as prepared:
        prepared.put(prepared.program.entries.index(program.entries[-1]), entry.order, broken.content)
        seen = observe(prepared)
    if seen.link.outcome != OK and time == "open":
        yield {"open": "main"} | _expected(seen.link)
    else:
        yield from _program_steps(program, seen)


def _roomy(program: Program) -> Program:
    """The program of a broken file with what a case gives, and the host module only where it is asked for."""
    (host, main), calls = program.entries, program.calls
    asked = {row.module for row in main.module.imports} if main.module else set()
    entries = program.entries if host.name in asked else (main,)
    return Program(entries, tuple(replace(call, fuel=DEFAULT_FUEL, depth=DEFAULT_DEPTH) for call in calls))


def _by_the_specification(program: Program, time: str, rules: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Steps that expect what the specification says, for the reference is in the wrong."""
    wrong = {"expect": {str(RULES[rule].outcome).split()[0]: rule for rule in sorted(rules)[:1]}} if rules else {}
    if time in ("open", ""):
        yield {"open": "main"} | wrong
        if time == "open":
            return
    if time == "audit":
        yield {"audit": "main"} | wrong
        return
    yield {"link": [_entry(each) for each in program.entries]} | (wrong if time == "link" else {})
    if time == "call":
        for call in program.calls:
            yield _call(call) | wrong


def _rules(specimen: Specimen, origin: Origin, steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rules of the case: those that it expects, that of the instruction, those that the file breaks."""
    named: list[str] = []
    for step in steps:
        expect = step.get("expect", {})
        values = expect.values() if isinstance(expect, dict) else ()
        named += [value for value in values if isinstance(value, str) and value in RULES]
    made = broken_of(specimen) if specimen.edits is not None else None
    if made is not None and made[1].expected.rules:
        return list(dict.fromkeys([*named, *sorted(made[1].expected.rules)]))
    opcodes = {row.mnemonic: row.rule for row in INSTRUCTIONS.values()}
    # The loader's own rule where no instruction is to blame, such as that of an import which it did not find.
    first = [opcodes.get(origin.signature.opcode, origin.signature.detail)]
    if _has_missing(specimen.program):
        first.append(_OF_SLOTS.get(origin.signature.opcode, ""))
    found = [rule for rule in (*first, *named, *_of_traps(specimen)) if rule in RULES]
    return list(dict.fromkeys(found)) or _of_code(specimen) or ["PF-EXE-017"]


def _has_missing(program: Program) -> bool:
    """Whether there is a weak import of what no module of the set exports; host modules have all that is asked."""
    there = {(entry.name, row.name) for entry in program.entries if entry.module for row in entry.module.exports}
    hosts = {entry.name for entry in program.entries if entry.module is None}
    rows = (row for entry in program.entries if entry.module for row in entry.module.imports)
    return any(
        row.binding is Binding.WEAK and row.module not in hosts and (row.module, row.name) not in there for row in rows
    )


def _of_traps(specimen: Specimen) -> list[str]:
    """Rules by which the calls of a program trap, which a case's expectations do not say."""
    steps = _seen(specimen.program).steps if specimen.edits is None else ()
    return [step.rule for step in steps if step.outcome == "trap"]


def _of_code(specimen: Specimen) -> list[str]:
    """Rules of the instructions that are there, for want of a better guess."""
    lines = [
        line
        for entry in specimen.program.entries
        for function in (entry.module.functions if entry.module else ())
        for line in read(function.code) or ()
    ]
    return list(dict.fromkeys(line.row.rule for line in lines))[:3]


class _Dumper(yaml.SafeDumper):
    """Writes what holds no other collection on one line, and texts of several lines as blocks."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # What YAML 1.2 has for a number, and PyYAML has not, such as the bits 43e0000000000001.
    style = "|" if "\n" in text else "'" if _NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _mapping(dumper: yaml.SafeDumper, data: dict[str, object]) -> yaml.MappingNode:
    has_block = any(isinstance(value, str) and "\n" in value for value in data.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=False if has_block else None)


_Dumper.add_representer(str, _string)
_Dumper.add_representer(dict, _mapping)


def can_be_written(program: Program) -> bool:
    """Whether a case can name the modules and functions that are called."""
    return all(is_plain_name(entry.name) for entry in program.entries)


def order_of(specimen: Specimen) -> str | None:
    """The byte order that a case must be run in; None for both."""
    orders = {entry.order for entry in specimen.program.entries if entry.module is not None}
    by_byte = any(edit.path.startswith("byte[") for edit in specimen.edits or ())
    if orders == {ByteOrder.BIG}:
        return "big"
    return "little" if by_byte else None
