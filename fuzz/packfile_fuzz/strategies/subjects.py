"""Modules whose behaviour can be told without running them, and what a process of them comes to.

Assumes nothing of the bytes. Promises a valid file for each subject, and answers that follow from the specification by
way of a few dicts: owing nothing to any loader, they can be held against all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from packfile.assembler import assemble
from packfile.layout import Binding, ByteOrder
from packfile.model import Module
from packfile.writer import encode
from packfile_fuzz.program import Call

NAMES = ("a", "b", "c")
"""Under which subjects are linked."""
HOST = "host"
ARGUMENTS: Mapping[str | None, int] = {
    None: 0,
    "value": 0,
    "give": 1,
    "keep": 1,
    "ask": 1,
    "bound": 0,
    "tell": 1,
    "stop": 0,
}
"""Functions that a subject may export, None for its entry, and how many integers each takes; and `spin`, which runs
until its fuel is gone."""


class Answer(NamedTuple):
    """What a loader says to an action."""

    outcome: str
    """Of the specification; or `refused`, for what is closed, or a file that is not there."""
    code: str = ""
    """That of a trap."""
    i: tuple[int, ...] = ()
    """Integer results."""
    log: tuple[int, ...] = ()
    """Integers that the call told the host module."""


OK, REFUSED = Answer("ok"), Answer("refused")
MALFORMED, UNLINKABLE, EXHAUSTED = Answer("malformed"), Answer("unlinkable"), Answer("exhausted")


class Subject(NamedTuple):
    """A module, by what distinguishes it."""

    value: int = 0
    """What `value` gives, and what its data holds at first."""
    order: ByteOrder = ByteOrder.LITTLE
    """Byte order of its file."""
    digests: bool = False
    """Whether it has a digest tree."""
    give: str = "(i) -> (i)"
    """Signature of its export `give`; empty if it has none."""
    binding: Binding | None = None
    """That of its import of another module's `give`; None if it has none, nor the functions `ask` and `bound`."""
    peer: str = "a"
    """The module that it imports that from."""

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - hypothesis does not export it
        """As hypothesis prints it: what differs from the simplest."""
        told = [(name, getattr(self, name), default) for name, default in self._field_defaults.items()]
        printer.text(
            f"Subject({', '.join(f'{name}={_shown(value)}' for name, value, usual in told if value != usual)})"
        )

    @property
    def exports(self) -> dict[str | None, int]:
        """Its functions, None for the entry, and how many integers each takes."""
        absent = set() if self.binding is not None else {"ask", "bound"}
        found = {name: count for name, count in ARGUMENTS.items() if name not in absent}
        return found if self.give == Subject().give else _without_give(found, self.give)


def _shown(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)


def _without_give(exports: dict[str | None, int], give: str) -> dict[str | None, int]:
    del exports["give"]
    return exports | ({"give": 0} if give else {})


class Request(NamedTuple):
    """A call, before it is known of which process."""

    module: int = 0
    """Which of the modules that are no host, around and around."""
    function: int = 0
    """Which of its functions, likewise."""
    argument: int = 0
    """What each argument is."""
    oddity: int = 0
    """What is odd about it, mostly nothing."""

    def call(self, modules: Mapping[str, Subject | None]) -> Call:
        """The call of one of these modules."""
        subjects = [(name, subject) for name, subject in modules.items() if subject is not None]
        name, subject = subjects[self.module % len(subjects)]
        exports = subject.exports
        functions = [*exports, *(name for name in _OFTEN if name in exports)]
        function = functions[self.function % len(functions)]
        call = Call(name, function, (self.argument,) * exports[function])
        return _ODD.get(self.oddity, _unchanged)(call)


_OFTEN = ("ask", "ask", "give")
"""Functions that come up more often: what they come to depends on most."""


def _unchanged(call: Call) -> Call:
    return call


_ODD: Mapping[int, Callable[[Call], Call]] = {
    **dict.fromkeys((0xFF, 0xEF), lambda call: replace(call, fuel=0)),
    **dict.fromkeys((0xFE, 0xEE), lambda call: replace(call, fuel=1)),
    **dict.fromkeys((0xFD, 0xED), lambda call: replace(call, depth=0)),
    **dict.fromkeys((0xFC, 0xEC), lambda call: replace(call, depth=1)),
    **dict.fromkeys((0xFB, 0xEB), lambda call: replace(call, function="spin", i=())),
    **dict.fromkeys((*range(0xE0, 0xE6), *range(0xF0, 0xF4)), lambda call: replace(call, i=(*call.i, 0))),
    **dict.fromkeys(range(0xF4, 0xF6), lambda call: replace(call, module="absent")),
    **dict.fromkeys(range(0xF6, 0xF8), lambda call: replace(call, function="absent")),
}


def request_of(content: bytes) -> Request:
    """The request of four bytes."""
    return Request(*content)


_GIVES = (*(["(i) -> (i)"] * 4), "", *(["() -> (i)"] * 3))
_BINDINGS = (*([Binding.LAZY] * 4), Binding.EAGER, Binding.WEAK, Binding.WEAK, None)
"""Most often the one with which every set can be linked."""
SUBJECT_BYTES = 3
"""Bytes that each is made of."""


def subject_of(content: bytes) -> Subject:
    """The subject of three bytes."""
    value, kind, link = content
    return Subject(
        value,
        (ByteOrder.LITTLE, ByteOrder.BIG)[kind & 1],
        bool(kind >> 1 & 1),
        _GIVES[kind >> 2 & 7],
        _BINDINGS[link & 7],
        NAMES[(link >> 3) % len(NAMES)],
    )


