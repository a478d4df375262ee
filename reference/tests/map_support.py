"""Programs whose pages are looked at, and what `packfile map` says of them."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cli_support import packfile_command

PAGE = os.sysconf("SC_PAGE_SIZE")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what it mapped")
BOTH = pytest.mark.parametrize("by", [pytest.param("kernel", marks=ON_LINUX), "loader"])
STORE = """
.export func store (i) -> ()
  ldata i1, table
  i_add i1, i1, i0
  i_imm i2, 1
  i_store8 i2, i1
  ret
.export func load (i) -> (i)
  ldata i1, table
  i_add i1, i1, i0
  i_load8_u i0, i1
  ret
.export func copy (i, i) -> ()
  ldata i1, table
  lrodata i2, text
  i_imm i3, 10000
  mem_copy i1, i2, i3
  ret
.export func fill (i) -> ()
  ldata i1, table
  i_imm i2, 7
  mem_fill i1, i2, i0
  ret
.rodata
text: .zero 20000
.data
table: .zero 40000
"""
ENDLESS = ".entry f\n.func f () -> ()\nagain:\n  jmp again\n"
STEPS = ["open", "link", "call"]


def mapped(directory: Path, *arguments: str | Path) -> Any:
    ran = packfile_command("map", "--json", *arguments, cwd=directory)
    assert (ran.status, ran.err) == (0, ""), ran.err
    return ran.json


def section(document: Any, name: str, module: int = 0) -> Any:
    (found,) = (one for one in document["modules"][module]["sections"] if one["name"] == name)
    return found


def numbers(touched: list[Any], **wanted: str | None) -> set[int]:
    """Pages of the ranges in which all is as wanted."""
    return {
        number
        for part in touched
        if all(part[key] == value for key, value in wanted.items())
        for number in range(part["first"], part["last"] + 1)
    }
