"""Workers keep adapters from range to range, and nothing of a process that died stays."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from packfile_fuzz.campaign.judging import judge
from packfile_fuzz.campaign.keeper import KEEPER, Keeper
from packfile_fuzz.oracles import Options, run_range
from packfile_fuzz.results import Tally
from packfile_fuzz.run import Loaders, sweep
from tests.campaign_runs import until

STRANGE = str(Path(__file__).parent / "adapters" / "strange.py")
GOOD = (sys.executable, STRANGE, "none")
LIMIT = 30.0
LEAVES = """
import subprocess, sys
from packfile_fuzz.run.place import OWNER, Place
place = Place()
child = subprocess.Popen(["sleep", "300"], env={OWNER: str(place.path)}, stdout=subprocess.DEVNULL)
print(place.path, child.pid, flush=True)
sys.stdin.read()
"""
"""A process with a directory and an adapter that goes on when it is gone."""


def options(*command: str) -> Options:
    return Options(oracles=("loader",), loaders=(("one", command or GOOD),))


def range_of(keeper: Keeper, asked: Options, first: int) -> tuple[Tally, int]:
    """What a range comes to, and the number of the adapter's process at its end."""
    with keeper.lend(asked) as loaders:
        tally = run_range(first, 2, asked, loaders)
        return tally, loaders["one"].session().pid


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    keeper = Keeper()
    yield keeper
    keeper.close()


def entries(directory: Path | str) -> int:
    return len(list(Path(directory).iterdir()))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_worker_starts_an_adapter_once_for_all_ranges(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    work = judge("both", [f"one=sh -c 'echo >> {log}; exec {' '.join(GOOD)}'"], ["loader"])
    try:
        assert [work(first, 2).verdicts["loader equal"] >= 2 for first in (0, 2, 4)] == [True] * 3
    finally:
        KEEPER.close()
    assert log.read_text() == "\n"


def test_nothing_piles_up_in_an_adapter_from_range_to_range(keeper: Keeper) -> None:
    def held() -> tuple[int, int, int, int]:
        tally, pid = range_of(keeper, options(), 0)
        assert tally.verdicts == {"loader equal": 2}
        place = Path(psutil.Process(pid).environ()["PACKFILE_FUZZ_FILES"])
        maps = Path(f"/proc/{pid}/maps").read_text().count(str(place))
        return entries(f"/proc/{pid}/fd"), maps, entries(place), entries("/proc/self/fd")

    once = held()
    assert [held() for _ in range(5)] == [once] * 5


def test_other_commands_and_a_long_life_and_idleness_end_adapters() -> None:
    keeper = Keeper(idle=0.2)
    _, first = range_of(keeper, options(), 0)
    _, other = range_of(keeper, options(*GOOD, "another"), 0)
    assert gone(first)
    until(lambda: gone(other), "the end of an adapter that nobody needs")
    short = Keeper(life=0.0)
    assert range_of(short, options(), 0)[1] != range_of(short, options(), 0)[1]
    short.close()


def test_an_adapter_that_could_not_be_started_is_tried_again_with_the_next_range(
    keeper: Keeper, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    asked = options("sh", "-c", f"test -e {there} && exec {' '.join(GOOD)}")
    with keeper.lend(asked) as loaders:
        tally = run_range(0, 6, asked, loaders)
    assert {failure.signature.outcomes[1] for failure in tally.failures} == {"crash"}
    there.touch()
    assert range_of(keeper, asked, 0)[0].verdicts == {"loader equal": 2}


def test_an_exception_in_a_range_ends_its_adapters(keeper: Keeper) -> None:
    with keeper.lend(options()) as loaders:
        pid = loaders["one"].session().pid
    with pytest.raises(ZeroDivisionError), keeper.lend(options()):
        raise ZeroDivisionError
    assert gone(pid)


def test_what_a_killed_process_left_is_swept_away_and_nothing_else() -> None:
    process = subprocess.Popen([sys.executable, "-c", LEAVES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path, child = process.stdout.readline().split()
    with Loaders({}) as loaders:
        mine = loaders.write("mine", b"x")
        sweep()
        assert mine.exists()
        assert Path(path).is_dir()
        assert not gone(int(child))
        process.kill()
        process.communicate(timeout=LIMIT)
        assert Path(path).is_dir()
        sweep()
        assert mine.exists()
    assert not Path(path).exists()
    until(lambda: gone(int(child)), "the end of what was killed")
