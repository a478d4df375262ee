"""The parts of which the groups are made: files, verdicts, figures, what the kernel tells."""

import mmap
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

import packfile
from benchmarks import __main__ as command
from benchmarks import kernel, memory, opening, plots, pressure
from benchmarks.__main__ import SUMMARY
from benchmarks.group import NotMeasured
from benchmarks.kernel import Memory
from benchmarks.lineup import ROOT
from benchmarks.markdown import section, summary
from benchmarks.measure import number
from benchmarks.modules import FIRST, FIRST_REFERENCE, model, write_module
from benchmarks.openers import REFERENCE, Openers
from benchmarks.opening import WARM, Key
from benchmarks.report import Quantity, Report, Row, rows
from benchmarks.verdicts import at_least, at_most, not_measured, quotients
from packfile.layout import ByteOrder
from packfile.writer import encode

FEW = {("one", 1.0): [2.0, 4.0], ("two", 1.0): [1.0, 8.0]}
GROWING = {(name, float(at)): [at * factor, at * factor * 2] for at in (1, 10) for name, factor in (("a", 1), ("b", 3))}


@pytest.mark.parametrize("order", ByteOrder)
@pytest.mark.parametrize("size", [4096, 50_000])
def test_a_module_is_the_one_that_the_writer_would_write(tmp_path: Path, order: ByteOrder, size: int) -> None:
    file = write_module(tmp_path / "module.pkf", size, order)
    assert file.path.read_bytes() == encode(model(file.functions), order)
    assert file.path.stat().st_size == file.size


def test_a_module_does_what_is_expected_of_it(tmp_path: Path) -> None:
    file = write_module(tmp_path / "module.pkf", 100_000, ByteOrder.BIG)
    with packfile.open(file.path) as image, packfile.link([("main", image)]) as process:
        assert process.call("main", "first") == (FIRST,)
        assert process.call("main", "run", FIRST_REFERENCE, 3) == (file.sum_of(3),)


@pytest.mark.parametrize(
    ("values", "most", "least"),
    [
        ([1.0, 2.0, 3.0], "holds in every sample", "fails by the median, holds in some samples"),
        ([2.0, 3.0, 4.0], "holds by the median alone", "holds by the median alone"),
        ([3.0, 4.0, 5.0], "fails by the median, holds in some samples", "holds in every sample"),
        ([4.0, 5.0, 6.0], "fails in every sample", "holds in every sample"),
        ([0.1, 0.2, 0.3], "holds in every sample", "fails in every sample"),
    ],
)
def test_a_verdict_says_how_far_it_holds(values: list[float], most: str, least: str) -> None:
    assert at_most("it", values, 3).words == most
    assert at_least("it", values, 3).words == least


def test_a_verdict_tells_its_figures() -> None:
    assert at_most("it", [1234.5, 2.0, 0.01234], 3, " times").line == (
        "verdict: it: 2 times (0.0123 to 1,230): holds by the median alone"
    )
    assert not_measured("it", "left out").line == "verdict: it: not measured: left out"


def test_quotients_need_both_values_of_each_round() -> None:
    assert quotients([4.0, 9.0], [2.0, 3.0]) == [2.0, 3.0]
    assert quotients([4.0, 9.0], [2.0]) == []
    assert quotients([4.0], [0.0]) == []


def test_opening_is_judged_by_what_was_measured() -> None:
    times = {
        Key(WARM, "C, big", 1): [1.0, 2.0],
        Key(WARM, "C, big", 9): [1.2, 4.0],
        Key(WARM, opening.PEER, 9): [6000.0, 4000.0],
    }
    grown = opening.growth("time", times, WARM, "C, big", 1, 9)
    assert (grown.spread, grown.words) == ((1.2, 1.6, 2.0), "fails by the median, holds in some samples")
    faster = opening.speed(times, WARM, "C, big", 9)
    assert (faster.spread, faster.words) == ((1000.0, 3000.0, 5000.0), "holds in every sample")
    assert opening.growth("time", times, WARM, "reference, big", 1, 9).words == "not measured: left out"
    assert opening.speed(times, opening.COLD, "C, big", 9).words == "not measured: left out"


def test_memory_is_judged_by_the_private_memory_of_every_process() -> None:
    taken = {
        memory.Key("C", 32): [Memory(900, 90, 20, 20), Memory(900, 90, 300, 20)],
        memory.Key("copying C", 32): [Memory(9000, 9000, 9000, 9000)],
    }
    loader, reference, copying = memory.judge(taken, 32, "256 MiB")
    assert loader.words == "holds by the median alone"
    assert reference.words == "not measured: left out"
    assert copying.words == "fails in every sample"


def test_ratios_are_those_of_one_round() -> None:
    one, two = rows(FEW, "one")
    assert (one.ratios, two.ratios) == ([1.0, 1.0], [0.5, 2.0])
    assert rows({("two", 1.0): [1.0]}, "one")[0].ratios == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.000012345, "0.0000123"), (0.5, "0.5"), (1, "1"), (10, "10"), (123456.7, "123,000"), (-2.5, "-2.5")],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_labels_are_moved_apart_and_keep_their_order() -> None:
    moved = plots.apart([0.5, 0.51, 0.1, 0.52], 0.1)
    assert moved == pytest.approx([0.41, 0.51, 0.1, 0.61])
    assert plots.apart([0.0, 0.3], 0.1) == [0.0, 0.3]


