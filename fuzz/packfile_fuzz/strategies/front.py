"""The strategies: one string of bytes each, mapped through the generator.

Assumes nothing of what they are asked for. Promises that they shrink as bytes do, to few and low ones, and that a
failing example is printed as a call that makes it again, such as `program_of("0:02 224:4c01")`, with a note of what it
is in words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from hypothesis import note
from hypothesis import strategies as st

from packfile.layout import ByteOrder
from packfile.model import Module
from packfile_fuzz.malformed import Broken
from packfile_fuzz.program import Program
from packfile_fuzz.strategies.content import spelled
from packfile_fuzz.strategies.text import Lazily, broken_text, module_text, program_text
from packfile_fuzz.strategies.values import CHOICES, broken_of, import_graph_of, module_of, program_of

T = TypeVar("T")
SIZE = 512
"""Bytes of an example if nothing else is asked for; most that the generator makes of 1,104 or more is longer code."""


class _Drawn:
    """Bytes that were drawn, printed as the arguments of the function that makes an example of them."""

    def __init__(self, content: bytes, options: dict[str, Any]) -> None:
        self.content, self._options = content, options

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - hypothesis does not export it
        options = (f"{name}={_shown(value)}" for name, value in self._options.items())
        printer.text(", ".join([f'"{spelled(self.content)}"', *options]))


def _shown(value: object) -> str:
    return f"ByteOrder.{value.name}" if isinstance(value, ByteOrder) else repr(value)


class _Make(Generic[T]):
    """Makes an example of what was drawn. Hypothesis prints it by its name."""

    def __init__(self, make: Callable[..., T], options: dict[str, Any], text: Callable[[T], str]) -> None:
        self.__name__ = make.__name__
        self._make, self._text = partial(make, **options), text

    def __call__(self, drawn: _Drawn) -> T:
        value = self._make(drawn.content)
        note(Lazily(self._text, value))
        return value


def _strategy(size: int, make: Callable[..., T], text: Callable[[T], str], **options: object) -> st.SearchStrategy[T]:
    given = {name: value for name, value in options.items() if value is not None}
    # All of one length: then an example is made smaller by lowering bytes, which leaves the others where they are.
    drawn = st.binary(min_size=size, max_size=size).map(partial(_Drawn, options=given))
    return drawn.map(_Make(make, given, text))


def modules(
    *, digests: bool | None = None, host: bool = True, free: bool | None = None, size: int = SIZE
) -> st.SearchStrategy[Module]:
    """Valid modules, each of which can be linked alone under the name `main`, beside the host module.

    They import from themselves and from the host. They shrink to one function that returns.

    Args:
        digests: Whether they have a digest tree; a few have if that is left open.
        host: Whether they may need the host module. Without it their imports of it are lazy or weak.
        free: Whether jumps and calls may go anywhere, so that code may run until its fuel is gone; about 5 % if left
            open.
        size: Bytes that each is made of; more are more and longer functions, up to about 2,700.

    Example:
        @given(modules())
        def test_mine_decodes_what_the_reference_wrote(module: Module) -> None:
            assert mine.decode(encode(module, ByteOrder.BIG)) == module
    """
    return _strategy(size, module_of, module_text, digests=digests, host=None if host else False, free=free)


def programs(
    *,
    order: ByteOrder | None = None,
    digests: bool | None = None,
    host: bool = True,
    free: bool | None = None,
    size: int = SIZE,
) -> st.SearchStrategy[Program]:
    """Sets of one to three modules, mostly with the host module, and one to four calls to make of them.

    Few fail to link, since an eager import of theirs is missing or another, or a name stands twice. They shrink to one
    module with one function and one call of it.

    Args:
        order: Byte order of all files; mixed if left open.
        digests: As for `modules`.
        host: Whether the host module of the adapter protocol may be part of the set. Without it imports of it are not
            bound, and calling them traps.
        free: As for `modules`.
        size: As for `modules`.

    Example:
        @given(programs(order=ByteOrder.LITTLE, host=False))
        def test_mine_does_what_the_reference_does(program: Program) -> None:
            assert run_by_mine(program) == observe(program).calls
    """
    options: dict[str, object] = {"order": order, "digests": digests, "host": None if host else False, "free": free}
    return _strategy(size, program_of, program_text, **options)


def import_graphs(
    *,
    order: ByteOrder | None = None,
    digests: bool | None = None,
    host: bool = True,
    free: bool | None = None,
    size: int = SIZE,
) -> st.SearchStrategy[Program]:
    """Programs of two or three modules that import from each other in a circle, with every binding.

    What `programs` gives, with each name once, and five imports more in each module: an eager, a lazy and a weak one of
    the module after it, and two of any module, itself included, of functions and of data. Some lazy ones are missing or
    another, some weak ones missing. A function `links` of each module gives `bound?` and `ldslot` of them and calls
    those that are functions; the last calls of the program are of these. They shrink to two modules that export one
    function each.

    Args:
        order: As for `programs`, as all others.
        digests: See there.
        host: See there.
        free: See there.
        size: See there.

    Example:
        @given(import_graphs(), st.randoms(use_true_random=False))
        def test_when_mine_resolves_a_slot_cannot_be_seen(program: Program, random: Random) -> None:
            assert run_by_mine(program, resolve=random) == run_by_mine(program)
    """
    options: dict[str, object] = {"order": order, "digests": digests, "host": None if host else False, "free": free}
    return _strategy(size, import_graph_of, program_text, **options)


def malformed(
    *,
    order: ByteOrder | None = None,
    digests: bool | None = None,
    several: bool | None = None,
    size: int = CHOICES + SIZE // 2,
) -> st.SearchStrategy[Broken]:
    """Files that were valid until something was done to them, with what the specification says of them.

    `content` is the file; `faults` what was done, and the rules that each breaks, if any, and when that must show;
    `expected` what a loader may say. What was done may be legal, too: such a file is to be accepted. They shrink to one
    fault of a file with one function.

    Args:
        order: Byte order of the files; either if left open.
        digests: As for `modules`.
        several: Whether there are several faults; with one, rules are known as well as outcomes. One in ten has several
            if left open.
        size: Bytes that each is made of: 64 that say what is broken, the others for the module.

    Example:
        @given(malformed(several=False))
        def test_mine_opens_nothing_that_is_malformed(broken: Broken) -> None:
            if broken.expected.opening:
                with pytest.raises(mine.Refused):
                    mine.open(broken.content)
    """
    return _strategy(size, broken_of, broken_text, order=order, digests=digests, several=several)
