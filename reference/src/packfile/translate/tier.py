"""The tiers at work: what is hot, its translations, and the way from one tier to the other.

Assumes a linked set. Promises that a run ends as it would in the first tier alone; the package says how. Translations
are kept for as long as their process lives.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from packfile.errors import PackfileError
from packfile.instructions import INSTRUCTIONS, Opcode
from packfile.link import Function, Linkage
from packfile.machine import Frame, Thread, calls, locate
from packfile.machine.memory import copy_bytes, fill_bytes
from packfile.machine.state import HANDLERS, SWITCH, out_of_fuel
from packfile.translate.effects import Untranslatable
from packfile.translate.primitives import FAULTS, NAMES, Leave, Segments, is_own, leave
from packfile.translate.source import CALLED, Names, source_of
from packfile.verify import Code, counts

NEVER: Final = 0
"""The threshold at which nothing is hot."""
DEFAULT: Final = 1_000
"""Events after which a function is hot. Of the benchmarks, a translation has paid for itself after 600 to 1,700."""
MOST_WORDS: Final = 8_192
"""Words of the longest function that is translated; the first tier keeps those that are longer."""
MOST_ENTRIES: Final = 16
"""Words at which a function may be entered by a branch; each takes a translation of its own."""
_CHUNK: Final = 1 << 29
"""Fuel that a translation draws at a time: CPython counts faster in numbers that have one digit of 30 bits."""
_ROOMS: Final = (256, 64, 16)
"""Frames of Python that translations may stack up, if twice as many are left then."""
_CALLS: Final = frozenset(op for op, row in INSTRUCTIONS.items() if row.effect.startswith("enter("))

Translated = Callable[..., Any]
"""Takes fuel, frames that calls may stack up, and registers; gives the fuel that is left, alone or before results."""


class Entry:
    """A translation of a function, entered at one word."""

    __slots__ = ("call", "code", "function", "words")

    def __init__(self, function: Function, code: Code, words: Sequence[int]) -> None:
        self.function = function
        self.code = code
        self.words = words
        """The instruction that each line of its text is of."""
        self.call: Translated = leave


class Tier:
    """The translations of a linked set, and the runs that make and use them."""

    def __init__(self, linkage: Linkage, threshold: int) -> None:
        """Translate what has had `threshold` calls and backward branches."""
        self.linkage = linkage
        self.threshold = threshold
        self.functions = 0
        """Functions that were translated."""
        self._files: list[str] = []
        self._waiting: dict[int, list[tuple[dict[str, Any], str]]] = {}
        """Where the translation of a function is to be put once there is one, by reference."""
        self._references: dict[int, dict[int, Translated]] = {}
        """What can be called by reference, by signature and reference."""
        self._segments: dict[str, Segments] = {}
        """Segments by format and number."""

    def close(self) -> None:
        """Drop texts and views of segments; nothing may run any more."""
        for file in self._files:
            linecache.cache.pop(file, None)
        for segments in self._segments.values():
            segments.release()
        self._waiting.clear()
        self._references.clear()

    def run(self, frame: Frame) -> None:
        """Run a frame and all that it calls, in either tier.

        Raises:
            PackfileError: Whatever the program came to, located.
        """
        thread, threshold, handlers = frame.thread, self.threshold, HANDLERS
        room = _room()
        pc = 0
        word: int | None = CALLED
        try:
            while True:
                function = frame.function
                if word is not None:
                    function.heat += word == CALLED
                    entry = self._entry(function, frame.code, word) if function.heat >= threshold and room else None
                    if entry is not None:
                        frame = self._enter(entry, frame, room, is_call=word == CALLED)
                        if thread.frame is None:
                            return
                # At least one instruction is executed here after a translation was left, or it would be left for ever.
                ops, a, b, c = frame.code.fields
                function = frame.function
                pc = frame.pc
                while True:
                    while (to := handlers[ops[pc]](frame, pc, a[pc], b[pc], c[pc])) > pc:
                        pc = to
                    if to == SWITCH:
                        break
                    if not thread.fuel:
                        raise out_of_fuel()
                    thread.fuel -= 1
                    pc = to
                    function.heat += 1
                    if function.heat >= threshold:
                        break
                if to != SWITCH:
                    frame.pc = word = pc
                    continue
                if thread.frame is None:
                    return
                word = None if thread.frame is frame.caller else CALLED
                frame = thread.frame
        except PackfileError as error:
            locate(error, frame.image, frame.code, pc)
            raise

    def _enter(self, entry: Entry, frame: Frame, room: int, *, is_call: bool) -> Frame:
        """Go on in a translation. Gives the frame that is to go on in the first tier, if the thread has one."""
        thread, code = frame.thread, frame.code
        fuel = min(thread.fuel, _CHUNK)
        thread.fuel -= fuel
        depth = min(thread.depth - frame.depth, room)
        i, n = frame.i, frame.n[: code.n_registers]
        if is_call:
            i, n = i[: code.i_params], n[: code.n_params]
        try:
            returned = entry.call(fuel, depth, *i, *n)
        except Leave as left:
            return _frames_of(left, frame, thread)
        i_results, n_results = code.i_results, code.n_results
        left_over, *values = returned if i_results or n_results else (returned,)
        thread.fuel += left_over
        caller = thread.frame = frame.caller
        if caller is None:
            thread.i_results, thread.n_results = values[:i_results], values[i_results:]
            return frame
        caller.i[caller.a : caller.a + i_results] = values[:i_results]
        caller.n[caller.b : caller.b + n_results] = values[i_results:]
        return caller

    def _entry(self, function: Function, code: Code, word: int) -> Entry | None:
        """The translation of a function that begins at a word or `CALLED`, made now if it was not before."""
        if word not in function.entries:
            function.entries[word] = self._translate(function, code, word)
        entry = function.entries[word]
        assert entry is None or isinstance(entry, Entry)
        return entry

    def _translate(self, function: Function, code: Code, word: int) -> Entry | None:
        if len(code.ops) > MOST_WORDS or (word != CALLED and len(function.entries) >= MOST_ENTRIES):
            return None
        try:
            source = source_of(function, code, self.linkage, word)
        except Untranslatable:
            return None
        entry = Entry(function, code, source.words)
        name, file = self._names(function, word)
        linecache.cache[file] = (len(source.text), None, source.text.splitlines(keepends=True), file)
        self._files.append(file)
        namespace = self._namespace(entry, source.names)
        # The text is made of numbers and of the names of this package: nothing in it comes from a file as it is.
        exec(compile(source.text, file, "exec"), namespace)  # noqa: S102
        made = namespace.pop("translated")
        made.__code__ = made.__code__.replace(co_name=name, co_qualname=name)
        entry.call = made
        self.functions += not any(function.entries.values())
        if word == CALLED:
            for names, cell in self._waiting.pop(function.reference, ()):
                names[cell] = made
            self._references.setdefault(function.signature, {})[function.reference] = made
        return entry

    def _names(self, function: Function, word: int) -> tuple[str, str]:
        """What a traceback shows as function and file. A name may be any text, and Python is choosy."""
        name = "".join(letter if letter.isprintable() else "?" for letter in function.name)
        module = "".join(letter if letter.isprintable() else "?" for letter in function.module.name)
        whole = f"packfile {module}.{name}{'' if word == CALLED else f'+{word}'}"
        file, number = f"<{whole}>", 1
        while file in linecache.cache:
            number += 1
            file = f"<{whole} #{number}>"
        return name, file

    def _namespace(self, entry: Entry, names: Names) -> dict[str, Any]:
        namespace: dict[str, Any] = {
            **NAMES, "SELF": entry, "LINKAGE": self.linkage, "unwind": unwind, "leave": leave,
            "copy_bytes": copy_bytes, "fill_bytes": fill_bytes,
        }  # fmt: skip
        for name, function in names.functions.items():
            if function.module.host is not None:
                namespace[name] = _host(function)
                continue
            namespace[name] = self._references.get(function.signature, {}).get(function.reference, leave)
            if namespace[name] is leave:
                self._waiting.setdefault(function.reference, []).append((namespace, name))
        for name, signature in names.signatures.items():
            namespace[name] = self._by_reference(signature)
        for name, code in names.elements.items():
            if code not in self._segments:
                self._segments[code] = Segments(self.linkage, code)
            namespace[name] = self._segments[code]
        return namespace

    def _by_reference(self, signature: int) -> dict[int, Translated]:
        """What can be called by reference with a signature: host functions, and what was translated."""
        table = self._references.setdefault(signature, {})
        hosts = (module for module in self.linkage.modules if module.host is not None)
        for function in (module.function(index) for module in hosts for index in range(module.function_count)):
            if function.signature == signature:
                table.setdefault(function.reference, _host(function))
        return table


def _host(function: Function) -> Translated:
    """A host function, called as a translation is."""
    i_params, _, i_results, n_results = counts(function.signature)

    def host(fuel: int, _depth: int, *arguments: Any) -> Any:  # noqa: ANN401 - integers, then floats
        i, n = calls.call_host(function, list(arguments[:i_params]), list(arguments[i_params:]))
        return (fuel, *i, *n) if i_results or n_results else fuel

    return host


def unwind(error: Exception, entry: Entry, fuel: int, i: tuple[int, ...], n: tuple[float, ...]) -> None:
    """Say of an exception what the translation that it passes through knows.

    Raises:
        Leave: The exception is Python's word for what the first tier is to look at.
    """
    assert error.__traceback__ is not None
    word = entry.words[error.__traceback__.tb_lineno]
    if isinstance(error, Leave):
        if not error.frames:
            error.fuel = fuel
        error.frames.append((entry, word, i, n))
    elif isinstance(error, PackfileError):
        image = entry.function.module.image
        assert image is not None
        locate(error, image, entry.code, word)
    elif isinstance(error, FAULTS) and entry.code.ops[word] not in _CALLS and is_own(error.__traceback__):
        left = Leave()
        left.fuel = fuel
        left.frames.append((entry, word, i, n))
        raise left from None


def _frames_of(left: Leave, frame: Frame, thread: Thread) -> Frame:
    """Make frames of what was left, the first of them in `frame`; gives the last."""
    thread.fuel += left.fuel
    *waiting, last = reversed(left.frames)
    for entry, word, i, n in waiting:
        _fill(frame, entry, i, n)
        frame.pc = word + INSTRUCTIONS[Opcode(entry.code.ops[word])].words
        frame.a, frame.b = entry.code.a[word], entry.code.b[word]
        frame.callee = frame.callee or Frame(thread, frame)
        frame = frame.callee
    entry, word, i, n = last
    _fill(frame, entry, i, n)
    frame.pc = word
    thread.frame = frame
    return frame


def _fill(frame: Frame, entry: Entry, i: tuple[int, ...], n: tuple[float, ...]) -> None:
    frame.function, frame.code = entry.function, entry.code
    frame.i, frame.n = list(i), list(n)


def _room() -> int:
    """Frames of Python that translations may stack up, so that as many as twice that are left to host functions."""
    limit = sys.getrecursionlimit()
    for room in _ROOMS:
        try:
            # Fails where there are not so many frames, and takes no time in proportion to them.
            sys._getframe(max(limit - 3 * room, 0))  # noqa: SLF001 - nothing public tells the depth as quickly
        except ValueError:
            return room
    return 0
