"""Work for campaigns under test: quick, and wrong at seeds that the tests know.

What is to go wrong is told by files in the directory that the environment names, since workers are processes.
"""

import os
import time
from collections import Counter
from pathlib import Path

from packfile_fuzz.results import Failure, Signature, Tally

BAD = Signature("byte-order", ("ok", "trap divide-by-zero"), "divide-by-zero", "i_div_s", "reference")
RARE = Signature("loader", ("ok", "<b>crash & burn</b>"), "", "ret", "c")


def failures(first: int, count: int) -> list[Failure]:
    found = []
    for seed in range(first, first + count):
        if seed % 50 == 7:
            found.append(Failure(seed, "program", BAD, "the halves differ"))
        if seed == 333:
            found.append(Failure(seed, "malformed", RARE, "it <script>died</script>"))
    return found


def tally(first: int, count: int) -> Tally:
    return Tally(
        count,
        Counter("exhausted" if seed % 20 == 0 else "ok" for seed in range(first, first + count)),
        Counter({"i_add ok": count, "i_div_s trap divide-by-zero": count}),
        Counter({"PF-HDR-002": count}),
        Counter({"byte-order equal": count}),
        {"build": count / 1e4, "run": count / 1e3},
        failures(first, count),
    )


def quick(first: int, count: int) -> Tally:
    """A millisecond or so an example."""
    time.sleep(count / 1000)
    return tally(first, count)


def clean(first: int, count: int) -> Tally:
    """As `quick`, and nothing is wrong."""
    result = quick(first, count)
    result.failures.clear()
    return result


def noting(first: int, count: int) -> Tally:
    """As `quick`, slower; writes its process's id where the test looks for it."""
    (Path(os.environ["CAMPAIGN_TEST"]) / str(os.getpid())).touch()
    time.sleep(count / 250)
    return tally(first, count)


def deadly(first: int, count: int) -> Tally:
    """Seed 11 ends the worker; seed 21 raises."""
    if 11 in range(first, first + count):
        os._exit(3)
    if 21 in range(first, first + count):
        raise ZeroDivisionError("seed 21")
    return quick(first, count)


def hanging(first: int, count: int) -> Tally:
    """Seed 3 never ends."""
    while 3 in range(first, first + count):
        pass
    return tally(first, count)


def useless(first: int, count: int) -> Tally:
    """Cannot do anything."""
    raise OSError(f"no such loader for {first} and {count}")


def busy(first: int, count: int) -> Tally:
    """Two milliseconds of computing an example."""
    end = time.process_time() + count * 0.002
    while time.process_time() < end:
        pass
    return tally(first, count)
