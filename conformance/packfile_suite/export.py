"""The cases as files and one manifest, for whoever wants to judge a loader without this package.

`manifest.json` has the form of `spec/manifest.schema.json`; `files/` holds each file once, named by its digest. Files
with great holes stand in the manifest instead, as the few bytes that they have. The same cases give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from packfile import __version__

from .build import Builder
from .case import Case, Expect
from .dialogue import Exchange, exact_rules, exchanges
from .messages import PROTOCOL
from .plan import Filters, Variant
from .protocol import GOOD_CASE, GOOD_VARIANT
from .sparse import SparseBytes
from .summary import MOST_UNSUPPORTED

FORMAT, FORMAT_VERSION = "packfile-conformance-export", 1
MANIFEST, FILES = "manifest.json", "files"
_GREAT_HOLES = 1 << 20
"""Bytes of holes from which on a file is described rather than written."""

Content = Mapping[str, bytes]
"""What an export consists of: the bytes of each of its files, by path."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the form that the manifest gives it."""

    name: str
    entry: dict[str, Any]
    data: bytes | None
    """The bytes, if they are a file of the export."""


def make(cases: Iterable[Case], filters: Filters) -> dict[str, bytes]:
    """The export of the runs that were asked for. Raises CaseError for a case that cannot be built."""
    builder = Builder(Path())
    content: dict[str, bytes] = {}
    entries: dict[str, dict[str, Any]] = {}

    def store(case: Case, variant: Variant) -> dict[str, dict[str, str]]:
        stored = {name: stored_file(builder.content(case, name, order)) for name, order in variant.orders.items()}
        for file in stored.values():
            entries[file.name] = file.entry
            if file.data is not None:
                content[file.entry["path"]] = file.data
        return {name: {"file": stored[name].name, "byte_order": order} for name, order in variant.orders.items()}

    good = store(GOOD_CASE, GOOD_VARIANT)
    runs: list[dict[str, Any]] = []
    talks: dict[str, list[dict[str, Any]]] = {}
    for case, variant in filters.runs(cases):
        if case.id not in talks:
            talks[case.id] = [_exchange(case, exchange) for exchange in exchanges(case)]
        runs.append(_run(case, variant) | {"files": store(case, variant), "exchanges": talks[case.id]})
    head: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION, "suite": __version__}
    head |= {"protocol": PROTOCOL, "most_unsupported": MOST_UNSUPPORTED, "selection": _selection(filters)}
    head |= {"good_file": good["main"]["file"]}
    content[MANIFEST] = _manifest(head, dict(sorted(entries.items())), runs)
    return content


def stored_file(content: SparseBytes) -> StoredFile:
    """The file as the export holds it."""
    runs = list(_joined(content.runs()))
    entry: dict[str, Any] = {"length": content.length}
    if content.length - sum(len(data) for _, data in runs) < _GREAT_HOLES:
        data = content.read(0, content.length)
        digest = hashlib.sha256(data).hexdigest()
        return StoredFile(digest, entry | {"sha256": digest, "path": f"{FILES}/{digest}.pkf"}, data)
    entry["sha256"] = hashlib.sha256(b"".join(data for _, data in runs)).hexdigest()
    entry["runs"] = [{"offset": offset, "hex": data.hex()} for offset, data in runs]
    # The digest of the runs does not tell files apart whose holes differ.
    name = hashlib.sha256(_json(entry).encode()).hexdigest()
    return StoredFile(f"sparse-{name}", entry, None)


def loaded_file(entry: Mapping[str, Any], content: Content) -> SparseBytes:
    """The bytes of a file of an export. Raises ValueError if they are not what the manifest says."""
    if "path" in entry:
        data = content[entry["path"]]
        result = SparseBytes(data)
    else:
        result = SparseBytes()
        for run in entry["runs"]:
            result.write(run["offset"], bytes.fromhex(run["hex"]))
        result.resize(entry["length"])
        data = b"".join(run for _, run in result.runs())
    if (result.length, hashlib.sha256(data).hexdigest()) != (entry["length"], entry["sha256"]):
        raise ValueError(f"{entry.get('path', 'a file with holes')} is damaged: its digest is not that of the manifest")
    return result


def _joined(runs: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The runs with those made one that touch, so that equal contents give equal runs."""
    start, data = 0, b""
    for offset, more in runs:
        if data and offset == start + len(data):
            data += more
            continue
        if data:
            yield start, data
        start, data = offset, more
    if data:
        yield start, data


def _run(case: Case, variant: Variant) -> dict[str, Any]:
    return {
        "id": f"{case.id}[{variant.label}]",
        "case": case.id,
        "byte_order": variant.label,
        "rules": case.rules,
        "features": case.needs,
        "summary": case.summary,
        "stage": case.stage,
    }


def _exchange(case: Case, exchange: Exchange) -> dict[str, Any]:
    row: dict[str, Any] = {"step": exchange.step, "request": exchange.request}
    row["expect"] = _expect(exchange.request["command"], exchange.expect)
    rules = exact_rules(case, exchange.expect)
    row |= {"exact_rules": rules} if rules else {}
    return row | ({"gives": exchange.gives} if exchange.gives else {})


def _expect(command: str, expect: Expect) -> dict[str, Any]:
    row: dict[str, Any] = {"outcome": expect.outcome}
    row |= {"code": expect.code} if expect.code else {}
    if command == "call":
        row |= {"i": expect.i, "n": expect.n} if expect.outcome == "ok" else {}
        row["log"] = [{bank: value} for bank, value in expect.log]
    return row


def _selection(filters: Filters) -> dict[str, Sequence[str]]:
    values = {field.name: getattr(filters, field.name) for field in fields(filters)}
    return {name: value for name, value in values.items() if value is not None}


def selection_of(manifest: Mapping[str, Any]) -> Filters:
    """What an export was asked for."""
    chosen: dict[str, Any] = dict(manifest["selection"])
    up_to: str | None = chosen.pop("up_to", None)
    return Filters(**{name: tuple(values) for name, values in chosen.items()}, up_to=up_to)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _manifest(head: Mapping[str, Any], entries: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> bytes:
    """JSON with a line for each file and each run, so that two manifests can be compared line by line."""
    lines = [f"{_json(name)}: {_json(value)}" for name, value in head.items()]
    files = ",\n".join(f"{_json(name)}: {_json(entry)}" for name, entry in entries.items())
    rows = ",\n".join(map(_json, runs))
    lines += [f'"files": {{\n{files}\n}}', f'"runs": [\n{rows}\n]']
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def differences(found: Content, wanted: Content) -> list[str]:
    """What is wrong with an export, a line each; empty if it is byte for byte the wanted one."""
    lines = [f"{path}: missing" for path in sorted(wanted.keys() - found.keys())]
    lines += [f"{path}: no file of this export" for path in sorted(found.keys() - wanted.keys())]
    both = sorted(found.keys() & wanted.keys())
    return lines + [f"{path}: other bytes" for path in both if found[path] != wanted[path]]
