"""Pies, rings and radar charts."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from producers.tools.charts.configuration import ChartConfiguration
from producers.tools.charts.look import (
    FAMILY,
    Colour,
    Theme,
    colours_of,
    line_colour,
    number_text,
    readable,
)

WRITTEN_FROM = 0.045
"""Smaller shares have no percentage written on them."""


def pie(axes: Axes, chart: ChartConfiguration, theme: Theme) -> list[Any]:
    """Slices from the top, clockwise; of several datasets each is a ring of its own."""
    hole = float(chart.options.cutout.rstrip("%")) / 100 if chart.type == "doughnut" else 0.0
    sets = chart.data.datasets
    ring = (1 - hole) / len(sets)
    names = [readable(name, 32) for name in chart.data.names]
    handles: list[Any] = []
    for number, one in enumerate(sets):
        outer, total = 1 - number * ring, sum(one.values)
        colours = colours_of(one, number, len(one.data), each=True)
        axes.pie(
            one.values,
            radius=outer,
            startangle=90,
            counterclock=False,
            colors=colours,
            wedgeprops={"width": ring, "edgecolor": theme.paper, "linewidth": 2},
        )
        _write_shares(axes, [value / total for value in one.values], outer - ring / 2, colours)
        if number == 0:
            texts = [
                f"{name}   {number_text(value)}" if len(sets) == 1 else name
                for name, value in zip(names, one.values, strict=True)
            ]
            handles = [Patch(facecolor=c, label=t) for c, t in zip(colours, texts, strict=True)]
    axes.set(xlim=(-1.04, 1.04), ylim=(-1.04, 1.04))
    if chart.type == "doughnut" and len(sets) == 1 and hole >= 0.4:
        _write_total(axes, sum(sets[0].values), theme)
    return handles


def _write_shares(axes: Axes, shares: list[float], radius: float, colours: list[Colour]) -> None:
    start = 0.0
    for share, colour in zip(shares, colours, strict=True):
        angle = math.tau * (start + share / 2)
        start += share
        if share < WRITTEN_FROM:
            continue
        # A whole pie's letters stand a little further out, where its slices are wide.
        place = radius * (1.24 if radius <= 0.5 and len(shares) > 1 else 1)
        axes.text(
            place * math.sin(angle),
            place * math.cos(angle),
            f"{share:.0%}",
            color=_on(colour),
            ha="center",
            va="center",
            fontsize=11,
            fontweight="bold",
            fontfamily=FAMILY,
        )


def _write_total(axes: Axes, total: float, theme: Theme) -> None:
    style: dict[str, Any] = {"ha": "center", "fontfamily": FAMILY}
    axes.text(0, 0.03, number_text(total), color=theme.ink, fontsize=22, weight="bold", **style)
    axes.text(0, -0.14, "total", color=theme.soft, fontsize=11, **style)


def _on(colour: Colour) -> str:
    """Letters that can be read on it."""
    red, green, blue = to_rgb(colour)
    return "#1b2030" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.6 else "#ffffff"


def radar(axes: Axes, chart: ChartConfiguration, theme: Theme) -> list[Any]:
    """A closed line for each dataset, around spokes that begin at the top."""
    assert isinstance(axes, PolarAxes)  # noqa: S101  # as the figure was asked
    names = [readable(name, 24) for name in chart.data.names]
    angles = [math.tau * index / len(names) for index in range(len(names))]
    handles = []
    for number, one in enumerate(chart.data.datasets):
        values = [0.0 if math.isnan(value) else value for value in one.values]
        around, closed = [*angles, angles[0]], [*values, values[0]]
        colour = line_colour(one, number)
        (line,) = axes.plot(
            around,
            closed,
            color=colour,
            linewidth=2.2,
            marker="o",
            markersize=5,
            label=readable(one.label, 40) if one.label else "_",
            zorder=4,
        )
        axes.fill(around, closed, color=colour, alpha=0.18, zorder=3)
        handles.append(line)
    _spokes(axes, angles, names, theme)
    _rings(axes, chart, theme)
    return handles


def _spokes(axes: PolarAxes, angles: list[float], names: list[str], theme: Theme) -> None:
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_xticks(angles, labels=names)
    for angle, text in zip(angles, axes.get_xticklabels(), strict=True):
        side = math.sin(angle)
        text.set_horizontalalignment(
            "center" if abs(side) < 0.1 else "left" if side > 0 else "right"
        )
        text.set_parse_math(False)
    axes.tick_params(axis="x", colors=theme.ink, labelsize=11, labelfontfamily=FAMILY, pad=6)


def _rings(axes: PolarAxes, chart: ChartConfiguration, theme: Theme) -> None:
    scale = chart.options.scales.r
    low, high = axes.get_ylim()
    values = [v for one in chart.data.datasets for v in one.values if not math.isnan(v)]
    low = min([0.0, *values]) if scale.min is None else scale.min
    high = high if scale.max is None else scale.max
    if scale.suggestedMax is not None:
        high = max(high, scale.suggestedMax)
    axes.set_ylim(low, high if high > low else low + 1)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
    axes.tick_params(axis="y", colors=theme.soft, labelsize=9, labelfontfamily=FAMILY)
    axes.grid(color=theme.grid, linewidth=1)
    axes.spines["polar"].set_color(theme.grid)
