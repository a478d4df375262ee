"""The command `packfile-fuzz`."""

from __future__ import annotations

import click

from packfile_fuzz.faults.command import faults

from .report import report
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
    packfile-fuzz rates                              how fast each stage is
    packfile-fuzz faults                             what finds bugs that are there on purpose
    """  # noqa: D301 - click wants the character itself


for _command in (run, report, oracles, rates, faults):
    main.add_command(_command)
