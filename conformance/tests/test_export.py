"""The exported set: the same requests, files and verdicts as a run, and always the same bytes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

import packfile
from packfile_suite import export_store
from packfile_suite.build import Builder
from packfile_suite.case import CaseError
from packfile_suite.cli import main
from packfile_suite.dialogue import exchanges
from packfile_suite.execute import Loader, reference_loader, run_case
from packfile_suite.export import MANIFEST, differences, loaded_file, make, stored_file
from packfile_suite.export_store import PrebuiltBuilder, load_archive, load_directory, save, save_archive
from packfile_suite.load import load, shipped_cases
from packfile_suite.plan import Filters, variants
from packfile_suite.schema import manifest_schema
from packfile_suite.session import Session
from packfile_suite.sparse import SparseBytes

HERE = Path(__file__).parent
SMALL = HERE / "data" / "small.yaml"
REPLAY = HERE.parents[1] / "spec" / "replay_example.py"
BROKEN = HERE.parent / "broken_loaders"
FEW_RULES = ("PF-FIX-012", "PF-FIX-014", "PF-FIX-020", "PF-EXE-023", "PF-EXE-112", "PF-EXE-123")
"""Rules with few cases, among which each broken loader fails some."""
ADAPTER = [sys.executable, "-m", "packfile", "adapter"]

Content = dict[str, bytes]


@pytest.fixture(scope="module")
def whole() -> Content:
    return make(shipped_cases(), Filters())


@pytest.fixture
def small() -> Content:
    return make(load([SMALL]), Filters())


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)], catch_exceptions=False)


def replay(export: Path, *command: str) -> tuple[int, set[str], str]:
    """Exit status of the example, the runs that it failed, and its last line."""
    done = subprocess.run(
        [sys.executable, REPLAY, export, *command], capture_output=True, text=True, check=False, timeout=300
    )
    lines = done.stdout.splitlines()
    return done.returncode, {line.split(": ")[0][5:] for line in lines if line.startswith("FAIL ")}, lines[-1]


def test_the_manifest_has_the_form_of_its_schema(whole: Content) -> None:
    manifest = json.loads(whole[MANIFEST])
    assert manifest_schema().check("")(manifest)
    assert (manifest["suite"], manifest["protocol"]) == (packfile.__version__, 1)
    assert [run["id"] for run in manifest["runs"]] == [
        f"{case.id}[{variant.label}]" for case in shipped_cases() for variant in variants(case)
    ]
    del manifest["runs"][0]["exchanges"][0]["expect"]
    assert not manifest_schema().check("")(manifest)


class Noting(Session):
    """Writes down what is really said."""

    said: ClassVar[list[tuple[dict[str, Any], dict[str, Any]]]] = []

    def _talk(self, message: dict[str, Any]) -> dict[str, Any]:
        reply = super()._talk(message)
        if message["command"] != "hello":
            self.said.append((json.loads(json.dumps(message)), reply))
        return reply


class NotingLoader(Loader):
    session_class = Noting


def test_the_requests_are_those_that_a_run_sends(tmp_path: Path) -> None:
    loader, builder = reference_loader(10, NotingLoader), Builder(tmp_path)
    for case in [*load([SMALL]), *filter(Filters(rules=("PF-FIX", "PF-LIM-001")).admit, shipped_cases())]:
        files = builder.files(case, variants(case)[0])
        Noting.said.clear()
        assert run_case(loader, case, files).failure is None
        known: dict[str, object] = {f"${name}": str(file.path) for name, file in files.items()}
        for one, (message, reply) in zip(exchanges(case), Noting.said, strict=True):
            text = json.dumps(one.request)
            for name, value in known.items():
                text = text.replace(json.dumps(name), json.dumps(value))
            assert {"id": message["id"], **json.loads(text)} == message
            if one.gives:
                known[one.gives] = reply.get("image", reply.get("process"))
    loader.close()


def test_the_reference_passes_a_set_without_this_package(tmp_path: Path) -> None:
    some = make(shipped_cases()[::3], Filters())
    save(some, tmp_path / "set")
    status, failed, last = replay(tmp_path / "set", *ADAPTER)
    runs = len(json.loads(some[MANIFEST])["runs"])
    assert runs > 500
    assert (status, failed) == (0, set())
    assert last == f"executed {runs} / unsupported 0 / selected {runs}, failed 0"
    imports = [line.split()[1] for line in REPLAY.read_text().splitlines() if line.startswith(("import ", "from "))]
    assert set(imports) <= sys.stdlib_module_names
    assert len(REPLAY.read_text().splitlines()) < 150


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the set of a few rules, and one for files."""
    place = tmp_path_factory.mktemp("few")
    assert call(place / "set", *[word for rule in FEW_RULES for word in ("--rule", rule)]).exit_code == 0
    return place


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.py")))
def test_broken_loaders_fail_the_same_runs_as_in_the_runner(name: str, few: Path) -> None:
    command = [sys.executable, str(BROKEN / f"{name}.py")]
    loader, builder = Loader(command, 60), Builder(few / "files")
    expected = {
        f"{case.id}[{variant.label}]"
        for case in filter(Filters(rules=FEW_RULES).admit, shipped_cases())
        for variant in variants(case)
        if run_case(loader, case, builder.files(case, variant)).failure is not None
    }
    loader.close()
    status, failed, _ = replay(few / "set", *command)
    assert status == 1
    assert failed == expected
    assert failed


