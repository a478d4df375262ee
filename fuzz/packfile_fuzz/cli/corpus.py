"""`packfile-fuzz corpus`: a corpus, judged by the oracles."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from packfile_suite.output import print_table


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--loader", "loaders", multiple=True, metavar="[NAME=]CMD", help="Command of an adapter; may be repeated."
)
@click.option("--oracle", "oracles", multiple=True, metavar="NAME", help="Only this oracle; may be repeated.")
def corpus(directory: Path, loaders: tuple[str, ...], oracles: tuple[str, ...]) -> None:
    """Judge every input of a corpus that was found under coverage guidance.

    DIR has the folders `generator` and `files`. The exit status is 0 if nothing was found, 1 if something was, and 2 if
    there is no corpus or an adapter cannot be used.

    \b
    packfile-fuzz corpus fuzz/corpus
    packfile-fuzz corpus fuzz/corpus --loader ./adapter --oracle loader
    """  # noqa: D301 - click wants the character itself
    # Slow to import, and every worker of a campaign imports this module.
    from packfile_fuzz.campaign.judging import JudgingError, judge, named, try_loaders  # noqa: PLC0415 - see above
    from packfile_fuzz.guided.corpus import CorpusError  # noqa: PLC0415
    from packfile_fuzz.guided.replay import replay  # noqa: PLC0415
    from packfile_fuzz.oracles import ORACLES  # noqa: PLC0415
    from packfile_fuzz.run import Loaders  # noqa: PLC0415

    verdicts: Counter[tuple[str, str]] = Counter()
    found = inputs = 0
    try:
        chosen = judge("both", loaders, oracles).options[0].oracles
        commands = named(loaders)
        try_loaders(commands)
        with Loaders(dict(commands)) as adapters:
            for name, judgement in replay(directory, adapters, [ORACLES[oracle] for oracle in chosen]):
                inputs += 1
                verdicts.update((oracle, str(it.verdict)) for oracle, it in judgement.comparisons)
                for signature, message in judgement.differences:
                    found += 1
                    click.echo(f"{name}: {signature.oracle}, {signature.loader}: {message}")
    except (CorpusError, JudgingError) as error:
        click.echo(f"packfile-fuzz: {error}", err=True)
        sys.exit(2)
    print_table(("oracle", "verdict", "comparisons"), [(*key, f"{n:,}") for key, n in sorted(verdicts.items())])
    click.echo(f"{inputs} inputs, {found} differences")
    sys.exit(1 if found else 0)