def quantities() -> list[Quantity]:
    return [
        Quantity("few", "What few take", "ms", "one", rows(FEW, "one"), panel="this"),
        Quantity("few", "What few take", "ms", "one", rows(FEW, "one"), panel="that"),
        Quantity("growing", "What grows", "KiB", "a", rows(GROWING, "a"), at_title="size", at_unit="bytes"),
        Quantity("zero", "What may be zero", "faults", "a", [*rows(GROWING, "a"), Row("c", 1, [0.0], [])], "size"),
        Quantity("none", "What nobody has", "ms", "a", []),
    ]


def test_figures_are_written_and_are_the_same_again(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = plots.draw(quantities(), tmp_path, "group")
    names = [f"group-{key}.{suffix}" for key in ("few", "growing", "zero") for suffix in ("png", "svg")]
    assert [path.name for path in written] == names
    before = [path.read_bytes() for path in written]
    assert all(content.startswith((b"\x89PNG", b"<?xml")) for content in before)
    assert [path.read_bytes() for path in plots.draw(quantities(), tmp_path, "group")] == before


def test_without_matplotlib_it_says_what_is_missing_and_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    assert command.main(["fixups", "--quick", "--plot", str(tmp_path / "figures")]) == 1
    printed = capsys.readouterr()
    assert printed.err == "nothing is measured: --plot needs matplotlib: pip install 'packfile[bench]'\n"
    assert printed.out == ""


def test_markdown_has_tables_figures_and_verdicts() -> None:
    report = Report({"cpu": "any", "load": None}, 2, False, quantities(), [at_most("it", [1.0], 3)], [])
    text = section("group", "what it is", report, report.quantities, figures=True)
    assert text.startswith("## `group`: what it is\n\ncpu any; 2 rounds.\n")
    assert "![What grows, as in the table below](group-growing.svg)" in text
    assert "| of | contender | ms | times one |\n|---|---|---|---|\n| this | one | 2 / 3 / 4 | 1 / 1 / 1 |" in text
    assert "| size | contender | KiB | times a |" in text
    assert "\n- verdict: it: 1 (1 to 1): holds in every sample\n" in text


def test_a_summary_has_each_claim_that_was_measured() -> None:
    judged = [at_most("it is small", [1.0, 2.0, 4.0], 3, " KiB"), not_measured("it is large", "left out")]
    report = Report({"cpu": "any"}, 2, False, quantities(), judged, [])
    text = summary({"group": report, "other": object()}, {"cpu": "any", "load": None})
    assert text.startswith("Measured with cpu any.\n\n| group |")
    assert "| `group` | it is small | 2 KiB (1 to 4) | holds by the median alone |\n" in text
    assert "large" not in text


def test_readme_shows_the_summary_of_the_committed_run_and_its_figures() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folder = ROOT / "docs" / "_static" / "benchmarks"
    assert (folder / SUMMARY).read_text(encoding="utf-8") in readme
    figures = re.findall(r"\((docs/_static/benchmarks/[^)]+)\)", readme)
    assert len(figures) >= 3
    assert [path for path in figures if not (ROOT / path).is_file()] == []


def test_a_file_that_is_dropped_is_not_in_the_page_cache(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(bytes(16 * mmap.PAGESIZE))
        file.flush()
        os.fsync(file.fileno())
    try:
        kernel.drop(path)
    except NotMeasured as error:
        pytest.skip(str(error))
    with path.open("rb") as again, mmap.mmap(again.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        # What is mapped and was touched stays.
        assert mapped[0] == 0
        with pytest.raises(NotMeasured, match=r"the kernel keeps [0-9]+ pages of file in its page cache"):
            kernel.drop(path)


def test_the_kernel_tells_memory_and_faults_of_a_process() -> None:
    before, faults = kernel.memory(os.getpid()), kernel.faults(os.getpid())
    # Not from the heap, where what was freed before may serve again.
    with mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as content:
        for page in range(0, len(content), mmap.PAGESIZE):
            content[page] = 1
        grown = kernel.memory(os.getpid()).beyond(before)
    assert grown.anonymous > 7 << 10
    assert grown.private > 7 << 10
    assert kernel.faults(os.getpid()) > faults
    with pytest.raises(NotMeasured, match="smaps_rollup cannot be read"):
        kernel.memory(0)


def test_a_control_group_is_used_only_where_it_can_limit_memory(tmp_path: Path) -> None:
    assert pressure.group_lack(tmp_path) == "control groups of version 2 are not mounted at /sys/fs/cgroup"
    (tmp_path / "cgroup.subtree_control").write_text("cpu pids\n")
    assert pressure.group_lack(tmp_path) == "the root control group does not hand the memory controller on"
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    assert pressure.group_lack(tmp_path) == ""


def test_what_a_limit_does_is_told_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = tmp_path / "groups"
    groups.mkdir()
    (groups / "cgroup.subtree_control").write_text("memory\n")
    monkeypatch.setattr(pressure, "_GROUPS", groups)
    # The files of a real control group go with its folder.
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)
    deaf = tmp_path / "opener.py"
    deaf.write_text("import sys\ninput()\nprint(0, flush=True)\ninput()\nsys.exit('no memory left')\n")
    known = Openers({"deaf": (sys.executable, str(deaf))})
    file = write_module(tmp_path / "module.pkf", 100_000, ByteOrder.BIG)
    verdicts = list(pressure.under_pressure(known, [REFERENCE, "deaf"], file, 1))
    ran, ran_too, failed, failed_too = (verdict.words for verdict in verdicts)
    assert ran.startswith("runs, in ")
    assert ran_too.startswith("runs, in ")
    assert failed == failed_too == "fails: it ended with exit status 1: no memory left"
    assert ["memory.max" in verdict.claim for verdict in verdicts] == [True, False, True, False]
    assert [path.name for path in groups.iterdir()] == ["cgroup.subtree_control"]