def test_a_loader_that_changes_files_or_lacks_features_is_judged_as_by_the_runner(tmp_path: Path) -> None:
    assert call(tmp_path / "set", "--cases", SMALL).exit_code == 0
    faulty = [sys.executable, str(HERE / "adapters" / "faulty.py")]
    assert replay(tmp_path / "set", *faulty, "no-audit", "999")[2] == (
        "executed 12 / unsupported 2 / selected 14, failed 0"
    )
    status, failed, _ = replay(tmp_path / "set", *faulty, "writes", "999")
    assert status == 1
    assert "exe-adds[little]" in failed


def test_the_example_says_what_it_cannot_use(tmp_path: Path) -> None:
    assert call(tmp_path / "set", "--cases", SMALL).exit_code == 0
    for arguments in ([], [tmp_path], [tmp_path / "set", "true"], [tmp_path / "set"]):
        command = [sys.executable, REPLAY, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2
        assert "expected an export and an adapter" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_export_twice_gives_the_same_bytes_and_replaces_what_was_there(tmp_path: Path) -> None:
    assert call(tmp_path / "a", "--cases", SMALL).exit_code == 0
    first = load_directory(tmp_path / "a")
    assert call(tmp_path / "b", "--cases", SMALL, "--byte-order", "big").exit_code == 0
    assert len(load_directory(tmp_path / "b")) < len(first)
    assert call(tmp_path / "b", "--cases", SMALL).exit_code == 0
    assert load_directory(tmp_path / "b") == first
    assert call(tmp_path / "b", "--cases", SMALL, "--stage", "trap").exit_code == 0
    names = [path.name for path in (tmp_path / "b" / "files").iterdir()]
    kept = json.loads((tmp_path / "b" / MANIFEST).read_text())
    assert sorted(names) == sorted(f"{name}.pkf" for name in kept["files"])
    assert {run["stage"] for run in kept["runs"]} == {"trap"}


def test_equal_files_are_stored_once(small: Content) -> None:
    manifest = json.loads(small[MANIFEST])
    uses = [file["file"] for run in manifest["runs"] for file in run["files"].values()]
    assert len(uses) > len(set(uses))
    assert len(small) == 1 + len(manifest["files"])


@pytest.mark.parametrize("name", ["notes.txt", "files/notes.txt", "manifest.json"])
def test_a_directory_with_anything_else_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / name).write_text("{}")
    result = call(tmp_path, "--cases", SMALL)
    assert result.exit_code == 2
    assert str(Path(name).name) in result.output
    assert "expected" in result.output
    assert (tmp_path / name).read_text() == "{}"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"files", Path(name).parts[0]})


def test_an_export_that_was_cut_short_can_be_made_again(small: Content, tmp_path: Path) -> None:
    save(small, tmp_path)
    (tmp_path / MANIFEST).unlink()
    (tmp_path / "files" / f".{'0' * 64}.pkf.17").write_bytes(b"")
    save(small, tmp_path)
    assert load_directory(tmp_path) == small


