"""Whatever a file holds, each command ends with a status of 0, 1 or 2 and a message, never with a traceback."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_support import MODULE, packfile_command
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

COMMANDS = (
    ["run", "--fuel", "1000", "--depth", "20", "--trace", "--stats"],
    ["run", "--fuel", "1000", "--depth", "20", "--json", "--function", "table"],
    ["info"],
    ["info", "--json"],
    ["verify"],
    ["verify", "--json"],
    ["dump"],
    ["dump", "--json"],
    ["disassemble"],
    ["convert", "-o", "out.pkf", "--byte-order", "big"],
    ["diff", "good.pkf"],
    ["diff", "--json", "good.pkf"],
)
ARGUMENTS = (
    *("good.pkf", "-", "--json", "--function", "mix", "1", "-1", "nan", "1e999", "0x", "_", "--", "--with", "a=", "="),
    *("good.pkf=good.pkf", "--name", "", "\udcff", "\x1b[31m", "a\nb", "--section", "code", "-o", "x", "--fuel"),
    *("--no-such", "--byte-order", "big", "9" * 5000),
)
SEED = 20021001
EACH = 40


def bad_files() -> Iterator[bytes]:
    """Files that are random, cut, or changed; most changes are in header and rows, where a byte means most."""
    source = random.Random(SEED)  # noqa: S311 - it must be the same each time
    good = [encode(assemble(MODULE), order) for order in ByteOrder]
    yield b""
    for _ in range(EACH // 4):
        yield source.randbytes(source.randrange(300))
        yield source.choice(good)[:8] + source.randbytes(source.randrange(300))
        yield source.choice(good)[:12] + source.randbytes(source.randrange(300))
        content = source.choice(good)
        yield content[: source.choice((source.randrange(0x200), source.randrange(len(content))))]
    for _ in range(EACH):
        changed = bytearray(source.choice(good))
        for _ in range(source.choice((1, 1, 1, 2, 4))):
            at = source.choice(
                (source.randrange(12, 0x200), 0x1000 + source.randrange(0x80), source.randrange(len(changed)))
            )
            changed[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        yield bytes(changed)


def bad_texts() -> Iterator[bytes]:
    """Texts that are random, or have lines and characters changed."""
    source = random.Random(SEED)  # noqa: S311 - it must be the same each time
    characters = [c.encode() for c in "\0\t\r\n \"'\\().,:;@=+-*[]{}0159afixn_\x1b\x7f\u0301\U0001f600"] + [
        b"\xff",
        b"\xc3",
    ]
    for _ in range(EACH):
        yield b"".join(source.choices(characters, k=source.randrange(200)))
        text = bytearray(MODULE.encode())
        for _ in range(source.choice((1, 1, 2, 5))):
            at = source.randrange(len(text))
            text[at : at + source.choice((0, 1, 1, 4))] = source.choice(characters)
        yield bytes(text)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_bad_files_end_with_an_outcome(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "good.pkf").write_bytes(encode(assemble(MODULE), ByteOrder.LITTLE))
    statuses = set()
    for number, content in enumerate(bad_files()):
        (tmp_path / "bad.pkf").write_bytes(content)
        ran = packfile_command(*command, "bad.pkf", *(["1"] if "table" in command else []), cwd=tmp_path)
        statuses.add(ran.status)
        assert ran.status in (0, 1, 2), (number, ran)
        assert ran.status == 0 or ran.err or command[0] in ("verify", "dump", "diff"), (number, ran)
        if "--json" in command and ran.status != 2 and ran.out:
            assert ran.json
    assert 1 in statuses


@pytest.mark.parametrize("command", [["assemble", "-o", "out.pkf"], ["run", "--fuel", "1000"]], ids=" ".join)
def test_bad_texts_end_with_a_message(tmp_path: Path, command: list[str]) -> None:
    for number, content in enumerate(bad_texts()):
        (tmp_path / "bad.pka").write_bytes(content)
        ran = packfile_command(*command, "bad.pka", cwd=tmp_path)
        assert ran.status in (0, 1, 2), (number, ran)
        assert ran.status == 0 or ran.err, (number, ran)
        unprintable = [c for c in ran.err if not c.isprintable() and c != "\n"]
        assert not unprintable, (number, ran)


def test_bad_arguments_end_with_a_message(tmp_path: Path) -> None:
    source = random.Random(SEED)  # noqa: S311 - it must be the same each time
    (tmp_path / "good.pkf").write_bytes(encode(assemble(MODULE), ByteOrder.LITTLE))
    for _ in range(3 * EACH):
        command = source.choice(("run", "info", "verify", "dump", "diff", "convert", "assemble", "disassemble"))
        arguments = source.choices(ARGUMENTS, k=source.randrange(6))
        ran = packfile_command(command, *arguments, cwd=tmp_path)
        assert ran.status in (0, 1, 2), (command, arguments, ran)
        assert [c for c in ran.err if not c.isprintable() and c != "\n"] == [], (command, arguments, ran)
