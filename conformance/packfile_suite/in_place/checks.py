"""The rules PF-XIP-003 and up, one check each.

A check drives a loader in one byte order and returns the figures that it saw, in words. It raises Broken with the
figure and the bound if the rule is broken, and Unobservable if that cannot be told. Bounds are differences between
files that differ in one thing, or multiples of what the calibrating process saw, so no loader's own noise is assumed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from packfile.layout import MAX_FILE_LENGTH, MAX_FUNCTION_WORDS, MAX_FUNCTIONS, SectionKind
from packfile_suite.execute import Loader
from packfile_suite.observe.calibrate import Calibration, calibrate
from packfile_suite.observe.judge import amount
from packfile_suite.observe.proc import COUNTER_SLACK, PAGE

from .driving import Broken, Cost, Driven, Look, identity
from .modules import CODE_FUNCTIONS, LAST_BYTE, Module, Workshop

MIB = 1 << 20
SIZES = (MIB, 64 * MIB, MAX_FILE_LENGTH)
FEW_ROWS = 2048
IMPORT_ROWS = 16_384
BYTES_PER_IMPORT = 256
TOUCHES = 8
"""Places of a file that opening, linking and two calls may touch beyond those of another file."""
FAULTS = 64
"""Page faults likewise. A scan of the longest file takes 512 even where one fault brings in 2 MiB."""
MEMORY = MIB
"""Private memory likewise: a sixty-fourth of the second size."""
DATA_LENGTH = 16 * MIB
STORES = 3
CODE_BYTES = CODE_FUNCTIONS * MAX_FUNCTION_WORDS * 4


@dataclass
class Lab:
    """The loader under test, the files, and what the kernel's figures are worth here."""

    loader: Loader
    directory: Path
    workshop: Workshop
    code_growth: dict[str, int] = field(default_factory=dict)
    """What calling much code took, by byte order: two checks want it."""

    @cached_property
    def calibration(self) -> Calibration:
        """Measured with a file beside those of the profile. Raises Unobservable."""
        return calibrate(self.directory)


Call = tuple[str, Sequence[int], Sequence[int]]


def calls_of_long(module: Module) -> list[Call]:
    """A call of each function of a long module, the second of which reads its last byte."""
    start, end = module.range(SectionKind.RODATA)
    return [("first", (), (1,)), ("last", (end - start - 1,), (LAST_BYTE,))]


@dataclass(frozen=True, slots=True)
class Session:
    """A module that was opened, linked and called."""

    image: int
    process: int
    before: Look
    opened: Look
    linked: Look
    after: Look

    @property
    def cost(self) -> Cost:
        """What it took, all together."""
        return Cost.between(self.before, self.after)


def use(driven: Driven, module: Module, calls: Iterable[Call], others: Mapping[str, Module] | None = None) -> Session:
    """Opens, links and calls, with a look after each, and leaves it open."""
    file = identity(module)
    images = {name: driven.open(other.path) for name, other in (others or {}).items()}
    before = driven.look(file)
    image = driven.open(module.path)
    opened = driven.look(file)
    process = driven.link({"main": image, **images})
    linked = driven.look(file)
    for function, arguments, results in calls:
        driven.call(process, function, arguments, results)
    after = driven.look(file)
    for other in images.values():
        driven.close(image=other)
    return Session(image, process, before, opened, linked, after)


def cost(driven: Driven, module: Module, calls: Iterable[Call], others: Mapping[str, Module] | None = None) -> Session:
    """The same, and closes it."""
    session = use(driven, module, calls, others)
    driven.close(process=session.process, image=session.image)
    return session


def check_untouched(look: Look, when: str) -> None:
    """No page behind a mapping that is not writable is private."""
    private = sum(mapping.anonymous for _, mapping in look.read_only)
    if private:
        raise Broken(f"{when}, {amount(private)} of the file's mappings are private pages; none may be")


def _check_mapped(look: Look, when: str) -> None:
    if not look.mapped:
        raise Broken(f"{when}, the process has no mapping of the file")


