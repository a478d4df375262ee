"""The checks of what becomes of mappings: shared, dropped by the kernel, closed, and their file replaced."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from packfile.layout import SectionKind
from packfile_suite.observe import kernel
from packfile_suite.observe.judge import amount
from packfile_suite.observe.proc import Unobservable

from .checks import MEMORY, MIB, Lab, calls_of_long, check_untouched, cost, use
from .driving import Broken, Driven, Look, identity
from .modules import LAST_BYTE, Module

PROCESSES = 4
SIZE = 64 * MIB
_TRIES, _PAUSE = 10, 0.05
"""The kernel may be busy with a page at the first time."""


def processes_share_pages(lab: Lab, order: str) -> str:
    """Several processes that use one file have no private page of it, and no more private memory than one."""
    module = lab.workshop.long(order, SIZE)
    file = identity(module)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(Driven(lab.loader)) for _ in range(PROCESSES)]
        sessions = [use(driven, module, calls_of_long(module)) for driven in running]
        looks = [driven.look(file) for driven in running]
    alone = max(0, sessions[0].cost.anonymous)
    for number, (look, session) in enumerate(zip(looks, sessions, strict=True), 1):
        if not look.mapped:
            raise Broken(f"process {number} of {PROCESSES} has no mapping of the file to share")
        check_untouched(look, f"in process {number} of {PROCESSES}")
        if look.private:
            raise Broken(f"in process {number} of {PROCESSES}, {amount(look.private)} of the file are private pages")
        if session.cost.anonymous > alone + MEMORY:
            grew = f"private memory of process {number} of {PROCESSES} grew by {amount(session.cost.anonymous)}"
            raise Broken(f"{grew}, that of the first by {amount(alone)}; at most {amount(alone + MEMORY)} may be")
    share = sum(look.pss for look in looks)
    return f"{PROCESSES} processes: Rss {amount(sum(look.resident for look in looks))}, Pss {amount(share)}"


def dropped_pages_come_back(lab: Lab, order: str) -> str:
    """After the kernel dropped the pages, a program goes on, and its code and rodata come back from the file."""
    module = lab.workshop.long(order, SIZE)
    file = identity(module)
    rodata, (_, code_end) = module.range(SectionKind.RODATA), module.range(SectionKind.CODE)
    with Driven(lab.loader) as driven:
        session = use(driven, module, calls_of_long(module))
        if not session.after.mapped:
            raise Broken("the process has no mapping of the file whose pages could be dropped")
        locked = sum(mapping.locked for _, mapping in session.after.mapped)
        if locked:
            raise Broken(f"{amount(locked)} of the file are locked in memory")
        for _ in range(_TRIES):
            _drop(session.after, module.path)
            dropped = driven.look(file)
            kept = dropped.present(code_end - 4) or dropped.present(rodata[1] - 1)
            if not kept:
                break
            time.sleep(_PAUSE)
        if kept:
            raise Unobservable("the kernel did not drop the pages when asked")
        driven.call(session.process, "last", [rodata[1] - rodata[0] - 1], [LAST_BYTE])
        after = driven.look(file)
        for what, offset in (("code", code_end - 4), ("rodata", rodata[1] - 1)):
            if not after.present(offset):
                raise Broken(
                    f"a function ran after its pages were dropped, and its {what} did not come back from the file"
                )
        if after.swap > session.after.swap:
            raise Broken(f"{amount(after.swap)} went to swap")
        growth = after.anonymous - session.after.anonymous
        if growth > MEMORY:
            raise Broken(f"private memory grew by {amount(growth)}; at most {amount(MEMORY)} may be")
    return f"{amount(session.after.resident)} dropped to {amount(dropped.resident)}, then {amount(after.resident)}"


def _drop(look: Look, path: Path) -> None:
    """Asks the kernel to drop the file's pages."""
    # Pages that came in a moment ago wait in lists of each processor, out of reach; failing at this empties the lists.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    for pid, mapping in look.mapped:
        try:
            kernel.page_out(pid, [(mapping.start, mapping.end)])
        except OSError as error:
            raise Unobservable(f"the kernel does not let one ask it to drop pages: {error.strerror}") from None


def closing_unmaps(lab: Lab, order: str) -> str:
    """After closing, no mapping and no descriptor of the file is left."""
    module = lab.workshop.long(order, MIB)
    file = identity(module)
    with Driven(lab.loader) as driven:
        for turn in range(1, 4):
            cost(driven, module, calls_of_long(module))
            look = driven.look(file)
            if look.mapped or look.descriptors:
                mapped = sum(mapping.size for _, mapping in look.mapped)
                left = f"{amount(mapped)} of the file are still mapped, and {look.descriptors} descriptors are open"
                raise Broken(f"after closing it {turn} times, {left}")
    return "nothing left after opening and closing it 3 times"


def replaced_file_goes_on(lab: Lab, order: str) -> str:
    """A file that was replaced by rename while it was open runs as it was, and keeps its bytes."""
    module = lab.workshop.long(order, MIB)
    place = lab.directory / f"replaced-{order}.pkf"
    kept, other = place.with_suffix(".kept"), place.with_suffix(".new")
    for path in (place, kept, other):
        path.unlink(missing_ok=True)
    shutil.copyfile(module.path, place)
    kept.hardlink_to(place)
    shutil.copyfile(lab.workshop.exports(order).path, other)
    before = place.read_bytes(), place.stat().st_mtime_ns
    opened = Module(place, module.size, module.sections)
    with Driven(lab.loader) as driven:
        first, last = calls_of_long(opened)
        session = use(driven, opened, [first])
        other.rename(place)
        for function, arguments, results in (first, last):
            driven.call(session.process, function, arguments, results)
        driven.close(process=session.process, image=session.image)
    if (kept.read_bytes(), kept.stat().st_mtime_ns) != before:
        raise Broken("the replaced file does not have the bytes and modification time any more that it had")
    return "it runs as it was, and its bytes and time are the same"
