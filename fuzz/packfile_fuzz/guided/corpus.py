"""Corpora: inputs of the fuzzers that watch the code, small enough to be committed.

Assumes a directory with two folders: `generator` holds bytes for the generator, `files` whole files. Promises that an
input is named by its SHA-1, as libFuzzer names it; files are compressed where they are kept, since most of one is the
zeros between its sections.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles.broken import broken_from_seed

GENERATOR: Final = "generator"
FILES: Final = "files"
FOLDERS: Final = (GENERATOR, FILES)
_SUFFIX: Final = ".gz"


class CorpusError(ValueError):
    """A directory is no corpus; the text says why."""


def read(directory: Path, folder: str) -> list[tuple[str, bytes]]:
    """The inputs of a folder with their names, by name.

    Raises:
        CorpusError: There is no such folder, it is empty, or an input is not what its name says.
    """
    paths = sorted((directory / folder).glob("*")) if (directory / folder).is_dir() else []
    if not paths:
        raise CorpusError(f"{directory / folder}: expected a folder with inputs")
    return [_read(path) for path in paths]


def _read(path: Path) -> tuple[str, bytes]:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == _SUFFIX else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path}: {error}") from None
    name = path.name.removesuffix(_SUFFIX)
    if name != _name(content):
        raise CorpusError(f"{path}: expected bytes of that SHA-1, got {_name(content)}")
    return name, content


def seeds(directory: Path, count: int, sources: Iterable[Path] = ()) -> None:
    """Write what one may begin with.

    Args:
        directory: Where to.
        count: Seeds of the generator; their modules, and a broken file of each, are files.
        sources: Assembly of which files of both byte orders are made.
    """
    generated = [from_seed(seed) for seed in range(count)]
    _write(directory / GENERATOR, generated)
    _write(directory / FILES, _files(generated, sources))


def _files(generated: Iterable[bytes], sources: Iterable[Path]) -> Iterator[bytes]:
    for path in sources:
        module = assemble(path.read_text(encoding="utf-8"), path.name)
        yield from (encode(module, order) for order in ByteOrder)
    for seed, data in enumerate(generated):
        for entry in build(data).entries:
            if entry.module is not None:
                yield encode(entry.module, entry.order)
        yield broken_from_seed(seed)[1].content


def pack(source: Path, target: Path) -> None:
    """Make a corpus that can be committed of one that libFuzzer made, in place of what was there."""
    for folder in FOLDERS:
        inputs = read(source, folder)
        (target / folder).mkdir(parents=True, exist_ok=True)
        for path in (target / folder).iterdir():
            path.unlink()
        for name, content in inputs:
            if folder == FILES:
                # Without a time, so that equal inputs are equal files.
                (target / folder / (name + _SUFFIX)).write_bytes(gzip.compress(content, mtime=0))
            else:
                (target / folder / name).write_bytes(content)


def unpack(source: Path, target: Path) -> None:
    """Make of such a corpus one that libFuzzer can read, beside what is there."""
    for folder in FOLDERS:
        _write(target / folder, (content for _, content in read(source, folder)))


def _write(folder: Path, contents: Iterable[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (folder / _name(content)).write_bytes(content)


def _name(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
