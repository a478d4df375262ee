"""Where exports lie: a directory, or the archive that a wheel carries.

Promises that a directory which holds anything but an export is never written to, that its manifest never names a file
which is not there, and that equal exports make equal archives.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packfile.publish import write_file

from .build import Builder
from .case import Case, CaseError
from .export import FILES, FORMAT, FORMAT_VERSION, MANIFEST, Content, loaded_file
from .protocol import GOOD_CASE
from .schema import manifest_schema
from .sparse import SparseBytes

_READ_ONLY = 0o444
_OURS = re.compile(r"[0-9a-f]{64}\.pkf|\.[0-9a-f]{64}\.pkf\.[0-9]+").fullmatch
"""Names below `files/`: those of an export, and those that an interrupted one leaves."""


class ExportError(Exception):
    """Raised for a place that cannot be written or is no export: which, and what was expected."""


def save(content: Content, directory: Path) -> None:
    """Makes the directory hold this export and nothing else. Raises ExportError or OSError."""
    refuse_others(directory)
    (directory / FILES).mkdir(parents=True, exist_ok=True)
    for path, data in content.items():
        if path != MANIFEST:
            _put(directory / path, data)
    write_file(directory / MANIFEST, content[MANIFEST])
    for left in (directory / FILES).iterdir():
        if f"{FILES}/{left.name}" not in content:
            left.unlink()


def _put(target: Path, data: bytes) -> None:
    """Writes a file under a name of its own first; a crash is made good by the next export, so nothing is synced."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READ_ONLY), "wb") as file:
        file.write(data)
    temporary.replace(target)


def refuse_others(directory: Path) -> None:
    """Raises ExportError if the directory holds anything that is not of an export, even of one that was cut short."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise ExportError(f"{directory} is no directory")
    for entry in sorted(directory.iterdir()):
        if entry.name == MANIFEST:
            parse_manifest(entry.read_bytes(), str(entry))
        elif entry.name != FILES or not entry.is_dir() or entry.is_symlink():
            raise _other(directory, entry.name)
        else:
            for file in sorted(entry.iterdir()):
                if not _OURS(file.name):
                    raise _other(directory, f"{FILES}/{file.name}")


def _other(directory: Path, name: str) -> ExportError:
    return ExportError(f"{directory} holds {name}, which is of no export: expected a new, empty or exported directory")


def parse_manifest(data: bytes, name: str) -> dict[str, Any]:
    """A manifest. Raises ExportError if it is none, or one of another version."""
    try:
        manifest = json.loads(data)
    except ValueError:
        manifest = None
    form = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(manifest, dict) or form != FORMAT:
        raise ExportError(f"{name} is no manifest of an export: expected the format {FORMAT}")
    if manifest.get("format_version") != FORMAT_VERSION:
        version = manifest.get("format_version")
        raise ExportError(f"{name} has version {version} of the format: expected {FORMAT_VERSION}")
    return manifest


def checked_manifest(data: bytes, name: str) -> dict[str, Any]:
    """A manifest that has the form of its schema. Raises ExportError if it has not."""
    manifest = parse_manifest(data, name)
    schema = manifest_schema()
    if not schema.check("")(manifest):
        where, reason = schema.explain("", manifest)
        raise ExportError(f"{name}: {'.'.join(map(str, where))}: {reason}")
    return manifest


def load_directory(directory: Path) -> dict[str, bytes]:
    """The export in a directory. Raises ExportError if there is none."""
    if not (directory / MANIFEST).is_file():
        raise ExportError(f"{directory} has no {MANIFEST}: expected a directory that `packfile-suite export` wrote")
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def save_archive(content: Content, path: Path) -> None:
    """Writes the export as one compressed file."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in sorted(content.items()):
            # A bare ZipInfo has a fixed date.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)


def load_archive(path: Path) -> dict[str, bytes]:
    """The export in an archive. Raises ExportError if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise ExportError(f"{path}: {error}") from None


class PrebuiltBuilder(Builder):
    """Takes the files of the suite's own cases from an export, and assembles nothing."""

    def __init__(self, directory: Path, content: Content) -> None:
        super().__init__(directory)
        self._export = content
        manifest = parse_manifest(content.get(MANIFEST, b""), MANIFEST)
        self._entries: Mapping[str, Mapping[str, Any]] = manifest["files"]
        self._names = {(GOOD_CASE.id, "main", "little"): str(manifest["good_file"])}
        for run in manifest["runs"]:
            for module, file in run["files"].items():
                self._names[run["case"], module, file["byte_order"]] = file["file"]

    def _content(self, case: Case, name: str, order: str) -> SparseBytes:
        stored = self._names.get((case.id, name, order))
        if stored is None:
            raise CaseError(f"there is no prebuilt file of it in the order {order}")
        try:
            return loaded_file(self._entries[stored], self._export)
        except (KeyError, ValueError) as error:
            raise CaseError(f"the prebuilt file cannot be used: {error}") from None
