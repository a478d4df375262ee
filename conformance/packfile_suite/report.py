"""The text of a failure: all that somebody needs who has never seen the suite, and no traceback."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence

from packfile.rules import RULES

from .build import BuiltFile
from .case import Case
from .execute import Failure
from .paths import shown
from .plan import Variant

_WIDTH = 110


def rule_text(rule: str) -> str:
    """The rule's id and sentence."""
    return f"{rule}: {' '.join(RULES[rule].text.split())}"


def reproduce_command(case: Case, variant: Variant, loader: Sequence[str] | None) -> str:
    """The command that runs this case alone."""
    command = ["packfile-suite", "reproduce", case.id, "--byte-order", variant.label]
    command += ["--loader", shlex.join(loader)] if loader else []
    return shlex.join(command)


def failure_text(
    case: Case,
    variant: Variant,
    failure: Failure,
    files: Mapping[str, BuiltFile],
    loader: Sequence[str] | None,
    again: str | None = None,
) -> str:
    """Everything about a failed run, for people; `again` is the command that repeats it, if it is not `reproduce`."""
    lines = [f"{case.id} [{variant.label}]", f"  {case.summary}", f"  {shown(case.file)}:{case.line}", ""]
    for rule in case.rules:
        lines += _field("rule", rule_text(rule))
    where = f"{failure.step} of {case.numbers[-1]}: {failure.doing}" if failure.step else failure.doing
    lines += _field("step", where)
    lines += _field("expected", failure.expected)
    lines += _field("got", failure.got if failure.kind == "fail" else f"{failure.kind}: {failure.got}")
    if failure.said:
        lines += _field("it said", failure.said)
    lines += ["", f"{'reproduce':10}{again or reproduce_command(case, variant, loader)}"]
    lines += [f"{'file':10}{name} ({file.byte_order}): {file.path}" for name, file in files.items()]
    if failure.stderr:
        lines += ["", "the end of the loader's standard error:"]
        lines += [f"  | {line}" for line in failure.stderr.splitlines()[-20:]]
    return "\n".join(map(printable, lines))


def printable(line: str) -> str:
    """The line with control characters as escapes: names in cases and loaders may say anything to a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def _field(name: str, text: str) -> list[str]:
    wrapped = textwrap.wrap(text, _WIDTH - 10, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{name if at == 0 else '':10}{line}" for at, line in enumerate(wrapped)]
