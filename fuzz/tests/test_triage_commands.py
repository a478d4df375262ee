"""The commands that look at one failure, and triage beside a campaign."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from packfile_fuzz.campaign.session import _finish
from packfile_fuzz.cli import main
from packfile_fuzz.faults import FAULTS
from packfile_fuzz.faults.judge import command_of, environment
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import ORACLES, examine
from packfile_fuzz.results import Failure
from packfile_fuzz.run import Loaders
from packfile_fuzz.triage.bisection import SKIP, Asked, judged
from packfile_fuzz.triage.folder import Settings, triage
from packfile_fuzz.triage.judge import Judge
from packfile_fuzz.triage.queue import LOG, Queue
from packfile_fuzz.triage.specimen import from_failure
from tests.triage_judge import broken_seed, shown

FAULT = "weak-treated-as-lazy"
WRONG = " ".join(command_of(FAULTS[FAULT]))
GOOD = f"{sys.executable} -m packfile adapter"
LIMIT = 60.0


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])


@pytest.fixture(scope="module")
def found() -> Failure:
    """That of an example which shows the fault, as a campaign reports it."""
    seed = shown(FAULT)
    with Loaders({"wrong": tuple(WRONG.split())}) as loaders:
        (signature, message), *_ = examine(build(from_seed(seed)), [ORACLES["loader"]], loaders).differences
    return Failure(seed, "program", signature, message)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def until(queue: Queue, left: int = 0) -> None:
    end = time.monotonic() + LIMIT
    while queue.left > left:
        assert time.monotonic() < end, "waited in vain for triage"
        queue.step()
        time.sleep(0.05)


def test_reproduce_shows_the_example_and_what_differs(found: Failure) -> None:
    result = invoke("reproduce", "--seed", found.seed, "--loader", f"wrong={WRONG}", "--oracle", "loader")
    assert result.exit_code == 1, result.output
    assert ".export func" in result.output
    assert "call 1: " in result.output
    assert "loader (wrong): call 1 " in result.output


def test_reproduce_says_so_if_nothing_differs(found: Failure) -> None:
    result = invoke("reproduce", "--seed", found.seed, "--oracle", "byte-orders")
    assert result.exit_code == 0, result.output
    assert "nothing differs in 1 comparisons" in result.output


def test_reproduce_shows_what_is_broken_in_a_file() -> None:
    seed = broken_seed("header.file_length", "extended")
    result = invoke("reproduce", "--seed", seed, "--kind", "malformed")
    assert result.exit_code == 0, result.output
    assert "header.file_length: extended; it must show at: open" in result.output
    assert "PF-HDR-008" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reproduce",), "expected either a FILE or --seed"),
        (("reproduce", "--seed", 1, "--oracle", "luck"), "no oracle luck"),
        (("minimise",), "expected either --campaign or --seed"),
        (("bisect", "--good", "HEAD"), "expected either --case or --seed"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: tuple[object, ...], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_minimise_writes_a_case_that_reproduce_runs(found: Failure, tmp_path: Path) -> None:
    options = ("--loader", f"wrong={WRONG}", "--oracle", "loader", "--out", tmp_path)
    result = invoke("minimise", "--seed", found.seed, *options)
    assert result.exit_code == 0, result.output
    assert "the suite sees it" in result.output
    (case,) = tmp_path.glob("*/case.yaml")
    assert invoke("reproduce", case).exit_code == 0
    result = invoke("reproduce", case, "--loader", f"wrong={WRONG}")
    assert result.exit_code == 1
    assert "wrong [little]: fail" in result.output


def test_a_failure_that_is_gone_has_no_case(found: Failure, tmp_path: Path) -> None:
    made = triage(found, Settings({"wrong": tuple(GOOD.split())}, seconds=5.0), tmp_path)
    assert made.case is None
    assert made.instructions is None
    assert "does not fail alone" in json.loads((tmp_path / "triage.json").read_text())["message"]


def test_a_judge_of_examples_alone_starts_the_loader_anew_for_each(found: Failure) -> None:
    specimen = from_failure(found.seed, found.kind)
    with Judge(found.signature, {"wrong": tuple(WRONG.split())}, 10.0, is_alone=True) as judge:
        assert judge.fails(specimen)
        first = judge.loaders["wrong"].session().pid
        assert judge.fails(specimen)
        assert judge.loaders["wrong"].session().pid != first
        assert not Path(f"/proc/{first}").exists()


def test_triage_beside_a_campaign_makes_the_case(found: Failure, tmp_path: Path) -> None:
    queue = Queue([("wrong", tuple(WRONG.split()))], 10.0)
    queue.add(found, tmp_path / "one")
    until(queue)
    assert (tmp_path / "one" / "case.yaml").exists()
    assert (queue.done, queue.failed) == (1, [])
    queue.add(found, tmp_path / "one")
    assert queue.left == 0


def test_triage_that_is_ended_leaves_no_process_and_can_be_asked_for_again(found: Failure, tmp_path: Path) -> None:
    hangs = (sys.executable, "-c", f"import time; time.sleep({LIMIT})", str(tmp_path))
    queue = Queue([("wrong", hangs)], 10.0)
    queue.add(found, tmp_path / "one")
    queue.step()
    end = time.monotonic() + LIMIT
    while not _processes(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.05)
    begun = time.monotonic()
    queue.close()
    assert time.monotonic() - begun < 10.0
    while _processes(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert queue.left == 1
    assert not (tmp_path / "one" / "triage.json").exists()


def _processes(directory: Path) -> list[Path]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(directory).encode() in words and b"-c" in words:
            found.append(path)
    return found


def test_triage_that_dies_is_noted_and_the_next_begins(found: Failure, tmp_path: Path) -> None:
    queue = Queue([("wrong", tuple(WRONG.split()))], 10.0)
    odd = found._replace(kind="no such kind")
    for name, each in (("odd", odd), ("good", found)):
        queue.add(each, tmp_path / name)
    until(queue)
    assert queue.failed == [tmp_path / "odd"]
    assert "Error" in (tmp_path / "odd" / LOG).read_text()
    assert (tmp_path / "good" / "triage.json").exists()


def test_a_signal_ends_triage_at_the_end_of_a_session(found: Failure, tmp_path: Path) -> None:
    queue, stop = Queue([], 10.0), threading.Event()
    queue.add(found, tmp_path)
    stop.set()
    _finish(queue, stop)
    assert queue.left == 1


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    return done.stdout.strip()


ADAPTER = """
import sys
from packfile_fuzz.faults.catalogue import activate
from packfile.adapter import serve
from contextlib import nullcontext
with {fault}:
    serve(sys.stdin.buffer, sys.stdout.buffer, 0)
