"""The reference says of broken files what the specification says; and each check notices one that does not."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from packfile import audit, verify
from packfile._kaitai.packfile import Packfile
from packfile.adapter import host_module
from packfile.digests import Digests
from packfile.errors import Corrupt, Malformed
from packfile.image import Image
from packfile.layout import FIELDS, Binding, ByteOrder, ImportKind
from packfile.model import Import, Module
from packfile.process import Process, Results
from packfile.writer import encode
from packfile_fuzz.malformed import CHECKS, Broken, Problem, Setting, expect, judge, mutate, observe
from packfile_fuzz.malformed.bases import bases, data_of, full
from packfile_fuzz.malformed.changes import Write
from packfile_fuzz.malformed.judging import MEMORY, memory_bound
from packfile_fuzz.malformed.observation import peak

link = import_module("packfile.link")  # the package's `link` is its function
Patch = Callable[[pytest.MonkeyPatch], None]


def _mutants(count: int, first: int = 10_000) -> Iterator[Broken]:
    files = bases()
    for number in range(first, first + count):
        content, order = files[number % len(files)]
        yield mutate(content, order, data_of(number))


def _found(check: str, most: int = 1500, *, memory: bool = False) -> Problem | None:
    """The first problem that a check has with some mutants."""
    problems = (problem for broken in _mutants(most) for problem in judge(broken, memory=memory))
    return next((problem for problem in problems if problem.check == check), None)


@pytest.mark.parametrize("translate_after", [0, 1])
def test_the_reference_says_what_the_specification_says(translate_after: int) -> None:
    setting = Setting(translate_after=translate_after)
    for broken in _mutants(600):
        assert judge(broken, setting) == [], broken.faults


def test_valid_files_run_to_their_end() -> None:
    for content, order in bases():
        seen = observe(Broken(content, order, (), expect(content)))
        assert seen.opened
        assert seen.linked
        assert seen.audited == []
    content = encode(full(), ByteOrder.BIG)
    seen = observe(Broken(content, ByteOrder.BIG, (), expect(content)))
    outcomes = [(call.function, call.error and call.error.outcome) for call in seen.calls]
    assert outcomes == [("main", None), ("spin", "exhausted"), ("table", "unlinkable"), (None, None)]


def _replace(owner: object, name: str, value: object) -> Patch:
    return lambda patch: patch.setattr(owner, name, value)


def _raising(*_: object) -> None:
    raise KeyError("a defect")


def _nothing(*_: object, **__: object) -> Iterator[Any]:
    return iter(())


def _no_rows_checked(content: Image) -> list[int]:
    return [at for at in range(content.import_count) if content.import_row(at).binding != Binding.LAZY]


def _all_rows_wrong(content: Image) -> list[int]:
    raise Malformed("PF-FIX-003", "a defect", file=content.name)


def _other_rule(content: Image, index: int, finding: verify.Finding, made: Any = verify.invalid) -> Exception:
    error: Exception = made(content, index, finding._replace(rule="PF-FUN-006"))
    return error


def _swapping(self: Image, made: Any = Image.private_data) -> memoryview:
    self.stats.swapped += 4
    view: memoryview = made(self)
    return view


def _free_of_charge(self: Process, *arguments: Any, made: Any = Process.invoke, **options: Any) -> Results:
    results: Results = made(self, *arguments, **options)
    return results._replace(fuel=options["fuel"])


def _reversed(content: Image, made: Any = audit.audit) -> list[Any]:
    return list(reversed(made(content)))


def _always_corrupt(*_: object) -> None:
    raise Corrupt("PF-INT-003", "a defect")


def _large(content: Image, made: Any = audit.audit) -> list[Any]:
    spare = bytearray(1 << 24)
    found: list[Any] = made(content)
    return found + list(spare[:0])


DEFECTS: dict[str, tuple[Patch, str]] = {
    "a row check raises no outcome": (_replace(link, "check_import_rows", _raising), "only-outcomes"),
    "decoding of a function raises no outcome": (_replace(verify, "_row_findings", _raising), "only-outcomes"),
    "what crosses sections is not checked": (_replace(Image, "_check_sections", _nothing), "opening"),
    "digests are not checked": (_replace(Digests, "check", _nothing), "opening"),
    "digests are always found bad": (_replace(Digests, "check", _always_corrupt), "opening"),
    "import rows are not checked": (_replace(link, "check_import_rows", _no_rows_checked), "linking"),
    "import rows are always refused": (_replace(link, "check_import_rows", _all_rows_wrong), "linking"),
    "export rows are not checked": (_replace(link, "check_export_row", _nothing), "calling"),
    "windows of calls are not checked": (_replace(verify._Pass, "_windows", _nothing), "calling"),
    "registers are not checked": (_replace(verify._Pass, "_fields", _nothing), "calling"),
    "jump tables are not checked": (_replace(verify._Pass, "_table", _nothing), "calling"),
    "literals are not checked": (_replace(verify._Pass, "_literal", _nothing), "calling"),
    "function rows are not checked": (_replace(verify, "_row_findings", _nothing), "calling"),
    "another rule is named": (_replace(verify, "invalid", _other_rule), "calling"),
    "gaps are not audited": (_replace(audit, "_gaps", _nothing), "auditing"),
    "strings are not audited": (_replace(audit, "_strings", _nothing), "auditing"),
    "damage is not audited": (_replace(Digests, "damages", _nothing), "auditing"),
    "an import row is not audited": (_replace(audit, "_imports", _nothing), "parsers-agree"),
    "bytes are swapped": (_replace(Image, "private_data", _swapping), "counted"),
    "calls cost no fuel": (_replace(Process, "invoke", _free_of_charge), "counted"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_the_reference_is_noticed(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apply, check = DEFECTS[defect]
    apply(monkeypatch)
    problem = _found(check)
    assert problem is not None
    assert problem.message


def test_an_audit_in_another_order_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.malformed.observation.audit", _reversed)
    problem = _found("auditing", 3000)
    assert problem is not None
    assert problem.got == "another order"


def test_a_parser_that_refuses_what_opens_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Packfile.from_bytes
    monkeypatch.setattr(Packfile, "from_bytes", lambda content: made(content[:100]))
    problem = _found("parsers-agree")
    assert problem is not None
    assert problem.expected == "refused"


def test_every_check_has_a_defect_that_it_notices() -> None:
    assert set(CHECKS) == {check for _, check in DEFECTS.values()}


def test_memory_stays_bounded_whatever_counts_a_file_states() -> None:
    content = encode(full(), ByteOrder.LITTLE)
    fields = [(0, field) for field in FIELDS["header"] if field.type == "u4"]
    fields += [(at, field) for at in range(64, 64 + 12 * 10, 12) for field in FIELDS["section"]]
    for base, field in fields:
        for value in (0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE):
            changed = bytearray(content)
            Write("", base + field.offset, field.size, value).apply(changed, ByteOrder.LITTLE)
            broken = Broken(bytes(changed), ByteOrder.LITTLE, (), expect(bytes(changed)))
            assert peak(broken) <= memory_bound(len(content)), (base, field.name, value)


def test_memory_beyond_the_bound_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.malformed.observation.audit", _large)
    assert _found(MEMORY, 50, memory=True) is not None


def test_memory_is_measured_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packfile_fuzz.malformed.observation.audit", _large)
    assert _found(MEMORY, 12) is None


def test_a_file_is_linked_with_what_a_setting_says() -> None:
    module = Module(imports=(Import(ImportKind.FUNCTION, Binding.EAGER, "lib", "main", 1 << 16),))
    content = encode(module, ByteOrder.LITTLE)
    broken = Broken(content, ByteOrder.LITTLE, (), expect(content))
    alone = observe(broken)
    assert not alone.linked
    assert alone.unlinked is not None
    assert alone.unlinked.rule == "PF-FIX-007"

    with Image(encode(full(), ByteOrder.BIG), "lib") as lib:
        assert observe(broken, Setting(before=(("host", host_module([])), ("lib", lib)))).linked
