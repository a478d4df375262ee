"""The work of a campaign: the oracles' judgement of a range of seeds.

Assumes names of oracles and commands of adapters as a person gives them. Promises work that pickles; whatever is wrong
with a name or a command is said before the campaign begins.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from packfile_fuzz.oracles import ORACLES, Options, run_range
from packfile_fuzz.results import Tally
from packfile_fuzz.run import Loaders
from packfile_suite.session import LoaderFailed

from .keeper import KEEPER

KINDS = {"program": ("program",), "malformed": ("malformed",), "both": ("program", "malformed")}
"""What may be asked for, and the kinds of examples that it comes to."""
Commands = tuple[tuple[str, tuple[str, ...]], ...]
"""Names of loaders, and the commands of their adapters."""


class JudgingError(ValueError):
    """There is no such oracle, or an adapter cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges ranges; each seed makes an example of every kind."""

    options: tuple[Options, ...]
    """What each kind is judged by."""

    def __call__(self, first: int, count: int) -> Tally:
        """What the examples of `count` seeds from `first` on come to."""
        tally = Tally()
        # The kinds have the same loaders.
        with KEEPER.lend(self.options[0]) as loaders:
            for options in self.options:
                tally.add(run_range(first, count, options, loaders))
        return tally


def judge(kind: str, loaders: Sequence[str], oracles: Sequence[str]) -> Judge:
    """The work that a person asks for.

    Args:
        kind: One of `KINDS`.
        loaders: Commands of adapters, each as `[NAME=]COMMAND`.
        oracles: Names of oracles; all of them where none is named.

    Raises:
        JudgingError: There is no such oracle, or a command is none.
    """
    commands, names = named(loaders), tuple(oracles) or tuple(ORACLES)
    try:
        return Judge(tuple(Options(names, commands, one) for one in KINDS[kind]))
    except ValueError as error:
        raise JudgingError(str(error)) from None


def named(loaders: Sequence[str]) -> Commands:
    """Commands as words, each with a name of its own: as given, or that of the file that the last word names.

    Raises:
        JudgingError: A command is none.
    """
    commands: dict[str, tuple[str, ...]] = {}
    for text in loaders:
        given = re.match(r"([A-Za-z0-9_.-]+)=", text)
        try:
            words = tuple(shlex.split(text[given.end() :] if given else text))
        except ValueError as error:
            raise JudgingError(f"expected a command as a shell takes it, got {text!r}: {error}") from None
        if not words:
            raise JudgingError(f"expected the command of an adapter, got {text!r}")
        name = given[1] if given else PurePath(words[-1]).stem
        if name in commands:
            raise JudgingError(f"two loaders are named {name}; name one yourself: --loader 'OTHER={shlex.join(words)}'")
        commands[name] = words
    return tuple(commands.items())


def try_loaders(commands: Commands) -> None:
    """See whether each adapter starts and says hello.

    Raises:
        JudgingError: One does not.
    """
    with Loaders(dict(commands)) as loaders:
        for name, adapter in loaders.items():
            try:
                adapter.session()
            except LoaderFailed as error:
                raise JudgingError(f"the loader {name} cannot be used: {error.message}") from None
