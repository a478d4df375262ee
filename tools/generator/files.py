"""Generated files on disk: comparing them, and replacing them whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def stale(root: Path, texts: Mapping[str, str], owned: Iterable[str]) -> list[str]:
    """Say of each file what is wrong with it: missing, different, or left over in a directory that is all ours."""
    problems = []
    for name, text in texts.items():
        path = root / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif path.read_bytes() != text.encode():
            problems.append(f"{name}: stale")
    return problems + [f"{name}: nothing generates it any more" for name in leftovers(root, texts, owned)]


def leftovers(root: Path, texts: Mapping[str, str], owned: Iterable[str]) -> list[str]:
    """Files in directories that are all ours, but which nothing generates."""
    found = (path for directory in owned for path in sorted((root / directory).glob("*")) if path.is_file())
    return [name for path in found if (name := path.relative_to(root).as_posix()) not in texts]


def write(path: Path, text: str) -> None:
    """Replace a file by way of a temporary one, so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def update(root: Path, texts: Mapping[str, str], owned: Iterable[str]) -> list[str]:
    """Write what differs, remove what is left over, and name both."""
    changed = []
    for name, text in texts.items():
        path = root / name
        if not path.is_file() or path.read_bytes() != text.encode():
            write(path, text)
            changed.append(name)
    for name in leftovers(root, texts, owned):
        (root / name).unlink()
        changed.append(f"{name} (removed)")
    return changed
