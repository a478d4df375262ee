"""Files from cases: assembles, patches and writes each module in the byte order that a run asks for.

The reference's assembler and writer make the files, so a defect there could hide one in the reference's loader; cases
in hexadecimal and the linter's own reading of `packfile.ksy` stand against that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.model import Module as Model
from packfile.writer import encode

from .case import Assembly, Case, CaseError, HexBytes, Patched
from .patch import PatchedFile
from .plan import Variant
from .sparse import SparseBytes

_ORDERS = {"little": ByteOrder.LITTLE, "big": ByteOrder.BIG}


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file of a case on disk, and what it was when it was written."""

    path: Path
    byte_order: str
    content: SparseBytes
    status: tuple[int, ...]

    def change(self) -> str | None:
        """What has become of the file since it was written; None if nothing has (PF-XIP-002)."""
        try:
            status = _status(self.path)
        except OSError as error:
            return f"cannot be found any more: {error.strerror}"
        if status[0] != self.status[0]:
            return f"its length changed from {self.status[0]} to {status[0]}"
        if not self.content.equals_file(self.path):
            return "its bytes changed"
        return None if status == self.status else "its modification time changed"


def _status(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


class Builder:
    """Builds the files of a session, each once, below one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._models: dict[str, Model] = {}
        self._files: dict[tuple[str, str, str], BuiltFile] = {}

    def files(self, case: Case, variant: Variant) -> dict[str, BuiltFile]:
        """The files of a run by name of module."""
        return {name: self._file(case, name, order) for name, order in variant.orders.items()}

    def _file(self, case: Case, name: str, order: str) -> BuiltFile:
        key = (case.id, name, order)
        if key not in self._files:
            content = self.content(case, name, order)
            path = self.directory / f"{case.id}.{name}.{order}-{content.digest()[:12]}.pkf"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            content.save(path)
            self._files[key] = BuiltFile(path, order, content, _status(path))
        return self._files[key]

    def content(self, case: Case, name: str, order: str) -> SparseBytes:
        """The bytes of a module. Raises CaseError if it cannot be built."""
        try:
            return self._content(case, name, order)
        except CaseError as error:
            where = case.file.as_posix()
            raise CaseError(f"module {name}: {error.message}", file=where, line=case.line, case=case.id) from error

    def _content(self, case: Case, name: str, order: str) -> SparseBytes:
        module = case.modules[name]
        if isinstance(module, Assembly):
            return SparseBytes(self._encode(module.text, name, order))
        if isinstance(module, HexBytes):
            return SparseBytes(module.big if order == "big" else module.little)
        file = self._base(case, module, name, order)
        for patch in module.patches:
            file.apply(patch)
        return file.content

    def _base(self, case: Case, module: Patched, name: str, order: str) -> PatchedFile:
        base = SparseBytes(self._encode(module.base.text, name, order)) if isinstance(module.base, Assembly) else None
        base = base or self._content(case, str(module.base), order)
        return PatchedFile(base, _ORDERS.get(order, ByteOrder.LITTLE))

    def twin(self, case: Case, name: str, order: str) -> SparseBytes | None:
        """The bytes that a patched module had before its patches; None for others."""
        module = case.modules[name]
        return self._base(case, module, name, order).content if isinstance(module, Patched) else None

    def _encode(self, text: str, name: str, order: str) -> bytes:
        try:
            model = self._models.get(text) or self._models.setdefault(text, assemble(text, f"{name}.pka"))
            return encode(model, _ORDERS[order])
        except ValueError as error:
            raise CaseError(str(error)) from error
