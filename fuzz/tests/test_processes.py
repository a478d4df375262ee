"""The state machine for processes: loaders that are right pass it, and each way to be wrong is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from packfile.digests import Digests
from packfile.image import Image
from packfile.process import Process
from packfile_fuzz.faults import activate
from packfile_fuzz.program import Call
from packfile_fuzz.run import Loaders
from packfile_fuzz.strategies import AdapterDriver, Answer, Driver, ProcessMachine, ReferenceDriver
from packfile_fuzz.strategies.drivers import Handle, Opened
from tests.chosen import CHOSEN, loader

SEARCH = settings(
    CHOSEN,
    max_examples=100,
    stateful_step_count=25,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""For what is known to be wrong: what is found need not be made small."""


def drive(driver: Driver, how: settings = CHOSEN) -> None:
    """Run the machine with a driver."""
    run_state_machine_as_test(type("Machine", (ProcessMachine,), {"driver": driver}), settings=how)


@pytest.mark.parametrize("translate_after", [0, 1])
def test_the_reference_does_what_the_model_says(translate_after: int) -> None:
    drive(ReferenceDriver(translate_after))


def test_an_adapter_does_what_the_model_says(request: pytest.FixtureRequest) -> None:
    with Loaders({"loader": loader(request.config)}) as loaders:
        driver = AdapterDriver(loaders["loader"])
        drive(driver)
        assert loaders["loader"].session().alive


def test_every_action_and_outcome_is_met() -> None:
    """So that nothing is green since it was never tried."""
    met: set[tuple[str, str, str]] = set()

    class Watched(ReferenceDriver):
        def open(self, path: Path) -> Opened:
            answer, handle = super().open(path)
            met.add(("open", answer.outcome, ""))
            return answer, handle

        def link(self, modules: Any) -> Opened:
            answer, handle = super().link(modules)
            met.add(("link", answer.outcome, ""))
            return answer, handle

        def call(self, process: Handle, call: Call) -> Answer:
            answer = super().call(process, call)
            met.add(("call", answer.outcome, answer.code))
            return answer

    drive(Watched(), SEARCH)
    assert met >= {("open", outcome, "") for outcome in ("ok", "malformed", "refused")}
    assert met >= {("link", outcome, "") for outcome in ("ok", "unlinkable", "refused")}
    assert met >= {("call", outcome, "") for outcome in ("ok", "unlinkable", "exhausted", "refused")}
    traps = ("unbound-import", "import-mismatch", "signature-mismatch", "unreachable")
    assert met >= {("call", "trap", code) for code in traps}


@contextmanager
def patched(place: type, name: str, wrong: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, wrong)
        yield


def closing_disturbs() -> AbstractContextManager[None]:
    right = Image.close

    def close(self: Image) -> None:
        self._users = 0
        right(self)

    return patched(Image, "close", close)


def closed_is_linked() -> AbstractContextManager[None]:
    def acquire(self: Image) -> None:
        self._users += 1

    return patched(Image, "acquire", acquire)


def file_is_opened_again_at_link() -> AbstractContextManager[None]:
    right = Process.__init__

    def begin(self: Process, modules: Any, **options: Any) -> None:
        entries = [(name, reopened(it) if isinstance(it, Image) else it) for name, it in modules]
        right(self, entries, **options)

    def reopened(image: Image) -> Image:
        return Image.open(image.name) if not image.closed and Path(image.name).exists() else image

    return patched(Process, "__init__", begin)


def images_are_kept_by_path() -> AbstractContextManager[None]:
    right = Image.open
    kept: dict[str, Image] = {}

    def open_once(path: str | os.PathLike[str], **options: Any) -> Image:
        if str(path) not in kept or kept[str(path)].closed:
            kept[str(path)] = right(path, **options)
        return kept[str(path)]

    return patched(Image, "open", staticmethod(open_once))


def closed_process_is_called() -> AbstractContextManager[None]:
    return patched(Process, "close", lambda _self: None)


def data_is_kept_with_the_image() -> AbstractContextManager[None]:
    right = Image.private_data

    def private_data(self: Image) -> memoryview:
        held = self.__dict__.setdefault("kept_data", bytearray(right(self)))
        return memoryview(held)

    return patched(Image, "private_data", private_data)


def data_is_copied() -> AbstractContextManager[None]:
    right = Image.private_data

    def private_data(self: Image) -> memoryview:
        content = bytearray(right(self))
        self.stats.copied += len(content)
        return memoryview(content)

    return patched(Image, "private_data", private_data)


def digests_keep_the_mapping() -> AbstractContextManager[None]:
    right, kept = Digests.__init__, []

    def begin(self: Digests, view: memoryview, *arguments: Any) -> None:
        kept.append(view[:])
        right(self, view, *arguments)

    return patched(Digests, "__init__", begin)


MAPPED, NOT_MAPPED = "still mapped after", "no longer mapped, but used"
ANSWERED = r"expected Answer\("
WRONG: dict[Callable[[], AbstractContextManager[None]], str] = {
    closing_disturbs: ANSWERED,
    closed_is_linked: "expected Answer.outcome='refused'",
    file_is_opened_again_at_link: f"{NOT_MAPPED}|{MAPPED}|{ANSWERED}",
    images_are_kept_by_path: f"{NOT_MAPPED}|{ANSWERED}",
    closed_process_is_called: f"{MAPPED}|expected Answer.outcome='refused'",
    data_is_kept_with_the_image: ANSWERED,
    data_is_copied: "bytes were copied",
    digests_keep_the_mapping: MAPPED,
    partial(activate, "exhausted-goes-on"): "expected Answer.outcome='exhausted'",
    partial(activate, "trapped-does-not-go-on"): "got Answer.outcome='exhausted'",
    partial(activate, "data-shared-between-processes"): f"bytes were copied|{ANSWERED}",
    partial(activate, "slots-kept-with-the-file"): ANSWERED,
    partial(activate, "weak-treated-as-lazy"): "expected Answer.outcome='unlinkable'",
    partial(activate, "mapping-kept"): MAPPED,
}
"""What is wrong, and what the machine says of it: where it shows in several ways, any may be the first.

Even derandomized, hypothesis draws from the constants of all modules that are loaded, so which it is depends on the
tests that are run together.
"""


def name_of(wrong: Callable[[], AbstractContextManager[None]]) -> str:
    return str(wrong.args[0]) if isinstance(wrong, partial) else wrong.__name__


@pytest.mark.parametrize("wrong", WRONG, ids=name_of)
def test_a_reference_that_is_wrong_is_found(wrong: Callable[[], AbstractContextManager[None]]) -> None:
    with wrong(), pytest.raises(AssertionError, match=WRONG[wrong]):
        drive(ReferenceDriver(), SEARCH)
