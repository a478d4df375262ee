"""The reference on a big-endian host: the same files, answers and promises as on any other.

Runs where `setup.sh` has been run; with CI set, it is run first.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLACE = ROOT / "build" / "s390x"
EXAMPLES = [ROOT / "examples" / f"{name}.pka" for name in ("fib", "interpreter", "nbody")]
MODULE = """
.export func sum (i) -> (i)
again:
  i_add i1, i1, i0
  i_add_imm i0, i0, -1
  jmp_if i0, again
  i_const i2, =0x0123456789abcdef
  i_add i0, i1, i2
  ret
"""
SUM = 20 * 21 // 2 + 0x0123456789ABCDEF
SAMPLE = 60
SEED = 1
CAUGHT = "hdr-byte-order-covers-every-integer"
"""A case that a loader which reads constants in the host's order fails, in files of the other order."""


def run(command: Sequence[str | Path], *, text: str = "", status: int = 0) -> str:
    """What the command prints."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=600, cwd=ROOT)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def host() -> Path:
    """The interpreter of the big-endian host."""
    if os.environ.get("CI"):
        run([HERE / "setup.sh"])
    elif not (PLACE / "reference-adapter").exists():
        pytest.skip("there is no big-endian host here; loaders/s390x/setup.sh makes one")
    return PLACE / "python"


def suite(*arguments: str, loader: str, report: Path, status: int = 0) -> tuple[str, dict[tuple[str, str], str]]:
    """The last line of a run of the suite that judges the loader, and its verdicts."""
    command = [sys.executable, "-m", "packfile_suite", "run", "--timeout", "60", "--report-jsonl", str(report)]
    printed = run([*command, "--loader", loader, *arguments], status=status)
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    verdicts = {(row["case"], row["byte_orders"]): row["verdict"] for row in rows if "case" in row}
    return next(line for line in printed.splitlines() if " executed " in f" {line}" and "conformant" in line), verdicts


def test_the_host_is_big_endian(host: Path) -> None:
    report = "import struct, sys; print(sys.byteorder, struct.pack('=I', 1).hex(), struct.calcsize('P'))"
    assert run([host, "-c", report]).split() == ["big", "00000001", "8"]


def test_files_of_both_orders_run_where_they_lie(host: Path, tmp_path: Path) -> None:
    """The native order is big there, and the foreign one little; neither is copied or swapped."""
    program = """
import sys, packfile
for path in sys.argv[1:]:
    with packfile.open(path) as image, packfile.link([("main", image)]) as process:
        result = process.call("main", "sum", 20)
        print(image.order.name, *result, image.stats.copied, image.stats.swapped, image.stats.mapped)
"""
    paths = []
    for order in (ByteOrder.BIG, ByteOrder.LITTLE):
        paths.append(tmp_path / f"{order.name}.pkf")
        paths[-1].write_bytes(encode(assemble(MODULE), order))
    size = paths[0].stat().st_size
    assert run([host, "-c", program, *paths]).splitlines() == [f"BIG {SUM} 0 0 {size}", f"LITTLE {SUM} 0 0 {size}"]


def test_writers_on_both_hosts_write_the_same_bytes(host: Path) -> None:
    program = """
import hashlib, pathlib, sys
from packfile.assembler import assemble
from packfile.layout import ByteOrder
from packfile.writer import encode
for path in map(pathlib.Path, sys.argv[1:]):
    for order in ByteOrder:
        print(hashlib.sha256(encode(assemble(path.read_text(), path.name), order)).hexdigest())
"""
    models = [assemble(path.read_text(), path.name) for path in EXAMPLES]
    here = [hashlib.sha256(encode(model, order)).hexdigest() for model in models for order in ByteOrder]
    assert run([host, "-c", program, *EXAMPLES]).split() == here


def test_a_sample_of_the_suite_passes(host: Path, tmp_path: Path) -> None:
    line, verdicts = suite(
        *("--sample", str(SAMPLE), "--seed", str(SEED)),
        loader=str(host.with_name("reference-adapter")),
        report=tmp_path / "report.jsonl",
    )
    found = re.fullmatch(
        rf"conformant in a sample of {SAMPLE} of \d+ cases, seed {SEED}: "
        r"executed (\d+) / unsupported 0 / selected (\d+), failed 0",
        line,
    )
    assert found is not None, line
    assert int(found[1]) == int(found[2]) == len(verdicts) > SAMPLE
    assert {"little", "big"} <= {order for _, order in verdicts}


def test_a_loader_that_assumes_the_host_order_fails_there_in_little_files(host: Path, tmp_path: Path) -> None:
    """The same broken loader fails in big files on a little-endian host: so the host does make the difference."""
    for interpreter, order in ((sys.executable, sys.byteorder), (str(host), "big")):
        _, verdicts = suite(
            *("-k", CAUGHT, "--byte-order", "little", "--byte-order", "big"),
            loader=f"{interpreter} conformance/broken_loaders/host_order_constants.py",
            report=tmp_path / "report.jsonl",
            status=1,
        )
        assert verdicts[CAUGHT, order] == "pass"
        assert [verdict for (_, other), verdict in verdicts.items() if other != order] == ["fail"]


def test_the_c_loader_answers_there(host: Path) -> None:
    if not (ROOT / "loaders" / "c" / "Makefile").exists():
        return
    reply = json.loads(run([host.with_name("c-adapter")], text='{"id": 1, "command": "hello"}\n'))
    assert reply["outcome"] == "ok"
