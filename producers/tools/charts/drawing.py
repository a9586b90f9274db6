"""From a chart's configuration to the bytes of a PNG. All threads may draw."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from producers.tools.charts import cartesian, circular
from producers.tools.charts.configuration import ROUND, ChartConfiguration
from producers.tools.charts.look import FAMILY, THEMES, Theme, readable

DPI = 100
_DRAWING = threading.Lock()
"""matplotlib's caches of letters are not made for several threads at a time."""

PLACES: dict[str, Any] = {
    "top": "outside upper center",
    "bottom": "outside lower center",
    "left": "outside left upper",
    "right": "outside right upper",
}
MAX_IN_LEGEND = 24


def drawn(chart: ChartConfiguration, size: tuple[int, int], theme: str = "light") -> bytes:
    """The chart as a PNG of this size in pixels."""
    with _DRAWING:
        return _drawn(chart, size, THEMES[theme])


def _drawn(chart: ChartConfiguration, size: tuple[int, int], theme: Theme) -> bytes:
    scale = max(0.6, min(size) / 600)
    dpi = DPI * scale
    figure = Figure(
        figsize=(size[0] / dpi, size[1] / dpi),
        dpi=dpi,
        facecolor=theme.paper,
        layout=ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.14),
    )
    FigureCanvasAgg(figure)
    polar = chart.type == "radar"
    axes: Axes = figure.add_subplot(projection="polar" if polar else None, facecolor=theme.paper)
    handles = _painter(chart)(axes, chart, theme)
    _head(figure, chart, theme)
    _legend(figure, chart, theme, handles)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor=theme.paper)
    return buffer.getvalue()


def _painter(chart: ChartConfiguration) -> Callable[[Any, ChartConfiguration, Theme], list[Any]]:
    if chart.type in ROUND:
        return circular.pie
    return circular.radar if chart.type == "radar" else cartesian.paint


def _head(figure: Figure, chart: ChartConfiguration, theme: Theme) -> None:
    if not chart.options.heading:
        return
    most = max(20, round(figure.get_figwidth() * 11))
    figure.suptitle(
        readable(chart.options.heading, most),
        color=theme.ink,
        fontsize=15,
        fontweight="bold",
        fontfamily=FAMILY,
        parse_math=False,
    )


def _legend(figure: Figure, chart: ChartConfiguration, theme: Theme, handles: list[Any]) -> None:
    legend = chart.options.plugins.legend
    named = [handle for handle in handles if not str(handle.get_label()).startswith("_")]
    if not named or (legend is not None and not legend.display):
        return
    if legend is None and len(named) < 2:
        return
    place = legend.position if legend else "right" if chart.type in ROUND else "top"
    columns = 1 if place in {"left", "right"} else min(len(named), 5)
    made = figure.legend(
        handles=named[:MAX_IN_LEGEND],
        loc=PLACES[place],
        ncols=columns,
        frameon=False,
        fontsize=10,
        labelcolor=theme.ink,
        handlelength=1.1,
        handleheight=1.1,
    )
    for text in made.get_texts():
        text.set_fontfamily(FAMILY)
        text.set_parse_math(False)
