"""Coverage guidance: the harness that builds programs, the committed corpora, and the targets of Atheris."""

from __future__ import annotations

import fcntl
import io
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from packfile.layout import ByteOrder
from packfile.writer import encode
from packfile_fuzz.cli import main as command
from packfile_fuzz.faults import activate
from packfile_fuzz.faults.judge import environment
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.generator.modules import HEAD_ITEMS, MOST_READ
from packfile_fuzz.guided import atheris_target
from packfile_fuzz.guided.atheris_target import TARGETS, Finding
from packfile_fuzz.guided.builder import serve
from packfile_fuzz.guided.corpus import FILES, FOLDERS, GENERATOR, CorpusError, pack, read, seeds, unpack
from packfile_fuzz.guided.wire import step
from packfile_fuzz.malformed.bases import full
from packfile_fuzz.oracles import ORACLES
from packfile_fuzz.oracles.broken import examine_file
from packfile_fuzz.run import Seen

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "fuzz/corpus"
HARNESS = ROOT / "fuzz/guided"
LOADER = ROOT / "loaders/c"
FAULT = "least-divided-without-trap"
MOST_SECONDS = 300
"""For compilers and fuzzers, on a busy machine too."""


class Harnesses(NamedTuple):
    """The two programs."""

    programs: Path
    files: Path

    def run(self, name: str, *arguments: str | Path, builder: str = "") -> subprocess.CompletedProcess[str]:
        """One of them, in the directory of the first."""
        environ = environment() | ({"PACKFILE_FUZZ_BUILDER": builder} if builder else {})
        # Linux counts the most that the parent ever had as the child's own, and pytest may have had gigabytes.
        limits = ("-rss_limit_mb=0", "-malloc_limit_mb=2048")
        words = [str(getattr(self, name)), *limits, *map(str, arguments)]
        return subprocess.run(
            words,
            cwd=self.programs.parent,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=MOST_SECONDS,
            check=False,
        )


