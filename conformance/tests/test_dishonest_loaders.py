"""Loaders that give right answers and only pretend to execute in place: each fails the rules that its file names."""

import re
import sys
from pathlib import Path

import pytest

from packfile_suite.build import Builder
from packfile_suite.execute import Loader, run_case
from packfile_suite.in_place.checks import Lab
from packfile_suite.in_place.modules import Workshop
from packfile_suite.in_place.profile import CHECKS, run
from packfile_suite.load import shipped_cases
from packfile_suite.plan import variants

LOADERS = Path(__file__).parent.parent / "dishonest_loaders"
NAMES = sorted(path.stem for path in LOADERS.glob("*.py"))
ONE_ORDER = "not the host's"
FOREIGN = "big" if sys.byteorder == "little" else "little"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Files for all of them: they take longer to write than most checks do."""
    return Workshop(tmp_path_factory.mktemp("profile"))


def breaks(name: str) -> tuple[set[str], str]:
    """The rules that a loader's file says it breaks, and the words before them."""
    text = (LOADERS / f"{name}.py").read_text(encoding="utf-8")
    words, rules = re.search(r"^Breaks([^:]*): ([^.]*)\.$", text, re.MULTILINE).groups()  # type: ignore[union-attr]
    return set(rules.split()), words


@pytest.mark.parametrize("name", NAMES)
def test_a_dishonest_loader_fails_exactly_the_rules_that_it_names(
    name: str, workshop: Workshop, tmp_path: Path
) -> None:
    rules, words = breaks(name)
    lab = Lab(Loader([sys.executable, str(LOADERS / f"{name}.py")], 60), tmp_path, workshop)
    orders = {FOREIGN} if ONE_ORDER in words else {"little", "big"}
    for check in CHECKS:
        # What it does not break is the same in both orders, and need not be seen twice.
        for order in check.orders if check.rule in rules else check.orders[-1:]:
            seen = run(check, lab, order)
            wanted = "fail" if check.rule in rules and order in orders else "pass"
            said = seen.unobservable or (seen.failure.got if seen.failure else seen.figures)
            assert seen.verdict == wanted, f"{check.rule} {check.id}[{order}]: {said}"


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Files of cases for all of them."""
    return Builder(tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("name", NAMES)
def test_a_dishonest_loader_gives_right_answers(name: str, builder: Builder) -> None:
    loader = Loader([sys.executable, str(LOADERS / f"{name}.py")], 60)
    cases = [case for case in shipped_cases() if any(rule.startswith("PF-FIX-01") for rule in case.rules)]
    assert len(cases) > 40
    try:
        for case in cases:
            for variant in variants(case):
                result = run_case(loader, case, builder.files(case, variant))
                assert result.verdict == "pass", f"{case.id}[{variant.label}]: {result.failure}"
    finally:
        loader.close()


def test_every_rule_of_the_profile_catches_some_loader() -> None:
    caught = {rule for name in NAMES for rule in breaks(name)[0]}
    assert caught == {check.rule for check in CHECKS}