def test_the_manifest_comes_last(small: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    save(small, tmp_path)
    monkeypatch.setattr(export_store, "_put", fails)
    with pytest.raises(OSError, match="No space"):
        save(make(load([SMALL]), Filters(stages=("trap",))), tmp_path)
    assert load_directory(tmp_path) == small


def test_choosing_nothing_and_naming_no_directory_are_errors(tmp_path: Path) -> None:
    for arguments in ([tmp_path, "--cases", SMALL, "--rule", "PF-XIP"], [], [tmp_path, "--check", "--rule", "PF-FIX"]):
        result = call(*arguments)
        assert result.exit_code == 2, result.output
        assert "Error: " in result.output
    assert not list(tmp_path.iterdir())
    assert call("/proc/none").exit_code == 2


def test_check_tells_what_differs(tmp_path: Path) -> None:
    assert call(tmp_path, "--cases", SMALL, "--byte-order", "big").exit_code == 0
    assert call(tmp_path, "--cases", SMALL, "--check").exit_code == 0
    victim = min((tmp_path / "files").iterdir())
    victim.chmod(0o644)
    victim.write_bytes(b"x")
    result = call(tmp_path, "--cases", SMALL, "--check")
    assert result.exit_code == 1
    assert f"files/{victim.name}: other bytes" in result.output
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["selection"]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert "'selection' is a required property" in call(tmp_path, "--check").output
    assert call(tmp_path / "files", "--check").exit_code == 2
    assert "no prebuilt files" in call("--check").output


def test_differences_are_named() -> None:
    assert differences({"a": b"", "b": b""}, {"b": b"1", "c": b""}) == [
        "c: missing",
        "a: no file of this export",
        "b: other bytes",
    ]


def test_a_gigabyte_of_holes_is_a_line_of_the_manifest() -> None:
    data = SparseBytes(b"start")
    data.resize(1 << 30)
    data.write(1 << 29, b"ab")
    other = SparseBytes(b"sta")
    other.write(3, b"rt")
    other.write(1 << 29, b"a")
    other.write((1 << 29) + 1, b"b")
    other.resize(1 << 30)
    stored = stored_file(data)
    assert stored.data is None
    assert stored == stored_file(other), "the same bytes, written in other pieces, are another file"
    assert [run["hex"] for run in stored.entry["runs"]] == ["7374617274", "6162"]
    loaded = loaded_file(stored.entry, {})
    assert loaded.length == 1 << 30
    assert loaded.read((1 << 29) - 1, 4) == b"\0ab\0"
    other.resize((1 << 30) + 1)
    assert stored_file(other).name != stored.name


def test_the_whole_set_stays_small(whole: Content, tmp_path: Path) -> None:
    assert sum(map(len, whole.values())) < 60_000_000
    save_archive(whole, tmp_path / "a.zip")
    save_archive(make(shipped_cases(), Filters()), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "a.zip").stat().st_size < 3_000_000
    assert load_archive(tmp_path / "a.zip") == whole


def test_prebuilt_files_are_those_that_are_built(
    whole: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Filters(rules=("PF-LIM", "PF-HDR", "PF-FIX-01"))
    wanted = [
        (case, name, order, stored_file(Builder(tmp_path).content(case, name, order)))
        for case, variant in chosen.runs(shipped_cases())
        for name, order in variant.orders.items()
    ]
    monkeypatch.delattr("packfile_suite.build.assemble")
    prebuilt = PrebuiltBuilder(tmp_path, whole)
    for case, name, order, file in wanted:
        assert stored_file(prebuilt.content(case, name, order)) == file


def test_a_prebuilt_file_that_is_missing_or_damaged_is_an_error(small: Content, tmp_path: Path) -> None:
    cases = load([SMALL])
    damaged = {name: data if name == MANIFEST else data + b"x" for name, data in small.items()}
    with pytest.raises(CaseError, match=r"case exe-adds: module main: .*its digest is not that of the manifest"):
        PrebuiltBuilder(tmp_path, damaged).content(cases[0], "main", "little")
    with pytest.raises(CaseError, match="there is no prebuilt file of it in the order middle"):
        PrebuiltBuilder(tmp_path, small).content(cases[0], "main", "middle")