@cache
def file_of(subject: Subject) -> bytes:
    """Its file."""
    module = assemble(_source(subject), "subject.pka")
    return encode(module if not subject.digests else _digested(module), subject.order)


def _digested(module: Module) -> Module:
    return replace(module, digests=True)


def _source(subject: Subject) -> str:
    return "\n".join([_imports(subject), _BASE.format(value=subject.value), _give(subject), _asks(subject)])


def _imports(subject: Subject) -> str:
    if subject.binding is None:
        return ".import lazy func host.log_i (i) -> ()"
    peer = f".import {subject.binding.name.lower()} func {subject.peer}.give (i) -> (i) as peer"
    return f".import lazy func host.log_i (i) -> ()\n{peer}"


_BASE = """
.entry value
.data
cell:
  .i64 {value}
.bss room: 64
.export func value () -> (i)
  i_imm32 i0, {value}
  ret i0, n0
.export func keep (i) -> (i)
  lbss i1, room
  i_load64 i2, i1, 0
  i_add i0, i0, i2
  i_store64 i0, i1, 0
  ret i0, n0
.export func tell (i) -> ()
  calli i0, n0, host.log_i
  ret
.export func spin () -> ()
again:
  jmp again
.export func stop () -> ()
  unreachable
"""


def _give(subject: Subject) -> str:
    if not subject.give:
        return ""
    return f""".export func give {subject.give}
  ldata i1, cell
  i_load64 i2, i1, 0
  i_add i0, i0, i2
  i_store64 i0, i1, 0
  ret i0, n0
"""


def _asks(subject: Subject) -> str:
    if subject.binding is None:
        return ""
    return """.export func ask (i) -> (i)
  calli i0, n0, peer
  ret i0, n0
.export func bound () -> (i)
  bound? i0, peer
  ret i0, n0
"""


def linking(entries: Sequence[tuple[str, Subject | None]]) -> Answer:
    """What linking a set comes to; None is the host module."""
    modules = dict(entries)
    if len(modules) < len(entries):
        return UNLINKABLE
    for _, subject in entries:
        if subject is not None and subject.binding is not None:
            found = _bound(modules, subject)
            if not found.is_bound and subject.binding is Binding.EAGER:
                return UNLINKABLE
            if found.is_other and subject.binding is Binding.WEAK:
                return UNLINKABLE
    return OK


class _Bound(NamedTuple):
    is_bound: bool
    is_other: bool


def _bound(modules: Mapping[str, Subject | None], subject: Subject) -> _Bound:
    """Whether the peer's `give` is there and fits, and whether it is there and does not."""
    peer = modules.get(subject.peer)
    give = peer.give if peer is not None else ""
    return _Bound(give == Subject().give, give not in ("", Subject().give))


@dataclass
class Linked:
    """A process: its modules, what their memory holds, and whether it was exhausted."""

    modules: Mapping[str, Subject | None]
    """By the names under which they were linked; None is the host module."""
    cells: dict[str, int] = field(init=False)
    """What each module's data holds."""
    rooms: dict[str, int] = field(init=False)
    """What each module's bss holds."""
    exhausted: bool = False
    """Whether an earlier call was."""

    def __post_init__(self) -> None:
        self.cells = {name: subject.value for name, subject in self.modules.items() if subject is not None}
        self.rooms = dict.fromkeys(self.cells, 0)

    def call(self, call: Call) -> Answer:
        """What a call comes to; integers stay below 2^63, since nobody makes so many calls."""
        answer = EXHAUSTED if self.exhausted else self._answer(call)
        self.exhausted = answer.outcome == EXHAUSTED.outcome
        return answer

    def _answer(self, call: Call) -> Answer:
        subject = self.modules.get(call.module)
        exports = {} if subject is None else subject.exports | {"spin": 0}
        if subject is None or call.function not in exports:
            return UNLINKABLE
        if len(call.i) != exports[call.function]:
            return Answer("trap", "signature-mismatch")
        if call.fuel < 1 or call.depth < 1:
            return EXHAUSTED
        return self._enter(call.module, subject, call)

    def _enter(self, name: str, subject: Subject, call: Call) -> Answer:
        match call.function:
            case "give":
                return self._add(self.cells, name, call.i)
            case "keep":
                return self._add(self.rooms, name, call.i)
            case "bound":
                return Answer("ok", i=(int(_bound(self.modules, subject).is_bound),))
            case "ask":
                return self._ask(subject, call)
            case "tell":
                return self._tell(call)
            case "spin":
                return EXHAUSTED
            case "stop":
                return Answer("trap", "unreachable")
        return Answer("ok", i=(subject.value,))

    def _add(self, held: dict[str, int], name: str, i: tuple[int, ...]) -> Answer:
        held[name] += sum(i)
        return Answer("ok", i=(held[name],))

    def _ask(self, subject: Subject, call: Call) -> Answer:
        found = _bound(self.modules, subject)
        if not found.is_bound:
            return Answer("trap", "import-mismatch" if found.is_other else "unbound-import")
        if call.fuel < 2 or call.depth < 2:
            return EXHAUSTED
        return self._add(self.cells, subject.peer, call.i)

    def _tell(self, call: Call) -> Answer:
        if HOST not in self.modules:
            return Answer("trap", "unbound-import")
        return Answer("ok", log=call.i) if call.fuel >= 2 else EXHAUSTED
