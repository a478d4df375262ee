"""`info` and `verify`: what a file holds, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice

import click

from packfile.asm_lexer import AssemblyError
from packfile.audit import MOST_FINDINGS, audit
from packfile.cli.commands import FOUND_WANTING, command, complain_of, counted, json_option, outcome_json, sentence
from packfile.cli.listing import (
    binding_text,
    exports_of,
    kind_text,
    name_text,
    requirement_text,
    section_name,
    segment_text,
    slot_text,
)
from packfile.cli.sources import UsageFailure, opened, shown
from packfile.cli.terminal import Json, Table, document, is_terminal, printable, show, write
from packfile.digests import Digests, level_counts
from packfile.errors import PackfileError
from packfile.image import Image
from packfile.layout import ExportRow, ImportKind, SectionKind
from packfile.model import Signature


@command("info", "packfile info fib.pkf", "packfile info --json fib.pka", "packfile info - < fib.pkf")
@click.argument("file", metavar="FILE")
@json_option
def info(file: str, as_json: bool) -> None:
    """Show header, sections, exports and imports of a packfile.

    Rows are shown as they are; `packfile verify` judges them. FILE may be an assembly text (.pka).
    """
    with opened(file, partial(Image.open, digests=False)) as image:
        if as_json:
            document(_info_json(image, file))
        else:
            show(_info_tables(image, file))


def _info_json(image: Image, file: str) -> Json:
    return {
        "file": file,
        "byte_order": image.order.name.lower(),
        "version": 1,
        "unit": 1 << image.unit_log2,
        "file_length": len(image.view),
        "entry": image.entry,
        "bss_size": image.bss_size,
        "digest_root": image.digest_root.hex() if any(image.digest_root) else None,
        "counts": {
            "functions": image.function_count,
            "imports": image.import_count,
            "exports": image.export_count,
            "constants": image.constant_count,
            "code_words": image.code_words,
        },
        "sections": [
            {"kind": kind, "name": section_name(kind), "offset": offset, "length": length}
            for kind, (offset, length) in image.sections.items()
        ],
        "exports": [
            {
                "name": name.decode("utf-8", "backslashreplace"),
                "kind": kind_text(row.kind),
                "signature": _export_signature(image, row),
                "segment": segment_text(row.segment) if row.kind == ImportKind.DATA else None,
                "position": row.position,
                "size": row.size,
            }
            for row, name in exports_of(image)
        ],
        "imports": [_import_json(image, index) for index in range(image.import_count)],
    }


def _import_json(image: Image, index: int) -> Json:
    row = image.import_row(index)
    is_function = row.kind == ImportKind.FUNCTION
    return {
        "module": image.name_bytes(row.module_offset, row.module_length).decode("utf-8", "backslashreplace"),
        "name": image.name_bytes(row.name_offset, row.name_length).decode("utf-8", "backslashreplace"),
        "kind": kind_text(row.kind),
        "binding": binding_text(row.binding),
        "signature": str(Signature.from_word(row.requirement)) if is_function else None,
        "size": None if is_function else row.requirement,
    }


def _info_tables(image: Image, file: str) -> list[Table]:
    tables = [
        Table(
            shown(file),
            [
                ("byte order", image.order.name.lower()),
                ("version", "1"),
                ("alignment unit", f"{1 << image.unit_log2} bytes"),
                ("file length", f"{len(image.view)} bytes"),
                ("entry", "none" if image.entry is None else _function_text(image, image.entry)),
                ("bss", f"{image.bss_size} bytes"),
                ("digest root", image.digest_root.hex() if any(image.digest_root) else "none"),
            ],
        ),
        Table(
            counted(len(image.sections), "section"),
            [
                (section_name(kind), hex(offset), str(length), _holds(image, kind))
                for kind, (offset, length) in image.sections.items()
            ],
            ("section", "offset", "bytes", "holds"),
        ),
    ]
    if image.export_count:
        rows = [
            (name_text(name), kind_text(row.kind), _export_signature(image, row) or "", _export_place(row))
            for row, name in exports_of(image)
        ]
        tables.append(Table(counted(len(rows), "export"), rows, ("export", "kind", "signature", "where")))
    if image.import_count:
        columns = ("slot", "import", "kind", "binding", "requires")
        tables.append(Table(counted(image.import_count, "import"), _import_rows(image), columns))
    return tables


def _import_rows(image: Image) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for index in range(image.import_count):
        row = image.import_row(index)
        module = image.name_bytes(row.module_offset, row.module_length)
        name = slot_text(module, image.name_bytes(row.name_offset, row.name_length))
        rows.append((str(index), name, kind_text(row.kind), binding_text(row.binding), requirement_text(row)))
    return rows


def _export_signature(image: Image, row: ExportRow) -> str | None:
    if row.kind != ImportKind.FUNCTION or row.position >= image.function_count:
        return None
    return str(Signature.from_word(image.function_row(row.position).signature))


def _export_place(row: ExportRow) -> str:
    if row.kind == ImportKind.FUNCTION:
        return f"function {row.position}"
    return f"{row.size} bytes at {segment_text(row.segment)}+{row.position}"


def _function_text(image: Image, index: int) -> str:
    for row, name in exports_of(image):
        if row.kind == ImportKind.FUNCTION and row.position == index:
            return f"function {index}, {name_text(name)}"
    return f"function {index}"


def _holds(image: Image, kind: int) -> str:
    counts = {
        SectionKind.FUNCTIONS: counted(image.function_count, "function"),
        SectionKind.IMPORTS: counted(image.import_count, "import"),
        SectionKind.EXPORTS: counted(image.export_count, "export"),
        SectionKind.CONSTANTS: counted(image.constant_count, "constant"),
        SectionKind.CODE: counted(image.code_words, "word"),
        SectionKind.DIGESTS: _tree_text(image),
    }
    return counts[SectionKind(kind)] if kind in counts else ""


def _tree_text(image: Image) -> str:
    covered, _ = image.sections.get(SectionKind.DIGESTS, (0, 0))
    counts = level_counts(covered)
    return f"digests of {counted(counts[0], 'block')} in {counted(len(counts), 'level')}"


@command(
    "verify",
    "packfile verify fib.pkf",
    "packfile verify --json fib.pkf fib-big.pkf",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--digests", is_flag=True, help="Check the digests alone, all of them.")
@json_option
def verify(files: tuple[str, ...], digests: bool, as_json: bool) -> None:
    """Check files, and show all that is wrong with them.

    Opens each file, verifies every function and audits the rest, digests last, which is all that can be told from a
    file alone. One that does not open has that one finding. The status is 1 if there is any finding.
    """
    reports = []
    status = 0
    for file in files:
        try:
            report = _Report(file, only_digests=digests)
        except (AssemblyError, OSError, UsageFailure) as error:
            # One file that cannot be read does not hide what is wrong with the others.
            status = max(status, complain_of(error))
            continue
        reports.append(report)
        if report.findings:
            status = max(status, FOUND_WANTING)
        if not as_json:
            report.write()
    if as_json:
        document({"files": [report.json() for report in reports]})
    raise click.exceptions.Exit(status)


class _Report:
    """What was found in one file."""

    def __init__(self, file: str, *, only_digests: bool) -> None:
        self.file = file
        self.functions = self.words = 0
        self.blocks: int | None = None
        """How many have digests, if only these were asked for."""
        try:
            with opened(file, partial(Image.open, digests=not only_digests)) as image:
                self.functions, self.words = image.function_count, image.code_words
                if only_digests:
                    self.blocks, self.findings = _damages(image)
                else:
                    self.findings = audit(image)
        except PackfileError as error:
            self.findings = [error]

    def json(self) -> Json:
        """The report for scripts."""
        return {
            "file": self.file,
            "outcome": self.findings[0].outcome if self.findings else "ok",
            "functions": self.functions,
            "code_words": self.words,
            "findings": [outcome_json(finding) for finding in self.findings],
        }

    def write(self) -> None:
        """The report for people."""
        name = printable(shown(self.file))
        if not self.findings and self.blocks is not None:
            write(f"{name}: ok: {counted(self.blocks, 'block')} and all nodes have their digests")
        elif not self.findings:
            write(f"{name}: ok: {counted(self.functions, 'function')}, {counted(self.words, 'word')} of code")
        elif is_terminal():
            rows = [("" if x.at is None else hex(x.at), x.rule or "", _explained(x)) for x in self.findings]
            show([Table(f"{name}: {counted(len(rows), 'finding')}", rows, ("offset", "rule", "finding"))])
        else:
            for finding in self.findings:
                write(printable(str(finding)))
                write(f"    {sentence(finding) or ''}")
            write(f"{name}: {counted(len(self.findings), 'finding')}")


def _damages(image: Image) -> tuple[int, list[PackfileError]]:
    """How many blocks have digests, and the first findings on blocks and nodes."""
    section = image.sections.get(SectionKind.DIGESTS)
    if section is None:
        raise UsageFailure(f"{image.name}: it has no digests; `packfile digest` adds them")
    found = Digests(image.view, image.digest_root, section, image.name).damages()
    return level_counts(section[0])[0], list(islice(found, MOST_FINDINGS))


def _explained(finding: PackfileError) -> str:
    parts = [f"{finding.outcome}: {finding.message}"]
    if finding.expected is not None or finding.got is not None:
        parts.append(f"expected {finding.expected}, got {finding.got}")
    return "\n".join(printable(part) for part in (*parts, sentence(finding) or "") if part)
