"""A module as data: what a file says, apart from how its bytes say it.

Assumes nothing. Promises plain values without byte order, offsets or padding, so that two files of one module in
different byte orders decode to equal models. It judges nothing: the writer refuses what no file can hold, and the
verifier what no loader may run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from packfile.layout import Binding, ImportKind, Segment

_WRITTEN_OUT = 6
"""Most parameters of one bank that a signature's text lists one by one."""


class ModelError(ValueError):
    """Raised by the writer: a module that no file can hold, such as one with two exports of one name."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How many integers and floats a function takes and gives.

    `str(signature)` is its form in assembly, `(i, i, n) -> (i)`; a long run is written as `i*12`.
    """

    i_params: int = 0
    """Integer parameters."""
    n_params: int = 0
    """Float parameters."""
    i_results: int = 0
    """Integer results."""
    n_results: int = 0
    """Float results."""

    @property
    def word(self) -> int:
        """The four counts in one word, as rows and `callr` hold them."""
        return self.i_params | self.n_params << 8 | self.i_results << 16 | self.n_results << 24

    @classmethod
    def from_word(cls, word: int) -> Signature:
        """The signature that a word states; every word states one."""
        return cls(word & 0xFF, word >> 8 & 0xFF, word >> 16 & 0xFF, word >> 24 & 0xFF)

    @property
    def i_window(self) -> int:
        """Integer registers that the window of a call needs."""
        return max(self.i_params, self.i_results)

    @property
    def n_window(self) -> int:
        """Float registers that the window of a call needs."""
        return max(self.n_params, self.n_results)

    def __str__(self) -> str:
        return f"{_counts(self.i_params, self.n_params)} -> {_counts(self.i_results, self.n_results)}"


def _counts(i_count: int, n_count: int) -> str:
    parts: list[str] = []
    for bank, count in (("i", i_count), ("n", n_count)):
        parts += [f"{bank}*{count}"] if count > _WRITTEN_OUT else [bank] * count
    return f"({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its row and its own words."""

    signature: Signature
    """What it takes and gives."""
    i_registers: int
    """Size of its integer bank."""
    n_registers: int
    """Size of its float bank."""
    code: tuple[int, ...]
    """Its words, each from 0 to 2^32 - 1."""


@dataclass(frozen=True, slots=True)
class Import:
    """One fixup; its index is that of its slot."""

    kind: ImportKind
    """Function or data."""
    binding: Binding
    """What a missing or mismatched export leads to."""
    module: str
    """Name of the module to look in."""
    name: str
    """Name of the export to look up."""
    requirement: int
    """Signature word of a function import, least size in bytes of a data import."""

    @property
    def signature(self) -> Signature:
        """The required signature; of a function import only."""
        return Signature.from_word(self.requirement)


@dataclass(frozen=True, slots=True)
class Export:
    """One name that other modules and the embedder can look up."""

    name: str
    """The name."""
    kind: ImportKind
    """Function or data."""
    segment: Segment
    """Where exported data lies; `Segment.NONE` for a function."""
    position: int
    """Index of the function, or offset in the segment."""
    size: int
    """Bytes exported; 0 for a function."""


@dataclass(frozen=True, slots=True)
class Skippable:
    """A section that loaders may skip; never swapped."""

    kind: int
    """Its kind, 0x80000000 or above."""
    content: bytes
    """Its bytes, at least one."""


@dataclass(frozen=True, slots=True)
class Module:
    """All that a packfile says.

    The order of functions, imports and constants is part of the model, since code names them by index. The order of
    exports is not: a file has them sorted, and so has a module that comes from `decode` or `assemble`.
    """

    functions: tuple[Function, ...] = ()
    """The functions, by index."""
    imports: tuple[Import, ...] = ()
    """The imports, by index."""
    exports: tuple[Export, ...] = ()
    """The exports, sorted by the bytes of their names."""
    constants: tuple[int, ...] = ()
    """The constants, by index, each from 0 to 2^64 - 1."""
    rodata: bytes = field(default=b"", repr=False)
    """Bytes of the read-only segment."""
    data: bytes = field(default=b"", repr=False)
    """Initial bytes of the writable segment."""
    bss_size: int = 0
    """Bytes of the zero-filled segment."""
    entry: int | None = None
    """Index of the function that `run` calls."""
    unit_log2: int = 12
    """Base-2 logarithm of the alignment unit: 12 or 16."""
    skippable: tuple[Skippable, ...] = ()
    """Sections that loaders may skip, by ascending kind; without the digests, which follow from the rest."""
    digests: bool = False
    """Whether the file has a digest tree."""

    def segment_size(self, segment: Segment) -> int:
        """Bytes of a segment of this module; 0 of one that it lacks."""
        sizes = {Segment.RODATA: len(self.rodata), Segment.DATA: len(self.data), Segment.BSS: self.bss_size}
        return sizes.get(segment, 0)