def make(loader: Path, out: Path) -> Harnesses:
    for tool in ("make", "clang-14"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    words = ["make", "-s", "-C", str(HARNESS), f"LOADER={loader}", f"BUILD={out}", f"PYTHON={sys.executable}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return Harnesses(out / "pf-fuzz-programs", loader / "build/fuzz/pf-fuzz-libfuzzer")


@pytest.fixture(scope="module")
def harnesses(tmp_path_factory: pytest.TempPathFactory) -> Harnesses:
    lock = LOADER / "build/guided.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        # Another worker of the same session may build the loader, too.
        fcntl.flock(file, fcntl.LOCK_EX)
        return make(LOADER, tmp_path_factory.mktemp("guided"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("unpacked")
    unpack(CORPUS, target)
    return target


@pytest.mark.parametrize(("name", "folder"), [("programs", GENERATOR), ("files", FILES)])
def test_fuzzing_from_the_committed_inputs_finds_nothing(
    name: str, folder: str, harnesses: Harnesses, unpacked: Path, tmp_path: Path
) -> None:
    done = harnesses.run(name, "-runs=2000", "-seed=1", f"-artifact_prefix={tmp_path}/", tmp_path, unpacked / folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 2000 runs" in done.stderr
    assert int(done.stderr.split("INITED cov: ")[1].split()[0]) > 1000
    if name == "programs":
        sizes = [path.stat().st_size for path in tmp_path.iterdir()]
        assert sizes
        assert all(size % 8 == 0 and size <= 8 * MOST_READ for size in sizes)


def test_a_missing_check_of_bounds_is_found_by_both(harnesses: Harnesses, unpacked: Path, tmp_path: Path) -> None:
    if shutil.which("patch") is None:
        pytest.skip("needs patch")
    source = tmp_path / "c"
    shutil.copytree(LOADER, source, ignore=shutil.ignore_patterns("wrong", "release", "sanitize", "switch", "clang"))
    patch = LOADER / "wrong/bounds-skipped.patch"
    subprocess.run(["patch", "-s", "-p1", "-i", str(patch)], cwd=source, timeout=MOST_SECONDS, check=True)
    wrong = make(source, tmp_path / "build")
    for name, folder in (("programs", GENERATOR), ("files", FILES)):
        done = wrong.run(name, "-runs=5000", "-seed=1", f"-artifact_prefix={tmp_path}/", unpacked / folder)
        assert done.returncode != 0
        assert "SUMMARY: " in done.stderr
        assert "machine_loop.inc" in done.stderr
    assert harnesses.programs.exists()


def test_a_wrong_result_is_found_and_both_are_shown(harnesses: Harnesses, unpacked: Path, tmp_path: Path) -> None:
    # Of the two the reference is the one that is wrong here; the harness cannot know.
    code = (
        "import sys; from packfile_fuzz.faults import activate; from packfile_fuzz.guided.builder import serve\n"
        f"with activate({FAULT!r}): serve(sys.stdin.buffer, sys.stdout.buffer, reference=True)"
    )
    builder = f"exec {shlex.join([sys.executable, '-c', code])}"
    done = harnesses.run(
        "programs", "-runs=5000", f"-artifact_prefix={tmp_path}/", unpacked / GENERATOR, builder=builder
    )
    assert done.returncode != 0
    assert "guided: call " in done.stderr
    assert "got trap integer-overflow" in done.stderr
    # What was found shows the same again, and nothing where nobody is wrong.
    (found,) = tmp_path.glob("crash-*")
    assert harnesses.run("programs", found, builder=builder).returncode != 0
    assert harnesses.run("programs", found).returncode == 0


LIES = {
    "link 0: expected malformed, got ok": "replace(seen, link=replace(seen.link, outcome='malformed'))",
    "call 1: expected ": "replace(seen, calls=tuple(replace(it, log=(*it.log, ('i', 9))) for it in seen.calls))",
    "memory at 0x": "replace(seen, memory=tuple(replace(p, content=p.content[:-1] + b'?') for p in seen.memory or ()))",
}
"""What the harness says, and what the builder made of the reference's observation."""


@pytest.mark.parametrize("said", list(LIES))
def test_all_that_is_observed_is_compared(said: str, harnesses: Harnesses, unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from dataclasses import replace; from packfile_fuzz.guided import builder, wire\n"
        f"observe = wire.observe\ndef lie(example):\n  seen = observe(example)\n  return {LIES[said]}\n"
        "wire.observe = lie\nbuilder.serve(sys.stdin.buffer, sys.stdout.buffer, reference=True)"
    )
    builder = f"exec {shlex.join([sys.executable, '-c', code])}"
    done = harnesses.run("programs", "-runs=1", f"-artifact_prefix={tmp_path}/", unpacked / GENERATOR, builder=builder)
    assert done.returncode != 0
    assert f"guided: {said}" in done.stderr


@pytest.mark.parametrize("builder", ["exit 3", "printf 'PFG0________'; cat"])
def test_a_builder_that_fails_is_no_success(builder: str, harnesses: Harnesses, unpacked: Path, tmp_path: Path) -> None:
    done = harnesses.run("programs", "-runs=1", f"-artifact_prefix={tmp_path}/", unpacked / GENERATOR, builder=builder)
    assert done.returncode != 0
    assert "guided: the builder " in done.stderr


def _answers(*inputs: bytes, reference: bool = True) -> tuple[bytes, list[bytes]]:
    requests = io.BytesIO(b"".join(len(it).to_bytes(4, "little") + it for it in inputs))
    replies = io.BytesIO()
    serve(requests, replies, reference=reference)
    said = io.BytesIO(replies.getvalue())
    greeting = said.read(12)
    return greeting, [said.read(int.from_bytes(said.read(4), "little")) for _ in inputs] + [said.read()]


def test_the_builder_answers_each_input_and_ends() -> None:
    greeting, (first, second, again, rest) = _answers(b"", from_seed(1), b"")
    assert greeting == b"PFG1" + HEAD_ITEMS.to_bytes(4, "little") + MOST_READ.to_bytes(4, "little")
    assert first == again != second
    assert rest == b""
    (entry,) = build(b"").entries
    assert entry.module is not None
    assert encode(entry.module, entry.order) in first
    assert b"\x02\x00\x00\x00ok" in first


def test_without_the_reference_nothing_is_said_of_outcomes() -> None:
    _, (answer, _) = _answers(b"", reference=False)
    assert b"\x02\x00\x00\x00ok" not in answer


def test_a_step_is_text_with_all_that_is_compared() -> None:
    assert step(Seen("ok", i=(-1,), n=(1,), log=(("i", 2),))) == (
        "ok, i ffffffffffffffff, n 0000000000000001, log i 0000000000000002"
    )
    assert step(Seen("trap", "host", log=(("n", 3),))) == "trap host, log n 0000000000000003"
    assert step(Seen("exhausted", log=(("n", 3),))) == "exhausted"


def test_the_committed_corpora_are_small() -> None:
    paths = [path for folder in FOLDERS for path in (CORPUS / folder).iterdir()]
    assert len(paths) < 400
    assert sum(path.stat().st_size for path in paths) < 300 * 1024
    assert all(len(read(CORPUS, folder)) > 50 for folder in FOLDERS)


def test_the_oracles_find_nothing_in_the_committed_corpora() -> None:
    # All but two, which take most of the time and say nothing of a loader.
    asked = [name for name in ORACLES if name not in ("disassemble", "tiers")]
    done = CliRunner().invoke(command, ["corpus", str(CORPUS), *(word for it in asked for word in ("--oracle", it))])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].endswith(" inputs, 0 differences")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    source = tmp_path / "one.pka"
    source.write_text(".export func main () -> ()\n  ret\n", encoding="utf-8")
    seeds(tmp_path / "seeds", 3, [source])
    pack(tmp_path / "seeds", tmp_path / "packed")
    return tmp_path


def test_what_is_packed_comes_back(small: Path) -> None:
    unpack(small / "packed", small / "again")
    for folder in FOLDERS:
        assert read(small / "again", folder) == read(small / "seeds", folder) == read(small / "packed", folder)
    assert len(read(small / "packed", GENERATOR)) == 3
    assert sum(path.stat().st_size for path in (small / "packed/files").iterdir()) < 20_000


def test_packing_leaves_nothing_of_what_was_there(small: Path) -> None:
    (small / "packed/generator/old").write_bytes(b"old")
    pack(small / "seeds", small / "packed")
    assert len(read(small / "packed", GENERATOR)) == 3


def test_an_input_that_was_changed_is_refused(small: Path) -> None:
    next((small / "packed/generator").iterdir()).write_bytes(b"something else")
    with pytest.raises(CorpusError, match="expected bytes of that SHA-1"):
        read(small / "packed", GENERATOR)
    next((small / "packed/files").iterdir()).write_bytes(b"not compressed")
    with pytest.raises(CorpusError, match="gz"):
        read(small / "packed", FILES)
    done = CliRunner().invoke(command, ["corpus", str(small / "packed")])
    assert (done.exit_code, "expected bytes of that SHA-1" in done.output) == (2, True)


def test_no_corpus_is_not_an_empty_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["corpus", str(tmp_path)])
    assert (done.exit_code, "expected a folder with inputs" in done.output) == (2, True)


def test_a_corpus_is_judged_by_loaders_and_what_differs_is_shown() -> None:
    loader = shlex.join([sys.executable, "-m", "packfile_fuzz.faults", FAULT])
    done = CliRunner().invoke(command, ["corpus", str(CORPUS), "--oracle", "loader", "--loader", f"faulty={loader}"])
    assert done.exit_code == 1, done.output
    assert "loader, faulty: " in done.output


@pytest.mark.parametrize("content", [b"", bytes(8), b"\x89PKF\r\n\x1a\n\x01", bytes(100)])
def test_any_bytes_are_judged_as_a_file(content: bytes) -> None:
    judgement = examine_file(content)
    assert not judgement.differences
    assert judgement.seen is not None
    assert judgement.seen.link.outcome == "malformed"


@pytest.mark.parametrize("order", list(ByteOrder))
def test_a_good_file_is_judged_by_what_it_does(order: ByteOrder) -> None:
    judgement = examine_file(encode(full(), order))
    assert not judgement.differences
    assert judgement.seen is not None
    assert judgement.seen.link.outcome == "ok"
    assert judgement.seen.calls


@pytest.fixture
def fuzzed(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands in for Atheris: runs its target on a few inputs."""
    it = SimpleNamespace(arguments=[], watched=0, inputs=[b"", b"\x05", *(from_seed(k) for k in range(3))], target=None)

    def instrument_func(function: Any) -> Any:
        it.watched += 1
        return function

    def set_up(arguments: list[str], target: Any) -> None:
        it.arguments, it.target = arguments, target

    def fuzz() -> None:
        for data in it.inputs:
            it.target(data)

    it.instrument_func, it.Setup, it.Fuzz = instrument_func, set_up, fuzz
    monkeypatch.setitem(sys.modules, "atheris", it)
    return it


@pytest.mark.parametrize("name", list(TARGETS))
def test_targets_of_atheris_take_any_bytes(name: str, fuzzed: SimpleNamespace) -> None:
    assert atheris_target.main(["target", name, "-runs=5"]) == 0
    assert fuzzed.arguments == ["target", "-runs=5"]
    assert fuzzed.watched > 500


def test_a_fault_of_the_reference_ends_atheris(fuzzed: SimpleNamespace) -> None:
    fuzzed.inputs = [encode(full(), ByteOrder.BIG) + b"\0"]
    with activate("trailing-bytes-accepted"), pytest.raises(Finding, match="opening: "):
        atheris_target.main(["target", "files"])


def test_without_atheris_the_targets_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert atheris_target.main(["target", "programs"]) == 2
    assert "pip install atheris" in capsys.readouterr().err
    assert atheris_target.main(["target", "nothing"]) == 2
    assert "programs|malformed|files" in capsys.readouterr().err
