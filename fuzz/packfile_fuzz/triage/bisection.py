"""Which revision brought a failure: `git bisect run`, in a working tree of its own.

Assumes git, and revisions whose loaders speak the adapter protocol. Promises that the user's working tree, index and
branches stay as they are, and that the tree which is made for this is gone in the end.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from packfile_fuzz.oracles import Options, run_range
from packfile_fuzz.oracles.registry import LOADER
from packfile_fuzz.run import Loaders
from packfile_fuzz.triage.verdict import run
from packfile_suite.execute import Loader
from packfile_suite.session import LoaderFailed

GOOD, BAD, SKIP = 0, 1, 125
"""Exit statuses of a test, as `git bisect run` reads them."""
_NAME = "bisected"
_STEP = "import sys\nsys.path[:0] = {path!r}\nfrom packfile_fuzz.triage.bisection import step\nstep({asked!r})\n"


class BisectError(Exception):
    """Git cannot bisect; the text says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each revision."""

    command: tuple[str, ...]
    """Of the adapter, run in the root of the revision's tree; empty for the revision's own reference."""
    build: str
    """Command for the shell that makes the loader; empty if nothing is to be made."""
    case: str
    """File of the case that must pass; empty if a seed is asked for."""
    seed: int
    """Of the example that must not differ, if there is no case."""
    kind: str
    """Of the example."""
    timeout: float
    """Seconds that the adapter has for an answer."""
    building: float
    """Seconds that making the loader may take."""


def bisect(repository: Path, good: str, bad: str, asked: Asked, tell: Callable[[str], None]) -> str:
    """The first bad revision: its hash.

    Args:
        repository: Any directory of the repository.
        good: A revision without the failure.
        bad: A later one with it.
        asked: What is asked of each.
        tell: Is given what git prints, line by line.

    Raises:
        BisectError: Git cannot be run, knows no such revision, or finds no single one.
    """
    good, bad = (_git(repository, "rev-parse", "--verify", f"{each}^{{commit}}").strip() for each in (good, bad))
    with _tree(repository, bad) as tree:
        _git(tree, "bisect", "start", bad, good, "--")
        program = _STEP.format(path=[place for place in sys.path if place], asked=json.dumps(asdict(asked)))
        file = tree.with_name("step.py")
        file.write_text(program, encoding="utf-8")
        try:
            # `-P`: the tree's own packages are not to be taken for ours.
            _run(tree, ["git", "bisect", "run", sys.executable, "-P", str(file)], tell)
        except BisectError:
            *skipped, _ = _left(tree)
            if not skipped or not all(_git(tree, "for-each-ref", f"refs/bisect/skip-{each}") for each in skipped):
                raise
        finally:
            left = _left(tree)
            named = _git(tree, "log", "--no-walk=unsorted", "--format=%H %s", *left).rstrip()
            _git(tree, "bisect", "reset", bad)
    if len(left) == 1:
        return left[0]
    raise BisectError(f"the first bad revision is one of these; all but the last cannot be tested:\n{named}")


def _left(tree: Path) -> list[str]:
    """What is left between the good revisions and the bad one, and that as the last: hashes."""
    refs = _git(tree, "for-each-ref", "--format=%(refname)", "refs/bisect/").split()
    good = [f"^{ref}" for ref in refs if "/good-" in ref]
    return _git(tree, "rev-list", "--reverse", "--topo-order", "refs/bisect/bad", *good).split()


@contextmanager
def _tree(repository: Path, revision: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="packfile-bisect-") as directory:
        tree = Path(directory) / "tree"
        _git(repository, "worktree", "add", "--quiet", "--detach", str(tree), revision)
        try:
            yield tree
        finally:
            _git(repository, "worktree", "remove", "--force", str(tree))


def _git(directory: Path, *arguments: str) -> str:
    return _run(directory, ["git", *arguments])


def _run(directory: Path, command: Sequence[str], tell: Callable[[str], None] | None = None) -> str:
    try:
        process = subprocess.Popen(  # noqa: S603 - git, of the user's path
            command,
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        raise BisectError(f"cannot run {command[0]}: {error.strerror}") from None
    said: list[str] = []
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if tell is not None:
                tell(line.rstrip("\n"))
    if process.returncode:
        raise BisectError(f"{shlex.join(command)} failed:\n{''.join(said).rstrip()}")
    return "".join(said)


def step(text: str) -> None:
    """Test the revision whose tree is the working directory, and exit as `git bisect run` wants it."""
    sys.exit(judged(Asked(**{**(found := json.loads(text)), "command": tuple(found["command"])}), Path.cwd()))


def judged(asked: Asked, tree: Path) -> int:
    """Whether a revision is good, bad, or cannot be tested.

    Args:
        asked: What is asked of it.
        tree: Its tree, which is the working directory.
    """
    if asked.build and not _builds(asked, tree):
        return SKIP
    own = ("env", f"PYTHONPATH={tree / 'reference/src'}", sys.executable, "-m", "packfile", "adapter")
    command = asked.command or own
    with Loaders({_NAME: command}, asked.timeout) as loaders:
        try:
            loaders[_NAME].session()
        except LoaderFailed as error:
            sys.stdout.write(f"cannot be tested: {error.message}\n")
            return SKIP
    if asked.case:
        found = run(Path(asked.case), Loader(command, asked.timeout))
        return BAD if any(verdict != "pass" for verdict in found.values()) else GOOD
    options = Options((LOADER,), ((_NAME, command),), asked.kind, asked.timeout)
    failures = run_range(asked.seed, 1, options).failures
    return BAD if any(failure.signature.oracle == LOADER for failure in failures) else GOOD


def _builds(asked: Asked, tree: Path) -> bool:
    try:
        done = subprocess.run(  # noqa: S602 - the user's own command, for the shell
            asked.build, shell=True, cwd=tree, check=False, timeout=asked.building, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
