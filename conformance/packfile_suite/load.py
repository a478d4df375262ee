"""Cases from YAML files: read, checked against the schema and against each other.

Promises that what it returns needs no more checks of form: ids are unique, rules exist, steps name modules and
processes that the case has. Whether a case is *right* is the linter's question (`lint`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from packfile.rules import RULES

from .case import (
    DEFAULT_DEPTH,
    DEFAULT_FUEL,
    Assembly,
    Audit,
    Call,
    Case,
    CaseError,
    Close,
    Expect,
    HexBytes,
    Link,
    Module,
    Open,
    Patched,
    Step,
    float_bits,
    integer_text,
)
from .paths import cases_directory, shown
from .reader import Document
from .schema import case_schema

HOST = "host"
_LIKE_BITS = 10**15


def case_files(places: Iterable[Path]) -> list[Path]:
    """The case files at the places, each a file or a directory, sorted."""
    found: set[Path] = set()
    for place in places:
        found.update(place.rglob("*.yaml") if place.is_dir() else [place])
    return sorted(found)


@cache
def shipped_cases() -> tuple[Case, ...]:
    """The cases that come with the suite."""
    return tuple(load(case_files([cases_directory()])))


def load(files: Iterable[Path]) -> list[Case]:
    """The cases of the files. Raises CaseError for the first that is wrong, also for an id that is there twice."""
    cases = [case for file in files for case in load_file(file)]
    check_unique(cases)
    return cases


def check_unique(cases: Iterable[Case]) -> None:
    """Raises CaseError if two cases have the same id."""
    seen: dict[str, Case] = {}
    for case in cases:
        first = seen.setdefault(case.id, case)
        if first is not case:
            where = f"{shown(first.file)}:{first.line}"
            raise CaseError(
                f"the id is also that of a case at {where}", file=shown(case.file), line=case.line, case=case.id
            )


def load_file(path: Path) -> list[Case]:
    """The cases of one file. Raises CaseError for the first that is wrong."""
    name = shown(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"cannot be read: {error}", file=name) from None
    document = Document(text, name)
    values = document.value()
    if not isinstance(values, list) or not values:
        raise CaseError("a case file is a list of cases", file=name, line=1)
    return [_Reader(path, document, index, value).case() for index, value in enumerate(values)]


class _Reader:
    """Makes one case of what its YAML says."""

    def __init__(self, path: Path, document: Document, index: int, value: object) -> None:
        self._path, self._document, self._index = path, document, index
        self._id = value.get("id") if isinstance(value, dict) else None
        if not case_schema().check("case")(value):
            where, reason = self._explain(value)
            raise self._error(reason, *where)
        self._raw: dict[str, Any] = value  # type: ignore[assignment]  # the schema has just said so
        self._processes: dict[str, list[str]] = {}
        self._latest: str | None = None

    def _error(self, message: str, *where: str | int) -> CaseError:
        line = self._document.line((self._index, *where))
        text = f"{'.'.join(map(str, where))}: {message}" if where else message
        return CaseError(text, file=shown(self._path), line=line, case=self._id if isinstance(self._id, str) else None)

    def _explain(self, value: object) -> tuple[tuple[str | int, ...], str]:
        """The schema's complaint; that of the first wrong step or module where there is one, since it says more."""
        if isinstance(value, dict):
            steps, modules = value.get("steps"), value.get("modules")
            parts: list[tuple[tuple[str | int, ...], str, object]] = []
            parts += [(("steps", at), "step", step) for at, step in enumerate(steps)] if isinstance(steps, list) else []
            parts += (
                [(("modules", at), "module", it) for at, it in modules.items()] if isinstance(modules, dict) else []
            )
            for where, definition, part in parts:
                if not case_schema().check(definition)(part):
                    inner, reason = case_schema().explain(definition, part)
                    return (*where, *inner), reason
        return case_schema().explain("case", value)

    def case(self) -> Case:
        raw = self._raw
        for at, rule in enumerate(raw["rules"]):
            self._check_rule(rule, "rules", at)
        modules = {name: self._module(name, value) for name, value in raw["modules"].items()}
        self._modules = modules
        steps: list[Step] = []
        numbers: list[int] = []
        for at, value in enumerate(raw["steps"]):
            made = list(self._steps(at, value))
            steps += made
            numbers += [at + 1] * len(made)
        return Case(
            id=raw["id"],
            rules=tuple(raw["rules"]),
            features=tuple(raw.get("features", ())),
            summary=raw["summary"],
            byte_order=raw.get("byte_order", "both"),
            oracle=raw.get("oracle"),
            modules=modules,
            steps=tuple(steps),
            numbers=tuple(numbers),
            file=self._path,
            line=self._document.line((self._index,)),
            raw=raw,
        )

    def _check_rule(self, rule: str, *where: str | int) -> None:
        if rule not in RULES:
            raise self._error(f"there is no rule {rule}", *where)

    def _module(self, name: str, value: str | dict[str, Any]) -> Module:
        if name == HOST:
            raise self._error("`host` is the host module; call this one something else", "modules", name)
        if isinstance(value, str):
            return Assembly(value)
        for rule in value.get("breaks", ()):
            self._check_rule(rule, "modules", name, "breaks")
        if "hex" in value:
            breaks = tuple(value["breaks"]) if "breaks" in value else None
            if isinstance(value["hex"], str):
                data = bytes.fromhex(value["hex"])
                return HexBytes(data, data, fixed=True, breaks=breaks)
            little, big = (bytes.fromhex(value["hex"][order]) for order in ("little", "big"))
            return HexBytes(little, big, fixed=False, breaks=breaks)
        base: str = value["from"]
        if base == name:
            raise self._error("a module cannot be made from itself", "modules", name, "from")
        is_name = base in self._raw["modules"]
        if not is_name and "\n" not in base:
            raise self._error(f"the case has no module {base}", "modules", name, "from")
        if repeat := value.get("repeat"):
            if is_name:
                raise self._error("only text can be repeated after text", "modules", name, "repeat")
            base += "".join(repeat["text"].replace("{n}", f"{n:04}") for n in range(repeat["times"]))
        return Patched(base if is_name else Assembly(base), tuple(value["patch"]), tuple(value["breaks"]))

    def _steps(self, at: int, value: dict[str, Any]) -> Iterator[Step]:
        if "open" in value:
            yield Open(self._named_module(value["open"], at, "open"), self._expect(value, at))
        elif "link" in value:
            yield self._link(at, value)
        elif "audit" in value:
            yield Audit(self._named_module(value["audit"], at, "audit"), self._expect(value, at))
        elif "close" in value:
            if value["close"] not in self._modules and value["close"] not in self._processes:
                raise self._error(f"there is no module or process {value['close']}", "steps", at, "close")
            yield Close(value["close"])
        elif "table" in value:
            for number, row in enumerate(value["table"]):
                yield self._call(at, {**value, **row}, number, ("steps", at, "table", number))
        else:
            yield self._call(at, value, None, ("steps", at))

    def _named_module(self, name: str, at: int, key: str) -> str:
        if name not in self._modules:
            raise self._error(f"the case has no module {name}", "steps", at, key)
        return name

    def _link(self, at: int, value: dict[str, Any]) -> Link:
        entries = [value["link"]] if isinstance(value["link"], str) else value["link"]
        modules: list[tuple[str, str | None]] = []
        for entry in entries:
            name, module = (entry, entry) if isinstance(entry, str) else next(iter(entry.items()))
            modules.append((name, None if module == HOST else self._named_module(module, at, "link")))
        process = value.get("process", "process")
        if process in self._modules:
            raise self._error(f"{process} is the name of a module; give the process another", "steps", at, "process")
        self._processes[process] = [name for name, module in modules if module is not None]
        self._processes[process] += [name for name, module in modules if module is None]
        self._latest = process
        return Link(tuple(modules), process, self._expect(value, at))

    def _call(self, at: int, value: dict[str, Any], row: int | None, where: tuple[str | int, ...]) -> Call:
        process = value.get("process", self._latest)
        if process not in self._processes:
            text = f"there is no process {process}" if process else "nothing has been linked yet"
            raise self._error(text, "steps", at)
        module, function = self._target(value, process)
        return Call(
            process=process,
            module=module,
            function=function,
            i=tuple(self._integer(item, where) for item in value.get("i", ())),
            n=tuple(self._float(item, where) for item in value.get("n", ())),
            fuel=str(value.get("fuel", DEFAULT_FUEL)),
            depth=str(value.get("depth", DEFAULT_DEPTH)),
            expect=self._expect(value, at, where),
            row=row,
        )

    def _target(self, value: Mapping[str, Any], process: str) -> tuple[str, str | None]:
        names = self._processes[process]
        if "entry" in value:
            return value["entry"], None
        module, dot, function = value["call"].partition(".")
        if dot and module in names:
            return module, function
        return names[0] if names else "", value["call"]

    def _integer(self, value: float | str, where: tuple[str | int, ...]) -> str:
        try:
            return integer_text(value)
        except ValueError as error:
            raise self._error(str(error), *where) from None

    def _float(self, value: float | str, where: tuple[str | int, ...]) -> str:
        # Bits may happen to have decimal digits only: 4008000000000000 is 3.0 in quotes, and a great number without.
        if isinstance(value, int) and abs(value) >= _LIKE_BITS:
            raise self._error(f"put {value} in quotes if it is bits, and write {value}.0 if it is a number", *where)
        return float_bits(value)

    def _expect(self, value: Mapping[str, Any], at: int, where: tuple[str | int, ...] = ()) -> Expect:
        where = where or ("steps", at)
        expect = value.get("expect", "ok")
        if isinstance(expect, str):
            return Expect(expect)
        outcome = next((key for key in expect if key not in {"i", "n", "log"}), "ok")
        rule = None if outcome in {"ok", "trap"} else expect[outcome]
        if rule is not None:
            self._check_rule(rule, *where)
        return Expect(
            outcome=outcome,
            rule=rule,
            code=expect.get("trap"),
            i=tuple(self._integer(item, where) for item in expect.get("i", ())),
            n=tuple(self._float(item, where) for item in expect.get("n", ())),
            log=tuple(
                ("i", self._integer(entry["i"], where)) if "i" in entry else ("n", self._float(entry["n"], where))
                for entry in expect.get("log", ())
            ),
        )
