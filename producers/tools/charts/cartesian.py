"""Bars, lines and points between two axes."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from producers.tools.charts.configuration import ChartConfiguration
from producers.tools.charts.curves import eased
from producers.tools.charts.look import (
    FAMILY,
    Theme,
    colours_of,
    line_colour,
    number_text,
    readable,
)
from producers.tools.charts.rulers import rule
from producers.tools.charts.values import Dataset, Point

BAR_ROOM = 0.78
VALUES_UP_TO = 14
"""So many bars have their values written on them."""


def paint(axes: Axes, chart: ChartConfiguration, theme: Theme) -> list[Any]:
    """Draw it; returns what the legend shows."""
    upright = chart.options.indexAxis == "x"
    handles = [*_bars(axes, chart, theme, upright=upright), *_lines(axes, chart, theme)]
    rule(axes, chart, theme, upright=upright)
    return handles


def _kind(chart: ChartConfiguration, dataset: Dataset) -> str:
    return dataset.type or chart.type


def _stacked(chart: ChartConfiguration) -> bool:
    scales = chart.options.scales
    return chart.options.stacked or scales.x.stacked or scales.y.stacked


def _bars(axes: Axes, chart: ChartConfiguration, theme: Theme, *, upright: bool) -> list[Any]:
    sets = chart.data.datasets
    bars = [(number, one) for number, one in enumerate(sets) if _kind(chart, one) == "bar"]
    if not bars:
        return []
    stacked, count = _stacked(chart), len(chart.data.labels)
    groups = list(dict.fromkeys(one.stack if stacked else number for number, one in bars))
    width = BAR_ROOM / len(groups)
    ends: dict[Any, list[tuple[float, float]]] = defaultdict(lambda: [(0.0, 0.0)] * count)
    handles = []
    for number, one in bars:
        group = one.stack if stacked else number
        shift = (groups.index(group) - (len(groups) - 1) / 2) * width
        values = [0.0 if math.isnan(value) else value for value in one.values]
        before = ends[group]
        starts = [
            (up if value >= 0 else down) if stacked else 0.0
            for value, (up, down) in zip(values, before, strict=True)
        ]
        ends[group] = [
            (up + max(value, 0), down + min(value, 0))
            for value, (up, down) in zip(values, before, strict=True)
        ]
        places = [index + shift for index in range(count)]
        colours = colours_of(one, number, count, each=False)
        thick = width * (0.92 if len(groups) > 1 else 1)
        draw = _draw_upright if upright else _draw_lying
        drawn = draw(axes, places, values, thick, starts, colours, theme)
        handles.append(Patch(facecolor=colours[0], label=_name(one)))
        if not stacked and count * len(bars) <= VALUES_UP_TO:
            _write_values(axes, drawn, one, theme)
            axes.margins(0.0 if upright else 0.1, 0.1 if upright else 0.0)
    return handles


def _draw_upright(axes: Axes, *shape: Any) -> Any:
    places, values, thick, starts, colours, theme = shape
    return axes.bar(
        places,
        values,
        thick,
        bottom=starts,
        color=colours,
        edgecolor=theme.paper,
        linewidth=0.8,
        zorder=3,
    )


def _draw_lying(axes: Axes, *shape: Any) -> Any:
    places, values, thick, starts, colours, theme = shape
    return axes.barh(
        places,
        values,
        thick,
        left=starts,
        color=colours,
        edgecolor=theme.paper,
        linewidth=0.8,
        zorder=3,
    )


def _write_values(axes: Axes, drawn: Any, dataset: Dataset, theme: Theme) -> None:
    texts = ["" if math.isnan(value) else number_text(value) for value in dataset.values]
    axes.bar_label(drawn, texts, padding=3, color=theme.soft, fontsize=9, fontfamily=FAMILY)


def _lines(axes: Axes, chart: ChartConfiguration, theme: Theme) -> list[Any]:
    handles: list[Any] = []
    stacked = chart.type == "line" and _stacked(chart)
    base = [0.0] * len(chart.data.labels)
    for number, one in enumerate(chart.data.datasets):
        kind = _kind(chart, one)
        if kind == "scatter":
            handles.append(_points(axes, one, number, theme))
        elif kind == "line":
            y = one.values
            below: list[float] | float = 0.0
            if stacked and not one.of_points:
                below, y = base, [a + b for a, b in zip(base, y, strict=True)]
                base = [a if math.isnan(b) else b for a, b in zip(base, y, strict=True)]
            handles.append(_line(axes, one, number, y, below))
    return handles


def _points(axes: Axes, dataset: Dataset, number: int, theme: Theme) -> Any:
    points = [one for one in dataset.data if isinstance(one, Point)]
    radius = 4.0 if dataset.pointRadius is None else dataset.pointRadius
    x, y = [one.x for one in points], [one.y for one in points]
    if dataset.showLine:
        axes.plot(x, y, color=line_colour(dataset, number), linewidth=2, zorder=3)
    return axes.scatter(
        x,
        y,
        s=(radius * 2) ** 2,
        c=colours_of(dataset, number, len(points), each=False),
        alpha=0.8,
        edgecolors=theme.paper,
        linewidths=0.6,
        label=_name(dataset),
        zorder=4,
    )


def _line(
    axes: Axes, dataset: Dataset, number: int, y: list[float], below: list[float] | float
) -> Any:
    x = [one.x if isinstance(one, Point) else index for index, one in enumerate(dataset.data)]
    colour = line_colour(dataset, number)
    radius = dataset.pointRadius
    if radius is None:
        radius = 3.0 if len(y) <= 40 else 0.0
    over, up = eased(x, y, dataset.tension)
    (made,) = axes.plot(
        over,
        up,
        color=colour,
        linewidth=2.2 if dataset.borderWidth is None else dataset.borderWidth,
        solid_capstyle="round",
        label=_name(dataset),
        zorder=4,
    )
    if radius:
        axes.plot(x, y, "o", markersize=radius * 2, color=colour, zorder=5)
    if dataset.fill:
        floor = below
        # Above a line with a gap, which is straight, the one below it is taken straight, too.
        if not isinstance(below, float) and len(over) > len(x):
            floor = eased(x, below, dataset.tension)[1]
        axes.fill_between(over, up, floor, color=colour, alpha=0.22, linewidth=0, zorder=2)
    return made


def _name(dataset: Dataset) -> str:
    return readable(dataset.label, 40) if dataset.label else "_"
