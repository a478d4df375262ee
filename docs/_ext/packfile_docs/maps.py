"""Pictures of the pages that runs touch, as `packfile map` draws them while the site is built.

Promises the same pictures everywhere: the loader is asked, not the kernel, and modules are made here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from packfile.assembler import assemble
from packfile.instructions import Opcode
from packfile.layout import ByteOrder, ImportKind, Segment
from packfile.model import Export, Function, Module, Signature
from packfile.writer import encode

from . import commands
from .repository import ROOT

_FUNCTIONS: Final = 1024
_WORDS: Final = 16_384
"""Words of each of them: 64 KiB."""
_TABLE: Final = """\
; how many numbers of a sorted table are below a key
.export func below (i) -> (i)
  lrodata i1, table                 ; from here on nothing was looked at
  i_imm32 i2, 8388608               ; so many numbers
next:
  jmp_unless i2, done
  i_imm i3, 1
  i_shr_u i4, i2, i3
  i_imm i3, 8
  i_mul i5, i4, i3
  i_add i5, i5, i1                  ; the number in the middle
  i_load64 i6, i5
  jmp_lt_s i6, i0, upper
  i_mov i2, i4
  jmp next
upper:
  i_add i1, i5, i3
  i_sub i2, i2, i4
  i_add_imm i2, i2, -1
  jmp next
done:
  lrodata i2, table
  i_sub i0, i1, i2
  i_div_s i0, i0, i3
  ret
.rodata
table: .zero 67108864
"""
_COUNTERS: Final = """\
; adds one to a counter
.export func count (i) -> (i)
  ldata i1, counters
  i_add i1, i1, i0
  i_load64 i0, i1
  i_add_imm i0, i0, 1
  i_store64 i0, i1
  ret
.data
counters: .zero 131072
"""


def _big() -> bytes:
    """A module of many functions, `f0` and so on, each of 64 KiB."""
    code = (int(Opcode.I_IMM),) * (_WORDS - 1) + (int(Opcode.RET),)
    exports = sorted((f"f{index}", index) for index in range(_FUNCTIONS))
    module = Module(
        functions=(Function(Signature(), 1, 0, code),) * _FUNCTIONS,
        exports=tuple(Export(name, ImportKind.FUNCTION, Segment.NONE, index, 0) for name, index in exports),
    )
    return encode(module, ByteOrder.LITTLE)


def _assembled(text: str) -> Callable[[], bytes]:
    return lambda: encode(assemble(text), ByteOrder.BIG)


_TEXTS: Final = {"table": _TABLE, "counters": _COUNTERS}
_MADE: Final[Mapping[str, Callable[[], bytes]]] = {
    "big.pkf": _big,
    **{f"{name}.pkf": _assembled(text) for name, text in _TEXTS.items()},
}
"""Modules that are no example of the repository, by the name of their file."""


def text_of(env: BuildEnvironment, name: str) -> str:
    """The assembly of a module that is drawn."""
    del env
    return f"```text\n{_TEXTS[name]}```\n"


def picture(env: BuildEnvironment, arguments: str, caption: str) -> str:
    """The picture of a run.

    Args:
        env: The environment, whose page then depends on the examples that are run.
        arguments: What follows `packfile map`.
        caption: Text below the picture.
    """
    for word in arguments.split():
        if (ROOT / "examples" / word).is_file():
            env.note_dependency(str(ROOT / "examples" / word))
    drawn = _picture(arguments).replace("<svg ", '<svg style="min-width: 44rem" ', 1)
    scroll = '<div class="scroll" tabindex="0" role="group" aria-label="Figure, scrolls sideways">'
    note = f"<figcaption><code>packfile map {escape(arguments)}</code>: {escape(caption)}</figcaption>"
    return f'```{{raw}} html\n<figure class="drawing">{scroll}\n{drawn}</div>{note}</figure>\n```\n'


@cache
def _picture(arguments: str) -> str:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        words = arguments.split()
        for word in words:
            if word in _MADE:
                (directory / word).write_bytes(_MADE[word]())
            elif word.endswith((".pka", ".pkf")):
                (directory / word).write_bytes((ROOT / "examples" / word).read_bytes())
        output = directory / "picture.svg"
        commands.run(["packfile", "map", *words, "--by", "loader", "--svg", str(output)], directory)
        text = output.read_text(encoding="utf-8")
    if not text.startswith("<svg "):
        raise ExtensionError(f"`packfile map {arguments}` wrote no picture")
    return text