def code_is_a_file_mapping(lab: Lab, order: str) -> str:
    """Code, rows, names and rodata lie in mappings that are not writable and have no private page."""
    module, stored = lab.workshop.long(order, MIB), lab.workshop.data(order, DATA_LENGTH)
    with Driven(lab.loader) as driven:
        session = use(driven, module, calls_of_long(module))
        for look, when in ((session.opened, "after opening"), (session.after, "after calls")):
            _check_mapped(look, when)
            check_untouched(look, when)
            for _, mapping in look.writable:
                raise Broken(f"{when}, the file is mapped {mapping.permissions}; it has no data to be written")
        for name, (start, end) in _used_parts(module).items():
            if not session.after.covers(start, end):
                raise Broken(f"after calls, no mapping holds the bytes {start} to {end} of the file: {name}")
        look = use(driven, stored, [("store", (0,), ())]).after
        low, high = stored.range(SectionKind.DATA)
        check_untouched(look, "after a store")
        for _, mapping in look.writable:
            if mapping.shared or mapping.offset < low or mapping.offset + mapping.size > -(-high // PAGE) * PAGE:
                place = f"bytes {mapping.offset} to {mapping.offset + mapping.size}"
                raise Broken(f"{place} are mapped {mapping.permissions}; data alone, {low} to {high}, may be rw-p")
    return f"{len(session.after.mapped)} mapping, {amount(session.after.resident)} resident, no private page"


def _used_parts(module: Module) -> dict[str, tuple[int, int]]:
    code, rodata = module.range(SectionKind.CODE), module.range(SectionKind.RODATA)
    return {
        "header, rows and names": module.front,
        "code of the first function": (code[0], code[0] + 8),
        "code of the last function": (code[1] - 16, code[1]),
        "rodata": (rodata[1] - 1, rodata[1]),
    }


def costs_do_not_depend_on_length(lab: Lab, order: str) -> str:
    """Opening, linking and calling cost the same for 1 MiB, 64 MiB and 1 GiB."""
    with Driven(lab.loader) as driven:
        small = lab.workshop.long(order, SIZES[0])
        cost(driven, small, calls_of_long(small))  # what is needed once is had now
        base = cost(driven, small, calls_of_long(small)).cost
        for size in SIZES[1:]:
            module = lab.workshop.long(order, size)
            found = cost(driven, module, calls_of_long(module)).cost
            _compare(lab, module, base, found, f"a file of {amount(size)}", f"one of {amount(SIZES[0])}", MEMORY)
    return f"{amount(found.resident)} resident and {found.faults} faults for {amount(size)}"


def _compare(lab: Lab, module: Module, base: Cost, found: Cost, what: str, other: str, memory: int) -> None:
    """Whether one cost, that of a module, is more than another. The greatest betrayal comes first."""
    try:
        _judge_costs(lab.calibration.window, base, found, what, other, memory)
    except Broken:
        # The kernel may hold the pages of one file in larger pieces than those of another; a touch then brings in more.
        window = calibrate(lab.directory, module.path).window
        if window <= lab.calibration.window:
            raise
        _judge_costs(window, base, found, what, other, memory)


def _judge_costs(window: int, base: Cost, found: Cost, what: str, other: str, memory: int) -> None:
    figures = (
        ("private memory", found.anonymous, base.anonymous, memory, amount),
        ("bytes read by calls", found.read, base.read, max(window, MIB >> 4), amount),
        ("resident pages of the file", found.resident, base.resident, TOUCHES * window, amount),
        ("peak memory", found.peak, base.peak, memory + COUNTER_SLACK + TOUCHES * window, amount),
        ("page faults", found.faults, base.faults, FAULTS, str),
    )
    for name, figure, reference, allowance, text in figures:
        if figure > max(0, reference) + allowance:
            bound = text(max(0, reference) + allowance)
            raise Broken(f"{name}: {text(figure)} for {what}, {text(reference)} for {other}; at most {bound} may be")


def no_table_of_functions(lab: Lab, order: str) -> str:
    """A module with the most function rows costs what one of the same length with few does."""
    many = lab.workshop.long(order, 16 * MIB, MAX_FUNCTIONS)
    few = lab.workshop.long(order, many.size, FEW_ROWS)
    with Driven(lab.loader) as driven:
        for module in (few, many):
            cost(driven, module, calls_of_long(module))  # a page that was not in memory yet costs other faults
        base = cost(driven, few, calls_of_long(few)).cost
        found = cost(driven, many, calls_of_long(many)).cost
    _compare(lab, many, base, found, f"{MAX_FUNCTIONS} function rows", f"{FEW_ROWS}", MAX_FUNCTIONS - 1)
    return f"private memory grew by {amount(max(0, found.anonymous))} for {MAX_FUNCTIONS} rows"


def linking_writes_private_memory_alone(lab: Lab, order: str) -> str:
    """Linking takes a bounded amount of private memory for each import row, and writes no page of the file."""
    others = {"lib": lab.workshop.exports(order)}
    one, many = lab.workshop.imports(order, 1), lab.workshop.imports(order, IMPORT_ROWS)
    calls: list[Call] = [("use", (), (3,))]
    with Driven(lab.loader) as driven:
        cost(driven, one, calls, others)
        base = cost(driven, one, calls, others).cost
        session = cost(driven, many, calls, others)
    for look, when in ((session.linked, "after linking"), (session.after, "after a call of an import")):
        if look.private:
            raise Broken(f"{when}, {amount(look.private)} of the file's mappings are private pages; none may be")
    growth, bound = session.cost.anonymous - max(0, base.anonymous), IMPORT_ROWS * BYTES_PER_IMPORT
    if growth > bound:
        raise Broken(
            f"private memory grew by {amount(growth)} for {IMPORT_ROWS} import rows; at most {amount(bound)} may be"
        )
    return f"{max(0, growth) / IMPORT_ROWS:.0f} bytes of private memory for each of {IMPORT_ROWS} import rows"


def data_becomes_private_by_pages(lab: Lab, order: str) -> str:
    """Only pages of data that are stored to become private."""
    module = lab.workshop.data(order, DATA_LENGTH)
    file = identity(module)
    with Driven(lab.loader) as driven:
        cost(driven, module, [("store", (0,), ())])
        session = use(driven, module, ())
        growth = session.cost.anonymous
        if growth > MEMORY:
            raise Broken(
                f"linking {amount(DATA_LENGTH)} of data took {amount(growth)}; at most {amount(MEMORY)} may be"
            )
        for store in range(1, STORES + 1):
            driven.call(session.process, "store", [store * (DATA_LENGTH // (STORES + 1))])
            look = driven.look(file)
            private = sum(mapping.anonymous for _, mapping in look.writable)
            if look.writable and private != store * PAGE:
                raise Broken(f"{store} pages were stored to, and {amount(private)} of data are private")
            growth = look.anonymous - session.before.anonymous
            if growth > MEMORY:
                raise Broken(f"{store} pages were stored to, and private memory grew by {amount(growth)}")
    return f"{amount(private)} of data private after {STORES} stores" if look.writable else f"{amount(growth)} private"


def _code_growth(lab: Lab, order: str) -> int:
    """Private memory that calling every function of the module with much code takes, freed again or not."""
    if order in lab.code_growth:
        return lab.code_growth[order]
    module = lab.workshop.code(order)
    small = lab.workshop.long(order, MIB)
    with Driven(lab.loader) as driven:
        cost(driven, small, calls_of_long(small))
        found = use(driven, module, [(f"f{at}", (), (4,)) for at in range(CODE_FUNCTIONS)]).cost
    lab.code_growth[order] = max(found.anonymous, found.peak - found.resident - COUNTER_SLACK, 0)
    return lab.code_growth[order]


def running_copies_no_code(lab: Lab, order: str) -> str:
    """Calling long functions takes less private memory than half of their code."""
    growth, bound = _code_growth(lab, order), CODE_BYTES // 2
    grew = f"private memory grew by {amount(growth)} for {amount(CODE_BYTES)} of code"
    if growth >= bound:
        raise Broken(f"{grew}; less than {amount(bound)} may be")
    return grew


def foreign_order_costs_no_more(lab: Lab, order: str) -> str:
    """The same module in the other byte order takes no more private memory than in the host's."""
    native, foreign = _code_growth(lab, sys.byteorder), _code_growth(lab, order)
    bound = native + CODE_BYTES // 4
    took = f"{amount(foreign)} of private memory in {order}, {amount(native)} in the host's order"
    if foreign >= bound:
        raise Broken(f"{took}; less than {amount(bound)} may be")
    return took
