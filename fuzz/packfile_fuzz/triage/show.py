"""Examples and cases for people: what they are, and what differs.

Assumes seeds of this version of the generator, and files of cases. Promises text that a terminal can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from packfile.disassembler import disassemble
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import Judgement, Options
from packfile_fuzz.oracles.broken import broken_from_seed, examine_mutant, program_of
from packfile_fuzz.oracles.judging import examine
from packfile_fuzz.oracles.registry import LOADER, ORACLES
from packfile_fuzz.program import Call, Entry, Program
from packfile_fuzz.run import TIMEOUT
from packfile_fuzz.triage.verdict import run
from packfile_suite.execute import Loader, reference_loader
from packfile_suite.report import printable


def show_example(seed: int, options: Options) -> bool:
    """Print the example of a seed and what the oracles say; gives whether anything differs."""
    click.echo(f"seed {seed}, kind {options.kind}")
    with options.start() as loaders:
        if options.kind == "malformed":
            entry, broken = broken_from_seed(seed)
            _show_program(program_of(entry, broken))
            for fault in broken.faults:
                _say(f"{fault.path}: {fault.what}; it must show at: {fault.time or 'never'}")
            expected = ", ".join(sorted(broken.expected.rules)) or "none"
            _say(f"{len(broken.content)} bytes; rules that the file breaks: {expected}")
            judgement = examine_mutant(entry, broken, loaders if LOADER in options.oracles else None)
        else:
            program = build(from_seed(seed))
            _show_program(program)
            judgement = examine(program, [ORACLES[name] for name in options.oracles], loaders)
    return _show_judgement(judgement)


def show_cases(file: Path, commands: Sequence[tuple[str, tuple[str, ...]]]) -> bool:
    """Print the cases of a file and the verdicts on the reference and on loaders; gives whether one fails.

    Raises:
        CaseError: The file holds no cases.
    """
    click.echo(file.read_text(encoding="utf-8").rstrip())
    verdicts = {"reference": run(file, reference_loader(TIMEOUT))}
    for name, command in commands:
        verdicts[name] = run(file, Loader(command, TIMEOUT))
    for name, found in verdicts.items():
        for order, verdict in found.items():
            _say(f"{name} [{order}]: {verdict}")
    return any(verdict != "pass" for found in verdicts.values() for verdict in found.values())


def _show_program(program: Program) -> None:
    for position, entry in enumerate(program.entries):
        _say(f"\nposition {position}: {_named(entry)}")
        for line in disassemble(entry.module).splitlines() if entry.module is not None else ():
            _say(f"    {line}")
    click.echo()
    for number, call in enumerate(program.calls, 1):
        _say(f"call {number}: {_shown(call)}")


def _named(entry: Entry) -> str:
    return f"{entry.name}, the host module" if entry.module is None else f"{entry.name}, {entry.order.name.lower()}"


def _shown(call: Call) -> str:
    floats = [f"{bits:016x}" for bits in call.n]
    given = ", ".join([*map(str, call.i), *floats])
    return f"{call.module}.{call.function or 'its entry'}({given}), fuel {call.fuel}, depth {call.depth}"


def _show_judgement(judgement: Judgement) -> bool:
    if judgement.seen is not None:
        _say(f"the reference: link {judgement.seen.link}; calls: {', '.join(map(str, judgement.seen.calls)) or 'none'}")
    for signature, message in judgement.differences:
        _say(f"{signature.oracle} ({signature.loader}): {message}")
    if not judgement.differences:
        _say(f"nothing differs in {len(judgement.comparisons)} comparisons")
    return bool(judgement.differences)


def _say(text: str) -> None:
    click.echo("\n".join(map(printable, text.split("\n"))))
