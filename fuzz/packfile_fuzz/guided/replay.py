"""Replay: what the oracles say of the inputs of a corpus.

Assumes a corpus as `corpus` describes it. Promises a judgement of each input, in the order of folders and names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from packfile_fuzz.guided.corpus import FILES, FOLDERS, read
from packfile_fuzz.oracles import ORACLES, examine
from packfile_fuzz.oracles.base import Oracle
from packfile_fuzz.oracles.broken import examine_file
from packfile_fuzz.oracles.judging import Judgement
from packfile_fuzz.oracles.registry import LOADER
from packfile_fuzz.run import Loaders


def replay(
    directory: Path, loaders: Loaders, oracles: Iterable[Oracle] = tuple(ORACLES.values())
) -> Iterator[tuple[str, Judgement]]:
    """The name of each input, with its folder, and what is to be said of it.

    Args:
        directory: The corpus.
        loaders: Adapters that are asked about every input, if the oracle `loader` is one.
        oracles: Those that judge programs; of files all is asked, except for loaders.

    Raises:
        CorpusError: The directory is no corpus.
    """
    chosen = tuple(oracles)
    asked = loaders if any(oracle.name == LOADER for oracle in chosen) else None
    for folder in FOLDERS:
        for name, content in read(directory, folder):
            judgement = examine_file(content, asked) if folder == FILES else examine(content, chosen, loaders)
            yield f"{folder}/{name}", judgement
