"""The files that the C tests read are what the assembler makes of the text beside them."""

from pathlib import Path

import pytest

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize(
    ("name", "text", "order"),
    [
        ("add.pkf", "add.pka", ByteOrder.LITTLE),
        ("add-big.pkf", "add.pka", ByteOrder.BIG),
        ("hashed.pkf", "hashed.pka", ByteOrder.LITTLE),
    ],
)
def test_the_committed_file_is_the_assembled_text(name: str, text: str, order: ByteOrder) -> None:
    source = (FILES / text).read_text(encoding="utf-8")
    assert (FILES / name).read_bytes() == encode(assemble(source, text), order)
