"""Each example gives its known answer: in both byte orders, in all mixtures of them, and through the command line.

`expected/` holds the answers as people look at them; `answers.py` computes them without Packfile. The runs are compared
with the files, and the files with what is computed.
"""

import io
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

import packfile
from examples.answers import ANSWERS
from packfile.assembler import assemble
from packfile.audit import audit
from packfile.hostlib import HostLibrary
from packfile.layout import ByteOrder
from packfile.writer import encode

HERE = Path(__file__).parent
ROOT = HERE.parent
RUNS = {
    "hello": ["hello"],
    "fib": ["fib"],
    "sieve": ["sieve"],
    "mandelbrot": ["mandelbrot"],
    "nbody": ["nbody"],
    "quicksort": ["quicksort"],
    "search": ["search"],
    "matmul": ["matmul"],
    "shapes": ["shapes_main", "shapes_lib"],
    "plugin_absent": ["plugin_main"],
    "plugin_present": ["plugin_main", "plugin"],
    "interpreter": ["interpreter"],
}
"""The modules of each run, by the name of its answer."""

_COMMAND = re.compile(r"^\| .*\| `packfile (run .*?)` \| \[.*\]\(expected/(\w+)\.txt\) \|$", re.MULTILINE)
COMMANDS = _COMMAND.findall((HERE / "README.md").read_text())
"""Commands that the README shows, with the names of their answers."""


def expected(name: str) -> str:
    return (HERE / "expected" / f"{name}.txt").read_text()


IN_ALL_ORDERS = [
    pytest.param(name, orders, id=f"{name}-{'+'.join(order.name.lower() for order in orders)}")
    for name, modules in RUNS.items()
    for orders in itertools.product(ByteOrder, repeat=len(modules))
]


def write(module: str, order: ByteOrder, folder: Path) -> Path:
    """Assemble an example into a folder."""
    source = HERE / f"{module}.pka"
    path = folder / f"{module}.pkf"
    path.write_bytes(encode(assemble(source.read_text(), source.name), order))
    return path


def command(*arguments: str | Path) -> str:
    """What `packfile` prints, run as a program of its own."""
    line = [sys.executable, "-m", "packfile", *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def with_others(paths: Sequence[Path]) -> list[str]:
    """Arguments of `packfile run` for several modules."""
    return [str(paths[0]), *(argument for path in paths[1:] for argument in ("--with", str(path)))]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_expected_output_is_what_plain_python_computes(name: str) -> None:
    assert expected(name) == ANSWERS[name]()


@pytest.mark.parametrize(("name", "orders"), IN_ALL_ORDERS)
def test_an_example_prints_its_answer(name: str, orders: tuple[ByteOrder, ...], tmp_path: Path) -> None:
    paths = [write(module, order, tmp_path) for module, order in zip(RUNS[name], orders, strict=True)]
    output = io.BytesIO()
    host = HostLibrary(output)
    with ExitStack() as stack:
        images = [stack.enter_context(packfile.open(path)) for path in paths]
        assert [image.order for image in images] == list(orders)
        assert [finding for image in images for finding in audit(image)] == []
        process = stack.enter_context(packfile.link([*zip(RUNS[name], images, strict=True), ("host", host.module)]))
        host.attach(process, RUNS[name])
        process.invoke(RUNS[name][0], None)
    assert output.getvalue().decode() == expected(name)


@pytest.mark.parametrize("line", [line for line, _ in COMMANDS])
def test_a_command_of_the_readme_prints_the_answer(line: str) -> None:
    assert command(*shlex.split(line)) == expected(dict(COMMANDS)[line])


@pytest.mark.parametrize("name", ["hello", "shapes", "plugin_present"])
def test_an_assembled_example_runs_from_the_command_line(name: str, tmp_path: Path) -> None:
    for order in ByteOrder:
        paths = []
        for module in RUNS[name]:
            paths.append(tmp_path / order.name / f"{module}.pkf")
            paths[-1].parent.mkdir(exist_ok=True)
            command("assemble", HERE / f"{module}.pka", "-o", paths[-1], "--byte-order", order.name.lower())
        assert command("run", *with_others(paths)) == expected(name)


def test_every_example_is_run_and_listed() -> None:
    programs = {path.stem for path in HERE.glob("*.pka")}
    assert programs == {module for modules in RUNS.values() for module in modules}
    assert {path.stem for path in (HERE / "expected").iterdir()} == set(RUNS) == set(ANSWERS)
    assert {name for _, name in COMMANDS} == set(RUNS)
    readme = (HERE / "README.md").read_text()
    assert [name for name in programs if f"({name}.pka)" not in readme] == []
