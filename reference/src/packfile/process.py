"""Process: what an embedder uses. A set of linked modules and the calls into it.

Assumes nothing of its caller. Promises that every call ends with results or with an outcome of the spec.
"""

import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from packfile import layout, machine
from packfile.errors import Exhausted, Trap, Unlinkable
from packfile.host import HostModule
from packfile.image import Image
from packfile.instructions import TrapCode
from packfile.layout import Segment
from packfile.link import Function, Linkage, Module
from packfile.machine.state import GREATEST, LEAST
from packfile.translate import DEFAULT, NEVER, Tier
from packfile.verify import counts

MAX_FRAMES = 65_536
"""Frames that this loader gives a call at most, whatever depth it is given (PF-LIM-009)."""


TRANSLATE_AFTER = DEFAULT
"""Calls and backward branches after which a function is translated, if nothing else is asked for."""


class Results(NamedTuple):
    """What a call gave."""

    i: list[int]
    """Integer results, signed."""
    n: list[float]
    """Float results."""
    fuel: int
    """Fuel that is left."""


class Process:
    """A linked set of modules with its slots, data and bss.

    Calls from several threads are made one after the other. A host function may call back into its process.
    """

    def __init__(
        self, modules: Iterable[tuple[str, Image | HostModule]], *, translate_after: int = TRANSLATE_AFTER
    ) -> None:
        """Link modules, in the order of their positions.

        Args:
            modules: Names, chosen by the embedder, and what stands under them.
            translate_after: Calls and backward branches of a function after which it is hot, and is translated to
                Python, which runs several times faster; 1 translates at the first call, 0 never. No outcome depends
                on it.

        Raises:
            Malformed: An import row, or the export row that a look-up found, breaks a rule.
            Corrupt: An import row, or the look-up of an eager or weak import, is (PF-INT-007).
            Unlinkable: PF-FIX-004, PF-FIX-007, PF-FIX-008, PF-FIX-013 or PF-LIM-007 is broken.
            Exhausted: The host has no memory for bss.
            ValueError: An image is closed, or `translate_after` is negative.
        """
        if translate_after < 0:
            raise ValueError(f"translate_after must be 0 or more, got {translate_after}")
        entries = list(modules)
        self._lock = threading.RLock()
        self._exhausted = False
        self._images: list[Image] = []
        try:
            for _, content in entries:
                if isinstance(content, Image):
                    content.acquire()
                    self._images.append(content)
            self._linkage: Linkage | None = Linkage(entries)
        except BaseException:
            self._release()
            raise
        self._tier = None if translate_after == NEVER else Tier(self._linkage, translate_after)

    def call(
        self, module: str, function: str, *arguments: float, fuel: int = layout.MAX_FUEL, depth: int = layout.MAX_DEPTH
    ) -> tuple[int | float, ...]:
        """Call an exported function.

        Args:
            module: Name of its module.
            function: Name of the export.
            arguments: `int` arguments fill the integer bank and `float` arguments the float bank, each in their order.
            fuel: Calls and backward branches that it may make.
            depth: Frames that it may have at once.

        Returns:
            The integer results, then the floats.

        Raises:
            Unlinkable: There is no such function (PF-EXE-017).
            Trap: The program trapped, or the arguments do not fit (PF-EXE-018).
            Invalid: A function that was called for the first time breaks a rule.
            Corrupt: What the call used for the first time has another digest.
            Exhausted: Fuel or depth ran out, now or in an earlier call (PF-EXE-016).
            ValueError: An argument is no signed 64-bit integer, or the process is closed.
        """
        i = [x for x in arguments if isinstance(x, int)]
        n = [x for x in arguments if not isinstance(x, int)]
        results = self.invoke(module, function, i, n, fuel=fuel, depth=depth)
        return (*results.i, *results.n)

    def invoke(
        self,
        module: str,
        function: str | None,
        i: Sequence[int] = (),
        n: Sequence[float] = (),
        *,
        fuel: int = layout.MAX_FUEL,
        depth: int = layout.MAX_DEPTH,
        trace: machine.Tracer | None = None,
    ) -> Results:
        """Call a function with its arguments by bank; `call` says more.

        Args:
            module: Name of its module.
            function: Name of the export, or None for the module's entry function (PF-EXE-019).
            i: Integer arguments.
            n: Float arguments.
            fuel: From 0 to 2^53 - 1 (PF-LIM-008).
            depth: From 0 to 2^53 - 1.
            trace: Called before each instruction. Nothing that is traced is translated.
        """
        if not 0 <= fuel <= layout.MAX_FUEL or not 0 <= depth <= layout.MAX_DEPTH:
            raise ValueError(f"fuel and depth must be from 0 to {layout.MAX_FUEL}")
        for x in i:
            if not LEAST <= x <= GREATEST:
                raise ValueError(f"{x} is no signed 64-bit integer")
        with self._lock:
            if self._linkage is None:
                raise ValueError("the process is closed")
            if self._exhausted:
                raise Exhausted("PF-EXE-016", "an earlier call was exhausted", expected="a new process", got="this one")
            target = _find(self._module(module), function)
            i_params, n_params, _, _ = counts(target.signature)
            if (len(i), len(n)) != (i_params, n_params):
                message = f"expected {i_params} int and {n_params} float, got {len(i)} and {len(n)}"
                raise Trap(TrapCode.SIGNATURE_MISMATCH.value, message, rule="PF-EXE-018")
            runner = machine.traced(trace) if trace else self._tier.run if self._tier else None
            try:
                frames = min(depth, MAX_FRAMES)
                return Results(
                    *machine.call_function(self._linkage, target, i, n, fuel=fuel, depth=frames, runner=runner)
                )
            except Exhausted:
                self._exhausted = True
                raise

    @property
    def functions_translated(self) -> int:
        """Functions that became hot and were translated. Translations are kept until the process is closed."""
        return 0 if self._tier is None else self._tier.functions

    def segment(self, module: str, segment: Segment, start: int = 0, end: int | None = None) -> memoryview:
        """Bytes of a module's segment: rodata as it is mapped, data and bss writable. Empty if the module has none.

        Args:
            module: Name of the module.
            segment: The segment.
            start: First byte, from the start of the segment.
            end: Byte after the last; the end of the segment if there are not so many, and by default.

        Raises:
            Corrupt: A block of these bytes has another digest. For all of a large segment that takes its time.
        """
        if self._linkage is None:
            raise ValueError("the process is closed")
        number = self._module(module).base(segment) >> 32
        guard = self._linkage.guarded.get(number)
        content = guard.segment if guard else self._linkage.segments.get(number, memoryview(b""))
        content = content[start:end]
        if guard:
            guard.check(start, len(content))
        return content

    def close(self) -> None:
        """Free data, bss and slots, and give up the images. Closing twice is harmless."""
        with self._lock:
            linkage, self._linkage = self._linkage, None
            tier, self._tier = self._tier, None
            # First, since it has views of the segments.
            if tier is not None:
                tier.close()
            if linkage is not None:
                linkage.close()
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _release(self) -> None:
        images, self._images = self._images, []
        for image in images:
            image.release()

    def _module(self, name: str) -> Module:
        assert self._linkage is not None
        found = self._linkage.by_name.get(name)
        if found is None:
            raise Unlinkable("PF-EXE-017", f"no module {name!r}", expected="a module of the set", got=repr(name))
        return found


def _find(module: Module, function: str | None) -> Function:
    if function is None:
        if module.image is None or module.image.entry is None:
            raise Unlinkable("PF-EXE-019", f"module {module.name!r} has no entry function", expected="one", got="none")
        return module.function(module.image.entry)
    found = module.find(function.encode("utf-8", "surrogatepass"))
    if not isinstance(found, Function):
        got = "no such export" if found is None else "data"
        message = f"module {module.name!r} exports no function {function!r}"
        raise Unlinkable("PF-EXE-017", message, expected="an exported function", got=got)
    return found
