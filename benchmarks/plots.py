"""Figures of quantities, as PNG and SVG: lines where something grows, else a dot for each contender.

Needs matplotlib, which is an extra. A figure shows medians, and the range from the least to the greatest behind them.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.group import NotMeasured
from benchmarks.measure import Spread, number
from benchmarks.report import Quantity
from benchmarks.report_text import place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = ("png", "svg")
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A8A")
"""Those of Okabe and Ito, which differ for every kind of sight, but for their yellow, which is too pale for a line."""
_MARKERS = "osD^vPX*"
_LINE_HEIGHT = 0.052
"""Least distance of two labels, as a part of the height of the axes."""
_WIDE = 5
"""From which ratio of the greatest to the least on a scale is logarithmic."""
_RESOLUTION = 150


def require() -> None:
    """Make sure, before anything is measured, that figures can be drawn.

    Raises:
        NotMeasured: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise NotMeasured("--plot needs matplotlib: pip install 'packfile[bench]'")


def draw(quantities: Sequence[Quantity], folder: Path, prefix: str) -> list[Path]:
    """Write a figure of each quantity, or of several with one key, in each format; gives what was written."""
    from matplotlib import rc_context  # noqa: PLC0415 - an extra

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for key, panels in by_key(quantities).items():
        # Without the salt and with a date the same figures would be other files each time.
        with rc_context({"axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "packfile"}):
            figure = _figure(panels)
            for suffix in SUFFIXES:
                path = folder / f"{prefix}-{key}.{suffix}"
                metadata = {"Date": None} if suffix == "svg" else {}
                figure.savefig(path, dpi=_RESOLUTION, bbox_inches="tight", metadata=metadata)
                written.append(path)
    return written


def by_key(quantities: Sequence[Quantity]) -> Mapping[str, list[Quantity]]:
    """Quantities that share a figure, by its name; those without a figure to show are left out."""
    found: dict[str, list[Quantity]] = {}
    for quantity in quantities:
        if quantity.rows:
            found.setdefault(quantity.key, []).append(quantity)
    return found


def _figure(panels: Sequence[Quantity]) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

    grows = len({row.at for row in panels[0].rows}) > 1
    names = list(dict.fromkeys(name for panel in panels for name in panel.contenders))
    width, height = (5.6 * len(panels), 4.6) if grows else (2.2 + 2.6 * len(panels), 1.3 + 0.3 * len(names))
    figure = Figure(figsize=(width, height), layout="constrained")
    first = panels[0]
    figure.suptitle(f"{first.title} ({first.unit})", fontsize=12, x=0.01, ha="left")
    all_axes = figure.subplots(1, len(panels), squeeze=False, sharey=not grows)[0]
    for axes, panel in zip(all_axes, panels, strict=True):
        axes.set_title(panel.panel, fontsize=11)
        if grows:
            _lines(axes, panel)
        else:
            _dots(axes, panel, names)
    return figure


def _lines(axes: "Axes", quantity: Quantity) -> None:
    places = sorted({row.at for row in quantity.rows})
    positive = all(value > 0 for row in quantity.rows for value in row.values)
    axes.set_xscale("log")
    # A quantity that can be zero, such as a number of page faults, is drawn straight below one.
    axes.set_yscale("log") if positive else axes.set_yscale("symlog", linthresh=1)
    axes.set_xticks(places, [place(quantity, at) for at in places], rotation=0 if len(places) < 5 else 30)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(_plain)
    axes.set_xlabel(quantity.at_title)
    axes.set_ylabel(quantity.unit)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    ends: list[tuple[str, float, float, str]] = []
    for name, (colour, marker, dash) in _styles(quantity.contenders).items():
        found = [(at, spread) for at in places if (spread := quantity.spread(name, at)) is not None]
        xs = [at for at, _ in found]
        axes.fill_between(
            xs, [s.least for _, s in found], [s.greatest for _, s in found], color=colour, alpha=0.15, lw=0
        )
        medians = [spread.median for _, spread in found]
        axes.plot(xs, medians, color=colour, marker=marker, markersize=4, linestyle=dash, linewidth=1.4)
        ends.append((name if dash == "-" else f"{name} (dashed)", xs[-1], medians[-1], colour))
    _label(axes, ends)


def _label(axes: "Axes", ends: Sequence[tuple[str, float, float, str]]) -> None:
    """The names of lines beside their ends, moved apart where they would meet."""
    axes.get_ylim()  # only now are the limits settled that the heights depend on
    heights = [axes.transAxes.inverted().transform(axes.transData.transform((x, y)))[1] for _, x, y, _ in ends]
    for (name, x, y, colour), height in zip(ends, apart(heights, _LINE_HEIGHT), strict=True):
        axes.annotate(
            name,
            xy=(x, y),
            xytext=(1.06, height),
            textcoords="axes fraction",
            color=colour,
            fontsize=9,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6, "relpos": (0, 0.5)},
        )


def apart(places: Sequence[float], distance: float) -> list[float]:
    """Places near the given ones, in the same order, no two of which are nearer to each other than a distance."""
    order = sorted(range(len(places)), key=places.__getitem__)
    # Neighbours that are too near form a block around the mean of what they want; blocks that meet become one.
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        while len(blocks) > 1 and _low(places, blocks[-1], distance) - _high(places, blocks[-2], distance) < distance:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    moved = [0.0] * len(places)
    for block in blocks:
        for above, index in enumerate(block):
            moved[index] = _low(places, block, distance) + above * distance
    return moved


def _low(places: Sequence[float], block: Sequence[int], distance: float) -> float:
    return sum(places[index] for index in block) / len(block) - distance * (len(block) - 1) / 2


def _high(places: Sequence[float], block: Sequence[int], distance: float) -> float:
    return _low(places, block, distance) + distance * (len(block) - 1)


def _dots(axes: "Axes", quantity: Quantity, names: Sequence[str]) -> None:
    known = dict(_spreads(quantity))
    least = min(spread.least for spread in known.values())
    greatest = max(spread.greatest for spread in known.values())
    if least > 0 and greatest / least > _WIDE:
        axes.set_xscale("log")
        axes.margins(x=0.35)
    else:
        axes.set_xlim(min(0, least), 1.25 * greatest)
    axes.xaxis.set_major_formatter(_plain)
    axes.xaxis.set_minor_formatter("")
    axes.tick_params(axis="x", labelsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    for y, (name, (colour, marker, _)) in enumerate(_styles(names).items()):
        if name in known:
            spread = known[name]
            axes.plot([spread.least, spread.greatest], [y, y], color=colour, linewidth=3, alpha=0.35)
            axes.plot([spread.median], [y], color=colour, marker=marker, markersize=6)
            label = number(spread.median)
            axes.annotate(
                label,
                (spread.median, y),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=colour,
            )


def _plain(value: float, _position: float) -> str:
    return number(value)


def _spreads(quantity: Quantity) -> Iterator[tuple[str, Spread]]:
    for row in quantity.rows:
        if row.values:
            yield row.contender, Spread.of(row.values)


def _styles(names: Sequence[str]) -> Mapping[str, tuple[str, str, str]]:
    """Colour, marker and dashes of each contender: two that differ in what follows a comma differ in dashes alone."""
    heads = list(dict.fromkeys(name.partition(",")[0] for name in names))
    looks = dict(zip(heads, itertools.cycle(zip(_COLOURS, _MARKERS, strict=True)), strict=False))
    styles = {}
    seen: dict[str, int] = {}
    for name in names:
        head = name.partition(",")[0]
        styles[name] = (*looks[head], "-" if seen.setdefault(head, 0) == 0 else "--")
        seen[head] += 1
    return styles
