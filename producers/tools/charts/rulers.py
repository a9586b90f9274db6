"""The two axes: their scales, grid, labels and titles."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.axis import Axis as Ruler
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from producers.tools.charts.configuration import ChartConfiguration
from producers.tools.charts.look import FAMILY, Theme, number_text, readable
from producers.tools.charts.options import Axis

MAX_LABELS = 24


def rule(axes: Axes, chart: ChartConfiguration, theme: Theme, *, upright: bool) -> None:
    """Draw them, and the grid; ``upright``: the labels stand below."""
    scales = chart.options.scales
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(theme.grid)
    axes.tick_params(colors=theme.soft, labelsize=10, length=0, labelfontfamily=FAMILY)
    named = not chart.data.datasets[0].of_points
    named_ruler, other = (axes.xaxis, axes.yaxis) if upright else (axes.yaxis, axes.xaxis)
    for ruler, axis in ((axes.xaxis, scales.x), (axes.yaxis, scales.y)):
        _title(ruler, axis, theme)
        ruler.set_visible(axis.display)
        if not (named and ruler is named_ruler):
            _scale(axes, ruler, axis)
            ruler.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
    axes.grid(axis="y" if other is axes.yaxis else "x", color=theme.grid, linewidth=1, zorder=0)
    if named:
        _names(axes, chart, named_ruler, upright=upright)
    else:
        axes.grid(color=theme.grid, linewidth=1, zorder=0)


def _scale(axes: Axes, ruler: Ruler, axis: Axis) -> None:
    across = ruler is axes.xaxis
    if axis.type == "logarithmic":
        (axes.set_xscale if across else axes.set_yscale)("log", nonpositive="clip")
        ruler.set_minor_locator(NullLocator())
    else:
        ruler.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    low, high = axes.get_xlim() if across else axes.get_ylim()
    if axis.beginAtZero and axis.type != "logarithmic":
        low, high = min(low, 0), max(high, 0)
    if axis.suggestedMin is not None:
        low = min(low, axis.suggestedMin)
    if axis.suggestedMax is not None:
        high = max(high, axis.suggestedMax)
    low = low if axis.min is None else axis.min
    high = high if axis.max is None else axis.max
    if low < high:
        (axes.set_xlim if across else axes.set_ylim)(low, high)


def _names(axes: Axes, chart: ChartConfiguration, ruler: Ruler, *, upright: bool) -> None:
    names = [readable(name, 24) for name in chart.data.names]
    step = max(1, math.ceil(len(names) / MAX_LABELS))
    ruler.set_ticks(range(0, len(names), step), labels=names[::step])
    longest = max((len(name) for name in names[::step]), default=0)
    for text in ruler.get_ticklabels():
        text.set_parse_math(False)
        if upright and longest * len(names[::step]) > 90:
            text.set_rotation(35)
            text.set_horizontalalignment("right")
            text.set_rotation_mode("anchor")
    bars = any((one.type or chart.type) == "bar" for one in chart.data.datasets)
    margin = 0.55 if bars or len(names) == 1 else 0.02 * len(names)
    ends = (-margin, len(names) - 1 + margin)
    if upright:
        axes.set_xlim(*ends)
    else:
        axes.set_ylim(ends[1], ends[0])


def _title(ruler: Ruler, axis: Axis, theme: Theme) -> None:
    if axis.title is not None and axis.title.shown:
        ruler.set_label_text(
            readable(axis.title.shown, 80),
            color=theme.soft,
            fontsize=11,
            fontfamily=FAMILY,
            parse_math=False,
        )
