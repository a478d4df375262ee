"""`map`: a picture of the pages that a run touches."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from packfile.cli import map_files
from packfile.cli.arguments import Target, target_of, values_of
from packfile.cli.commands import FOUND_WANTING, command, json_option, outcome_json
from packfile.cli.kernel import Observer, SplitImage
from packfile.cli.map_text import show_map
from packfile.cli.page_map import STEPS, Look, PageMap, look_at, module_map
from packfile.cli.running import (
    Call,
    depth_option,
    entries_of,
    fuel_option,
    name_option,
    no_digests_option,
    results_json,
    with_option,
)
from packfile.cli.sources import UsageFailure, shown
from packfile.cli.terminal import Json, complain, document
from packfile.cli.watching import PAGE, Watch, WatchedHost, WatchedImage
from packfile.cli.writing import replace_file
from packfile.hostlib import float_text
from packfile.image import Image

_BY_LOADER = "as the loader noted what it read; the kernel was not asked"
_NEIGHBOURS = "as the kernel has them mapped; it maps neighbours of a page along with it"
_SINGLE = "as the kernel has them mapped, page by page"
_WINDOWS = "as the kernel has them mapped, in windows of {} pages"


@command(
    "map",
    "packfile map fib.pkf",
    "packfile map fib.pkf --call fib 20",
    "packfile map shapes_main.pka --with shapes_lib.pka --svg shapes.svg --html shapes.html",
    "packfile map fib.pkf --by loader --json",
    negative_numbers=True,
)
@click.argument("file", metavar="FILE")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--call", "function", metavar="NAME", help="Call this export, not the entry function.")
@with_option
@name_option
@fuel_option
@depth_option
@no_digests_option
@click.option(
    "--by",
    type=click.Choice(["kernel", "loader"]),
    default="kernel",
    show_default=True,
    help="Whose word it is which pages were touched.",
)
@click.option("--neighbours", is_flag=True, help="Let the kernel also map neighbours of what is touched, as usual.")
@click.option("--svg", metavar="OUT", help="Write the picture as SVG.")
@click.option("--png", metavar="OUT", help="Write the picture as PNG.")
@click.option("--html", metavar="OUT", help="Write a page with the picture after each step.")
@json_option
def map(  # noqa: A001 - the name of the command
    file: str,
    arguments: tuple[str, ...],
    function: str | None,
    others: tuple[str, ...],
    name: str | None,
    fuel: int,
    depth: int,
    no_digests: bool,
    by: str,
    neighbours: bool,
    svg: str | None,
    png: str | None,
    html: str | None,
    as_json: bool,
) -> None:
    """Show which pages of a file a run touches.

    Opens FILE, links it and calls a function, as `packfile run` does, and shows section by section which pages each
    step was the first to touch. Without --call that is the entry function; if there is none, nothing is called. What
    the program prints is dropped.
    """
    if neighbours and by == "loader":
        raise UsageFailure("--neighbours shows what the kernel maps, so it cannot be --by loader")
    if png is not None:
        # A run may take long, and what cannot be written after it is better known before.
        map_files.require_pillow()
    with ExitStack() as stack:
        observer = stack.enter_context(Observer()) if by == "kernel" else None
        kind = SplitImage if observer and not neighbours else WatchedImage
        opening = _Opening(function, arguments, partial(kind.open, digests=not no_digests))
        entries = entries_of(file, name, others, stack, opening)
        run = _Run(entries, opening, observer)
        with Path(os.devnull).open("wb") as nowhere:
            call = run.make(WatchedHost(nowhere, run.watch), fuel, depth)
        found = PageMap(
            title=" ".join([shown(file), *([function] if function else []), *arguments]),
            modules=tuple(
                module_map(module, image.name, image, [looks[index] for looks in run.looks])
                for index, (module, image) in enumerate(zip(run.names, run.images, strict=True))
            ),
            steps=len(run.looks),
            method=_BY_LOADER if observer is None else _NEIGHBOURS if neighbours else _exactly(run.images),
            ending=_ending(call, len(run.looks)),
        )
        for output, content_of in ((svg, map_files.svg), (png, map_files.png), (html, map_files.html)):
            if output is not None:
                replace_file(output, content_of(found))
        if as_json:
            document(_json(file, by, found, call))
        else:
            show_map(found)
        if call.error is not None:
            complain(str(call.error), *call.explanation("--call"))
    if call.error is not None:
        raise click.exceptions.Exit(FOUND_WANTING)


class _Opening:
    """Opens the files of a run as watched images.

    Looking for the function that is to be called reads export rows, and would be seen. So that is done in a mapping of
    its own, which is gone before the other is made.
    """

    def __init__(self, function: str | None, arguments: tuple[str, ...], opens: Callable[[str], WatchedImage]) -> None:
        self._function = function
        self._arguments = arguments
        self._opens = opens
        self.target: Target | None = None
        self.i: list[int] = []
        self.n: list[float] = []
        self.calls = True

    def __call__(self, path: str) -> WatchedImage:
        """Open the file at a path; the first is the one that is called."""
        if self.target is None:
            with Image.open(path, digests=False) as image:
                self.target = target_of(image, self._function)
                self.calls = self._function is not None or image.entry is not None
                if self.calls:
                    self.i, self.n = values_of(self._arguments, self.target)
                elif self._arguments:
                    raise UsageFailure("there is no entry function to take arguments; --call names what to call")
        return self._opens(path)


class _Run:
    """Open files that are linked and called, with a look at them after each step."""

    def __init__(self, entries: list[tuple[str, Image]], opening: _Opening, observer: Observer | None) -> None:
        self.names = [name for name, _ in entries]
        self.images = [image for _, image in entries if isinstance(image, WatchedImage)]
        self.watch = Watch()
        self.watch.images = self.images
        self.looks: list[list[Look]] = []
        """What was known of each file after each step."""
        self._entries = entries
        self._opening = opening
        self._observer = observer
        self._look()

    def make(self, host: WatchedHost, fuel: int, depth: int) -> Call:
        """Link, and call what there is to call."""
        assert self._opening.target is not None
        target = replace(self._opening.target, image=self.images[0])
        call = Call(self._entries, host, target, self._opening.i, self._opening.n)
        call.make(self.names[0], fuel, depth, self.watch, linked=self._linked, called=self._look)
        return call

    def _linked(self) -> bool:
        self._look()
        return self._opening.calls

    def _look(self) -> None:
        if self._observer is None:
            self.looks.append([look_at(image, None) for image in self.images])
            return
        mapped = self._observer.look([image.descriptor() for image in self.images])
        self.looks.append([look_at(image, pages) for image, pages in zip(self.images, mapped, strict=True)])


def _exactly(images: list[WatchedImage]) -> str:
    window = max(image.window for image in images if isinstance(image, SplitImage))
    return _SINGLE if window == 1 else _WINDOWS.format(window)


def _ending(call: Call, steps: int) -> str:
    if call.error is not None:
        return f"{'the call' if steps == len(STEPS) else 'the link'} ended: {call.error.outcome}"
    if call.results is None:
        return "nothing was called"
    texts = [str(x) for x in call.results.i] + [float_text(x) for x in call.results.n]
    return f"the call returned {', '.join(texts)}".rstrip()


def _json(file: str, by: str, found: PageMap, call: Call) -> Json:
    """The run for scripts. Its keys are always the same."""
    return {
        "file": file,
        "function": call.target.name,
        "by": by,
        "method": found.method,
        "page": PAGE,
        "steps": list(STEPS[: found.steps]),
        "outcome": "ok" if call.error is None else call.error.outcome,
        "results": None if call.results is None else results_json(call.results),
        "error": None if call.error is None else outcome_json(call.error),
        "modules": [module.json() for module in found.modules],
    }
