"""`run`: call a function of a packfile."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from packfile import machine
from packfile.cli.arguments import Target, target_of, values_of
from packfile.cli.commands import FOUND_WANTING, command, counted, json_option, outcome_json, tier_option
from packfile.cli.sources import STANDARD_INPUT, opened
from packfile.cli.terminal import Json, complain, document, write
from packfile.cli.tracing import Tracing, located
from packfile.errors import PackfileError
from packfile.hostlib import HostLibrary, float_text
from packfile.image import Image, Stats
from packfile.layout import MAX_DEPTH, MAX_FUEL
from packfile.process import TRANSLATE_AFTER, Process, Results

_HOST = "host"
_AMOUNT = click.IntRange(0, MAX_FUEL)

with_option = click.option(
    "--with", "others", metavar="[NAME=]FILE", multiple=True, help="Link another module as well."
)
name_option = click.option(
    "--name", metavar="NAME", help="Name that FILE is linked under.  [default: its own, without suffix]"
)
fuel_option = click.option(
    "--fuel", type=_AMOUNT, default=MAX_FUEL, metavar="N", help="Calls and backward branches it may make."
)
depth_option = click.option("--depth", type=_AMOUNT, default=MAX_DEPTH, metavar="N", help="Frames it may have at once.")
no_digests_option = click.option("--no-digests", is_flag=True, help="Run a file that has digests as if it had none.")


@command(
    "run",
    "packfile run hello.pka",
    "packfile run fib.pkf --function fib 20",
    "packfile run shapes_main.pka --with shapes_lib.pka",
    "packfile run plugin_main.pka --with plugin=plugin.pka",
    "packfile run fib.pkf --function fib 3 --trace --stats",
    "packfile run fib.pkf --function fib 10 --fuel 1000000 --depth 100 --json",
    negative_numbers=True,
)
@click.argument("file", metavar="FILE")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--function", metavar="NAME", help="Call the function exported under this name, not the entry function.")
@with_option
@name_option
@fuel_option
@depth_option
@click.option("--trace", is_flag=True, help="Show each instruction on standard error before it is executed.")
@no_digests_option
@click.option("--stats", "with_stats", is_flag=True, help="Show on standard error what the loader did.")
@tier_option("auto")
@json_option
def run(
    file: str,
    arguments: tuple[str, ...],
    function: str | None,
    others: tuple[str, ...],
    name: str | None,
    fuel: int,
    depth: int,
    trace: bool,
    no_digests: bool,
    with_stats: bool,
    translate_after: int,
    as_json: bool,
) -> None:
    """Link a packfile and call a function of it.

    That is the entry function, or --function. ARGS are its integers, then its floats, as its signature says: 42, -7,
    0xff; 2.5, -inf, nan, 0x1.8p3. Results are printed one a line, integers first.

    Modules are linked in the order FILE, each --with, and the module `host`, with which programs print (unless another
    has that name). A module's name is that of its file without suffix, or NAME.
    """
    with ExitStack() as stack:
        entries = entries_of(file, name, others, stack, partial(Image.open, digests=not no_digests))
        main_name, image = entries[0]
        target = target_of(image, function)
        i, n = values_of(arguments, target)
        captured = io.BytesIO()
        output = captured if as_json else sys.stdout.buffer
        host = HostLibrary(output, by_line=sys.stdout.isatty() or trace)
        call = Call(entries, host, target, i, n)
        tracing = Tracing(sys.stderr) if trace else None
        call.make(main_name, fuel, depth, tracing, translate_after)
        if as_json:
            document(call.json(file, fuel, captured.getvalue().decode("utf-8", "backslashreplace")))
        elif call.results is not None:
            if not host.at_line_start:
                write("")
            for text in (*map(str, call.results.i), *map(float_text, call.results.n)):
                write(text)
        sys.stdout.flush()
        if call.error is not None:
            complain(str(call.error), *call.explanation())
        if with_stats:
            complain(*_stats_lines(entries, call.fuel_used(fuel), call.translated))
    if call.error is not None:
        raise click.exceptions.Exit(FOUND_WANTING)


def entries_of(
    file: str, name: str | None, others: Sequence[str], stack: ExitStack, open_image: Callable[[str], Image]
) -> list[tuple[str, Image]]:
    """Names and images of all modules, open until the stack is closed."""
    entries = [(name or _name_of(file), stack.enter_context(opened(file, open_image)))]
    for other in others:
        stated, equals, path = other.partition("=")
        if not equals or "/" in stated:
            stated, path = "", other
        entries.append((stated or _name_of(path), stack.enter_context(opened(path, open_image))))
    return entries


def _name_of(file: str) -> str:
    return "main" if file == STANDARD_INPUT else Path(file).stem


class Call:
    """The one call of a run, and what became of it."""

    def __init__(
        self, entries: list[tuple[str, Image]], host: HostLibrary, target: Target, i: list[int], n: list[float]
    ) -> None:
        self.entries = entries
        self.host = host
        self.target = target
        self.i, self.n = i, n
        self.results: Results | None = None
        self.error: PackfileError | None = None
        self.translated = 0

    def make(
        self,
        module: str,
        fuel: int,
        depth: int,
        trace: machine.Tracer | None,
        translate_after: int = TRANSLATE_AFTER,
        linked: Callable[[], bool] = lambda: True,
        called: Callable[[], None] = lambda: None,
    ) -> None:
        """Link, and call if `linked` then says so; `called` is told when the call ended, however it did."""
        names = [name for name, _ in self.entries]
        hosts = [] if _HOST in names else [(_HOST, self.host.module)]
        try:
            with Process([*self.entries, *hosts], translate_after=translate_after) as process:
                self.host.attach(process, names)
                if linked():
                    try:
                        self.results = process.invoke(
                            module, self.target.name, self.i, self.n, fuel=fuel, depth=depth, trace=trace
                        )
                    finally:
                        self.translated = process.functions_translated
                        called()
        except PackfileError as error:
            self.error = error

    def explanation(self, option: str = "--function") -> list[str]:
        """Where in the code it ended, or what there is to call instead, by the option that names it."""
        assert self.error is not None
        found = located(self.error, self.entries)
        if found is not None:
            return [
                f"    in {found.function} (function {found.function_index}), word {found.word}: {found.instruction}"
            ]
        if self.error.rule in ("PF-EXE-017", "PF-EXE-019"):
            exported = self.target.exported()
            listed = f"it exports {', '.join(exported)}" if exported else "it exports no function"
            return [f"    {option} names what to call; {listed}"]
        return []

    def fuel_used(self, fuel: int) -> int | None:
        """What it used of its fuel, if it returned."""
        return None if self.results is None else fuel - self.results.fuel

    def json(self, file: str, fuel: int, output: str) -> Json:
        """The call for scripts. Its keys are always the same."""
        found = None if self.error is None else located(self.error, self.entries)
        outcome = {"outcome": "ok"} if self.error is None else outcome_json(self.error)
        return {
            "file": file,
            "function": self.target.name,
            "outcome": outcome["outcome"],
            "results": None if self.results is None else results_json(self.results),
            "output": output,
            "error": None if self.error is None else outcome | {"in": None if found is None else found._asdict()},
            "fuel_used": self.fuel_used(fuel),
            "functions_translated": self.translated,
            "stats": {name: vars(image.stats) for name, image in self.entries},
        }


def results_json(results: Results) -> Json:
    """Numbers as texts, since JSON readers round; a float also by its bits, as in the adapter protocol."""
    integers = [{"type": "i", "value": str(x)} for x in results.i]
    return [*integers, *({"type": "n", "value": float_text(x), "bits": struct.pack(">d", x).hex()} for x in results.n)]


def _stats_lines(entries: list[tuple[str, Image]], fuel_used: int | None, translated: int) -> list[str]:
    lines = [f"{name}: {_stats_text(image.stats)}" for name, image in entries]
    if translated:
        lines.append(f"{counted(translated, 'hot function')} translated")
    return lines if fuel_used is None else [*lines, f"fuel used: {fuel_used}"]


def _stats_text(stats: Stats) -> str:
    checked = f", {counted(stats.blocks_checked, 'block')} checked" if stats.blocks_checked else ""
    return (
        f"{stats.mapped} bytes mapped, {stats.copied} copied, {stats.swapped} swapped; "
        f"{counted(stats.functions_verified, 'function')} of {counted(stats.verified, 'word')} verified, "
        f"{counted(stats.rows_read, 'row')} read{checked}"
    )
