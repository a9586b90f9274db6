"""From a chart's configuration to the bytes of a PNG. All threads may draw."""

from __future__ import annotations

import io
import textwrap
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
    "bottom": "outside lower center",
    "left": "outside left center",
    "right": "outside right center",
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
    _legend(axes, chart, theme, handles)
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
    # So many letters go into a line; of more than two lines the rest is cut.
    most = max(16, round(figure.get_figwidth() * 7.5))
    lines = textwrap.wrap(readable(chart.options.heading, 400), most)
    figure.suptitle(
        "\n".join(lines[:2]) + ("…" if len(lines) > 2 else ""),
        color=theme.ink,
        fontsize=15,
        fontweight="bold",
        fontfamily=FAMILY,
        parse_math=False,
    )


def _legend(axes: Axes, chart: ChartConfiguration, theme: Theme, handles: list[Any]) -> None:
    place = _place(chart, handles)
    if place is None:
        return
    columns = 1 if place in {"left", "right"} else min(len(handles), 5)
    # Above the axes it belongs to them, and so stays below the title.
    above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.13 if chart.type == "radar" else 1)}
    made = (axes if place == "top" else axes.get_figure(root=True)).legend(  # type: ignore[union-attr]  # it has one
        handles=[handle for handle in handles if _is_named(handle)][:MAX_IN_LEGEND],
        **(above if place == "top" else {"loc": PLACES[place]}),
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


def _place(chart: ChartConfiguration, handles: list[Any]) -> str | None:
    """Where the legend goes; one name alone has none, unless it is asked for."""
    legend = chart.options.plugins.legend
    named = sum(_is_named(handle) for handle in handles)
    if not named or (legend is None and named < 2) or (legend is not None and not legend.display):
        return None
    if legend is not None and "position" in legend.model_fields_set:
        return legend.position
    return "right" if chart.type in ROUND else "bottom" if chart.type == "radar" else "top"


def _is_named(handle: Any) -> bool:
    return not str(handle.get_label()).startswith("_")
