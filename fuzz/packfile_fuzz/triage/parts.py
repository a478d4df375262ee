"""Candidates of a changed module, for the passes that change one.

Assumes nothing of the specimen. Promises candidates alone; the search decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from packfile.model import Module
from packfile_fuzz.triage.search import Search, thin
from packfile_fuzz.triage.specimen import Specimen

Make = Callable[[Specimen, int, Module], Iterator[Specimen]]
"""From a specimen, the place of a module and the module that is to stand there, the candidates for it, best first."""


def plain(whole: Specimen, position: int, module: Module) -> Iterator[Specimen]:
    """The one candidate of a program."""
    yield whole.with_module(position, module)


class Parts:
    """A search, and what makes candidates of a changed module."""

    def __init__(self, search: Search, make: Make = plain) -> None:
        self.search, self._make = search, make

    def thin(
        self, at: int, count: Callable[[Module], int], build: Callable[[Module, Sequence[int]], Module | None]
    ) -> None:
        """Leave out as many parts of a module as can be."""
        module = self.module(at)
        thin(count(module), lambda left: self.replaced(at, build(module, left)))

    def attempt(self, at: int, change: Callable[[Module], Module | None]) -> bool:
        """Try what a change makes of a module, if it makes anything else of it."""
        return self.replaced(at, change(self.module(at)))

    def replaced(self, at: int, module: Module | None) -> bool:
        """Try another module in one place."""
        if module is None or module == self.module(at):
            return False
        return self.search.first(self._make(self.search.best, at, module))

    def module(self, at: int) -> Module:
        """The module in one place."""
        module = self.search.best.program.entries[at].module
        assert module is not None
        return module

    def places(self) -> list[int]:
        """Positions of modules, but for the host's."""
        return [at for at, entry in enumerate(self.search.best.program.entries) if entry.module is not None]
