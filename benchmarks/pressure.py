"""What a limit on memory does to a loader: half of the file's size, where one that copies must swap or fail.

Two limits are tried. `memory.max` of a control group bounds what is resident, page cache included; it needs version 2
of control groups, and root. RLIMIT_DATA bounds the private memory that a process may ask for, and can be set anywhere.
"""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.group import NotMeasured
from benchmarks.modules import FIRST, FIRST_REFERENCE, Filled
from benchmarks.openers import Opener, Openers
from benchmarks.report_text import size as size_text
from benchmarks.verdicts import Verdict, not_measured

_GROUPS = Path("/sys/fs/cgroup")
_LEAST = 1 << 27
"""Bytes of the least limit: a loader needs some address space for itself, such as for its stack."""


def under_pressure(known: Openers, kinds: Sequence[str], file: Filled, functions: int) -> Iterator[Verdict]:
    """How each kind fares when it runs some functions of a file under each limit."""
    limit = max(_LEAST, file.size // 2)
    for kind in kinds:
        claim = f"one process of {kind} on {size_text(file.size)}, memory.max {size_text(limit)}"
        lack = group_lack(_GROUPS)
        if lack:
            yield not_measured(claim, f"unobservable: {lack}")
        else:
            with group(_GROUPS, limit) as folder:
                yield Verdict(claim, _in_group(known, kind, file, functions, folder))
        claim = f"one process of {kind} on {size_text(file.size)}, RLIMIT_DATA {size_text(limit)}"
        yield Verdict(claim, _limited(known, kind, file, functions, limit))


def group_lack(groups: Path) -> str:
    """Why no control group can limit memory here; empty if one can."""
    try:
        controllers = (groups / "cgroup.subtree_control").read_text(encoding="ascii").split()
    except OSError:
        return "control groups of version 2 are not mounted at /sys/fs/cgroup"
    if "memory" not in controllers:
        return "the root control group does not hand the memory controller on"
    return "" if os.access(groups, os.W_OK) else "making a control group needs root"


@contextmanager
def group(groups: Path, limit: int) -> Iterator[Path]:
    """A control group with a limit, removed at the end; its processes must have ended then."""
    folder = groups / f"packfile-bench-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / "memory.max").write_text(f"{limit}\n", encoding="ascii")
        yield folder
    finally:
        folder.rmdir()


def _in_group(known: Openers, kind: str, file: Filled, functions: int, folder: Path) -> str:
    with ExitStack() as stack:
        opener = known.start(kind, kind, stack)
        (folder / "cgroup.procs").write_text(f"{opener.child.pid}\n", encoding="ascii")
        said = _run(opener, file, functions)
        swapped = _number(folder / "memory.swap.current")
    return said if not swapped else f"{said}; {size_text(swapped)} are swapped out"


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except OSError:
        return 0  # without swap there is no such file


def _limited(known: Openers, kind: str, file: Filled, functions: int, limit: int) -> str:
    with ExitStack() as stack:
        opener = known.start(kind, kind, stack)
        resource.prlimit(opener.child.pid, resource.RLIMIT_DATA, (limit, limit))
        return _run(opener, file, functions)


def _run(opener: Opener, file: Filled, functions: int) -> str:
    """What became of a run; that it fails is what is looked for, and no error of this program."""
    begin = time.perf_counter()
    try:
        opener.ask("open", file.path, 1, expected=FIRST)
        opener.ask("call", "run", FIRST_REFERENCE, functions, expected=file.sum_of(functions))
    except NotMeasured as error:
        lines = str(error).splitlines()
        ending = lines[0].partition(": ")[2].partition("; it was asked")[0]
        return f"fails: {ending}" + (f": {lines[-1].strip()}" if len(lines) > 1 else "")
    return f"runs, in {time.perf_counter() - begin:.2f} s"
