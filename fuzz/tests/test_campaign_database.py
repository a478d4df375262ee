"""Failing examples are seen by other processes: through a directory, and through a real Redis server."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import database as hypothesis_databases

from packfile_fuzz.campaign.database import DatabaseError, database, key, save, saved
from packfile_fuzz.campaign.replay import replay
from packfile_fuzz.cli import main
from packfile_fuzz.cli.start import keeper
from packfile_fuzz.generator import build, from_seed
from packfile_fuzz.oracles import ORACLES, Example, Judgement, Oracle
from packfile_fuzz.results import Failure
from packfile_fuzz.run import Comparison, Loaders, Verdict
from tests import campaign_work
from tests.campaign_runs import run

FAILURE = Failure(7, "program", campaign_work.BAD, "wrong")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server that listens on a socket of its own, and keeps nothing."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    assert program, "install the Debian package redis-server"
    socket = directory / "s"
    options = ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory, "--appendonly", "no"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, *map(str, options)], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 20
        while not socket.exists():
            assert time.monotonic() < end, (directory / "log").read_text()
            time.sleep(0.02)
        yield f"unix://{socket}"
    finally:
        process.kill()
        process.wait(timeout=10)


def fetch_elsewhere(directory: Path, url: str | None) -> list[str]:
    """What another process finds."""
    code = (
        "import sys; from pathlib import Path; from packfile_fuzz.campaign.database import database, saved; "
        "print(*[data.hex() for data in saved(database(Path(sys.argv[1]), sys.argv[2] or None), 'program')])"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(directory), url or ""]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()


def test_a_failure_saved_by_one_process_is_seen_by_another_through_redis(server: str, tmp_path: Path) -> None:
    store = database(tmp_path / "here", server)
    assert isinstance(store, hypothesis_databases.MultiplexedDatabase)
    save(store, FAILURE)
    assert fetch_elsewhere(tmp_path / "there", server) == [from_seed(7).hex()]
    assert fetch_elsewhere(tmp_path / "here", None) == [from_seed(7).hex()]
    assert fetch_elsewhere(tmp_path / "there", None) == []


def test_without_redis_the_directory_is_all(tmp_path: Path) -> None:
    store = database(tmp_path)
    assert isinstance(store, hypothesis_databases.DirectoryBasedExampleDatabase)
    for seed in (7, 8, 7):
        save(store, FAILURE._replace(seed=seed))
    save(store, FAILURE._replace(kind="malformed"))
    assert saved(store, "program") == sorted([from_seed(7), from_seed(8)])
    assert saved(store, "malformed") == [b"7"]
    assert set(store.fetch(key("program"))) == {from_seed(7), from_seed(8)}


@pytest.mark.parametrize("url", ["unix:///nowhere/s", "redis://127.0.0.1:1/0", "hello"])
def test_a_server_that_is_not_there_is_said_and_not_waited_for(tmp_path: Path, url: str) -> None:
    with pytest.raises(DatabaseError, match=url):
        database(tmp_path, url)
    result = CliRunner().invoke(main, ["run", "--out", str(tmp_path / "out"), "--redis", url])
    assert result.exit_code == 2
    assert url in result.stderr


def test_a_server_that_is_lost_loses_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with redis_server(tmp_path) as url:
        keep = keeper(tmp_path / "here", url)
        keep(FAILURE)
        assert capsys.readouterr().err == ""
    keep(FAILURE._replace(seed=8))
    assert capsys.readouterr().err.startswith("packfile-fuzz: seed 8 is not in the database: ")
    assert saved(database(tmp_path / "here"), "program") == sorted([from_seed(7), from_seed(8)])


def test_a_campaign_saves_the_bytes_of_its_failures(server: str, tmp_path: Path) -> None:
    assert run(tmp_path, "quick", "--examples", 40, "--workers", 1, "--redis", server).status == 1
    expected = from_seed(7)
    assert saved(database(tmp_path / "out" / "examples"), "program") == [expected]
    assert expected.hex() in fetch_elsewhere(tmp_path / "elsewhere", server)


def test_a_saved_example_is_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = database(tmp_path)
    save(store, FAILURE)
    save(store, FAILURE._replace(kind="malformed"))
    assert replay(store) == []

    def never(_example: Example) -> Iterator[Comparison]:
        yield Comparison(Verdict.DIFFERENT, outcomes=("ok", "bad"), message="seeded")

    assert replay(store, [Oracle("never", "Nothing is right.", never)]) == [f"{from_seed(7).hex()}: never: seeded"]

    def broken(_seed: int) -> Judgement:
        return Judgement(comparisons=[("loader", next(never(Example(build(b""), Loaders({})))))])

    monkeypatch.setattr("packfile_fuzz.campaign.replay.examine_broken", broken)
    assert replay(store) == ["broken 7: loader: seeded"]


def test_what_failed_in_a_campaign_has_been_mended(tmp_path: Path) -> None:
    """Of the database that the environment names, which is empty where it names none."""
    directory = Path(os.environ.get("PACKFILE_FUZZ_DATABASE", tmp_path))
    assert replay(database(directory, os.environ.get("PACKFILE_FUZZ_REDIS")), tuple(ORACLES.values())) == []