"""


CASE = """
- id: fix-weak-missing-reads-zero
  rules: [PF-FIX-011]
  summary: a weak import that is missing reads 0
  modules:
    main: |
      .import weak func absent.absent () -> ()
      .export func f () -> (i)
        ldslot i0, absent.absent
        ret
  steps:
  - link: [main]
  - call: main.f
    expect: {i: [0]}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Six revisions of a loader: the third cannot be built, and the fifth has the fault."""
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch", "main")
    for number in range(1, 7):
        fault = f"activate({FAULT!r})" if number >= 5 else "nullcontext()"
        (path / "source").write_text(f"# {number}\n{ADAPTER.format(fault=fault)}")
        (path / "build.sh").write_text("exit 1\n" if number == 3 else "cp source adapter.py\n")
        git(path, "add", ".")
        git(path, "commit", "--quiet", "--message", f"revision {number}")
        git(path, "tag", f"v{number}")
    (path / "source").write_text("what the user is writing\n")
    return path


def test_bisect_finds_the_revision_and_leaves_the_users_tree_alone(found: Failure, repository: Path) -> None:
    before = git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD", "main")
    options = ("--repository", repository, "--good", "v1", "--bad", "v6", "--build", "sh build.sh")
    result = invoke("bisect", *options, "--seed", found.seed, "--", sys.executable, "adapter.py")
    assert result.exit_code == 0, result.output
    assert f"the first bad revision is {git(repository, 'rev-parse', 'v5')}" in result.output
    assert (git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD", "main")) == before
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert not git(repository, "for-each-ref", "refs/bisect")


def test_bisect_says_if_what_is_left_cannot_be_tested(found: Failure, repository: Path) -> None:
    options = ("--repository", repository, "--good", "v2", "--bad", "v4", "--build", "exit 1")
    result = invoke("bisect", *options, "--seed", found.seed, "--", sys.executable, "adapter.py")
    assert result.exit_code == 1
    assert "the first bad revision is one of these" in result.output
    assert result.output.splitlines()[-1] == f"{git(repository, 'rev-parse', 'v4')} revision 4"
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_bisect_says_if_git_knows_no_such_revision(found: Failure, repository: Path) -> None:
    result = invoke("bisect", "--repository", repository, "--good", "v0", "--seed", found.seed)
    assert result.exit_code == 1
    assert "v0" in result.output
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_bisect_finds_the_revision_of_a_case_though_one_before_cannot_be_built(
    repository: Path, tmp_path: Path
) -> None:
    case = tmp_path / "case.yaml"
    case.write_text(CASE)
    options = ("--repository", repository, "--good", "v2", "--bad", "v5", "--case", case, "--build", "sh build.sh")
    result = invoke("bisect", *options, "--", sys.executable, "adapter.py")
    assert result.exit_code == 0, result.output
    assert f"the first bad revision is {git(repository, 'rev-parse', 'v5')}" in result.output
    assert not git(repository, "for-each-ref", "refs/bisect")


def test_a_revision_whose_loader_does_not_start_cannot_be_tested(found: Failure, tmp_path: Path) -> None:
    asked = Asked((sys.executable, "-c", "raise SystemExit(1)"), "", "", found.seed, "program", 5.0, 5.0)
    assert judged(asked, tmp_path) == SKIP
    assert judged(Asked(tuple(GOOD.split()), "exit 1", "", found.seed, "program", 5.0, 5.0), tmp_path) == SKIP
