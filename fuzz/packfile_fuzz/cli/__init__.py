"""The command `packfile-fuzz`."""

from __future__ import annotations

import click

from packfile_fuzz.faults.command import faults

from .bisect import bisect
from .corpus import corpus
from .minimise import minimise
from .report import report
from .reproduce import reproduce
from .run import run
from .show import oracles, rates


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="packfile")
def main() -> None:
    """Find what the conformance suite's cases do not: made-up modules, judged by what must always hold.

    \b
    packfile-fuzz run --time 5m                      the reference against itself
    packfile-fuzz run --loader ./my-adapter          another loader against the reference
    packfile-fuzz run --resume                       go on after an interruption
    packfile-fuzz report DIR                         make the reports again
    packfile-fuzz reproduce --seed N --kind KIND     an example, and what differs
    packfile-fuzz minimise --campaign DIR            a small case of every failure
    packfile-fuzz bisect --good REV --case FILE      the revision that brought a failure
    packfile-fuzz corpus fuzz/corpus                 what coverage guidance found
    packfile-fuzz rates                              how fast each stage is
    packfile-fuzz faults                             what finds bugs that are there on purpose
    """  # noqa: D301 - click wants the character itself


for _command in (run, report, reproduce, minimise, bisect, corpus, faults, oracles, rates):
    main.add_command(_command)
