"""The page on assembly says what the assembler does."""

import re
from pathlib import Path

import pytest

from packfile.asm_data import ITEMS
from packfile.assembler import AssemblyError, assemble
from packfile.disassembler import disassemble
from packfile.instructions import INSTRUCTIONS
from packfile.layout import ByteOrder
from packfile.writer import decode, encode

PAGE = (Path(__file__).resolve().parents[1] / "assembly.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Every block of a language on the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks("text"))
def test_every_example_assembles_and_survives_as_text(text: str) -> None:
    module = assemble(text)
    assert decode(encode(module, ByteOrder.LITTLE)) == module
    assert assemble(disassemble(module)) == module


def test_the_mistake_is_shown_as_the_page_says() -> None:
    (wrong,), (shown,) = blocks("none"), blocks("console")
    with pytest.raises(AssemblyError) as caught:
        assemble(wrong, "loop.pka")
    assert f"{caught.value}\n" == shown


def test_every_directive_and_operand_is_on_the_page() -> None:
    directives = {".unit", ".bss", ".entry", ".import", ".export func", ".export data", ".func", ".registers", ".const"}
    directives |= {".rodata", ".data", ".code", ".section", ".word", *ITEMS}
    operands = {operand.name for row in INSTRUCTIONS.values() for operand in row.operands}
    assert {word for word in directives | operands if f"`{word}" not in PAGE} == set()


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "assembly.md", "exec"), {})  # noqa: S102 - the page's own example
    assert "i_imm i0, 1" in capsys.readouterr().out
